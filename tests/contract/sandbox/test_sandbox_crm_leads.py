"""The CRM sandbox's stages, leads, activities and the rest against crm.txt, over HTTP."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.sandbox.crm_calls import NOBODY, company, contact, made, names, stages
from tests.support.sandboxes import Box

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
