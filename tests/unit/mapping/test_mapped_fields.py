"""One field at a time: what it reads, what it writes, what it asks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.core.errors import LabelMissing, ParentNotLinked, Undecodable
from bridge.core.mapping import load
from bridge.core.mapping.model import Field
from bridge.core.records import ABSENT, End, Link, Lookups, Reference, Shadow, Table

PARENT = (
    "stream: parents\ncrm: companies\nassembly: accounts\njoin: 'k-{id}'\nfields: {d: {crm: d, assembly: domain}}\n"
)
LINK = Link(
    1, "parents", "live", {"crm": End("crm", "L1"), "assembly": End("assembly", "R1", Shadow({"domain": "a.co"}))}
)
TABLES = {
    ("assembly", "labels.Tier"): Table({"t1": "Customer", "t2": "Prospect", "t3": "customer"}),
    ("crm", "stages"): Table({"s1": "Won", "s2": "Open", "s3": "open"}, {"closed": "s1"}),
}
EMPTY = Lookups(TABLES)


def linked(link: Link = LINK) -> Lookups:
    return Lookups(TABLES, {Reference("parents", "crm", "L1"): link, Reference("parents", "assembly", "R1"): link})


def field(rule: str) -> Field:
    text = f"stream: s\ncrm: contacts\nassembly: contacts\nfields:\n  f: {{{rule}}}\n"
    return load({"s.yaml": text, "parents.yaml": PARENT})["s"].fields[0]


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "raw", "observed"),
    [
        ("a", {"a": 1}, 1),
        ("a", {"a": None}, None),
        ("a", {}, ABSENT),
        ("a.b", {"a": {"b": 1}}, 1),
        ("a.b", {"a": {}}, None),
        ("a.b", {"a": None}, None),
        ("a.b", {}, ABSENT),
        ("a.b", {"a": "text"}, ABSENT),
        ("a.b.c", {"a": {"b": {"c": 1}}}, 1),
        ("a.b.c", {"a": {}}, None),
        ("a.b.c", {"a": {"b": 5}}, ABSENT),
        ("a.b.c", {}, ABSENT),
        ("'a.\"B c\"'", {"a": {"B c": 1}}, 1),
        ("'\"a.b\"'", {"a.b": 1}, 1),
        ('\'"say \\"hi\\""\'', {'say "hi"': 1}, 1),
    ],
)
def test_a_missing_key_is_silent_a_missing_key_in_a_container_is_empty(path: str, raw: Any, observed: Any) -> None:
    assert field(f"crm: {path}, assembly: x").observe("crm", raw) == observed


def test_a_path_is_written_in_its_canonical_spelling() -> None:
    rule = field("crm: a, assembly: 'additional_properties.\"CRM owner\"'")
    assert rule.writes("assembly", 5) == {'additional_properties."CRM owner"': 5}
    assert rule.key("assembly") == 'additional_properties."CRM owner"'
    plain = field("crm: a, assembly: 'additional_properties.\"Industry\"'")
    assert plain.key("assembly") == "additional_properties.Industry"


def test_several_paths_are_one_value() -> None:
    rule = field('crm: [first, last], assembly: name, as: {name: " "}')
    assert rule.observe("crm", {"first": "Ada"}) == ["Ada", None]
    assert rule.observe("crm", {"other": 1}) is ABSENT
    assert rule.writes("crm", ["Ada", "L"]) == {"first": "Ada", "last": "L"}
    assert rule.writes("crm", None) == {"first": None, "last": None}
    assert rule.encode("crm", None, ["Ada", "L"], EMPTY) == [None, None]


@pytest.mark.parametrize("nothing", [None, "", []])
def test_null_empty_text_and_empty_list_are_the_same_nothing(nothing: Any) -> None:
    rule = field("crm: a, assembly: b")
    assert rule.decode("crm", nothing, EMPTY) is None
    assert rule.encode("crm", None, nothing, EMPTY) == nothing
    assert rule.decode("crm", ABSENT, EMPTY) is ABSENT


def test_a_false_and_a_zero_are_not_nothing() -> None:
    rule = field("crm: a, assembly: b")
    assert rule.decode("crm", False, EMPTY) is False
    assert rule.decode("crm", 0, EMPTY) == 0
    assert rule.encode("assembly", True, 1, EMPTY) is True


# --- one way, conditions, defaults ---------------------------------------------------------------------------------


def test_an_expression_and_a_constant_flow_away() -> None:
    computed, fixed = field("from_crm: record.a, assembly: b"), field("constant: [x], assembly: b")
    assert (computed.to, fixed.to) == ("assembly", "assembly")
    assert computed.writes("crm", "x") == {}
    assert fixed.observe("crm", {}) == ["x"]
    assert computed.key("crm") != field("from_crm: record.b, assembly: b").key("crm")


def test_an_expression_that_fails_is_a_question() -> None:
    rule = field("from_crm: 'record.a > 5', assembly: b")
    observed = rule.observe("crm", {"a": "text"})
    with pytest.raises(Undecodable, match="kinds of values do not fit"):
        rule.decode("crm", observed, EMPTY)


def test_a_condition_makes_a_field_silent() -> None:
    rule = field("crm: a, assembly: b, when: \"record.type == 'call'\"")
    assert rule.observe("crm", {"a": 1, "type": "call"}) == 1
    assert rule.observe("crm", {"a": 1, "type": "mail"}) is ABSENT
    assert rule.observe("crm", {"a": 1}) is ABSENT
    assert rule.observe("assembly", {"b": 1}) == 1
    right = field('crm: a, assembly: b, when: {assembly: "record.kind == 1"}')
    assert right.observe("assembly", {"b": 1, "kind": 2}) is ABSENT
    assert right.observe("crm", {"a": 1}) == 1


def test_an_empty_value_counts_as_its_default_and_stays_empty_where_it_stands() -> None:
    rule = field("crm: a, assembly: b, default: X")
    assert rule.decode("crm", None, EMPTY) == "X"
    assert rule.encode("crm", "X", None, EMPTY) is None
    assert rule.encode("assembly", "X", ABSENT, EMPTY) == "X"
    one_way = field("crm: a, assembly: b, default: {to_assembly: X}, direction: to_assembly")
    assert one_way.decode("crm", "", EMPTY) == "X"
    assert one_way.decode("assembly", None, EMPTY) is None


def test_a_create_from_a_record_without_the_field_gets_the_default() -> None:
    rule = field("crm: a, assembly: b, as: list, default: [], direction: to_assembly")
    assert rule.encode("assembly", None, ABSENT, EMPTY) == []
    assert field("crm: a, assembly: b").encode("assembly", None, ABSENT, EMPTY) is None


def test_required_may_name_a_side() -> None:
    both, right, none = (
        field(f"crm: a, assembly: b{more}") for more in (", required: true", ", required: assembly", "")
    )
    assert (both.required, both.requires("crm"), both.requires("assembly")) == (True, True, True)
    assert (right.required, right.requires("crm"), right.requires("assembly")) == (True, False, True)
    assert (none.required, none.requires("crm")) == (False, False)
    asks = field("crm: a, assembly: b, as: domain, missing: attention")
    assert (asks.requires("crm"), asks.requires("assembly")) == (False, True)


# --- spelling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("echo", "sent", "seen", "is_echo"),
    [
        ("trim: true", " a ", "a", True),
        ("trim: true", "a", "b", False),
        ("cut: 3", "abcdef", "abc", True),
        ("cut: 3", "abcdef", "ab", False),
        ("cut: 3", "ab", "abc", False),
        ("cut: 3, trim: true", "ab cd", "ab", True),
        ("case: true", "Ada", "ADA", True),
        ("precision: 1", 1.26, 1.3, True),
        ("precision: 1", 1.26, 1.4, False),
        ("precision: 0", True, 1, False),
        ("trim: true", ["a ", "b"], ["a", "b"], True),
        ("trim: true", ["a ", "b"], ["a"], False),
        ("trim: true", None, "", False),
        ("trim: true", "a", None, False),
        ("crm: {trim: true}", " a ", "a", False),
        ("assembly: {trim: true}", " a ", "a", True),
    ],
)
def test_only_the_declared_spelling_is_an_echo(echo: str, sent: Any, seen: Any, is_echo: bool) -> None:
    assert field(f"crm: a, assembly: b, echo: {{{echo}}}").is_echo("assembly", sent, seen) is is_echo


def test_without_a_rule_nothing_is_an_echo() -> None:
    assert not field("crm: a, assembly: b").is_echo("assembly", "a", "a")


def test_a_set_keeps_the_order_it_stands_in() -> None:
    rule = field("crm: a, assembly: b, unordered: true")
    assert rule.unordered
    assert rule.decode("crm", ["b", "a", "b"], EMPTY) == rule.decode("crm", ["a", "b"], EMPTY)
    assert rule.encode("assembly", ["a", "b", "c"], ["b", "x", "a"], EMPTY) == ["b", "a", "c"]
    assert rule.encode("crm", ["a", "b"], ["b", "a"], EMPTY) == ["b", "a"]


# --- references ----------------------------------------------------------------------------------------------------


def test_a_label_is_found_by_name_and_the_one_in_use_stays() -> None:
    rule = field("crm: a, assembly: b, as: {label: Tier}")
    assert rule.encode("assembly", "CUSTOMER", ABSENT, EMPTY) == "t1"
    assert rule.encode("assembly", "Customer", "t3", EMPTY) == "t3"
    assert rule.decode("crm", " customer", EMPTY) == rule.decode("assembly", "t1", EMPTY) == "Customer"


def test_an_unknown_label_is_a_question_or_created() -> None:
    with pytest.raises(Undecodable, match="no label of type Tier"):
        field("crm: a, assembly: b, as: {label: Tier}").encode("assembly", "New", ABSENT, EMPTY)
    with pytest.raises(Undecodable, match="not of type Tier"):
        field("crm: a, assembly: b, as: {label: Tier}").decode("assembly", "t9", EMPTY)
    with pytest.raises(LabelMissing) as caught:
        field("crm: a, assembly: b, as: {label: {type: Tier, create: true, color: '#111111'}}").encode(
            "assembly", "New", ABSENT, EMPTY
        )
    missing = caught.value
    assert (missing.system, missing.kind, missing.name, missing.color) == ("assembly", "labels.Tier", "New", "#111111")
    fallback = field("crm: a, assembly: b, as: {label: {type: Tier, default: Prospect}}")
    assert fallback.encode("assembly", fallback.decode("crm", "New", EMPTY), ABSENT, EMPTY) == "t2"


def test_a_stage_is_understood_by_name_and_system_key() -> None:
    rule = field("crm: a, assembly: b, as: stage")
    assert rule.decode("assembly", "won ", EMPTY) == rule.decode("assembly", "Closed", EMPTY) == "s1"
    assert rule.encode("assembly", "s1", "closed", EMPTY) == "closed"
    assert rule.encode("assembly", "s1", "Lost", EMPTY) == "Won"
    for side, value in (("assembly", "Nowhere"), ("assembly", "OPEN")):
        with pytest.raises(Undecodable):
            rule.decode(side, value, EMPTY)
    with pytest.raises(Undecodable, match="2 stages of this name"):
        rule.encode("assembly", "s2", ABSENT, EMPTY)
    with pytest.raises(Undecodable, match="no stage with this id"):
        rule.encode("assembly", "s9", ABSENT, EMPTY)


def test_a_missing_stage_is_created_only_if_asked() -> None:
    rule = field("crm: a, assembly: b, as: {stage: {create: true}}")
    with pytest.raises(LabelMissing) as caught:
        rule.decode("assembly", "Negotiation", EMPTY)
    assert (caught.value.system, caught.value.kind, caught.value.name) == ("crm", "stages", "Negotiation")


def test_a_link_translates_ids_both_ways() -> None:
    rule = field("crm: a, assembly: b, as: {link: parents}")
    assert rule.encode("assembly", "L1", ABSENT, linked()) == "R1"
    assert rule.decode("assembly", "R1", linked()) == "L1"
    assert rule.references("crm", "L1") == {Reference("parents", "crm", "L1")}
    assert rule.references("assembly", "R1") == {Reference("parents", "assembly", "R1")}
    assert rule.references("crm", None) == rule.references("crm", ABSENT) == frozenset()


def test_an_id_is_the_same_as_a_number_and_as_text() -> None:
    link = Link(1, "parents", "live", {"crm": End("crm", "7"), "assembly": End("assembly", "8")})
    lookups = Lookups(TABLES, {Reference("parents", "crm", "7"): link, Reference("parents", "assembly", "8"): link})
    for codec, right in (("{link: parents}", "8"), ("{link: {stream: parents, by: key}}", "k-7")):
        rule = field(f"crm: a, assembly: b, as: {codec}")
        assert rule.decode("crm", 7, lookups) == rule.decode("crm", "7", lookups) == "7"
        assert rule.encode("assembly", "7", ABSENT, lookups) == right
        assert rule.encode("crm", "7", 7, lookups) == 7
        assert rule.references("crm", 7) == {Reference("parents", "crm", "7")}
    assert field("crm: a, assembly: b, as: {link: parents}").decode("assembly", 8, lookups) == "7"


def test_a_link_by_key_writes_the_join_key_of_a_linked_record_only() -> None:
    rule = field("crm: a, assembly: b, as: {link: {stream: parents, by: key}}")
    assert rule.encode("assembly", "L1", ABSENT, linked()) == "k-L1"
    assert rule.decode("assembly", "k-L7", EMPTY) == "L7"
    assert rule.references("assembly", "k-L7") == {Reference("parents", "crm", "L7")}
    assert rule.references("assembly", "other") == frozenset()
    with pytest.raises(ParentNotLinked):
        rule.encode("assembly", "L1", ABSENT, EMPTY)
    with pytest.raises(Undecodable, match="not named by a key of ours"):
        rule.decode("assembly", "L7", EMPTY)


@pytest.mark.parametrize(
    "rule",
    [
        "crm: a, assembly: b, as: {link: parents}",
        "crm: a, assembly: b, as: {link: {stream: parents, by: key}}",
        "crm: a, assembly: b, parent: {stream: parents, path: domain}",
    ],
)
def test_an_unlinked_parent_is_brought_first_a_dead_one_is_a_question(rule: str) -> None:
    reference = Reference("parents", "crm", "L1")
    for lookups in (EMPTY, linked(replace(LINK, state="half"))):
        with pytest.raises(ParentNotLinked) as caught:
            field(rule).encode("assembly", "L1", ABSENT, lookups)
        assert caught.value.reference == reference
    with pytest.raises(Undecodable, match="was deleted"):
        field(rule).encode("assembly", "L1", ABSENT, linked(replace(LINK, state="dead")))


def test_a_parents_value_comes_from_its_shadow() -> None:
    rule = field("crm: a, assembly: b, parent: {stream: parents, path: domain}")
    assert rule.to == "assembly"
    assert rule.encode("assembly", "L1", ABSENT, linked()) == "a.co"
    assert rule.references("crm", "L1") == {Reference("parents", "crm", "L1")}
    for shadow, error in ((Shadow(), ParentNotLinked), (Shadow({"domain": None}), Undecodable)):
        link = replace(LINK, ends={**LINK.ends, "assembly": End("assembly", "R1", shadow)})
        with pytest.raises(error):
            rule.encode("assembly", "L1", ABSENT, linked(link))


# --- codecs, by example --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "left", "right"),
    [
        ("domain", "https://user@WWW.Acme.com:8080/a?b#c", "acme.com"),
        ("domain", "Acme.com.", "acme.com"),
        ("domain", "münchen.example", "xn--mnchen-3ya.example"),
        ("email", " Ada@Acme.COM ", "ada@acme.com"),
        ("phone", "+49 (30) 123-45 ext. 6", "+493012345;ext=6"),
        ("phone", "0049 30 123", "+4930123"),
        ("{values: {a: x}}", "a", "x"),
        ("{values: {true: Yes, false: No}}", False, "No"),
        ("{values: {1: One}}", 1, "One"),
        ("{template: 'crm-{}'}", "7", "crm-7"),
        ("money", "1054.005", 1054.01),
        ("{money: {precision: 0}}", 2.5, 3),
        ("integer", "12", 12),
        ("string", 12.0, "12"),
        ("boolean", "yes", True),
        ("date", "2026-09-30T23:30:00-05:00", "2026-09-30"),
        ("{date: {left: '%m/%d/%Y'}}", "10/20/2016", "2016-10-20"),
        ("datetime", "2026-09-30T10:00:00+02:00", "2026-09-30T08:00:00Z"),
        ("{datetime: {left: unix}}", 1597996642, "2020-08-21T07:57:22Z"),
        ("{cut: 3}", "abcd", "abc"),
        ("list", "x", ["x"]),
        ("{list: {separator: ';'}}", "a; b;;", ["a", "b"]),
        ("{each: [trim, lower]}", [" A", ""], ["a"]),
        ("[trim, first_of_list]", " 5 ", ["5"]),
    ],
)
def test_a_codec_from_left_to_right(codec: str, left: Any, right: Any) -> None:
    rule = field(f"crm: a, assembly: b, as: {codec}")
    assert rule.encode("assembly", rule.decode("crm", left, EMPTY), ABSENT, EMPTY) == right


@pytest.mark.parametrize(
    ("codec", "right", "left"),
    [
        ("{domain: {scheme: https}}", "acme.com", "https://acme.com"),
        ("domain", "x.invalid", None),
        ("{values: {a: x, b: x}}", "x", "a"),
        ("{template: 'crm-{}'}", "crm-7", "7"),
        ("{date: {left: '%m/%d/%Y'}}", "2016-10-20", "10/20/2016"),
        ("{datetime: {left: unix}}", "2020-08-21T07:57:22Z", 1597996642),
        ("{list: {separator: ', '}}", ["a", "b"], "a, b"),
        ("first_of_list", ["", "b"], None),
        ("string", "012", 12),
    ],
)
def test_a_codec_from_right_to_left(codec: str, right: Any, left: Any) -> None:
    rule = field(f"crm: a, assembly: b, as: {codec}")
    assert rule.encode("crm", rule.decode("assembly", right, EMPTY), ABSENT, EMPTY) == left


@pytest.mark.parametrize(
    ("codec", "left"),
    [
        *[
            ("domain", value)
            for value in ("n/a", "localhost", "a@b.co", "ftp://a.co", "1.2.3.4", "a..b", "http://[", 5)
        ],
        *[("email", value) for value in ("a", "a@b, c@d", "Ada <a@b.co>", ["a@b.co"])],
        *[("phone", value) for value in ("call me", True)],
        *[("number", value) for value in ("x", "1e400", "0x10", "٣", True, [1])],
        *[("integer", value) for value in (1.5, "1.5")],
        *[("date", value) for value in ("soon", "2026-02-30", 1e300)],
        *[("boolean", value) for value in ("perhaps", 2, 1.0)],
        ("{values: {a: x}}", "b"),
        ("{values: {1: x}}", True),
        ("{values: {a: x}}", ["a"]),
        ("{money: {precision: 2}}", 10**60),
        ("string", "5"),
        ("first_of_list", ["a"]),
    ],
)
def test_what_a_codec_cannot_translate_is_a_question(codec: str, left: Any) -> None:
    rule = field(f"crm: a, assembly: b, as: {codec}")
    with pytest.raises(Undecodable):
        rule.encode("assembly", rule.decode("crm", left, EMPTY), ABSENT, EMPTY)


def test_a_value_that_nobody_can_translate_is_simply_replaced() -> None:
    for codecs in ("domain", "[domain, lower]"):
        assert field(f"crm: a, assembly: b, as: {codecs}").encode("crm", "acme.com", "n/a", EMPTY) == "acme.com"


def test_a_day_that_a_form_cannot_hold_is_a_question() -> None:
    rule = field("crm: a, assembly: b, as: {date: {left: '%d.%m.%y'}}")
    assert rule.encode("crm", "2026-09-30", ABSENT, EMPTY) == "30.09.26"
    with pytest.raises(Undecodable, match="cannot be written as"):
        rule.encode("crm", "1868-09-30", ABSENT, EMPTY)


@pytest.mark.parametrize(
    ("now", "name", "parts"),
    [
        (["Ada", "Lovelace"], "Ada King", ["Ada", "King"]),
        (["Ada", "Lovelace"], "Augusta Ada Lovelace", ["Augusta Ada", "Lovelace"]),
        (["Ludwig", "van Beethoven"], "Ludwig van  Gogh", ["Ludwig", "van Gogh"]),
        (["Ada", None], "Ada Lovelace", ["Ada", "Lovelace"]),
        ([None, None], "Ludwig van Beethoven", ["Ludwig van", "Beethoven"]),
        (["Ada", "Lovelace"], "Plato", ["Plato", None]),
        ([" Ada ", "Lovelace"], "Ada Lovelace", [" Ada ", "Lovelace"]),
    ],
)
def test_a_name_changes_only_the_part_that_changed(now: list[Any], name: str, parts: list[Any]) -> None:
    rule = field('crm: [a, b], assembly: n, as: {name: " "}')
    assert rule.encode("crm", rule.decode("assembly", name, EMPTY), now, EMPTY) == parts


def test_three_names_get_what_is_between_first_and_last() -> None:
    rule = field('crm: [a, b, c], assembly: n, as: {name: " "}')
    assert rule.encode("crm", "Ada Augusta King Lovelace", ABSENT, EMPTY) == ["Ada", "Augusta King", "Lovelace"]
    assert rule.encode("crm", "Ada Lovelace", ABSENT, EMPTY) == ["Ada", None, "Lovelace"]


def test_one_entry_of_a_list_is_added_changed_and_emptied_alone() -> None:
    rule = field("crm: 'emails[type=work].value', assembly: b")
    home, work = {"type": "home", "value": "h"}, {"type": "work", "value": "w", "checked": True}
    assert rule.decode("crm", [home, work], EMPTY) == "w"
    assert rule.encode("crm", "n", [home, work], EMPTY) == [home, {**work, "value": "n"}]
    assert rule.encode("crm", "n", [home], EMPTY) == [home, {"type": "work", "value": "n"}]
    assert rule.encode("crm", "n", None, EMPTY) == [{"type": "work", "value": "n"}]
    assert rule.encode("crm", None, [home, work], EMPTY) == [home, {**work, "value": None}]
    assert rule.encode("crm", None, [home], EMPTY) == [home]
    assert rule.writes("crm", [home]) == {"emails": [home]}
    with pytest.raises(Undecodable, match="no entry before position"):
        field("crm: 'a[2]', assembly: b").encode("crm", "n", ["x"], EMPTY)


def test_a_list_with_separators_refuses_entries_that_hold_one() -> None:
    rule = field('crm: a, assembly: b, as: {list: {separator: ";"}}')
    with pytest.raises(Undecodable):
        rule.encode("crm", ["a;b"], ABSENT, EMPTY)
