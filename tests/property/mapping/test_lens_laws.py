"""The laws of DESIGN §7 on raw values that no codec was made for, with neighbours that must survive."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bridge.core.errors import ParentNotLinked, Undecodable
from bridge.core.mapping import load
from bridge.core.mapping.model import Field
from bridge.core.mapping.values import same_json
from bridge.core.records import ABSENT, End, Json, Link, Lookups, Reference, Table

LINK = Link(1, "parents", "live", {"crm": End("crm", "L1"), "assembly": End("assembly", "R1")})
NUMBERED = Link(2, "parents", "live", {"crm": End("crm", "1"), "assembly": End("assembly", "-1")})
LOOKUPS = Lookups(
    tables={
        ("assembly", "labels.Tier"): Table({"t1": "Customer", "t2": "Prospect ", "t3": "customer", "t4": "Größe"}),
        ("crm", "stages"): Table({"s1": "Won", "s2": "Lost", "s3": "LOST"}, {"won": "s2", "open": "s3"}),
    },
    links={
        Reference("parents", end.side, end.record_id): link for link in (LINK, NUMBERED) for end in link.ends.values()
    },
)

CHAINS = {
    "plain": "crm: a, assembly: b",
    "set": "crm: a, assembly: b, unordered: true",
    "default": "crm: a, assembly: b, default: X",
    "property": 'crm: a, assembly: additional_properties."B c"',
    "trim": "crm: a, assembly: b, as: trim",
    "lower": "crm: a, assembly: b, as: lower",
    "trim lower": "crm: a, assembly: b, as: [trim, lower]",
    "domain": "crm: a, assembly: b, as: domain",
    "domain with scheme": "crm: a, assembly: b, as: {domain: {scheme: https}}",
    "domain or invalid": "crm: a, assembly: b, as: domain, missing: invalid",
    "email": "crm: a, assembly: b, as: email",
    "phone": "crm: a, assembly: b, as: phone",
    "phones": "crm: a, assembly: b, as: [phone, first_of_list]",
    "first": "crm: a, assembly: b, as: first_of_list",
    "list": "crm: a, assembly: b, as: list",
    "separated": 'crm: a, assembly: b, as: {list: {separator: "; "}}, unordered: true',
    "each": "crm: a, assembly: b, as: {each: [trim, lower]}, unordered: true",
    "each label": "crm: a, assembly: b, as: {each: {label: Tier}}",
    "values": "crm: a, assembly: b, as: {values: {customer: Customer, true: Yes, 1: One}}",
    "many values": "crm: a, assembly: b, as: {values: {a: x, b: x, c: y}}",
    "values with defaults": "crm: a, assembly: b, as: {values: {a: x, b: y}, default: {to_crm: b, to_assembly: q}}",
    "label": "crm: a, assembly: b, as: {label: Tier}",
    "mapped label": "crm: a, assembly: b, as: [{values: {c: Customer, p: Prospect}}, {label: Tier}]",
    "label with default": "crm: a, assembly: b, as: {label: {type: Tier, default: Prospect}}",
    "stage": "crm: a, assembly: b, as: stage",
    "link": "crm: a, assembly: b, as: {link: parents}",
    "key": "crm: a, assembly: b, as: {link: {stream: parents, by: key}}",
    "number": "crm: a, assembly: b, as: number",
    "integer": "crm: a, assembly: b, as: integer",
    "money": "crm: a, assembly: b, as: money",
    "whole money": "crm: a, assembly: b, as: {money: {precision: 0}}",
    "string": "crm: a, assembly: b, as: string",
    "boolean": "crm: a, assembly: b, as: boolean",
    "date": "crm: a, assembly: b, as: date",
    "american date": 'crm: a, assembly: b, as: {date: {left: "%m/%d/%Y"}}',
    "datetime": "crm: a, assembly: b, as: datetime",
    "unix time": "crm: a, assembly: b, as: {datetime: {left: unix}}",
    "template": 'crm: a, assembly: b, as: {template: "crm-{}-x"}',
    "cut": "crm: a, assembly: b, as: {cut: 5}",
    "trim cut": "crm: a, assembly: b, as: [trim, {cut: 5}]",
    "name": 'crm: [a, b], assembly: b, as: {name: " "}',
    "three names": 'crm: [a, b, c], assembly: b, as: {name: " "}',
    "comma name": 'crm: [a, b], assembly: b, as: {name: ", "}',
    "inside": 'crm: "a[type=work].value", assembly: "b[1]"',
    "inside trim": 'crm: "a[0].x.y", assembly: b, as: trim',
}
PARENTS = "stream: parents\ncrm: companies\nassembly: accounts\njoin: 'k-{id}'\nfields:\n  n: {crm: n, assembly: n}\n"


def compiled(rule: str) -> Field:
    text = f"stream: s\ncrm: contacts\nassembly: contacts\nfields:\n  f: {{{rule}}}\n"
    return load({"s.yaml": text, "parents.yaml": PARENTS})["s"].fields[0]


FIELDS = {name: compiled(rule) for name, rule in CHAINS.items()}

LIKED = st.sampled_from(
    [
        *(
            "https://www.Example.com/a?b",
            "example.org",
            "x.invalid",
            "münchen.de",
            "http://[::1]",
            "//",
            "www.com",
            "a..b",
        ),
        *("a@b.co", " A@B.CO ", "a@b@c", "+1 (555) 010 ext. 7", "00 49 30", "0", "+", "x7"),
        *("customer", "Customer", "CUSTOMER ", "t1", "t3", "Prospect", "s1", "won", "lost", "Lost ", "open", "s2"),
        *("L1", "R1", "k-L1", "k-", "x", "y", "a", "b", "c", "q", "crm-5-x", "crm--x"),
        *(
            "2026-09-30",
            "09/30/2026",
            "2026-02-30",
            "2026-09-30T23:30:00-05:00",
            "0001-01-01T00:00:00+14:00",
            "20260930",
        ),
        *("12.50", "1e5", "-0", "1e400", "nan", "Infinity", "0x10", "1_000", "٣", "9" * 60, "12345678901234567.5"),
        *(
            0,
            1,
            -1,
            2**53,
            2**70,
            -(10**30),
            0.1 + 0.2,
            1e308,
            5e-324,
            -0.0,
            2.675,
            1597996642,
            True,
            False,
            "yes",
            "Off",
        ),
        *(
            "",
            " ",
            "\u00a0",
            "\u200b",
            "İ",
            "ß",
            "ﬀ",
            "\x00",
            "a\nb",
            "A;B",
            "; ",
            "Ada Lovelace",
            "van  der Berg",
            ", ",
        ),
        *(
            ["a", "b"],
            ["", "b"],
            [" ", "A", "a"],
            ["t1", "t2"],
            [["a"]],
            [None, None],
            [None, "b", 3],
            [{"type": "work"}],
        ),
        *(
            [{"type": "work", "value": "v"}, {"type": "home", "value": "h"}],
            {"a": 1},
            {},
            [],
            [{"x": {"y": " z "}}],
            None,
        ),
    ]
)
WILD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
    | LIKED,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "value", "x", "y"]), inner),
    max_leaves=3,
)
DEPTH = settings(max_examples=max(20, settings.default.max_examples * 3 // 10), deadline=None)
"""There are many chains: each gets a part of the profile's examples."""
RAW = LIKED | WILD | st.lists(LIKED, max_size=4)


def raw_for(field: Field, side: str, value: Json) -> Json:
    """Several paths hold a list, one entry each."""
    count = len(field.writes(side, ABSENT))
    if count == 1:
        return value
    parts = value if isinstance(value, list) else [value]
    return [*parts, *[None] * count][:count]


def decoded(field: Field, side: str, raw: Json) -> Any:
    """The common value, or ``ABSENT`` where the field asks a person."""
    try:
        return field.decode(side, raw, LOOKUPS)
    except ParentNotLinked:
        # Names the id that it waits for: an id is no personal data.
        return ABSENT
    except Undecodable as problem:
        text = str(problem)
        assert not (isinstance(raw, str) and len(raw) > 6 and raw in text), "an error message repeats a value"
        return ABSENT


@pytest.mark.parametrize("name", FIELDS)
@DEPTH
@given(value=RAW, standing=RAW, source=st.sampled_from(["crm", "assembly"]))
def test_what_is_written_is_what_is_read(name: str, value: Json, standing: Json, source: str) -> None:
    field = FIELDS[name]
    common = decoded(field, source, raw_for(field, source, value))
    if common is ABSENT:
        return
    for side in ("crm", "assembly"):
        there = raw_for(field, side, standing)
        try:
            written = field.encode(side, common, there, LOOKUPS, identity="left-1")
        except Undecodable:
            continue
        json.dumps(written)
        assert same_json(field.decode(side, written, LOOKUPS), common), (side, there, written)
        assert set(field.writes(side, written)) == set(field.writes(side, ABSENT))


@pytest.mark.parametrize("name", FIELDS)
@DEPTH
@given(value=RAW)
@example(value="x.invalid")
@example(value=["", "b"])
def test_what_is_read_and_written_back_changes_nothing(name: str, value: Json) -> None:
    field = FIELDS[name]
    for side in ("crm", "assembly"):
        raw = raw_for(field, side, value)
        common = decoded(field, side, raw)
        if common is ABSENT:
            continue
        before = json.dumps(raw)
        written = field.encode(side, common, raw, LOOKUPS, identity="left-1")
        assert json.dumps(raw) == before, "the record was changed in place"
        made_up = name == "domain or invalid" and side == "assembly" and common is None
        assert same_json(written, raw) or (made_up and written == "left-1.invalid")


@given(first=st.text(min_size=1), others=st.lists(st.text(), max_size=4), new=st.text(min_size=1) | st.none())
def test_the_other_phones_survive(first: str, others: list[str], new: str | None) -> None:
    written = FIELDS["first"].encode("assembly", new, [first, *others], LOOKUPS)
    if new == first:
        assert written == [first, *others]
    else:
        assert [phone for phone in others if phone != new] == [phone for phone in written[1:] if phone != new]


@given(first=st.text(min_size=1), last=st.text(min_size=1), new=st.text(min_size=1))
def test_a_new_last_name_leaves_the_first_name_alone(first: str, last: str, new: str) -> None:
    field = FIELDS["name"]
    assume(first.split() and new.split() and last.split())
    assume(len(new.split()) == 1 or first.split() + new.split() != last.split())
    common = field.decode("crm", [first, new], LOOKUPS)
    written = field.encode("crm", common, [first, last], LOOKUPS)
    assert written[0] == first or common == field.decode("crm", [first, last], LOOKUPS)


@given(entries=st.lists(LIKED, max_size=4), new=st.text(min_size=1, max_size=9))
def test_other_entries_of_a_list_survive(entries: list[Json], new: str) -> None:
    written = FIELDS["inside"].encode("crm", new, entries, LOOKUPS)
    at = next(
        (i for i, item in enumerate(entries) if isinstance(item, dict) and item.get("type") == "work"), len(entries)
    )
    assert written[:at] == entries[:at]
    assert written[at + 1 :] == entries[at + 1 :]
    assert written[at]["value"] == new
