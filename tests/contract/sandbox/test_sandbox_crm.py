"""The CRM sandbox against crm.txt, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.sandboxes import Box

NOBODY = "00000000-0000-4000-8000-000000000000"


def made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def company(crm: httpx.Client, name: str = "Acme", **fields: Any) -> dict[str, Any]:
    return made(crm.post("/companies", json={"name": name, **fields}))


def contact(crm: httpx.Client, **fields: Any) -> dict[str, Any]:
    return made(crm.post("/contacts", json=fields))


def stages(box: Box, *names: str) -> list[str]:
    return [box.control.create("stages", {"name": name, "sortOrder": n})["id"] for n, name in enumerate(names)]


def names(answer: httpx.Response, of: str) -> list[str]:
    return [row["name"] for row in answer.json()[of]]


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


# --- stages and leads -------------------------------------------------------------------------------------------


def test_a_stage_has_the_documented_fields(crm_box: Box, crm: httpx.Client) -> None:
    stages(crm_box, "New")
    made(crm.post("/leads", json={"title": "T"}))
    (stage,) = crm.get("/pipeline-stages").json()["stages"]
    assert list(stage) == [
        "id",
        "name",
        "kind",
        "sortOrder",
        "defaultProbabilityPct",
        "colorKey",
        "systemKey",
        "leadCount",
    ]
    assert stage["leadCount"] == 1


def test_stages_are_created_last_reordered_and_renamed(crm: httpx.Client) -> None:
    ids = [made(crm.post("/pipeline-stages", json={"name": name}))["id"] for name in ("A", "B", "C")]
    answer = crm.post("/pipeline-stages/reorder", json={"stageIds": ids[::-1]})
    assert [one["name"] for one in answer.json()["stages"]] == ["C", "B", "A"]
    assert crm.patch(f"/pipeline-stages/{ids[0]}", json={"name": "Z", "sortOrder": 0}).json()["sortOrder"] == 2
    assert names(crm.get("/pipeline-stages"), "stages") == ["C", "B", "Z"]
    for wrong in (ids[:2], [*ids, NOBODY], [ids[0], ids[0], ids[1]], [], ["x"]):
        assert crm.post("/pipeline-stages/reorder", json={"stageIds": wrong}).status_code == 400


def test_a_stage_with_leads_goes_only_when_told_where_they_go(crm_box: Box, crm: httpx.Client) -> None:
    old, new = stages(crm_box, "Old", "New")
    lead = made(crm.post("/leads", json={"title": "T", "stageId": old}))
    path = f"/pipeline-stages/{old}"
    assert crm.delete(path).status_code == 409
    assert crm.request("DELETE", path, json={"targetStageId": NOBODY}).status_code == 400
    assert crm.request("DELETE", path, json={"targetStageId": old}).status_code == 400
    assert crm.request("DELETE", path, json={"targetStageId": new}).status_code == 200
    assert crm.get(f"/leads/{lead['id']}").json()["stageId"] == new
    assert names(crm.get("/pipeline-stages"), "stages") == ["New"]


def test_a_lead_starts_in_the_first_stage_and_moves_by_its_own_call(crm_box: Box, crm: httpx.Client) -> None:
    first, second = stages(crm_box, "First", "Second")
    lead = made(crm.post("/leads", json={"title": "T", "value": 10.5, "expectedCloseDate": "2026-09-30"}))
    assert lead["stageId"] == first
    path = f"/leads/{lead['id']}"
    assert crm.patch(path, json={"stageId": second}).status_code == 400
    for wrong in ({}, {"stageId": NOBODY}, {"stageId": 1}, {"stage": second}):
        assert crm.patch(f"{path}/stage", json=wrong).status_code == 400
    moved = crm.patch(f"{path}/stage", json={"stageId": second}).json()
    assert (moved["stageId"], moved["title"]) == (second, "T")
    crm_box.control.switches(stage_field="stage")
    assert crm.patch(f"{path}/stage", json={"stage": first}).json()["stageId"] == first


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": ""},
        {"title": "T", "companyId": NOBODY},
        {"title": "T", "contactId": NOBODY},
        {"title": "T", "stageId": NOBODY},
        {"title": "T", "value": "10"},
        {"title": "T", "expectedCloseDate": "30/09/2026"},
        {"title": "T", "expectedCloseDate": "2026-02-30"},
    ],
)
def test_a_wrong_lead_is_400(crm: httpx.Client, body: object) -> None:
    assert crm.post("/leads", json=body).status_code == 400


def test_leads_are_filtered_by_company_contact_and_stage(crm_box: Box, crm: httpx.Client) -> None:
    first, second = stages(crm_box, "First", "Second")
    crm_box.control.patch("stages", second, {"systemKey": "second_key"})
    acme, person = company(crm), contact(crm)
    one = made(crm.post("/leads", json={"title": "1", "companyId": acme["id"], "stageId": first}))
    two = made(crm.post("/leads", json={"title": "2", "contactId": person["id"], "stageId": second}))
    cases = [
        ({}, [one, two]),
        ({"companyId": acme["id"]}, [one]),
        ({"contactId": person["id"]}, [two]),
        ({"stageId": second}, [two]),
        ({"stage": "First"}, [one]),
        ({"stage": "second_key"}, [two]),
        ({"stage": "Third"}, []),
        ({"companyId": acme["id"], "stageId": second}, []),
    ]
    for query, expected in cases:
        assert crm.get("/leads", params=query).json() == {"leads": expected}, query
    assert crm.get("/leads", params={"companyId": "x"}).status_code == 400


# --- activities and the rest ------------------------------------------------------------------------------------


def test_activities_come_from_both_calls_and_show_in_the_timeline(crm_box: Box, crm: httpx.Client) -> None:
    stages(crm_box, "New")
    lead = made(crm.post("/leads", json={"title": "T"}))
    old = {"type": "call", "subject": "First", "occurredAt": "2026-01-01T10:00:00Z", "leadId": lead["id"]}
    first = made(crm.post("/activities", json=old))
    second = made(crm.post(f"/leads/{lead['id']}/activities", json={"type": "task", "subject": "Call back"}))
    assert second["leadId"] == lead["id"]
    assert [one["id"] for one in crm.get("/activities").json()["activities"]] == [first["id"], second["id"]]
    assert [one["id"] for one in crm.get("/tasks").json()["tasks"]] == [second["id"]]
    timeline = crm.get(f"/leads/{lead['id']}/timeline").json()["timeline"]
    assert [one["id"] for one in timeline] == [second["id"], first["id"]]
    assert crm.get("/activities", params={"leadId": NOBODY}).json() == {"activities": []}


@pytest.mark.parametrize(
    "body",
    [
        {"type": "call"},
        {"subject": "S"},
        {"type": "call", "subject": "S", "leadId": NOBODY},
        {"type": "call", "subject": "S", "companyId": NOBODY},
        {"type": "call", "subject": "S", "participants": "a@b.co"},
        {"type": "call", "subject": "S", "occurredAt": "yesterday"},
    ],
)
def test_a_wrong_activity_is_400(crm: httpx.Client, body: object) -> None:
    assert crm.post("/activities", json=body).status_code == 400


def test_mail_marketing_and_dashboard(crm_box: Box, crm: httpx.Client) -> None:
    stages(crm_box, "New")
    lead, acme = made(crm.post("/leads", json={"title": "T"})), company(crm)
    (connection,) = crm.get("/outbound-email-connections").json()["connections"]
    mail = {"leadId": lead["id"], "connectionId": connection["id"], "channel": "gmail", "subject": "S", "htmlBody": "B"}
    assert crm.post("/outbound-email", json=mail).status_code == 201
    assert crm.post("/outbound-email", json={**mail, "connectionId": NOBODY}).status_code == 400
    for name in mail:
        assert crm.post("/outbound-email", json={k: v for k, v in mail.items() if k != name}).status_code == 400
    (wanted,) = crm_box.control.dump("marketing_lists")
    body = {"listId": wanted["id"], "companyIds": [acme["id"]]}
    path = "/prospecting/add-to-marketing-list"
    assert crm.post(path, json=body).json() == {"added": 1}
    assert crm.post(path, json=body).json() == {"added": 0}
    assert crm.post(path, json={"listId": NOBODY}).status_code == 404
    assert crm.get("/dashboard").json() == {"companies": 1, "contacts": 0, "leads": 1, "activities": 0}


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
