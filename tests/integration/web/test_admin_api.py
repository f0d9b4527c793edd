"""The admin API on a wired bridge with a real SQLite file; the remotes are not there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI

from bridge.bootstrap import Bridge, build, load_settings
from bridge.core.effects import Done, Finish, Finished, Notice
from bridge.core.records import ABSENT
from bridge.runtime import logs
from bridge.store import Hint, InboxEvent
from bridge.store.rows import ItemDraft
from bridge.web import create_app
from tests.support.api_server import ROOT, TOKEN

RIGHT = {"Authorization": f"Bearer {TOKEN}"}
SETTINGS = {
    "CRM_BASE_URL": "http://127.0.0.1:9/api/crm",
    "CRM_API_KEY": "ak_x",
    "CRM_ENTITY_ID": "e",
    "CRM_WEBHOOK_SECRET": "s",
    "ASSEMBLY_BASE_URL": "http://127.0.0.1:9",
    "ASSEMBLY_API_KEY": "x",
    "ADMIN_TOKEN": TOKEN,
    "MAPPINGS_DIR": str(ROOT / "mappings"),
}


class Api:
    """Asks the application in this process."""

    def __init__(self, app: FastAPI, bridge: Bridge, database: Path) -> None:
        self.app = app
        self.bridge = bridge
        self._database = database

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **given: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test", timeout=20) as client:
                return await client.request(method, path, headers=RIGHT if headers is None else headers, **given)

        return asyncio.run(go())

    def get(self, path: str, **query: Any) -> Any:
        answer = self.ask("GET", f"/admin{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, json: Any = None, status: int = 200, **headers: str) -> Any:
        answer = self.ask("POST", f"/admin{path}", json=json, headers=RIGHT | headers)
        assert answer.status_code == status, answer.text
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == status
        return answer.json()

    def insert(self, table: str, **values: object) -> int:
        names, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" for _ in values)
        with contextlib.closing(sqlite3.connect(self._database)) as database, database:
            found = database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
            return int(found.lastrowid or 0)


@pytest.fixture(autouse=True)
def as_served() -> Iterator[None]:
    """Logging as ``bridge serve`` sets it up."""
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    logs.configure()
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers, logging.getLogger().level = handlers, level


def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The application on a database of its own, whatever the environment says."""
    for name in [name for name in os.environ if name.startswith("BRIDGE_")]:
        monkeypatch.delenv(name)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"BRIDGE_{name}", value)
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path / 'bridge.db'}")
    monkeypatch.chdir(tmp_path)
    with contextlib.closing(build(load_settings())) as bridge:
        yield Api(create_app(bridge), bridge, tmp_path / "bridge.db")


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    yield from served(tmp_path, monkeypatch)


def hint(api: Api, *ids: str) -> None:
    api.bridge.store.changes.hint("default", [Hint("companies", "crm", id) for id in ids])


# --- closed by default ---


def test_every_route_but_webhooks_and_health_needs_the_token(api: Api) -> None:
    document = api.ask("GET", "/openapi.json").json()
    assert len(document["paths"]) > 30
    for path, operations in document["paths"].items():
        for method in operations:
            status = api.ask(method, path.replace("{", "").replace("}", ""), headers={}).status_code
            if path.startswith("/health/"):
                assert status == 200
            else:
                assert status == (404 if path.startswith("/webhooks/") else 401), (method, path)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/admin/nothing", 404), ("DELETE", "/admin/backfills", 405)],
)
def test_what_is_not_there_is_a_problem_document(api: Api, method: str, path: str, status: int) -> None:
    answer = api.ask(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_reference_lists_every_path_and_loads_nothing_from_elsewhere(api: Api) -> None:
    answer = api.ask("GET", "/docs")
    assert "/admin/backfills/{id}/events" in answer.text
    assert "http" not in answer.text.replace("<h1>HTTP API</h1>", "").lower().replace("http api", "")


def test_health_says_a_status_and_nothing_else(api: Api) -> None:
    assert api.ask("GET", "/health/live", headers={}).json() == {"status": "ok"}
    assert api.ask("GET", "/health/ready", headers={}).json() == {"status": "ok"}


def test_not_ready_without_a_database(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(api.bridge.store), "ping", lambda _: 1 / 0)
    answer = api.ask("GET", "/health/ready", headers={})
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})


# --- connections ---


def test_a_connection_observes_until_told_otherwise(api: Api) -> None:
    hint(api, "c1")
    (connection,) = api.get("/connections")["items"]
    assert (connection["name"], connection["mode"], connection["changes"]) == ("default", "observing", {"pending": 1})
    assert api.post("/connections/default/live")["mode"] == "live"
    paused = api.post("/connections/default/pause")
    assert (paused["mode"], paused["pause_cause"], paused["paused_until"]) == ("paused", "person", None)
    assert api.post("/connections/default/resume")["mode"] == "live"
    assert api.post("/connections/default/observe")["mode"] == "observing"
    assert api.get("/connections/default")["mode"] == "observing"


@pytest.mark.parametrize("action", ["pause", "resume", "observe", "live"])
def test_a_connection_that_is_not_configured_is_not_there(api: Api, action: str) -> None:
    api.post(f"/connections/nobody/{action}", status=404)


# --- backfills ---


def test_a_backfill_reads_as_the_contract_says(api: Api) -> None:
    started = api.post("/backfills", {"connection": "default", "dry_run": True}, 202, **{"Idempotency-Key": "k1"})
    contract = {
        "id",
        "connection",
        "streams",
        "state",
        "dry_run",
        "counts",
        "calls",
        "eta_seconds",
        "started_at",
        "finished_at",
    }
    assert contract <= set(started)
    assert started["state"] == "queued"
    assert started["dry_run"] is True
    assert set(started["streams"]) == {"companies", "contacts", "deals", "notes"}
    assert set(started["counts"]) >= {"created", "updated", "unchanged", "attention", "failed", "drifted"}
    assert set(started["calls"]) >= {"crm", "assembly"}
    assert api.get(f"/backfills/{started['id']}") == started
    assert api.get("/backfills")["items"] == [started]


def test_the_same_key_starts_it_once(api: Api) -> None:
    ask = {"connection": "default", "streams": ["companies"]}
    first = api.post("/backfills", ask, 202, **{"Idempotency-Key": "k1"})
    assert api.post("/backfills", ask, 202, **{"Idempotency-Key": "k1"})["id"] == first["id"]
    api.post("/backfills", ask | {"dry_run": True}, 409, **{"Idempotency-Key": "k1"})
    api.post("/backfills", ask | {"streams": ["deals"]}, 409, **{"Idempotency-Key": "k1"})
    api.post("/backfills", ask, 409, **{"Idempotency-Key": "k2"})
    assert len(api.get("/backfills")["items"]) == 1


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"connection": "nobody"}, 404),
        ({"connection": "default", "streams": ["companis"]}, 422),
        ({"connection": "default", "dryrun": True}, 422),
        ({}, 422),
        ([], 422),
    ],
)
def test_a_backfill_that_cannot_be_is_refused(api: Api, asked: Any, status: int) -> None:
    api.post("/backfills", asked, status)
    assert api.get("/backfills")["items"] == []


def test_a_backfill_is_cancelled_and_resumed(api: Api) -> None:
    id = api.post("/backfills", {"connection": "default"}, 202)["id"]
    assert api.post(f"/backfills/{id}/cancel")["state"] == "cancelled"
    api.post(f"/backfills/{id}/cancel", status=409)
    assert api.post(f"/backfills/{id}/resume")["state"] in {"queued", "planning", "applying"}
    api.post(f"/backfills/{id}/resume", status=409)
    for path in ("", "/plan", "/events"):
        assert api.ask("GET", f"/admin/backfills/nothing{path}").status_code == 404


def test_progress_is_told_until_the_end(api: Api) -> None:
    id = api.post("/backfills", {"connection": "default"}, 202)["id"]
    api.post(f"/backfills/{id}/cancel")
    answer = api.ask("GET", f"/admin/backfills/{id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("event: progress") == 1
    assert '"state":"cancelled"' in answer.text


def test_a_plan_lists_its_items_in_order(api: Api) -> None:
    id = api.post("/backfills", {"connection": "default"}, 202)["id"]
    drafts = [ItemDraft("companies", "create", "crm", f"c{number}", calls=1) for number in range(3)]
    api.bridge.store.runs.add_items(id, drafts)
    first = api.get(f"/backfills/{id}/plan", limit=2)
    assert [item["record_id"] for item in first["items"]] == ["c0", "c1"]
    rest = api.get(f"/backfills/{id}/plan", limit=2, cursor=first["next"])
    assert ([item["record_id"] for item in rest["items"]], rest["next"]) == (["c2"], None)


# --- changes, events ---


def test_changes_read_as_the_contract_says_and_page_by_cursor(api: Api) -> None:
    hint(api, "c1", "c2", "c3")
    first = api.get("/changes", limit=2, connection="default", state="pending")
    assert {"id", "connection", "stream", "side", "record_id", "state", "cause", "detail", "attempts", "due_at"} <= set(
        first["items"][0]
    )
    rest = api.get("/changes", limit=2, cursor=first["next"])
    assert rest["next"] is None
    assert [item["record_id"] for item in first["items"] + rest["items"]] == ["c3", "c2", "c1"]
    assert api.get("/changes", record_id="c2")["items"][0]["record_id"] == "c2"


@pytest.mark.parametrize("query", [{"cursor": "nonsense"}, {"limit": "0"}, {"limit": "x"}, {"state": "unheard of"}])
def test_a_query_that_makes_no_sense_is_refused(api: Api, query: dict[str, str]) -> None:
    assert api.ask("GET", "/admin/changes", params=query).status_code in {400, 422}


def test_changes_are_replayed_and_discarded_by_id_or_filter(api: Api) -> None:
    hint(api, "c1", "c2", "c3")
    ids = {item["record_id"]: item["id"] for item in api.get("/changes")["items"]}
    assert api.post("/changes/discard", {"ids": [ids["c1"]]}) == {"count": 1}
    assert api.post("/changes/discard", {"stream": "companies", "record_id": "c2"}) == {"count": 1}
    states = {item["record_id"]: item["state"] for item in api.get("/changes")["items"]}
    assert states == {"c1": "done", "c2": "done", "c3": "pending"}
    assert api.post("/changes/replay", {"ids": [ids["c1"]]}) == {"count": 1}
    assert api.get("/changes", record_id="c1")["items"][0]["state"] == "pending"


@pytest.mark.parametrize("which", [{}, {"ids": [1], "stream": "companies"}, {"strem": "companies"}])
@pytest.mark.parametrize("action", ["replay", "discard"])
def test_everything_at_once_has_to_be_said(api: Api, which: dict[str, Any], action: str) -> None:
    hint(api, "c1")
    api.post(f"/changes/{action}", which, 422)
    assert api.get("/changes")["items"][0]["state"] == "pending"


def test_events_are_listed_without_their_bodies_and_replayed(api: Api) -> None:
    received = InboxEvent("default", "e1", "company.updated", "companies", "c1", b'{"phone": "personal"}')
    api.bridge.store.inbox.receive([received], [[Hint("companies", "crm", "c1")]])
    answer = api.ask("GET", "/admin/events")
    assert "personal" not in answer.text
    (event,) = answer.json()["items"]
    assert (event["event_id"], event["hints"]) == ("e1", ["companies/crm:c1"])
    generation = api.get("/changes")["items"][0]["generation"]
    assert api.post(f"/events/{event['id']}/replay")["state"] == "replayed"
    assert api.get("/changes")["items"][0]["generation"] == generation + 1
    api.post("/events/999/replay", status=404)


# --- attention, holds ---


def attention(api: Api, record_id: str = "c1", group: str = "name/conflict") -> int:
    """Raised as the engine does: by the last commit of a reconcile."""
    store = api.bridge.store
    store.connections.set_mode("default", "live")
    hint(api, record_id)
    (claim,) = store.changes.claim("default", 1, 20)
    values = {"crm": "A", "assembly": "B", "wavo": ABSENT}
    ways = ("crm", "assembly", "value", "dismiss")
    notice = Notice("conflict", "both changed", "name", values, group, ways)
    (answer,) = store.apply([Finish(claim, Done("unchanged"), notices=(notice,))])
    assert isinstance(answer, Finished)
    return store.attention.page(record_id=record_id).items[0].id


def test_attention_reads_as_the_contract_says(api: Api) -> None:
    id = attention(api)
    (item,) = api.get("/attention")["items"]
    assert {"id", "connection", "stream", "side", "record_id", "state", "cause", "detail", "attempts", "due_at"} <= set(
        item
    )
    assert (item["state"], item["values"]) == ("parked", {"crm": "A", "assembly": "B"})
    assert api.get(f"/attention/{id}") == item
    assert api.ask("GET", "/admin/attention/999").status_code == 404
    assert api.get("/attention/groups", connection="default")["items"][0]["count"] == 1


def test_an_answer_counts_only_for_the_values_that_were_looked_at(api: Api) -> None:
    id = attention(api)
    api.post(f"/attention/{id}/resolve", {"way": "crm", "seen": {"crm": "Z", "assembly": "B"}}, 409)
    api.post(f"/attention/{id}/resolve", {"way": "wavo"}, 422)
    api.post(f"/attention/{id}/resolve", {"way": "value"}, 422)
    api.post(f"/attention/{id}/resolve", {"way": "crm", "value": "C"}, 422)
    api.post("/attention/999/resolve", {"way": "crm"}, 404)
    assert api.get("/attention")["items"][0]["state"] == "parked"
    decided = api.post(f"/attention/{id}/resolve", {"way": "crm", "seen": {"crm": "A", "assembly": "B"}})
    assert (decided["state"], decided["decision"]["way"]) == ("pending", "crm")
    assert api.get("/attention")["items"] == []
    assert api.get("/attention", state="pending")["items"][0]["id"] == id
    (change,) = api.get("/changes")["items"]
    assert (change["record_id"], change["state"], change["lane"]) == ("c1", "pending", "live")


def test_a_group_is_answered_in_one_go(api: Api) -> None:
    for number in range(5):
        attention(api, f"c{number}")
    attention(api, "c9", "another")
    answer = {"connection": "default", "group": "name/conflict", "way": "assembly"}
    assert api.post("/attention/groups/resolve", answer) == {"count": 5}
    assert [item["record_id"] for item in api.get("/attention")["items"]] == ["c9"]


def test_a_settled_item_cannot_be_answered_again(api: Api) -> None:
    id = attention(api)
    assert api.post(f"/attention/{id}/resolve", {"way": "dismiss"})["state"] == "done"
    api.post(f"/attention/{id}/resolve", {"way": "crm"}, 409)


def hold(api: Api) -> int:
    row = {
        "connection": "default",
        "stream": "companies",
        "klass": "delete",
        "state": "held",
        "ceiling": 20,
        "waiting": 1,
        "created_at": "2026-11-03 12:00:00.000000",
    }
    id = api.insert("holds", **row)
    api.insert("held_changes", hold_id=id, change_id=api.get("/changes")["items"][0]["id"])
    return id


def test_a_hold_is_released_or_discarded_once(api: Api) -> None:
    hint(api, "c1")
    id = hold(api)
    (shown,) = api.get("/holds", state="held")["items"]
    assert (shown["class"], shown["ceiling"], shown["waiting"]) == ("delete", 20, 1)
    assert api.post(f"/holds/{id}/release")["state"] == "released"
    api.post(f"/holds/{id}/discard", status=409)
    assert api.post(f"/holds/{hold(api)}/discard")["state"] == "discarded"
    assert api.get("/changes")["items"][0]["state"] == "done"
    api.post("/holds/999/release", status=404)


# --- records, mappings, metrics ---


def test_a_record_is_shown_even_while_the_remotes_are_away(api: Api) -> None:
    shown = api.get("/records/default/companies/crm:c1")
    assert (shown["stream"], shown["link"]) == ("companies", None)
    assert shown["sides"]["crm"]["problem"]


@pytest.mark.parametrize(
    "path",
    ["nobody/companies/crm:1", "default/firms/crm:1", "default/companies/hubspot:1", "default/companies/1"],
)
def test_a_record_nobody_knows_is_not_there(api: Api, path: str) -> None:
    assert api.ask("GET", f"/admin/records/{path}").status_code == 404
    api.post(f"/records/{path}/sync", status=404)


def test_a_record_is_looked_at_again_on_demand(api: Api) -> None:
    assert api.post("/records/default/companies/crm:c1/sync", status=202)["record_id"] == "c1"
    assert api.get("/changes")["items"][0]["record_id"] == "c1"


def test_mappings_show_what_is_in_force(api: Api) -> None:
    (shown,) = api.get("/mappings")["items"]
    assert (shown["connection"], shown["problem"]) == ("default", None)
    companies = next(stream for stream in shown["streams"] if stream["name"] == "companies")
    assert companies["objects"] == {"crm": "companies", "assembly": "accounts"}
    assert "domain" in companies["fields"]


def test_an_edit_is_checked_before_it_is_saved(api: Api) -> None:
    text = (ROOT / "mappings/companies.yaml").read_text()
    right = api.post("/mappings/validate", {"connection": "default", "files": {"companies.yaml": text}})
    assert right["valid"] is True
    broken = {"companies.yaml": text.replace("stream: companies", "strem: companies")}
    wrong = api.post("/mappings/validate", {"connection": "default", "files": broken})
    assert wrong["valid"] is False
    assert {"file", "line", "column", "message", "hint"} <= set(wrong["mistakes"][0])
    assert wrong["mistakes"][0]["file"] == "companies.yaml"
    preview = {"connection": "default", "files": broken, "stream": "companies", "record": "crm:c1"}
    assert api.post("/mappings/preview", preview, 422)["mistakes"] == wrong["mistakes"]
    preview["files"] = {}
    assert api.post("/mappings/preview", preview)["stream"] == "companies"
    assert api.post("/mappings/reload", {"connection": "default"})["problem"] is None


def test_metrics_tell_the_state_of_every_connection(api: Api) -> None:
    attention(api)
    hint(api, "c1", "c2")
    text = api.ask("GET", "/metrics").text
    assert 'bridge_connection_mode{connection="default",mode="live"} 1.0' in text
    assert 'bridge_changes{connection="default",state="pending"} 2.0' in text
    assert 'bridge_attention{cause="conflict",connection="default",stream="companies"} 1.0' in text
    assert "c1" not in text


# --- trouble ---


def test_a_database_that_does_not_answer_is_a_503(api: Api) -> None:
    with contextlib.closing(sqlite3.connect(api._database)) as database, database:
        database.execute("DROP TABLE attention")
    answer = api.ask("GET", "/admin/attention")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "attention" not in answer.json()["detail"]


def test_a_bug_is_a_ticket_and_no_trace(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("jane@example.com")

    monkeypatch.setattr(type(api.bridge.store.changes), "page", broken)
    answer = api.ask("GET", "/admin/changes")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["ticket"] in answer.json()["detail"]
    assert "jane" not in answer.text
