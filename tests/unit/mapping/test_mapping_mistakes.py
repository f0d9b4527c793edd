"""What the loader says about files with mistakes: all of them, each with its place, the nearest right name, what to write."""

from __future__ import annotations

import pytest

from bridge.core.errors import MappingError
from bridge.core.mapping import excerpt, load, load_with_warnings
from bridge.core.ports import Traits

HEAD = "stream: s\ncrm: companies\nassembly: accounts\n"


def told(text: str, **others: str) -> list[str]:
    with pytest.raises(MappingError) as caught:
        load({"s.yaml": text} | {f"{name}.yaml": other for name, other in others.items()})
    assert all(mistake.line and mistake.column for mistake in caught.value.mistakes)
    return [str(mistake) for mistake in caught.value.mistakes]


def field(rule: str) -> list[str]:
    return told(f"{HEAD}fields:\n  f: {{{rule}}}\n")


@pytest.mark.parametrize(
    ("rule", "place", "words"),
    [
        ("crm: a, assembly: b, requird: true", "5:28", "no field key `requird`. Did you mean `required`?"),
        ("crm: a, assembly: b, as: domian", "5:32", "no codec `domian`. Did you mean `domain`?"),
        ("crm: a, assembly: b, as: [trim, {lable: Tier}]", "5:40", "no codec `lable`. Did you mean `label`?"),
        ("crm: a, assembly: b, as: {label: Teir}", "5:40", "`Teir` is no label type of Assembly. Did you mean `Tier`?"),
        ("crm: a, assembly: b, as: {label: {type: Tier, colour: red}}", "5:53", "Did you mean `color`?"),
        ("crm: a, assembly: b, as: {link: t}", "5:39", "there is no stream `t`. Write one of: s."),
        ("crm: a, assembly: b, as: values", "5:32", "`values` needs to be told more. For example `as: {values:"),
        ("crm: a, assembly: b, as: {trim: 5}", "5:39", "the codec `trim` takes no argument. Write `as: trim`."),
        ("crm: a, assembly: b, as: {cut: 5, lower: 1}", "5:41", "two codecs in one step. Write a list"),
        ("crm: a, assembly: b, as: {cut: 5, colour: 1}", "5:41", "`colour` does not belong to the codec `cut`"),
        ("crm: a, assembly: b, as: {values: {a: 1}, default: {to_crm: z}}", "5:58", "must be one of the mapped values"),
        ("crm: a, assembly: b, as: {values: {a: [1]}}", "5:45", "a list stands where one value belongs"),
        ("crm: a, assembly: b, as: {template: crm}", "5:43", "a template holds `{}` once"),
        ("crm: a, assembly: b, as: {each: [first_of_list, trim]}", "5:39", "cannot run both ways in this order"),
        ("crm: a, assembly: b, as: [first_of_list, trim]", "5:32", "cannot run both ways in this order"),
        ("crm: a, assembly: b, as: [lower, {values: {Big: B}}]", "5:3", 'value map\'s "Big" can never be reached'),
        ("crm: a, assembly: b, default: {to_assembly: X}", "5:3", "an empty value is written to crm"),
        ("crm: [a, b], assembly: b", "5:6", "several paths need `name` first"),
        ("crm: [a, b], assembly: b, as: domain", "5:37", "several paths need `name` first"),
        ('crm: a, assembly: b, as: {name: " "}', "5:32", "`name` joins several paths"),
        ("crm: a, assembly: [b, c]", "5:25", "only the left side may list several plain paths"),
        ("crm: a b, assembly: b", "5:13", "the path 'a b' cannot be read"),
        ('crm: "a b", assembly: b', "5:14", "the path 'a b' cannot be read"),
        ("crm: a., assembly: b", "5:14", "a key is missing at the end"),
        ("crm: 'a[first]', assembly: b", "5:14", "a bracket holds a position"),
        ("crm: a", "5:3", "the field `f` needs a value on both sides"),
        ("constant: 1, crm: a, assembly: b", "5:17", "a constant is written to one side"),
        ("constant: 1", "5:17", "a constant is written to one side"),
        ("crm: a, from_crm: record.a, assembly: b", "5:25", "crm has a path and an expression"),
        ("from_crm: record.a, from_assembly: record.b", "5:3", "`f` has nowhere to be written"),
        ("from_crm: record.a, assembly: b, direction: both", "5:51", "an expression or constant runs one way only"),
        ("from_crm: record.a, assembly: b, direction: to_crm", "5:51", "Write `direction: to_assembly`"),
        ("from_crm: recrd.a, assembly: b", "5:17", "`recrd` is not known here"),
        ('from_crm: "record.a + lowr(record.b)", assembly: b', "5:29", "Did you mean `lower`?"),
        ("crm: a, assembly: b, when: record.a ==", "5:45", "the expression cannot be read"),
        ("crm: a, assembly: b, parent: {stream: t, path: x}", "5:45", "there is no stream `t`"),
        (
            "crm: a, assembly: b, parent: {stream: s, path: c}",
            "5:54",
            "`s` does not map `c` in assembly. Write one of: b.",
        ),
        ("crm: a, assembly: b, parent: {stream: s}", "5:36", "the parent key `path` is missing"),
        ("crm: a, assembly: b, direction: to_wavo", "5:39", "this stream has no side `wavo`"),
        ("crm: a, assembly: b, conflict: wavo", "5:38", "this stream has no side `wavo`"),
        ("crm: a, wavo: b", "5:15", "this stream has no side `wavo`"),
        ("crm: a, assembly: b, default: {to_wavo: 1}", "5:38", "speaks of a side that this stream does not have"),
        ("crm: a, assembly: b, conflict: newset", "5:38", "Did you mean `newest`?"),
        ("crm: a, assembly: b, required: yes", "5:38", "`yes` cannot stand here"),
        ("crm: a, assembly: b, fill: yes", "5:34", "Write `true` or `false`."),
        (
            "crm: a, assembly: b, required: true, missing: invalid",
            "5:53",
            "makes a value up where `required` asks for one",
        ),
        ("crm: a, assembly: b, echo: {cutt: 3}", "5:35", "no echo rule `cutt`. Did you mean `cut`?"),
        ("crm: a, assembly: b, echo: {cut: 0}", "5:40", "no whole number from 1"),
    ],
)
def test_a_mistake_in_a_field(rule: str, place: str, words: str) -> None:
    assert any(line.startswith(f"s.yaml:{place}: ") and words in line for line in field(rule)), field(rule)


@pytest.mark.parametrize(
    ("lines", "place", "words"),
    [
        ("joins: id", "4:1", "no stream key `joins`. Did you mean `join`?"),
        ("join: 'crm-{di}'", "4:7", "a template that holds {id} once"),
        ("match: [nmae]", "4:9", "no field `nmae` to match by. Did you mean `name`?"),
        ("match: [{field: name, normalise: emial}]", "4:34", "Did you mean `email`?"),
        ("match: [computed]", "4:9", "`computed` cannot be matched by"),
        ("create: [assemby]", "4:10", "`assemby` is no side. Did you mean `assembly`?"),
        ("create: [wavo]", "4:10", "this stream has no side `wavo`"),
        ("delete: {crm: ignore}", "4:10", "no delete rule `crm`. Did you mean `in_crm`?"),
        ("delete: {in_crm: archive}", "4:9", "nothing says how a record is archived in crm"),
        ("on_leave: archive", "4:11", "nothing says how a record is archived in assembly"),
        ("on_leave: {in_wavo: keep}", "4:12", "speaks of a side that this stream does not have"),
        ('where: {crm: "record.status != \'x"}', "4:32", "a quote that is not closed"),
        ("where: {wavo: 'true'}", "4:9", "speaks of a side that this stream does not have"),
        ("archive: {crm: {}}", "4:16", "nothing is listed here"),
        ("conflict: wavo", "4:11", "this stream has no side `wavo`"),
    ],
)
def test_a_mistake_in_a_stream(lines: str, place: str, words: str) -> None:
    fields = "fields:\n  name: {crm: name, assembly: name}\n  computed: {from_crm: record.a, assembly: c}\n"
    found = told(f"{HEAD}{lines}\n{fields}")
    assert any(line.startswith(f"s.yaml:{place}: ") and words in line for line in found), found


def test_all_mistakes_of_all_files_are_told_at_once_in_their_order() -> None:
    text = (
        f"{HEAD}conflict: newset\nfields:\n  a: {{crm: a, assembly: b, as: domian}}\n  b: {{crm: 'x y', assembly: b}}\n"
    )
    places = [line.split(": ")[0] for line in told(text, t="stream: t\ncrm: company\nassembly: accounts\n")]
    assert places == ["s.yaml:4:11", "s.yaml:6:32", "s.yaml:7:14", "s.yaml:7:29", "t.yaml:1:1", "t.yaml:2:6"]


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("crm: a, assembly: b", "crm: c, assembly: b", True),
        ("crm: a, assembly: b", "crm: a, assembly: c", True),
        ("crm: a, assembly: b", "crm: c, assembly: b.x", True),
        ("crm: a, assembly: b.x", "crm: c, assembly: b.y", False),
        ("crm: a, assembly: b", "crm: a, assembly: c, direction: to_assembly", False),
        ("crm: 'a[0]', assembly: b", "crm: 'a[1]', assembly: c", True),
        ('crm: [a, c], assembly: b, as: {name: " "}', "crm: c, assembly: d", True),
    ],
)
def test_two_fields_must_not_write_the_same_place(first: str, second: str, clash: bool) -> None:
    text = f"{HEAD}fields:\n  one: {{{first}}}\n  two: {{{second}}}\n"
    if clash:
        assert any("`two` and `one` write the same place" in line for line in told(text))
    else:
        load({"s.yaml": text})


def test_a_stream_needs_two_sides() -> None:
    assert "this one names crm" in told("stream: s\ncrm: companies\nfields: {a: {crm: a, assembly: b}}\n")[0]
    assert "this one names no system" in told("stream: s\nfields: {a: {crm: a}}\n")[-1]


def test_parents_must_not_go_round_in_a_circle() -> None:
    one = f"{HEAD}fields:\n  x: {{crm: b, assembly: b, as: {{link: t}}}}\n"
    two = (
        "stream: t\ncrm: contacts\nassembly: contacts\nfields:\n  x: {crm: b, assembly: b, as: [{link: {stream: s}}]}\n"
    )
    found = told(one, t=two)
    assert [line.split(": ")[0] for line in found] == ["s.yaml:1:9", "t.yaml:1:9"]
    assert "circle" in found[0]


def test_two_files_must_not_hold_the_same_stream() -> None:
    text = f"{HEAD}fields: {{a: {{crm: a, assembly: b}}}}\n"
    assert told(text, z=text) == ["z.yaml:1:9: the stream `s` is in s.yaml too. Give one of them another name."]


def test_what_a_system_cannot_do_is_told() -> None:
    text = (
        "stream: s\ncrm: activities\nassembly: notes\ncreate: [assembly, crm]\ndelete: {in_crm: delete}\n"
        "fields:\n  a: {crm: a, assembly: b}\n"
    )
    traits = {
        ("crm", "activities"): Traits(creatable=False, updatable=False, deletable=False),
        ("assembly", "notes"): Traits(readable=False, updatable=False),
        ("assembly", "accounts"): Traits(),
    }
    with pytest.raises(MappingError) as caught:
        load({"s.yaml": text}, traits=traits)
    found = str(caught.value)
    for words in ("crm cannot create activities", "crm cannot delete activities", "whose notes cannot be read"):
        assert words in found
    assert "would be changed in crm" in found
    with pytest.raises(MappingError, match=r"crm has no object `companies`. Write one of: activities"):
        load({"s.yaml": f"{HEAD}fields: {{a: {{crm: a, assembly: b}}}}\n"}, traits=traits)


def test_a_good_file_has_no_warnings() -> None:
    assert load_with_warnings({"s.yaml": f"{HEAD}fields: {{a: {{crm: a, assembly: b}}}}\n"})[1] == ()


def test_files_that_are_no_streams_are_left_alone() -> None:
    text = f"{HEAD}fields: {{a: {{crm: a, assembly: b}}}}\n"
    others = {"s_test.yaml": "x: 1", "webhooks.yaml": "x: 1", "schema.json": "{", "notes.txt": "x"}
    assert [stream.name for stream in load({"s.yaml": text} | others).streams] == ["s"]


def test_a_mistake_is_shown_with_its_line_and_a_mark_under_the_place() -> None:
    text = f"{HEAD}fields:\n  f: {{crm: a, assembly: b, as: domian}}\n"
    with pytest.raises(MappingError) as caught:
        load({"s.yaml": text})
    (mistake,) = caught.value.mistakes
    assert excerpt(mistake, text).splitlines()[1:] == [
        "      f: {crm: a, assembly: b, as: domian}",
        "                                   ^",
    ]
    assert excerpt(mistake, "") == str(mistake)
    long = text.replace("{crm: a", "{" + " " * 300 + "crm: a")
    with pytest.raises(MappingError) as caught:
        load({"s.yaml": long})
    _, line, mark = excerpt(caught.value.mistakes[0], long).splitlines()
    assert line[mark.index("^") :].startswith("domian")
    assert len(line) <= 124
