"""The CRM sandbox's contacts and memberships against crm.txt, over HTTP."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.sandbox.crm_calls import NOBODY, company, contact, made, stages
from tests.support.sandboxes import Box

# --- contacts and memberships -----------------------------------------------------------------------------------


def test_a_contact_needs_nothing_and_shows_its_memberships(crm: httpx.Client) -> None:
    acme, person = company(crm), contact(crm)
    assert person["companyMemberships"] == []
    member = made(crm.post(f"/contacts/{person['id']}/company-memberships", json={"companyId": acme["id"]}))
    shown = [{"id": member["id"], "companyId": acme["id"], "isPrimary": True}]
    assert crm.get(f"/contacts/{person['id']}").json()["companyMemberships"] == shown
    listed = crm.get(f"/contacts/{person['id']}/company-memberships").json()["memberships"]
    assert [one["id"] for one in listed] == [member["id"]]
    of_company = crm.get(f"/companies/{acme['id']}/contacts").json()["contacts"]
    assert [one["id"] for one in of_company] == [person["id"]]


def test_a_contacts_body_cannot_say_its_company(crm: httpx.Client) -> None:
    person = contact(crm, companyId=company(crm)["id"])
    assert "companyId" not in person
    assert person["companyMemberships"] == []


def test_a_membership_moves_the_contact(crm: httpx.Client) -> None:
    acme, person = company(crm), contact(crm)
    crm.post(f"/contacts/{person['id']}/company-memberships", json={"companyId": acme["id"]})
    assert crm.get(f"/contacts/{person['id']}").json()["updatedAt"] > person["updatedAt"]


def test_only_one_membership_is_primary(crm: httpx.Client) -> None:
    person = contact(crm)
    path = f"/contacts/{person['id']}/company-memberships"
    first = made(crm.post(path, json={"companyId": company(crm, "A")["id"]}))
    second = made(crm.post(path, json={"companyId": company(crm, "B")["id"]}))
    assert (first["isPrimary"], second["isPrimary"]) == (True, False)
    assert crm.patch(f"{path}/{second['id']}", json={"isPrimary": True}).json()["isPrimary"] is True
    assert [one["isPrimary"] for one in crm.get(path).json()["memberships"]] == [False, True]


def test_membership_refusals(crm: httpx.Client) -> None:
    acme, person = company(crm), contact(crm)
    path = f"/contacts/{person['id']}/company-memberships"
    assert crm.post(path, json={}).status_code == 400
    assert crm.post(path, json={"companyId": "x"}).status_code == 400
    assert crm.post(path, json={"companyId": NOBODY}).status_code == 400
    member = made(crm.post(path, json={"companyId": acme["id"]}))
    assert crm.post(path, json={"companyId": acme["id"]}).status_code == 409
    other = contact(crm)
    assert crm.delete(f"/contacts/{other['id']}/company-memberships/{member['id']}").status_code == 404
    assert crm.delete(f"{path}/{member['id']}").json() == {"success": True}
    assert crm.get(path).json() == {"memberships": []}


@pytest.mark.parametrize("form", ["membership", "repeated", "company"])
def test_what_the_membership_paths_last_id_is(crm_box: Box, crm: httpx.Client, form: str) -> None:
    crm_box.control.switches(membership_path=form)
    acme, person = company(crm), contact(crm)
    member = made(crm.post(f"/contacts/{person['id']}/company-memberships", json={"companyId": acme["id"]}))
    pairs = {
        "membership": (person["id"], member["id"]),
        "repeated": (member["id"], member["id"]),
        "company": (person["id"], acme["id"]),
    }
    for name, (first, last) in pairs.items():
        if name != form:
            assert crm.patch(f"/contacts/{first}/company-memberships/{last}", json={}).status_code == 404
    first, last = pairs[form]
    assert crm.delete(f"/contacts/{first}/company-memberships/{last}").status_code == 200


def test_a_deleted_contact_takes_its_memberships_and_leaves_its_leads(crm_box: Box, crm: httpx.Client) -> None:
    stages(crm_box, "New")
    acme, person = company(crm), contact(crm)
    crm.post(f"/contacts/{person['id']}/company-memberships", json={"companyId": acme["id"]})
    lead = made(crm.post("/leads", json={"title": "T", "contactId": person["id"]}))
    assert crm.delete(f"/contacts/{person['id']}").status_code == 200
    assert crm.get(f"/contacts/{person['id']}").status_code == 404
    assert crm.get(f"/companies/{acme['id']}/contacts").json() == {"contacts": []}
    assert crm.get(f"/leads/{lead['id']}").json()["contactId"] is None
