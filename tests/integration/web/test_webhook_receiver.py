"""The receiver over real HTTP: each answer of DESIGN §11, and what it promises."""

from __future__ import annotations

import hashlib
import hmac
import signal
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.api_server import ENTITY, Server, event, signed


def problem(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return str(answer.json()["detail"])


def test_a_signed_event_is_stored_with_a_change_before_it_is_acknowledged(server: Server) -> None:
    answer = server.send(event("c-stored", entityId=ENTITY.upper()), "evt-stored")
    assert (answer.status_code, answer.content) == (202, b"")
    assert server.rows("SELECT type, object, record_id, state FROM inbox WHERE event_id = 'evt-stored'") == [
        ("company.updated", "companies", "c-stored", "stored")
    ]
    assert server.rows("SELECT stream, side, state FROM changes WHERE record_id = 'c-stored'") == [
        ("companies", "crm", "pending")
    ]


def test_a_body_signature_is_accepted_too(server: Server) -> None:
    secret = f"whsec_{'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='}"
    body = event("c-hex", id="evt-hex")
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert server.send(body, "", headers={"X-Signature": f"sha256={digest}"}).status_code == 202
    assert server.stored("evt-hex") == 1


def test_a_wrong_signature_stores_nothing(server: Server) -> None:
    body = event()
    assert "signature" in problem(
        server.send(body, "evt-forged", headers=signed(body, "evt-forged", key=b"guess")), 401
    )
    assert "no signature" in problem(server.send(body, "evt-forged", headers={}), 401)
    stale = signed(body, "evt-forged", at=time.time() - 3600)
    assert "timestamp" in problem(server.send(body, "evt-forged", headers=stale), 401)
    assert server.stored("evt-forged") == 0


def test_an_event_of_another_entity_stores_nothing(server: Server) -> None:
    problem(server.send(event(entityId="another"), "evt-other-entity"), 403)
    assert server.stored("evt-other-entity") == 0


@pytest.mark.parametrize("connection", ["nobody", "DEFAULT", "%00", "..%2Fadmin", "default%2F"])
def test_an_unknown_connection_is_not_there(server: Server, connection: str) -> None:
    problem(server.send(event(), "evt-nobody", connection=connection), 404)


def test_a_connection_without_a_secret_takes_no_webhooks(own_server: Server) -> None:
    own_server.settings["CRM_WEBHOOK_SECRET"] = ""
    own_server.start()
    problem(own_server.send(event(), "evt"), 404)


@pytest.mark.parametrize("body", [b"", b"not json", b"[1]", b'"text"', b"\xff\xfe", b"[" * 5000])
def test_what_is_no_event_stores_nothing(server: Server, body: bytes) -> None:
    problem(server.send(body, "evt-no-json"), 400)
    assert server.stored("evt-no-json") == 0


def test_ids_that_no_database_should_see_are_refused(server: Server) -> None:
    problem(server.send(event("a\x00b"), "evt-nul"), 400)
    problem(server.send(event("x" * 5000), "evt-long"), 400)
    assert server.stored("evt-nul") + server.stored("evt-long") == 0


def test_an_unknown_event_is_kept_and_changes_nothing(server: Server) -> None:
    answer = server.send(event("c-unknown", type="invoice.paid"), "evt-unknown")
    assert answer.status_code == 202
    assert server.rows("SELECT type, state FROM inbox WHERE event_id = 'evt-unknown'") == [("invoice.paid", "unknown")]
    assert server.rows("SELECT 1 FROM changes WHERE record_id = 'c-unknown'") == []


def test_a_body_of_three_megabytes_is_refused_at_its_header(server: Server) -> None:
    body = event(padding="x" * 3 * 1024 * 1024)
    problem(server.send(body, "evt-large"), 413)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as wire:
        wire.sendall(b"POST /webhooks/crm/default HTTP/1.1\r\nHost: x\r\nContent-Length: 3145728\r\n\r\n{")
        assert wire.recv(4096).startswith(b"HTTP/1.1 413 ")
    assert server.stored("evt-large") == 0


def test_a_body_without_a_declared_length_is_refused_once_it_is_too_large(server: Server) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 64 * 1024
            yield b"x" * 64 * 1024

    answer = httpx.post(f"{server.url}/webhooks/crm/default", content=endless(), headers=signed(b"", "evt-endless"))
    problem(answer, 413)


def test_a_body_that_ends_early_stores_nothing_and_hurts_nobody(server: Server) -> None:
    body = event("c-cut")
    headers = signed(body, "evt-cut") | {"Host": "x", "Content-Length": str(len(body))}
    head = "POST /webhooks/crm/default HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in headers.items()
    )
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as wire:
        wire.sendall(head.encode() + b"\r\n" + body[:10])
    time.sleep(0.2)
    assert server.stored("evt-cut") == 0
    assert server.send(body, "evt-cut").status_code == 202
    assert "Traceback" not in server.log


def test_one_id_sent_many_times_at_once_is_stored_once(server: Server) -> None:
    body = event("c-many")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: server.send(body, "evt-many").status_code, range(64)))
    assert answers == [202] * 64
    assert server.stored("evt-many") == 1
    assert server.rows("SELECT count(*), max(generation) FROM changes WHERE record_id = 'c-many'") == [(1, 1)]


def test_without_an_id_every_delivery_is_a_fresh_hint(server: Server) -> None:
    secret = f"whsec_{'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='}"
    body = event("c-no-id")
    headers = {"X-Signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
    assert [server.send(body, "", headers=headers).status_code for _ in range(3)] == [202] * 3
    assert server.rows("SELECT count(*) FROM inbox WHERE record_id = 'c-no-id'") == [(3,)]


def test_a_paused_connection_still_stores(server: Server) -> None:
    assert server.admin("POST", "/connections/default/pause").json()["mode"] == "paused"
    assert server.send(event("c-paused"), "evt-paused").status_code == 202
    assert server.stored("evt-paused") == 1
    assert server.admin("POST", "/connections/default/resume").json()["mode"] == "observing"


def test_while_the_database_is_away_the_sender_is_told_to_come_back(server: Server) -> None:
    with sqlite3.connect(server.database, isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        problem(server.send(event("c-away"), "evt-away"), 503)
        holder.execute("ROLLBACK")
    deadline = time.monotonic() + 10
    while (answer := server.send(event("c-away"), "evt-away")).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert answer.status_code == 202
    assert server.stored("evt-away") == 1


def test_what_was_acknowledged_survives_a_kill(own_server: Server) -> None:
    """Senders go on while the server is killed and started again: every id that saw a 202 is in the inbox."""
    acknowledged: list[str] = []
    refused: Counter[str] = Counter()
    ending = threading.Event()
    own_server.start()

    def sender(name: int) -> None:
        number = 0
        with httpx.Client(timeout=5, trust_env=False) as client:
            while not ending.is_set():
                number += 1
                event_id, body = f"evt-{name}-{number}", event(f"c-{name}-{number}")
                url = f"{own_server.url}/webhooks/crm/default"
                try:
                    if client.post(url, content=body, headers=signed(body, event_id)).status_code == 202:
                        acknowledged.append(event_id)
                except httpx.TransportError as error:
                    refused[type(error).__name__] += 1
                    time.sleep(0.05)

    threads = [threading.Thread(target=sender, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        time.sleep(1)
        own_server.stop(signal.SIGKILL)
        own_server.start()
    time.sleep(0.5)
    own_server.stop(signal.SIGKILL)
    ending.set()
    for thread in threads:
        thread.join()
    stored = {row[0] for row in own_server.rows("SELECT event_id FROM inbox")}
    assert len(acknowledged) > 100
    assert refused
    assert set(acknowledged) - stored == set()
    hinted = {row[0] for row in own_server.rows("SELECT record_id FROM changes")}
    assert {f"c-{event_id.removeprefix('evt-')}" for event_id in stored} == hinted
