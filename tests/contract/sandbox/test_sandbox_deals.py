"""Assembly's deals against assembly.txt, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.sandbox.assembly_calls import NOBODY, deal, made
from tests.support.sandboxes import Box


def shown(assembly: httpx.Client, deal_id: str) -> dict[str, Any]:
    return dict(assembly.get(f"/deals/{deal_id}").json()["deal"])


# --- deals --------------------------------------------------------------------------------------------------------


def test_the_documented_example_creates_a_deal(assembly: httpx.Client, company: str) -> None:
    body = {
        "name": "Acme Expansion Q3",
        "account_source_specific_id": "acct-ssid-123",
        "source_specific_ids": ["deal-ext-001"],
        "amount": 25000.0,
        "stage": "Proposal",
        "close_date": "2026-09-30",
        "description": "Upsell opportunity",
        "type": "New Business",
        "next_step": "Send proposal",
        "main_competitors": "Competitor X",
        "assignee_user_id": "user-uuid-here",
        "time_length": 3,
        "time_unit": "months",
        "additional_properties": {"Custom Field": "value"},
    }
    row = shown(assembly, made(assembly.post("/deals", json=body)))
    assert {name: row[name] for name in body} == body
    assert assembly.get("/deals?source_specific_id=deal-ext-001").json() == {"deal": row}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": None},
        {"name": ""},
        {"account_source_specific_id": None},
        {"account_source_specific_id": "unknown"},
        {"amount": "25000"},
        {"close_date": "30.09.2026"},
        {"source_specific_ids": "x"},
    ],
)
def test_a_wrong_deal_is_400(assembly: httpx.Client, company: str, wrong: dict[str, Any]) -> None:
    body = {"name": "D", "account_source_specific_id": "acct-ssid-123", **wrong}
    assert assembly.post("/deals", json=body).status_code == 400


def test_a_deals_account_must_be_a_company(assembly: httpx.Client, company: str) -> None:
    body = {"name": "p", "domain": "p@a.co", "company_id": company, "source_specific_ids": ["person"]}
    made(assembly.post("/contacts", json=body))
    assert assembly.post("/deals", json={"name": "D", "account_source_specific_id": "person"}).status_code == 400


def test_deals_are_listed_newest_first_without_a_word_on_more(assembly: httpx.Client, company: str) -> None:
    ids = [deal(assembly, name=f"{number}") for number in range(4)]
    answer = assembly.get("/deals").json()
    assert list(answer) == ["deals"]
    assert [row["id"] for row in answer["deals"]] == ids[::-1]
    page = assembly.get("/deals", params={"limit": 2, "offset": 1}).json()["deals"]
    assert [row["name"] for row in page] == ["2", "1"]
    of_account = assembly.get("/deals", params={"account_source_specific_id": "second", "limit": 1}).json()["deals"]
    assert [row["name"] for row in of_account] == ["3"]
    assert assembly.get("/deals?account_source_specific_id=unknown").json() == {"deals": []}


def test_updated_after_holds_for_both_lists_and_not_for_one_deal(
    assembly_box: Box, assembly: httpx.Client, company: str
) -> None:
    old, new = deal(assembly, source_specific_ids=["old"]), deal(assembly)
    assembly_box.control.patch("deals", old, {})
    after = shown(assembly, old)["updated_at"]
    assert shown(assembly, new)["updated_at"] < after
    for query in ({}, {"account_source_specific_id": "second"}):
        found = assembly.get("/deals", params={"updated_after": after, **query}).json()["deals"]
        assert [row["id"] for row in found] == [old]
    one = assembly.get("/deals", params={"updated_after": "2999-01-01", "source_specific_id": "old"})
    assert one.json()["deal"]["id"] == old


def test_a_deal_is_updated_by_path_and_by_source_id(assembly: httpx.Client, company: str) -> None:
    made_id = deal(assembly, source_specific_ids=["deal-ext-old"], additional_properties={"a": 1})
    body = {
        "stage": "Closed Won",
        "amount": 28000.0,
        "source_specific_ids": ["deal-ext-new"],
        "removed_source_specific_ids": ["deal-ext-old"],
        "additional_properties": {"Custom Field": "updated value"},
    }
    assert made(assembly.put(f"/deals/{made_id}", json=body)) == made_id
    row = shown(assembly, made_id)
    assert (row["stage"], row["amount"], row["source_specific_ids"]) == ("Closed Won", 28000.0, ["deal-ext-new"])
    assert row["additional_properties"] == {"a": 1, "Custom Field": "updated value"}
    assert made(assembly.put("/deals?source_specific_id=deal-ext-new", json={"amount": None})) == made_id
    assert shown(assembly, made_id)["amount"] is None
    assert assembly.put("/deals?source_specific_id=deal-ext-old", json={}).status_code == 404
    assert assembly.put(f"/deals/{NOBODY}", json={}).status_code == 404


def test_deal_upsert_matches_the_path_or_the_body(assembly: httpx.Client, company: str) -> None:
    body = {"name": "D", "account_source_specific_id": "acct-ssid-123", "source_specific_ids": ["d"]}
    first = made(assembly.put("/deals/upsert", json=body))
    assert made(assembly.put("/deals/upsert", json={"source_specific_ids": ["d"], "amount": 1})) == first
    assert made(assembly.put(f"/deals/upsert/{first}", json={"amount": 2})) == first
    assert made(assembly.put(f"/deals/upsert/{NOBODY}", json={**body, "amount": 3})) == first
    assert len(assembly.get("/deals").json()["deals"]) == 1
    assert assembly.put("/deals/upsert", json={"source_specific_ids": ["new"]}).status_code == 400
    # The query's source id is another call's way of naming a deal.
    assert assembly.put("/deals/upsert?source_specific_id=d", json={"amount": 1}).status_code == 400
    other = made(assembly.put(f"/deals/upsert/{NOBODY}", json={**body, "source_specific_ids": ["e"]}))
    assert other not in (NOBODY, first)


def test_a_source_id_belongs_to_one_deal(assembly: httpx.Client, company: str) -> None:
    deal(assembly, source_specific_ids=["d"])
    body = {"name": "D", "account_source_specific_id": "second", "source_specific_ids": ["d"]}
    assert assembly.post("/deals", json=body).status_code == 409


def test_a_deal_moves_to_another_account(assembly: httpx.Client, company: str) -> None:
    other = {"type": "Company", "name": "o", "domain": "o.com", "source_specific_ids": ["other"]}
    assembly.post("/accounts", json=other)
    made_id = deal(assembly)
    made(assembly.put(f"/deals/{made_id}", json={"account_source_specific_id": "other"}))
    assert shown(assembly, made_id)["account_source_specific_id"] == "other"
    assert [row["id"] for row in assembly.get("/deals?account_source_specific_id=other").json()["deals"]] == [made_id]
    assert assembly.get("/deals?account_source_specific_id=second").json()["deals"] == []


def test_a_deals_delete_answers_its_id(assembly: httpx.Client, company: str) -> None:
    first, second = deal(assembly), deal(assembly, source_specific_ids=["d"])
    assert made(assembly.delete(f"/deals/{first}")) == first
    assert made(assembly.delete("/deals?source_specific_id=d")) == second
    assert assembly.delete(f"/deals/{first}").status_code == 404
    assert assembly.delete("/deals").status_code == 404
    deal(assembly, source_specific_ids=["d"])


def test_open_points_of_deals(assembly_box: Box, assembly: httpx.Client, company: str) -> None:
    first, second = deal(assembly), deal(assembly, source_specific_ids=["d"])
    path = f"/deals/{first}?source_specific_id=d"
    assert assembly.get(path).json()["deal"]["id"] == first
    assembly_box.control.switches(deal_lookup="query", deal_account_field="")
    assert assembly.get(path).json()["deal"]["id"] == second
    assert not {"account_source_specific_id", "account_id"} & set(shown(assembly, first))
