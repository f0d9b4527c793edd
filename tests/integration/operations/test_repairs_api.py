"""Undo, rebuild and forget by the admin API: what is started, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.web.test_admin_api import Api, served


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    yield from served(tmp_path, monkeypatch)


def test_an_undo_is_a_run_of_its_own(api: Api) -> None:
    run = api.bridge.store.runs.create("default", ["companies"], state="done")
    plan = api.post(f"/backfills/{run.id}/undo", {"dry_run": True}, 202)
    assert (plan["kind"], plan["state"], plan["dry_run"]) == ("undo", "queued", True)
    assert api.get(f"/backfills/{plan['id']}")["id"] == plan["id"]
    assert api.get(f"/backfills/{plan['id']}/plan")["items"] == []
    api.post(f"/backfills/{run.id}/undo", status=409)
    api.bridge.store.connections.set_mode("default", "live")
    api.post(f"/undo/{plan['id']}/apply", status=409)
    api.bridge.store.runs.update(plan["id"], state="done")
    applied = api.post(f"/undo/{plan['id']}/apply", status=202)
    assert (applied["id"], applied["state"], applied["dry_run"]) == (plan["id"], "applying", False)
    api.post(f"/backfills/{plan['id']}/cancel")
    refused = api.ask("POST", f"/admin/backfills/{plan['id']}/cancel")
    assert (refused.status_code, refused.json()["detail"]) == (409, "the undo is cancelled already")


def test_while_a_connection_observes_an_undo_is_only_planned(api: Api) -> None:
    run = api.bridge.store.runs.create("default", ["companies"], state="done")
    api.post(f"/backfills/{run.id}/undo", status=409)
    api.post(f"/backfills/{run.id}/undo", {"dry_run": True}, 202)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 422),
        ({"cause": "carried", "record": "crm:1"}, 422),
        ({"record": "crm:1"}, 422),
        ({"record": "crm:1", "stream": "companies"}, 404),
        ({"cause": "carried", "stream": "nonesuch"}, 404),
        ({"cause": "carried", "connection": "nonesuch"}, 404),
    ],
)
def test_an_undo_that_cannot_be_is_refused(api: Api, asked: dict[str, Any], status: int) -> None:
    api.post("/undo", {"connection": "default", "dry_run": True} | asked, status)


def test_the_same_key_starts_an_undo_once(api: Api) -> None:
    asked = {"connection": "default", "cause": "on_bind:crm", "dry_run": True}
    first = api.post("/undo", asked, 202, **{"Idempotency-Key": "k"})
    assert api.post("/undo", asked, 202, **{"Idempotency-Key": "k"})["id"] == first["id"]


def test_links_are_rebuilt_even_while_the_connection_observes(api: Api) -> None:
    run = api.post("/connections/default/rebuild", status=202)
    assert (run["kind"], run["state"]) == ("rebuild", "queued")
    api.post("/connections/default/rebuild", status=409)
    api.post("/connections/nonesuch/rebuild", status=404)


def test_a_person_is_named_by_an_address(api: Api) -> None:
    api.post("/people/forget", {"connection": "default", "email": "Ann"}, 422)
    answer = api.ask("POST", "/admin/people/forget", json={"connection": "default", "email": "canary@x.example"})
    assert answer.status_code >= 500, "a system that cannot be asked may know records that nobody has linked"
    assert "canary" not in answer.text
