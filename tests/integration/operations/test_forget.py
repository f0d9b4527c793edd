"""A person is forgotten: nothing of theirs is left in the database file, and nothing brings it back."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from bridge.core.errors import UsageError
from bridge.operations.forget import forget
from bridge.operations.planning import Planner
from bridge.store import Hint, InboxEvent
from tests.support.engine import CONNECTION
from tests.support.family import Family, family

EMAIL = "canary.bird@acme.example"
CANARIES = (EMAIL, "Canarina", "Birdwell", "+1 555 0199", "Chief Canary")


def bytes_of(there: Family) -> bytes:
    """The database as anybody with access to the disk can read it, free pages and log included."""
    return b"".join(file.read_bytes() for file in sorted(there.bridge.folder.glob("bridge.db*")))


def found(there: Family) -> set[str]:
    everything = bytes_of(there).lower()
    return {canary for canary in CANARIES if canary.lower().encode() in everything}


def deliver(there: Family, event_id: str, contact: str) -> None:
    body = f'{{"email": "{EMAIL}", "lastName": "Birdwell"}}'.encode()
    event = InboxEvent(CONNECTION, event_id, "contact.updated", "contacts", contact, body)
    there.bridge.store.inbox.receive([event], [[Hint("contacts", "crm", contact)]])


def known(there: Family) -> str:
    """A contact that every part of the bridge has heard of: webhook, backfill, conflict, note, undo plan."""
    contact = there.new_contact(
        there.company, firstName="Canarina", lastName="Birdwell", email=EMAIL, phone="+1 555 0199", jobTitle="Clerk"
    )
    deliver(there, "one", contact)
    there.bridge.backfill("contacts")
    there.bridge.settle()
    there.crm("contacts", contact, jobTitle="Chief Canary")
    there.look("contacts", "crm", contact)
    activity = {"type": "call", "subject": "Call", "companyId": there.company, "participants": [EMAIL]}
    made = there.bridge.crm.control.create("activities", activity | {"occurredAt": "2026-11-01T09:00:00Z"})
    there.look("notes", "crm", made["id"])
    return contact


def test_nothing_of_a_forgotten_person_is_left_or_comes_back(tmp_path: Path) -> None:
    with family(tmp_path) as there:
        contact = known(there)
        assert found(there) == set(CANARIES)
        person = there.partner("contacts", contact)
        done = forget(there.bridge.store, CONNECTION, there.bridge.terms, EMAIL.upper())
        assert {(record.stream, record.record_id) for record in done.records} >= {
            ("contacts", contact),
            ("contacts", person),
        }
        assert found(there) == set()
        assert there.row("crm", "contacts", contact)["email"] == EMAIL, "the systems keep their own records"

        deliver(there, "two", contact)
        (first, *_rest) = [row.id for row in there.bridge.store.inbox.page(object="contacts").items]
        there.bridge.store.inbox.replay(first)
        there.bridge.poll()
        for side in ("crm", "assembly"):
            there.bridge.list(side)
        there.bridge.settle()
        there.bridge.backfill("contacts", "notes")
        assert found(there) == set()
        assert there.link_of("contacts", "crm", contact).state == "dead"
        assert len([row for row in there.rows("assembly", "contacts") if row["domain"] == EMAIL]) == 1
        assert there.link_of("contacts", "crm", there.contact).state == "live", "others are not forgotten"


def test_a_listing_that_goes_on_meanwhile_does_not_keep_a_forgotten_person(tmp_path: Path) -> None:
    with family(tmp_path) as there:
        store, stream = there.bridge.store, there.bridge.mappings["contacts"]
        forget(store, CONNECTION, there.bridge.terms, "ann@acme.example")
        run = store.runs.create(CONNECTION, ["contacts"])
        Planner(store, CONNECTION, run.id, stream, there.bridge.terms).list_side("crm", threading.Event())
        assert store.scans.page(run.id, "contacts", "crm", None, 10) == ()


def test_a_person_whom_nobody_has_linked_is_never_created(tmp_path: Path) -> None:
    with family(tmp_path) as there:
        contact = there.new_contact(there.company, firstName="Canarina", lastName="Birdwell", email=EMAIL)
        forget(there.bridge.store, CONNECTION, there.bridge.terms, EMAIL)
        there.look("contacts", "crm", contact)
        assert there.link_of("contacts", "crm", contact).state == "dead"
        assert len(there.rows("assembly", "contacts")) == 1
        assert found(there) == set()


def test_values_that_were_deleted_before_leave_the_free_pages_too(tmp_path: Path) -> None:
    """A backfill's listing was dropped long ago; a database that does not overwrite what it frees still has the bytes."""
    with family(tmp_path) as there:
        with contextlib.closing(sqlite3.connect(tmp_path / "bridge.db")) as database:
            database.execute("PRAGMA secure_delete=OFF")
            database.execute("CREATE TABLE listing (raw TEXT)")
            database.executemany("INSERT INTO listing VALUES (?)", [(EMAIL * 20,)] * 200)
            database.commit()
            database.execute("DROP TABLE listing")
            database.commit()
        assert found(there) == {EMAIL}
        forget(there.bridge.store, CONNECTION, there.bridge.terms, EMAIL)
        assert found(there) == set()


def test_a_company_is_not_forgotten_with_an_address_at_its_domain(tmp_path: Path) -> None:
    with family(tmp_path) as there:
        done = forget(there.bridge.store, CONNECTION, there.bridge.terms, "ann@acme.example")
        assert {record.stream for record in done.records} == {"contacts"}
        assert there.link_of("companies", "crm", there.company).state == "live"


@pytest.mark.parametrize("word", ["", "Ann", "acme.example", "a b@c"])
def test_a_person_is_named_by_an_address(tmp_path: Path, word: str) -> None:
    with family(tmp_path) as there, pytest.raises(UsageError):
        forget(there.bridge.store, CONNECTION, there.bridge.terms, word)
