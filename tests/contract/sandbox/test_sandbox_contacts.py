"""Assembly's contacts against assembly.txt, over HTTP."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.sandbox.assembly_calls import NOBODY, account, contact, listed, made, shown
from tests.support.sandboxes import Box

# --- contacts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["company_id", "company_domain", "company_source_specific_id"])
def test_a_contact_names_its_company_in_three_ways(assembly: httpx.Client, key: str) -> None:
    company = account(assembly, source_specific_ids=["companySSID"])
    value = {"company_id": company, "company_domain": "account.com", "company_source_specific_id": "companySSID"}[key]
    row = shown(assembly, contact(assembly, **{key: value}), "contact")
    assert (row["company_id"], row["account_type"], row["domain"]) == (company, "Customer", "name@company.com")


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_contact_of_an_unknown_company_answers_the_open_status(
    assembly_box: Box, assembly: httpx.Client, status: int
) -> None:
    assembly_box.control.switches(unknown_parent_status=status)
    body = {"name": "n", "domain": "a@b.co"}
    for key in ("company_id", "company_domain", "company_source_specific_id"):
        assert assembly.post("/contacts", json={**body, key: "nobody.com"}).status_code == status
    assert assembly.post("/contacts", json=body).status_code == 400


def test_contacts_are_customer_accounts(assembly: httpx.Client) -> None:
    company = account(assembly)
    made_id = contact(assembly, company_id=company, source_specific_ids=["c"])
    assert listed(assembly) == ["account_name", "contact_name"]
    assert shown(assembly, made_id)["account_type"] == "Customer"
    assert shown(assembly, "name@company.com")["id"] == made_id
    assert assembly.get(f"/contacts/{company}").status_code == 404
    assert assembly.get("/contacts?source_specific_id=c").json()["contact"]["id"] == made_id
    assert assembly.get("/accounts?source_specific_id=c").json()["account"]["id"] == made_id
    assert assembly.put("/accounts?source_specific_id=c", json={"role": "buyer"}).status_code == 200
    assert shown(assembly, made_id, "contact")["role"] == "buyer"


def test_a_customer_made_as_an_account_has_no_company(assembly: httpx.Client) -> None:
    company = account(assembly)
    body = {"type": "Customer", "name": "n", "domain": "a@b.co", "company_id": company}
    row = shown(assembly, made(assembly.post("/accounts", json=body)), "contact")
    assert row["company_id"] is None


def test_contacts_of_a_company(assembly: httpx.Client) -> None:
    company = account(assembly, source_specific_ids=["companySSID"])
    other = account(assembly, domain="other.com")
    for number in range(3):
        contact(assembly, name=f"{number}", domain=f"{number}@a.co", company_id=company)
    contact(assembly, name="x", domain="x@a.co", company_id=other)

    def of(path: str) -> list[str]:
        answer = assembly.get(f"/contacts/company{path}")
        assert answer.status_code == 200, answer.text
        return [row["name"] for row in answer.json()["contacts"]["data"]]

    assert of(f"/{company}") == of("/account.com") == of("?company_source_specific_id=companySSID") == ["0", "1", "2"]
    assert of(f"/{company}?limit=1&offset=1") == ["1"]
    assert of(f"/{company}?updated_after=2999-01-01") == []
    assert assembly.get("/contacts/company/nobody.com").status_code == 404
    assert assembly.get("/contacts/company").status_code == 400
    assert assembly.get(f"/contacts/company/{company}?updated_after=x").status_code == 400


def test_a_contact_changes_its_company(assembly: httpx.Client) -> None:
    first, second = account(assembly), account(assembly, domain="second.com")
    made_id = contact(assembly, company_id=first)
    assert made(assembly.put(f"/contacts/{made_id}", json={"company_domain": "second.com"})) == made_id
    assert shown(assembly, made_id, "contact")["company_id"] == second
    assert assembly.put(f"/contacts/{made_id}", json={"company_id": NOBODY}).status_code == 400


@pytest.mark.parametrize("field", ["company", "company_domain_id", ""])
def test_under_which_name_a_contact_shows_its_company_is_open(
    assembly_box: Box, assembly: httpx.Client, field: str
) -> None:
    assembly_box.control.switches(contact_company_field=field)
    company = account(assembly)
    row = shown(assembly, contact(assembly, company_id=company), "contact")
    assert "company_id" not in row
    assert not field or row[field] == company


def test_contact_upsert(assembly: httpx.Client) -> None:
    company = account(assembly)
    body = {"name": "n", "domain": "a@b.co", "company_id": company}
    path = "/contacts/upsert?source_specific_id=contactSSID"
    first = made(assembly.put(path, json=body))
    assert made(assembly.put(path, json={"role": "r"})) == first
    assert made(assembly.put(f"/contacts/upsert/{first}", json={"name": "m"})) == first
    assert shown(assembly, first, "contact")["source_specific_ids"] == ["contactSSID"]
    for name in body:
        less = {key: value for key, value in body.items() if key != name}
        assert assembly.put("/contacts/upsert?source_specific_id=other", json=less).status_code == 400
    # The text's own example gives a contact the domain account.com, against its rule that it is an email.
    assert (
        assembly.put("/contacts/upsert?source_specific_id=x", json={**body, "domain": "account.com"}).status_code == 400
    )


def test_source_ids_are_one_namespace_or_two(assembly_box: Box, assembly: httpx.Client) -> None:
    company = account(assembly, source_specific_ids=["7"])
    body = {"name": "n", "domain": "a@b.co", "company_id": company, "source_specific_ids": ["7"]}
    assert assembly.post("/contacts", json=body).status_code == 409
    assembly_box.control.switches(shared_source_ids=False)
    person = made(assembly.post("/contacts", json=body))
    assert assembly.get("/accounts?source_specific_id=7").json()["account"]["id"] == company
    assert assembly.get("/contacts?source_specific_id=7").json()["contact"]["id"] == person
