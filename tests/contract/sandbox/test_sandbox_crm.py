"""The CRM sandbox against crm.txt, over HTTP: key and entity, companies, open points."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.contract.sandbox.crm_calls import NOBODY, company, contact, names
from tests.support.sandboxes import Box

# --- key and entity ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("authorization", ["", "ak_sandbox", "Bearer ak_wrong", "Bearer", "bearer ak_sandbox"])
def test_a_wrong_key_is_401(crm: httpx.Client, authorization: str) -> None:
    answer = crm.get("/companies", headers={"Authorization": authorization})
    assert (answer.status_code, list(answer.json())) == (401, ["error"])


def test_the_entity_must_be_given_be_a_uuid_and_be_the_keys(crm_box: Box, crm: httpx.Client) -> None:
    with httpx.Client(base_url=crm_box.url, headers={"Authorization": f"Bearer {crm_box.key}"}) as bare:
        assert bare.get("/companies").status_code == 400
        assert bare.get("/companies", headers={"x-entity-id": crm_box.entity_id}).status_code == 400
        assert bare.get("/companies", params={"entityId": "acme"}).status_code == 400
        assert bare.get("/companies", params={"entityId": NOBODY}).status_code == 403
        assert bare.post("/companies", json={"name": "Acme", "entityId": crm_box.entity_id}).status_code == 201
        assert bare.post("/companies", json={"name": "Acme", "entityId": NOBODY}).status_code == 403
    assert crm.post("/companies", json={"name": "Acme", "entityId": NOBODY}).status_code == 403


def test_a_key_without_a_scope_is_403(crm_box: Box, crm: httpx.Client) -> None:
    crm_box.control.switches(write_scope=False)
    assert crm.get("/companies").status_code == 200
    assert crm.post("/companies", json={"name": "Acme"}).status_code == 403
    crm_box.control.switches(write_scope=True, read_scope=False)
    assert crm.get("/companies").status_code == 403


def test_an_expired_key_is_401(crm_box: Box, crm: httpx.Client) -> None:
    crm_box.control.switches(key_expired=True)
    assert crm.get("/companies").status_code == 401


def test_every_answer_carries_a_date(crm_box: Box, crm: httpx.Client) -> None:
    for answer in (
        crm.get("/companies"),
        crm.get("/companies/x"),
        crm.post("/companies", json={}),
        crm.get("/nowhere"),
    ):
        assert answer.headers["date"].endswith(" GMT")
    crm_box.control.switches(date_header=False)
    assert "date" not in crm.get("/companies").headers


def test_unknown_paths_are_404_and_other_methods_405(crm: httpx.Client) -> None:
    assert crm.get("/deals").status_code == 404
    assert crm.delete("/companies/x").status_code == 405  # crm.txt has no DELETE for companies
    assert crm.patch("/activities/x", json={}).status_code == 404


# --- companies --------------------------------------------------------------------------------------------------


def test_a_company_is_created_read_and_changed(crm: httpx.Client) -> None:
    row = company(crm, website="https://acme.example", employees=12, favouriteColour="red")
    UUID(row["id"])
    assert row["favouriteColour"] == "red"
    assert crm.get(f"/companies/{row['id']}").json() == row
    changed = crm.patch(f"/companies/{row['id']}", json={"phone": "+1", "website": None}).json()
    assert (changed["phone"], changed["website"], changed["name"]) == ("+1", None, "Acme")
    assert changed["updatedAt"] > row["updatedAt"]
    assert changed["createdAt"] == row["createdAt"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "  "},
        {"name": None},
        {"name": 3},
        {"name": "A", "relationshipType": "friend"},
        {"name": "A", "status": "archived"},
        {"name": "A", "ownerId": "me"},
        {"name": "A", "employees": "12"},
        {"name": "A", "employees": True},
        [],
        "A",
    ],
)
def test_a_wrong_company_is_400(crm: httpx.Client, body: object) -> None:
    assert crm.post("/companies", json=body).status_code == 400
    assert crm.get("/companies").json() == {"companies": []}


def test_a_body_that_is_not_json_is_400(crm: httpx.Client) -> None:
    assert crm.post("/companies", content=b'{"name": "A"').status_code == 400
    assert crm.post("/companies").status_code == 400


def test_an_id_cannot_be_chosen(crm: httpx.Client) -> None:
    assert company(crm, id=NOBODY, createdAt="x")["id"] != NOBODY


def test_a_name_cannot_be_cleared(crm: httpx.Client) -> None:
    row = company(crm)
    assert crm.patch(f"/companies/{row['id']}", json={"name": None}).status_code == 400


def test_unknown_ids_are_404(crm: httpx.Client) -> None:
    for path in (
        "/companies/{}",
        "/companies/{}/contacts",
        "/contacts/{}",
        "/contacts/{}/company-memberships",
        "/leads/{}",
        "/leads/{}/timeline",
    ):
        assert crm.get(path.format(NOBODY)).status_code == 404, path
    assert crm.patch(f"/companies/{NOBODY}", json={}).status_code == 404
    assert crm.delete(f"/leads/{NOBODY}").status_code == 404


def test_companies_are_filtered(crm_box: Box, crm: httpx.Client) -> None:
    me = crm_box.control.health()["me"]
    company(crm, "Acme", relationshipType="customer", ownerId=me)
    company(crm, "ACME Labs", status="inactive")
    company(crm, "Zeta", relationshipType="vendor")
    assert names(crm.get("/companies", params={"search": "acme"}), "companies") == ["Acme", "ACME Labs"]
    assert names(crm.get("/companies", params={"relationshipType": "customer"}), "companies") == ["Acme"]
    assert names(crm.get("/companies", params={"status": "inactive"}), "companies") == ["ACME Labs"]
    assert names(crm.get("/companies", params={"ownerId": me}), "companies") == ["Acme"]
    assert names(crm.get("/companies", params={"ownerId": "unassigned"}), "companies") == ["ACME Labs", "Zeta"]
    assert names(crm.get("/companies", params={"ownerId": "me"}), "companies") == ["Acme"]
    for wrong in ({"status": "old"}, {"relationshipType": "x"}, {"ownerId": "x"}, {"page": "0"}, {"limit": "x"}):
        assert crm.get("/companies", params=wrong).status_code == 400, wrong


def test_companies_page_from_one_and_limit_without_page_gives_the_first_rows(crm_box: Box, crm: httpx.Client) -> None:
    crm_box.control.seed({"companies": [{"name": f"C{n:03}"} for n in range(7)]})
    assert len(crm.get("/companies").json()["companies"]) == 7
    assert names(crm.get("/companies", params={"limit": 2}), "companies") == ["C000", "C001"]
    assert names(crm.get("/companies", params={"page": 2, "limit": 3}), "companies") == ["C003", "C004", "C005"]
    crm_box.control.switches(page_size=4)
    assert names(crm.get("/companies", params={"page": 2}), "companies") == ["C004", "C005", "C006"]
    assert names(crm.get("/companies", params={"page": 3}), "companies") == []
    crm_box.control.switches(limit_with_page=False)
    assert len(crm.get("/companies", params={"page": 1, "limit": 2}).json()["companies"]) == 4


# --- open points ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "expected"),
    [("named", lambda rows: {"contacts": rows}), ("data", lambda rows: {"data": rows}), ("bare", lambda rows: rows)],
)
def test_list_envelopes(crm_box: Box, crm: httpx.Client, form: str, expected: Any) -> None:
    person = contact(crm)
    crm_box.control.switches(list_envelope=form)
    assert crm.get("/contacts").json() == expected([person])


@pytest.mark.parametrize(
    ("form", "expected"),
    [("named", lambda row: {"contact": row}), ("data", lambda row: {"data": row}), ("bare", lambda row: row)],
)
def test_object_envelopes(crm_box: Box, crm: httpx.Client, form: str, expected: Any) -> None:
    person = contact(crm)
    crm_box.control.switches(object_envelope=form)
    assert crm.get(f"/contacts/{person['id']}").json() == expected(person)


def test_other_open_points_of_the_crm(crm_box: Box, crm: httpx.Client) -> None:
    crm_box.control.switches(created_status=200, delete_body="none", null_clears=False, unknown_fields="ignore")
    row = crm.post("/contacts", json={"phone": "1", "shoeSize": 44}).json()
    assert "shoeSize" not in row
    assert crm.patch(f"/contacts/{row['id']}", json={"phone": None}).json()["phone"] == "1"
    crm_box.control.switches(embedded_memberships=False, updated_field="modifiedAt")
    shown = crm.get(f"/contacts/{row['id']}").json()
    assert "companyMemberships" not in shown
    assert "updatedAt" not in shown
    assert shown["modifiedAt"]
    crm_box.control.switches(updated_field="")
    assert "modifiedAt" not in crm.get(f"/contacts/{row['id']}").json()
    gone = crm.delete(f"/contacts/{row['id']}")
    assert (gone.status_code, gone.content) == (204, b"")


def test_null_clears_by_default(crm: httpx.Client) -> None:
    row = contact(crm, phone="1")
    assert crm.patch(f"/contacts/{row['id']}", json={"phone": None}).json()["phone"] is None
