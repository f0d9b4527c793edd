"""Drafted mappings: a start for a person, and always a file that loads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.mapping import load
from bridge.core.mapping.propose import propose

COMPANIES = [
    {
        "id": f"c{n}",
        "entityId": "e",
        "name": f"Company {n}",
        "website": f"https://www.company{n}.example",
        "phone": f"+1 555 01{n:02}",
        "industry": ["Retail", "Software", "Health", "Food"][n % 4],
        "employees": 123_456_700 + n,
        "status": "active",
        "createdAt": "2026-01-01T00:00:00Z",
    }
    for n in range(12)
]
ACCOUNTS = [
    {
        "id": f"a{n}",
        "name": f"Company {n}",
        "domain": f"company{n}.example",
        "phone": [f"+1 555 01{n:02}"],
        "contract_value": None,
        "source_specific_ids": [],
        "additional_properties": {"Branch": COMPANIES[n]["industry"], "Heads": COMPANIES[n]["employees"], "Foo's": "x"},
    }
    for n in range(10)
]
CONTACTS = [{"id": "p", "firstName": "Ada", "lastName": "L", "email": "ada@x.co", "companyId": "c1"}]
PEOPLE = [{"id": "q", "name": "Ada L", "domain": "ada@x.co", "company_id": "a1"}]
SAMPLES: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("crm", "companies"): COMPANIES,
    ("assembly", "accounts"): ACCOUNTS,
    ("crm", "contacts"): CONTACTS,
    ("assembly", "contacts"): PEOPLE,
}


def test_fields_are_paired_by_name_and_by_value() -> None:
    draft = propose(SAMPLES)[0]
    assert {(pair.left, pair.right, pair.codec) for pair in draft.pairs} == {
        ("name", "name", ""),
        ("website", "domain", "as: domain"),
        ("phone", "phone", "as: first_of_list"),
        ("industry", "additional_properties.Branch", ""),
        ("employees", "additional_properties.Heads", ""),
    }


def test_what_goes_nowhere_is_listed() -> None:
    draft = propose(SAMPLES)[0]
    assert draft.nowhere == {
        "crm": ("status",),
        "assembly": ("contract_value", 'additional_properties."Foo\'s"'),
    }
    assert draft.coverage["crm"] == pytest.approx(5 / 6)
    assert "#   status\n" in draft.text


def test_a_draft_loads_and_creates_nothing() -> None:
    mappings = load({f"{draft.stream}.yaml": draft.text for draft in propose(SAMPLES)})
    assert [stream.name for stream in mappings.streams] == ["companies", "contacts"]
    assert not any(stream.creates(side) for stream in mappings.streams for side in stream.sides)
    assert [rule.field for rule in mappings["companies"].match] == ["website"]


def test_first_and_last_name_become_one() -> None:
    pairs = {pair.name: pair for pair in propose(SAMPLES)[1].pairs}
    assert (pairs["name"].left, pairs["name"].codec) == ("[firstName, lastName]", 'as: {name: " "}')
    assert pairs["company_id"].codec == "as: {link: companies}"


def test_without_companies_no_link_is_drafted() -> None:
    (draft,) = propose({key: rows for key, rows in SAMPLES.items() if key[1] == "contacts"})
    assert "link" not in draft.text
    load({"contacts.yaml": draft.text})


def test_nothing_is_drafted_from_one_side() -> None:
    assert propose({("crm", "companies"): COMPANIES}) == ()


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.lists(st.text(max_size=5), max_size=2)
KEYS = st.sampled_from(
    [
        "name",
        "null",
        "true",
        "1",
        "firstName",
        "lastName",
        "website",
        "domain",
        "phone",
        "email",
        "tier",
        "stage",
        "industry",
    ]
) | st.text(max_size=8)
RAWS = st.lists(
    st.dictionaries(KEYS, VALUES | st.dictionaries(KEYS, VALUES, max_size=3), max_size=6), min_size=1, max_size=4
)


@settings(max_examples=60, deadline=None)
@given(left=RAWS, right=RAWS)
def test_every_draft_loads_whatever_the_records_are_called(left: list[Any], right: list[Any]) -> None:
    drafts = propose({("crm", "companies"): left, ("assembly", "accounts"): right})
    for draft in drafts:
        if draft.pairs:
            load({f"{draft.stream}.yaml": draft.text})
