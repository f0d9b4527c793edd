"""Webhooks of the CRM sandbox, received over HTTP and checked against the signature rules, not against the sender's code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.support.sandboxes import Box

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ok!").decode()


@dataclass
class Inbox:
    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def events(self, count: int) -> list[dict[str, Any]]:
        """The bodies, once ``count`` of them have come."""
        wait_for(lambda: len(self.got) >= count)
        return [json.loads(body) for _, body in self.got]


def wait_for(done: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    box = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            box.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(box.answers.pop(0) if box.answers else 202)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    box.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks/crm/default"
    yield box
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_standard_webhooks_are_signed(crm_box: Box, crm: httpx.Client, inbox: Inbox) -> None:
    crm_box.control.webhooks(inbox.url, SECRET)
    made = crm.post("/companies", json={"name": "Acme"}).json()
    (event,) = inbox.events(1)
    assert event["type"] == "company.created"
    assert (event["data"], event["entityId"]) == ({"id": made["id"]}, crm_box.entity_id)
    assert event["timestamp"].endswith("Z")
    headers, body = inbox.got[0]
    assert event["id"] == headers["webhook-id"]
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 5
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(b"a secret of thirty-two bytes ok!", signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_the_sha256_habit(crm_box: Box, crm: httpx.Client, inbox: Inbox) -> None:
    crm_box.control.webhooks(inbox.url, "s3cret", format="sha256", payload="full", event_id=False, entity_id="")
    made = crm.post("/contacts", json={"email": "a@b.co"}).json()
    (event,) = inbox.events(1)
    assert set(event) == {"type", "timestamp", "data"}
    assert (event["data"]["id"], event["data"]["email"]) == (made["id"], "a@b.co")
    headers, body = inbox.got[0]
    assert headers["x-signature"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert "webhook-id" not in headers


def test_every_kind_of_change_is_told(crm_box: Box, crm: httpx.Client, inbox: Inbox) -> None:
    stage = crm_box.control.create("stages", {"name": "New"})["id"]
    company = crm.post("/companies", json={"name": "A"}).json()["id"]
    contact = crm.post("/contacts", json={}).json()["id"]
    crm_box.control.webhooks(inbox.url, SECRET)
    crm.patch(f"/companies/{company}", json={"phone": "1"})
    path = f"/contacts/{contact}/company-memberships"
    member = crm.post(path, json={"companyId": company}).json()["id"]
    crm.patch(f"{path}/{member}", json={"role": "buyer"})
    lead = crm.post("/leads", json={"title": "T"}).json()["id"]
    crm.patch(f"/leads/{lead}/stage", json={"stageId": stage})
    crm.post("/activities", json={"type": "call", "subject": "S", "leadId": lead})
    crm.delete(f"{path}/{member}")
    crm.delete(f"/leads/{lead}")
    crm_box.control.patch("contacts", contact, {"phone": "1"})
    crm_box.control.delete("contacts", contact)
    events = inbox.events(13)
    assert sorted(event["type"] for event in events) == sorted(
        ["company.updated", "lead.created", "lead.updated", "activity.created", "lead.deleted", "contact.deleted"]
        + ["membership.created", "membership.updated", "membership.deleted"]
        + ["contact.updated"] * 4
    )
    told = next(event["data"] for event in events if event["type"] == "membership.created")
    assert told == {"id": member, "contactId": contact, "companyId": company}


def test_seeding_tells_nothing(crm_box: Box, crm: httpx.Client, inbox: Inbox) -> None:
    crm_box.control.webhooks(inbox.url, SECRET)
    crm_box.control.seed({"companies": [{"name": "A"}]})
    assert crm_box.control.stats()["webhooks"] == {"pending": 0}


def test_a_refused_delivery_is_tried_again_under_the_same_id(crm_box: Box, crm: httpx.Client, inbox: Inbox) -> None:
    inbox.answers = [500, 503]
    crm_box.control.webhooks(inbox.url, SECRET, backoff_ms=1)
    crm.post("/companies", json={"name": "Acme"})
    inbox.events(3)
    assert len({headers["webhook-id"] for headers, _ in inbox.got}) == 1
    wait_for(lambda: crm_box.control.stats()["webhooks"].get("delivered") == 1)
    assert crm_box.control.stats()["webhooks"]["failed_tries"] == 2


def test_after_its_tries_a_delivery_is_given_up(crm_box: Box, crm: httpx.Client, inbox: Inbox) -> None:
    inbox.answers = [500] * 2
    crm_box.control.webhooks(inbox.url, SECRET, backoff_ms=1, retries=1)
    crm.post("/companies", json={"name": "Acme"})
    wait_for(lambda: crm_box.control.stats()["webhooks"].get("given_up") == 1)


def test_duplicates_share_their_id_and_drops_never_come(crm_box: Box, crm: httpx.Client, inbox: Inbox) -> None:
    crm_box.control.webhooks(inbox.url, SECRET, duplicate=1.0)
    crm.post("/companies", json={"name": "A"})
    first, second = inbox.events(2)
    assert first == second
    crm_box.control.webhooks(inbox.url, SECRET, drop=1.0)
    crm.post("/companies", json={"name": "B"})
    assert crm_box.control.stats()["webhooks"]["dropped"] == 1
    assert crm_box.control.stats()["webhooks"]["pending"] == 0


def test_disorder_lets_later_events_overtake(crm_box: Box, crm: httpx.Client, inbox: Inbox) -> None:
    crm_box.control.webhooks(inbox.url, SECRET, disorder=0.5, disorder_ms=400)
    names = [f"{n}" for n in range(12)]
    ids = [crm.post("/companies", json={"name": name}).json()["id"] for name in names]
    got = [event["data"]["id"] for event in inbox.events(12)]
    assert sorted(got) == sorted(ids)
    assert got != ids


def test_a_delay_holds_events_back(crm_box: Box, crm: httpx.Client, inbox: Inbox) -> None:
    crm_box.control.webhooks(inbox.url, SECRET, delay_ms=200)
    begun = time.monotonic()
    crm.post("/companies", json={"name": "A"})
    inbox.events(1)
    assert time.monotonic() - begun >= 0.2


def test_nothing_goes_out_without_a_url(crm_box: Box, crm: httpx.Client, inbox: Inbox) -> None:
    crm_box.control.webhooks(inbox.url, SECRET)
    crm_box.control.webhooks()
    crm.post("/companies", json={"name": "A"})
    assert "events" not in crm_box.control.stats()["webhooks"]
