"""Writing Assembly's accounts against assembly.txt, over HTTP: create, update, upsert, delete."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.sandbox.assembly_calls import ACME, NOBODY, account, contact, label, listed, made, shown
from tests.support.sandboxes import Box

# --- create ------------------------------------------------------------------------------------------------------


def test_the_documented_example_creates_an_account(assembly: httpx.Client) -> None:
    tier, stage, tag, kind = (label(assembly, name) for name in ("Tier", "Stage", "AccountTag", "CompanyType"))
    body = {
        **ACME,
        "source_specific_ids": ["accountSSID"],
        "image_url": "https://cdn.example/logo.svg",
        "phone": ["123456789"],
        "contract_value": 100,
        "contract_type": "Month",
        "renewal_date": "2027-12-31",
        "trial_expiration_date": "2025-07-31",
        "tier": tier,
        "stage": stage,
        "tags": [tag],
        "notes": "A note about the account",
        "id_in_tool": "idA",
        "additional_properties": {"Login_count": 2, "Timezone": "America/Los_Angeles"},
        "company_type": kind,
        "number_of_seats": 20,
    }
    row = shown(assembly, made(assembly.post("/accounts", json=body)))
    assert row["account_type"] == "Company"
    assert {name: row[name] for name in body if name != "type"} == {k: v for k, v in body.items() if k != "type"}
    assert row["updated_at"].endswith("Z")


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": None},
        {"type": "Person"},
        {"name": ""},
        {"name": None},
        {"domain": None},
        {"domain": "name@company.com"},
        {"domain": "nodots"},
        {"type": "Customer", "domain": "company.com"},
        {"phone": "123456789"},
        {"phone": [123]},
        {"contract_type": "Week"},
        {"contract_value": "100"},
        {"renewal_date": "31.12.2027"},
        {"number_of_seats": 1.5},
        {"role": "support"},
        {"type": "Customer", "domain": "a@b.co", "number_of_seats": 1},
        {"tier": NOBODY},
        {"tags": [NOBODY]},
        {"additional_properties": []},
        {"source_specific_ids": "x"},
    ],
)
def test_a_wrong_account_is_400(assembly: httpx.Client, wrong: dict[str, Any]) -> None:
    assert assembly.post("/accounts", json={**ACME, **wrong}).status_code == 400
    assert listed(assembly) == []


def test_a_label_must_be_of_the_fields_type(assembly: httpx.Client) -> None:
    tag = label(assembly, "AccountTag")
    assert assembly.post("/accounts", json={**ACME, "tier": tag}).status_code == 400
    assert assembly.post("/accounts", json={**ACME, "tags": [tag]}).status_code == 200


@pytest.mark.parametrize("status", [409, 400, 422])
def test_duplicates_answer_the_open_status(assembly_box: Box, assembly: httpx.Client, status: int) -> None:
    assembly_box.control.switches(duplicate_status=status)
    account(assembly, source_specific_ids=["a"])
    assert assembly.post("/accounts", json={**ACME, "domain": "ACCOUNT.com"}).status_code == status
    other = {**ACME, "domain": "other.com"}
    assert assembly.post("/accounts", json={**other, "source_specific_ids": ["a"]}).status_code == status


# --- update -------------------------------------------------------------------------------------------------------


def test_an_update_adds_and_removes_and_merges(assembly: httpx.Client) -> None:
    old_tag, new_tag = label(assembly, "AccountTag"), label(assembly, "AccountTag")
    made_id = account(
        assembly, tags=[old_tag], source_specific_ids=["old"], additional_properties={"kept": 1, "existingKey": 1}
    )
    before = shown(assembly, made_id)
    body = {
        "name": "New Account Name",
        "tags": [new_tag],
        "removed_tags": [old_tag],
        "source_specific_ids": ["new"],
        "removed_source_specific_ids": ["old"],
        "contract_value": 50000.0,
        "contract_type": "Year",
        "additional_properties": {"existingKey": "newValue", "newKey": "newValue"},
    }
    assert made(assembly.put(f"/accounts/{made_id}", json=body)) == made_id
    after = shown(assembly, made_id)
    assert (after["tags"], after["source_specific_ids"]) == ([new_tag], ["new"])
    assert after["additional_properties"] == {"kept": 1, "existingKey": "newValue", "newKey": "newValue"}
    assert after["updated_at"] > before["updated_at"]
    assembly.put(f"/accounts/{made_id}", json={"tags": [old_tag], "source_specific_ids": ["more"]})
    assert shown(assembly, made_id)["tags"] == [new_tag, old_tag]
    assert shown(assembly, made_id)["source_specific_ids"] == ["new", "more"]


def test_an_update_names_its_account_in_three_ways(assembly: httpx.Client) -> None:
    made_id = account(assembly, source_specific_ids=["a"])
    for path in (f"/accounts/{made_id}", "/accounts/account.com", "/accounts?source_specific_id=a"):
        assert made(assembly.put(path, json={"notes": path})) == made_id
        assert shown(assembly, made_id)["notes"] == path
    for path in (f"/accounts/{NOBODY}", "/accounts/no.com", "/accounts?source_specific_id=b", "/accounts"):
        assert assembly.put(path, json={}).status_code == 404, path


def test_the_legacy_dialects_names_are_ignored(assembly: httpx.Client) -> None:
    made_id = account(assembly)
    assembly.put(f"/accounts/{made_id}", json={"added_source_specific_ids": ["x"], "added_tags": ["y"]})
    row = shown(assembly, made_id)
    assert (row["source_specific_ids"], row["tags"]) == ([], [])


def test_an_update_may_not_take_anothers_domain_or_source_id(assembly: httpx.Client) -> None:
    account(assembly, source_specific_ids=["a"])
    other = account(assembly, domain="other.com")
    assert assembly.put(f"/accounts/{other}", json={"domain": "account.com"}).status_code == 409
    assert assembly.put(f"/accounts/{other}", json={"source_specific_ids": ["a"]}).status_code == 409
    assert assembly.put(f"/accounts/{other}", json={"type": "Customer"}).status_code == 400
    assert assembly.put(f"/accounts/{other}", json={"domain": "other.com", "type": "Company"}).status_code == 200


def test_null_clears_or_means_not_given(assembly_box: Box, assembly: httpx.Client) -> None:
    made_id = account(assembly, notes="n", phone=["1"])
    assembly_box.control.switches(null_clears=False)
    assembly.put(f"/accounts/{made_id}", json={"notes": None, "phone": None, "name": None})
    assert (shown(assembly, made_id)["notes"], shown(assembly, made_id)["phone"]) == ("n", ["1"])
    assembly_box.control.switches(null_clears=True)
    assert assembly.put(f"/accounts/{made_id}", json={"name": None}).status_code == 400
    assembly.put(f"/accounts/{made_id}", json={"notes": None, "phone": None})
    assert (shown(assembly, made_id)["notes"], shown(assembly, made_id)["phone"]) == (None, [])


def test_names_may_be_cut_and_domains_lowered(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.switches(name_limit=100, lower_domains=True)
    row = shown(assembly, account(assembly, name="x" * 120, domain="Acme.COM"))
    assert (len(row["name"]), row["domain"]) == (100, "acme.com")


# --- upsert -------------------------------------------------------------------------------------------------------


def test_upsert_creates_once_and_then_updates(assembly: httpx.Client) -> None:
    path = "/accounts/upsert?source_specific_id=accountSSID"
    first = made(assembly.put(path, json=ACME))
    assert shown(assembly, first)["source_specific_ids"] == ["accountSSID"]
    assert made(assembly.put(path, json={"name": "Again"})) == first
    assert shown(assembly, first)["name"] == "Again"


def test_upsert_never_takes_the_paths_id(assembly: httpx.Client) -> None:
    first = made(assembly.put(f"/accounts/upsert/{NOBODY}", json=ACME))
    assert first != NOBODY
    assert made(assembly.put(f"/accounts/upsert/{first}", json={"name": "B"})) == first


def test_upsert_without_the_required_fields_fails_when_it_must_create(assembly: httpx.Client) -> None:
    for name in ACME:
        body = {key: value for key, value in ACME.items() if key != name}
        assert assembly.put("/accounts/upsert?source_specific_id=a", json=body).status_code == 400


def test_upsert_does_not_look_at_the_bodys_domain_or_source_ids(assembly_box: Box, assembly: httpx.Client) -> None:
    made_id = account(assembly, source_specific_ids=["a"])
    by_domain = ("/accounts/upsert?source_specific_id=b", ACME)
    by_body = ("/accounts/upsert", {**ACME, "domain": "new.com", "source_specific_ids": ["a"]})
    assert assembly.put(by_domain[0], json=by_domain[1]).status_code == 409
    assert assembly.put(by_body[0], json=by_body[1]).status_code == 409
    assembly_box.control.switches(upsert_matches_domain=True, upsert_matches_body_source_ids=True)
    assert made(assembly.put(by_domain[0], json=by_domain[1])) == made_id
    assert made(assembly.put(by_body[0], json=by_body[1])) == made_id


def test_whether_the_urls_source_id_is_linked_is_open(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.switches(url_source_id_linked=False)
    row = shown(assembly, made(assembly.put("/accounts/upsert?source_specific_id=a", json=ACME)))
    assert row["source_specific_ids"] == []
    both = {**ACME, "domain": "b.com", "source_specific_ids": ["b"]}
    row = shown(assembly, made(assembly.put("/accounts/upsert?source_specific_id=b", json=both)))
    assert row["source_specific_ids"] == ["b"]


# --- delete -------------------------------------------------------------------------------------------------------


def test_deletes_answer_an_empty_object(assembly: httpx.Client) -> None:
    account(assembly, source_specific_ids=["a"])
    contact(assembly, company_domain="account.com")
    assert assembly.delete("/contacts/name@company.com").json() == {}
    assert assembly.delete("/accounts?source_specific_id=a").json() == {}
    assert listed(assembly) == []
    assert assembly.delete("/accounts?source_specific_id=a").status_code == 404
    assert assembly.delete("/contacts/name@company.com").status_code == 404


@pytest.mark.parametrize("form", ["keep", "cascade", "refuse"])
def test_what_a_deleted_company_takes_along_is_open(assembly_box: Box, assembly: httpx.Client, form: str) -> None:
    assembly_box.control.switches(account_delete=form)
    company = account(assembly, source_specific_ids=["a"])
    person = contact(assembly, company_id=company)
    deal = made(assembly.post("/deals", json={"name": "D", "account_source_specific_id": "a"}))
    status = assembly.delete(f"/accounts/{company}").status_code
    left = [assembly.get(f"/contacts/{person}").status_code, assembly.get(f"/deals/{deal}").status_code]
    assert (status, left) == {"keep": (200, [200, 200]), "cascade": (200, [404, 404]), "refuse": (409, [200, 200])}[
        form
    ]
    if form == "keep":
        assert shown(assembly, person, "contact")["company_id"] is None
