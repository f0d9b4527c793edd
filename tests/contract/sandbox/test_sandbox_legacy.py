"""Assembly's legacy dialect against assembly-legacy.txt, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.sandboxes import Box

ACME = {"type": "Company", "name": "account_name", "domain": "account.com", "source_specific_ids": ["source/ID"]}
LOG = {"timestamp": "2025-03-20T15:30:00Z", "type": "Action", "content": "User logged in"}


@pytest.fixture
def legacy(assembly_box: Box, assembly: httpx.Client) -> httpx.Client:
    assembly_box.control.switches(dialect="legacy")
    return assembly


def made(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["id"]
    return str(answer.json()["id"])


def shown(legacy: httpx.Client, name: str) -> dict[str, Any]:
    return dict(legacy.get(f"/accounts/{name}").json()["account"])


def test_the_source_id_is_a_path_segment(legacy: httpx.Client) -> None:
    made_id = made(legacy.post("/accounts", json=ACME))
    for name in (made_id, "account.com", "source%2FID"):
        assert shown(legacy, name)["id"] == made_id
    assert legacy.get("/accounts/source/ID").status_code == 404


def test_the_other_dialects_query_is_ignored_and_the_whole_list_comes(legacy: httpx.Client) -> None:
    legacy.post("/accounts", json=ACME)
    legacy.post("/accounts", json={**ACME, "domain": "b.com", "source_specific_ids": []})
    answer = legacy.get("/accounts?source_specific_id=source/ID&updated_after=nonsense&name=zzz").json()
    assert len(answer["accounts"]["data"]) == 2
    assert answer["accounts"]["has_next_page"] is False


def test_a_source_id_that_is_a_word_of_the_api_cannot_be_reached(legacy: httpx.Client) -> None:
    legacy.post("/accounts", json={**ACME, "source_specific_ids": ["labels"]})
    assert legacy.get("/accounts/labels").json() == {"labels": []}


def test_a_customer_may_name_its_company(legacy: httpx.Client) -> None:
    company = made(legacy.post("/accounts", json=ACME))
    body = {"type": "Customer", "name": "p", "domain": "p@account.com", "company_id": company, "role": "support"}
    assert shown(legacy, made(legacy.post("/accounts", json=body)))["company_id"] == company
    wrong = {**body, "domain": "q@account.com", "company_id": "nobody"}
    assert legacy.post("/accounts", json=wrong).status_code == 400
    second = {**ACME, "domain": "c.com", "source_specific_ids": [], "company_id": company}
    assert legacy.post("/accounts", json=second).status_code == 400


def test_an_update_uses_the_added_names_and_leaves_properties_alone(legacy: httpx.Client) -> None:
    tag = made(legacy.post("/accounts/labels", json={"type": "AccountTag", "name": "t", "color": "#545A92"}))
    made_id = made(legacy.post("/accounts", json={**ACME, "additional_properties": {"a": 1}}))
    body = {
        "name": "New Account Name",
        "added_tags": [tag],
        "added_source_specific_ids": ["new"],
        "removed_source_specific_ids": ["source/ID"],
        "additional_properties": {"b": 2},
    }
    assert made(legacy.put("/accounts/source%2FID", json=body)) == made_id
    row = shown(legacy, "new")
    assert (row["name"], row["tags"], row["source_specific_ids"]) == ("New Account Name", [tag], ["new"])
    assert row["additional_properties"] == {"a": 1}
    legacy.put("/accounts/new", json={"tags": [], "source_specific_ids": ["current"], "removed_tags": [tag]})
    row = shown(legacy, "new")
    assert (row["tags"], row["source_specific_ids"]) == ([], ["new"])
    assert legacy.put("/accounts/new", json={"added_tags": ["nolabel"]}).status_code == 400


def test_there_is_no_upsert_and_a_second_create_is_a_duplicate(legacy: httpx.Client) -> None:
    legacy.post("/accounts", json=ACME)
    assert legacy.post("/accounts", json=ACME).status_code == 409
    assert legacy.put("/accounts/upsert", json=ACME).status_code == 404
    for path in ("/contacts", "/deals", "/accounts/create_note", "/accounts/search"):
        assert legacy.post(path, json={}).status_code in (404, 405), path


def test_properties_are_a_map(legacy: httpx.Client) -> None:
    made_id = made(legacy.post("/accounts", json=ACME))
    path = "/accounts/add_props/source%2FID"
    assert made(legacy.post(path, json={"property1": "value1"})) == made_id
    assert legacy.post(path, json={"property1": "value1"}).status_code == 409
    legacy.put(path, json={"property1": 7, "property2": ["x"]})
    assert legacy.get(path).json() == {"id": made_id, "additional_properties": {"property1": 7, "property2": ["x"]}}
    assert legacy.request("DELETE", path, json={"properties": ["property1"]}).json() == {}
    assert legacy.get(f"/accounts/add_props/{made_id}").json()["additional_properties"] == {"property2": ["x"]}


def test_a_log_has_other_types_and_its_attribute_is_optional(legacy: httpx.Client) -> None:
    company = made(legacy.post("/accounts", json=ACME))
    made(legacy.post("/usage", json=LOG))
    tied = made(legacy.post("/usage/account.com", json={**LOG, "type": "Message", "attribute": "Login"}))
    assert legacy.post("/usage", json={**LOG, "type": "Metric", "value": 1}).status_code == 400
    assert legacy.post("/usage/nobody", json=LOG).status_code == 404
    assert len(legacy.get("/usage").json()["logs"]["data"]) == 2
    for name in (company, "source%2FID"):
        assert [row["id"] for row in legacy.get(f"/usage/{name}").json()["logs"]["data"]] == [tied]
    # The same place of the path is an account for GET and a log for PUT and DELETE.
    assert legacy.get(f"/usage/{tied}").status_code == 404
    assert made(legacy.put(f"/usage/{tied}", json={"attribute": "Seats"})) == tied
    assert legacy.delete(f"/usage/{tied}").json() == {}


def test_deletes_and_labels_are_as_in_the_current_dialect(legacy: httpx.Client) -> None:
    legacy.post("/accounts", json=ACME)
    assert legacy.delete("/accounts/source%2FID").json() == {}
    assert legacy.delete("/accounts/source%2FID").status_code == 404
    tier = made(legacy.post("/accounts/labels", json={"type": "Tier", "name": "t", "color": "#545A92"}))
    assert [row["id"] for row in legacy.get("/accounts/labels/tier").json()["labels"]] == [tier]
    assert legacy.delete(f"/accounts/labels/{tier}").json() == {}
