"""Erasing a person, and dropping what has grown old."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from support.stores import HandClock, claim_one, company, contact, declare, declared, draft, finish, linked, step

from bridge.core.effects import Busy, Done, Entry, Notice
from bridge.core.records import ABSENT, Reference
from bridge.store import InboxEvent, ItemDraft, ScanRow, Store
from bridge.store.tables import metadata

SECRET = "ann@example.com"


def everything(store: Store) -> str:
    """Every value in every table, as text."""
    found: list[Any] = []
    with store._database.read() as connection:
        for table in metadata.sorted_tables:
            rows = connection.exec_driver_sql(f'SELECT * FROM "{table.name}"')
            found += [bytes(value) if isinstance(value, memoryview) else value for row in rows for value in row]
    return repr(found)


def known_person(store: Store) -> None:
    """A contact that every table has heard of."""
    store.inbox.receive(
        [InboxEvent("default", "e", "contact.updated", "contacts", "1", SECRET.encode())], [[contact("1")]]
    )
    run = store.runs.create("default", ["contacts"])
    seed = {"crm": {"email": SECRET}}
    items = [ItemDraft("contacts", "create", "crm", "1", left_id="1", right_id="a1", detail=SECRET, seed=seed)]
    store.runs.add_items(run.id, items)
    store.scans.add_page(
        run.id, "contacts", "crm", [ScanRow("1", {"email": SECRET}, keys=frozenset({("match", SECRET)}))]
    )
    claim = claim_one(store, contact("1"))
    declared(declare(store, claim, None, step("create", None, email=SECRET)))
    notice = Notice("conflict", "", "email", {"crm": SECRET, "assembly": ABSENT})
    entry = Entry("crm", "email", None, SECRET, "carried")
    link = draft(claim, "1", "a1", stream="contacts", email=SECRET)
    finish(store, claim, Done("updated"), link=link, history=[entry], notices=[notice])


def test_nothing_of_a_forgotten_person_is_left(store: Store) -> None:
    known_person(store)
    assert SECRET in everything(store)
    touched = store.people.forget("default", [Reference("contacts", "crm", "1")])
    assert SECRET not in everything(store)
    assert SECRET.encode().hex() not in everything(store)
    assert {table for table, count in touched.items() if count} >= {"links", "history", "attention", "inbox", "intents"}
    link = store.links.by_end("default", "contacts", "assembly", ["a1"])["a1"]
    assert link.state == "dead"
    assert [row.field for row in store.history.page("default", link_id=link.id).items] == ["email"]


def test_a_mention_is_erased_wherever_it_stands(store: Store) -> None:
    """An address also turns up in records of others, in any capitals; those records live on without it."""
    known_person(store)
    assert [link.stream for link in store.people.mentioning("default", SECRET.upper())] == ["contacts"]
    store.people.forget("default", [], SECRET.upper())
    assert SECRET not in everything(store)
    assert SECRET.encode().hex() not in everything(store)
    assert store.links.by_end("default", "contacts", "crm", ["1"])["1"].state == "live"
    store.people.forget("second", [], "email")
    assert "email" in everything(store), "another connection's rows are its own"


def test_what_a_forgotten_persons_webhooks_and_listings_say_is_not_kept(store: Store) -> None:
    store.people.forget("default", [Reference("contacts", "crm", "1")])
    known_person_again = [InboxEvent("default", "e", "contact.updated", "contacts", "1", SECRET.encode())]
    store.inbox.receive(known_person_again, [[contact("1")]])
    run = store.runs.create("default", ["contacts"])
    store.scans.add_page(run.id, "contacts", "crm", [ScanRow("1", {"email": SECRET}), ScanRow("2", {})])
    assert SECRET.encode().hex() not in everything(store)
    assert SECRET not in everything(store)
    assert [row.record_id for row in store.scans.page(run.id, "contacts", "crm", None, 10)] == ["2"]
    assert [event.body for event in store.inbox.page().items] == [b""]
    assert store.links.by_end("default", "contacts", "crm", ["1"])["1"].state == "dead"


def test_others_are_not_forgotten(store: Store) -> None:
    known_person(store)
    other = linked(store, "1", "a1", name="Acme")
    store.inbox.receive([InboxEvent("default", "f", "company.updated", "companies", "1", b"kept")], [[company("1")]])
    store.people.forget("default", [Reference("contacts", "assembly", "a1")])
    store.people.forget("second", [Reference("companies", "crm", "1")])
    assert store.links.get(other.id) == other
    assert [row.body for row in store.inbox.page(object="companies").items] == [b"kept"]


def test_a_link_that_was_read_before_cannot_bring_the_values_back(store: Store) -> None:
    known_person(store)
    claim = claim_one(store, contact("1"))
    store.people.forget("default", [Reference("contacts", "crm", "1")])
    finish(store, claim, link=draft(claim, "1", "a1", stream="contacts", email=SECRET))
    assert SECRET not in everything(store)


def test_a_page_compared_before_cannot_bring_the_values_back(store: Store) -> None:
    known_person(store)
    before = store.links.by_end("default", "contacts", "crm", ["1"])["1"]
    store.people.forget("default", [Reference("contacts", "crm", "1")])
    stale = draft(None, "1", "a1", stream="contacts", link=before, email=SECRET)
    assert store.links.bind("default", [stale]) == [Busy()]
    assert SECRET not in everything(store)


def test_what_grew_old_is_dropped_and_what_counts_stays(store: Store, clock: HandClock) -> None:
    known_person(store)
    claim = claim_one(store, company("2"))
    (answered,) = declared(declare(store, claim))
    finish(store, claim, intents={answered: "answered"}, notices=[Notice("conflict", "", "name")])
    finish(store, claim_one(store, company("2")))
    (run,) = store.runs.page().items
    store.runs.update(run.id, state="done")
    assert set(store.prune(timedelta(days=30)).values()) == {0}
    clock.pass_(31 * 86_400)
    dropped = store.prune(timedelta(days=30))
    assert dropped == {"inbox": 1, "intents": 1, "attention": 1, "run_items": 1, "scan_keys": 1, "scan_rows": 1}
    assert len(store.attention.page().items) == 1, "an open item stays"
    assert len(store.history.page("default").items) == 1
    assert claim_one(store, contact("1")).intents != (), "an open intent stays"
