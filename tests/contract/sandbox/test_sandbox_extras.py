"""Assembly's additional properties, labels, usage logs and notes against assembly.txt, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.sandbox.assembly_calls import NOBODY, deal, made
from tests.support.sandboxes import Box

LOG = {"timestamp": "2025-03-20T15:30:00Z", "type": "Action", "content": "User logged in", "attribute": "Login"}
NOTE = {
    "domain": "account.com",
    "source": "zoom",
    "source_specific_id": "call_84729",
    "note": "Initial sync regarding Q3 deliverables and integration timeline.",
    "original_timestamp": "2026-04-12T10:15:00Z",
    "participants": ["alice.smith@acmecorp.com", "bob.jones@acmecorp.com"],
}


# --- additional properties ----------------------------------------------------------------------------------------


def item(assembly: httpx.Client, company: str, kind: str) -> str:
    if kind == "contacts":
        body = {"name": "p", "domain": "p@a.co", "company_id": company, "source_specific_ids": ["SSID"]}
        return made(assembly.post("/contacts", json=body))
    if kind == "deals":
        return deal(assembly, source_specific_ids=["SSID"])
    made(assembly.put(f"/accounts/{company}", json={"source_specific_ids": ["SSID"]}))
    return company


@pytest.mark.parametrize("kind", ["accounts", "contacts", "deals"])
def test_properties_are_created_read_updated_and_deleted(assembly: httpx.Client, company: str, kind: str) -> None:
    item_id = item(assembly, company, kind)
    path, by_source = f"/add_props/{kind}/{item_id}", f"/add_props/{kind}?source_specific_id=SSID"
    assert made(assembly.post(path, json={"property1": "value1", "property2": "value2"})) == item_id
    again = assembly.post(by_source, json={"property2": "x", "property3": "y"})
    assert again.status_code == 409
    assert "already exists" in again.json()["error"]
    update = {"property2": 7, "New Property 2": ["value1", "value2"]}
    assert made(assembly.put(by_source, json=update)) == item_id
    expected = [
        {"name": "property1", "value": "value1"},
        {"name": "property2", "value": 7},
        {"name": "New Property 2", "value": ["value1", "value2"]},
    ]
    assert assembly.get(path).json() == {"id": item_id, "additional_properties": expected}
    assert assembly.request("DELETE", path, json={"properties": ["property1", "unknown"]}).json() == {}
    assert assembly.get(by_source).json()["additional_properties"] == expected[1:]
    for wrong in ({}, {"properties": "property1"}, {"properties": [1]}):
        assert assembly.request("DELETE", path, json=wrong).status_code == 400
    for missing in (f"/add_props/{kind}/{NOBODY}", f"/add_props/{kind}?source_specific_id=no", f"/add_props/{kind}"):
        assert assembly.get(missing).status_code == 404
        assert assembly.put(missing, json={"a": 1}).status_code == 404


def test_properties_are_found_by_domain_and_since_a_time(assembly: httpx.Client, company: str) -> None:
    path = "/add_props/accounts/account.com"
    assembly.post(path, json={"old": 1})
    assembly.post(path, json={"new": 2})
    stamp = assembly.get(f"/accounts/{company}").json()["account"]["updated_at"]
    answer = assembly.get(path, params={"updated_after": stamp}).json()
    assert [one["name"] for one in answer["additional_properties"]] == ["new"]
    assert assembly.get(path, params={"updated_after": "x"}).status_code == 400
    assert assembly.get("/add_props/people/account.com").status_code == 404


@pytest.mark.parametrize("moves", [True, False])
def test_whether_properties_move_the_accounts_stamp_is_open(
    assembly_box: Box, assembly: httpx.Client, company: str, moves: bool
) -> None:
    assembly_box.control.switches(add_props_move_updated_at=moves, add_props_shape="map")
    before = assembly.get(f"/accounts/{company}").json()["account"]["updated_at"]
    assembly.post(f"/add_props/accounts/{company}", json={"a": 1})
    after = assembly.get(f"/accounts/{company}").json()["account"]["updated_at"]
    assert (after > before) is moves
    assert assembly.get(f"/add_props/accounts/{company}").json()["additional_properties"] == {"a": 1}


# --- labels -------------------------------------------------------------------------------------------------------


def test_labels_are_listed_in_three_forms(assembly: httpx.Client) -> None:
    body = {"type": "Tier", "name": "Example Tier", "color": "#545A92", "description": "A description"}
    tier = made(assembly.post("/accounts/labels", json=body))
    kind = made(assembly.post("/accounts/labels", json={**body, "type": "CompanyType", "description": None}))

    def ids(path: str) -> list[str]:
        answer = assembly.get(f"/accounts/labels{path}").json()
        assert list(answer) == ["labels"]
        return [row["id"] for row in answer["labels"]]

    assert ids("") == [tier, kind]
    assert ids("/tier") == ids("/Tier") == ids(f"/{tier}") == [tier]
    assert ids("/companytype") == [kind]
    assert ids("/stage") == []
    assert assembly.get("/accounts/labels/colour").status_code == 404
    assert ids("?updated_after=2999-01-01") == []
    assert {**assembly.get(f"/accounts/labels/{tier}").json()["labels"][0], **body}["name"] == "Example Tier"


@pytest.mark.parametrize(
    "wrong", [{"type": "Level"}, {"type": None}, {"name": ""}, {"color": None}, {"color": "blue"}, {"color": "#12345"}]
)
def test_a_wrong_label_is_400(assembly: httpx.Client, wrong: dict[str, Any]) -> None:
    body = {"type": "Tier", "name": "T", "color": "#545A92", **wrong}
    assert assembly.post("/accounts/labels", json=body).status_code == 400


def test_labels_are_renamed_repeated_and_deleted(assembly_box: Box, assembly: httpx.Client, company: str) -> None:
    body = {"type": "Tier", "name": "T", "color": "#545A92"}
    first, second = (made(assembly.post("/accounts/labels", json=body)) for _ in range(2))
    assert made(assembly.put(f"/accounts/labels/{first}", json={"name": "New Example Tier"})) == first
    assembly.put(f"/accounts/{company}", json={"tier": second})
    before = assembly.get(f"/accounts/{company}").json()["account"]
    assert assembly.delete(f"/accounts/labels/{second}").json() == {}
    after = assembly.get(f"/accounts/{company}").json()["account"]
    assert (after["tier"], after["updated_at"]) == (None, before["updated_at"])
    for method in ("PUT", "DELETE"):
        assert assembly.request(method, f"/accounts/labels/{second}", json={}).status_code == 404
    assembly_box.control.switches(labels_path="account")
    assert assembly.get("/account/labels").json()["labels"][0]["name"] == "New Example Tier"
    assert assembly.get("/accounts/labels").status_code == 404


# --- usage --------------------------------------------------------------------------------------------------------


def logs(assembly: httpx.Client, path: str = "") -> list[str]:
    answer = assembly.get(f"/usage{path}")
    assert answer.status_code == 200, answer.text
    return [row["content"] for row in answer.json()["logs"]["data"]]


def test_logs_are_newest_first_and_tied_to_items(assembly: httpx.Client, company: str) -> None:
    item(assembly, company, "contacts")
    made(assembly.post("/usage", json={**LOG, "content": "a"}))
    made(assembly.post(f"/usage/accounts/{company}", json={**LOG, "content": "b", "timestamp": "2026-01-01T00:00:00Z"}))
    made(
        assembly.post(
            "/usage/contacts?source_specific_id=SSID", json={**LOG, "content": "c", "timestamp": "2024-01-01T00:00:00Z"}
        )
    )
    assert logs(assembly) == ["b", "a", "c"]
    assert logs(assembly, "?limit=1&offset=1") == ["a"]
    assert logs(assembly, "/accounts/account.com") == ["b"]
    assert logs(assembly, "/contacts/p@a.co") == ["c"]
    assert logs(assembly, "/contacts?source_specific_id=SSID&updated_after=2999-01-01") == []
    assert assembly.get("/usage/contacts/account.com").status_code == 404
    assert assembly.post("/usage/accounts?source_specific_id=no", json=LOG).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        *({name: None} for name in LOG),
        {"type": "Message"},
        {"type": "Metric"},
        {"type": "CumulativeMetric", "value": "20"},
        {"timestamp": "2025-03-20"},
        {"metadata": []},
    ],
)
def test_a_wrong_log_is_400(assembly: httpx.Client, wrong: dict[str, Any]) -> None:
    assert assembly.post("/usage", json={**LOG, **wrong}).status_code == 400


def test_a_log_is_read_updated_and_deleted_and_repeats_when_sent_twice(assembly: httpx.Client) -> None:
    metric = {**LOG, "type": "Metric", "value": 20, "metadata": {"key": "value", "other": 1}}
    first, second = (made(assembly.post("/usage", json=metric)) for _ in range(2))
    assert first != second
    assert made(assembly.put(f"/usage/{first}", json={"attribute": "Seats", "metadata": {"key": 2}})) == first
    log = assembly.get(f"/usage/{first}").json()["log"]
    assert (log["attribute"], log["metadata"], log["value"]) == ("Seats", {"key": 2}, 20)
    assert assembly.delete(f"/usage/{first}").json() == {}
    for method in ("GET", "PUT", "DELETE"):
        assert assembly.request(method, f"/usage/{first}", json={}).status_code == 404


# --- notes --------------------------------------------------------------------------------------------------------


def test_a_note_is_idempotent_under_its_key(assembly_box: Box, assembly: httpx.Client, company: str) -> None:
    first = made(assembly.post("/accounts/create_note", json=NOTE))
    assert made(assembly.post("/accounts/create_note", json={**NOTE, "note": "changed"})) == first
    assert made(assembly.post("/accounts/create_note", json={**NOTE, "source": "gong"})) != first
    note = assembly_box.control.dump("notes")[0]
    assert (note["note"], note["company_id"]) == ("changed", company)
    assert note["metadata"] == {"meeting": {"participant_emails": NOTE["participants"]}}


def test_a_note_without_a_company_is_412(assembly: httpx.Client, company: str) -> None:
    item(assembly, company, "contacts")
    for domain in ("nobody.com", "p@a.co"):
        assert assembly.post("/accounts/create_note", json={**NOTE, "domain": domain}).status_code == 412


@pytest.mark.parametrize(
    "wrong",
    [*({name: None} for name in NOTE), {"participants": "a@b.co"}, {"original_timestamp": "2026-04-12"}, {"title": 1}],
)
def test_a_wrong_note_is_400(assembly: httpx.Client, company: str, wrong: dict[str, Any]) -> None:
    assert assembly.post("/accounts/create_note", json={**NOTE, **wrong}).status_code == 400


def test_participants_may_be_optional(assembly_box: Box, assembly: httpx.Client, company: str) -> None:
    assembly_box.control.switches(participants_required=False)
    made(assembly.post("/accounts/create_note", json={**NOTE, "participants": None}))
    assert assembly.get("/accounts/create_note").status_code == 404  # notes cannot be read
