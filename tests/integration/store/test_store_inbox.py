"""Received events, connections, duties, checkpoints and mapping versions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.stores import HandClock, company

from bridge.core.errors import UsageError
from bridge.store import InboxEvent, Store


def event(event_id: str | None, record: str = "1", **more: object) -> InboxEvent:
    return InboxEvent("default", event_id, "company.updated", "companies", record, b'{"a": 1}', **more)  # type: ignore[arg-type]


def test_an_event_is_stored_with_its_hints(store: Store, clock: HandClock) -> None:
    happened = clock.now() - timedelta(seconds=3)
    answers = store.inbox.receive([event("e1", occurred_at=happened)], [[company("1")]])
    assert answers == ["stored"]
    (row,) = store.inbox.page("default").items
    assert (row.event_id, row.body, row.occurred_at, row.received_at) == ("e1", b'{"a": 1}', happened, clock.now())
    assert (row.hints, row.state) == ((company("1"),), "stored")
    assert [claim.change.record_id for claim in store.changes.claim("default", 10, 60)] == ["1"]


def test_a_repeated_event_is_neither_stored_nor_hinted_again(store: Store) -> None:
    store.inbox.receive([event("e1")], [[company("1")]])
    answers = store.inbox.receive(
        [event("e1"), event("e2"), event("e2")], [[company("1")], [company("2")], [company("3")]]
    )
    assert answers == ["duplicate", "stored", "duplicate"]
    assert len(store.inbox.page().items) == 2
    row = store.changes.of_record("default", "companies", "crm", "1")
    assert row is not None
    assert row.generation == 1
    assert store.changes.of_record("default", "companies", "crm", "3") is None


def test_without_an_event_id_every_delivery_is_fresh(store: Store) -> None:
    assert store.inbox.receive([event(None), event(None)], [[company("1")], [company("1")]]) == ["stored", "stored"]
    assert len(store.inbox.page().items) == 2


def test_another_connections_event_id_is_another_event(store: Store) -> None:
    other = InboxEvent("second", "e1", "company.updated", "companies", "1", b"{}")
    assert store.inbox.receive([event("e1"), other], [[], []]) == ["stored", "stored"]


def test_an_unknown_type_is_kept_without_hints(store: Store) -> None:
    store.inbox.receive([event("e1", state="unknown")], [[]])
    assert [row.event_id for row in store.inbox.page(state="unknown").items] == ["e1"]
    assert store.changes.counts("default") == {}


def test_a_replayed_event_hints_again(store: Store) -> None:
    store.inbox.receive([event("e1")], [[company("1")]])
    (row,) = store.inbox.page().items
    assert store.inbox.replay(row.id) == 1
    replayed = store.inbox.get(row.id)
    assert replayed is not None
    assert replayed.state == "replayed"
    change = store.changes.of_record("default", "companies", "crm", "1")
    assert change is not None
    assert change.generation == 2
    with pytest.raises(UsageError):
        store.inbox.replay(99)


def test_text_that_a_database_cannot_hold_is_not_a_reason_to_fail(store: Store) -> None:
    odd = InboxEvent("default", "e\x00\ud800", "type\x00", "companies", "1\x00", b"\x00\xff")
    assert store.inbox.receive([odd], [[company("1\x00")]]) == ["stored"]
    (row,) = store.inbox.page().items
    assert (row.body, row.type) == (b"\x00\xff", "type\ufffd")


# --- connections -----------------------------------------------------------------------------------------------


def test_a_connection_observes_until_somebody_says_otherwise(store: Store) -> None:
    assert store.connections.ensure("new").mode == "observing"
    assert store.connections.set_mode("new", "live").mode == "live"
    assert store.connections.ensure("new").mode == "live"
    assert [row.name for row in store.connections.all()] == ["default", "new"]


def test_a_resume_goes_back_to_what_was(store: Store) -> None:
    store.connections.ensure("new")
    paused = store.connections.pause("new", "person", detail="maintenance")
    assert (paused.mode, paused.mode_before, paused.pause_cause) == ("paused", "observing", "person")
    assert store.connections.pause("new", "person").mode_before == "observing"
    resumed = store.connections.resume("new")
    assert (resumed.mode, resumed.mode_before, resumed.pause_cause) == ("observing", None, "")
    assert store.connections.resume("new").mode == "observing"


def test_a_mode_set_while_paused_waits_for_the_resume(store: Store) -> None:
    store.connections.pause("default", "person")
    assert store.connections.set_mode("default", "observing").mode == "paused"
    assert store.connections.resume("default").mode == "observing"


@pytest.mark.parametrize("action", ["pause", "resume", "set_mode"])
def test_an_unknown_connection_is_named(store: Store, action: str) -> None:
    with pytest.raises(UsageError) as refused:
        getattr(store.connections, action)("nobody", *({"pause": ["x"], "set_mode": ["live"]}.get(action, [])))
    assert refused.value.status == 404


# --- duties, checkpoints, mapping versions ---------------------------------------------------------------------


def test_a_duty_has_one_runner_and_its_own_pace(store: Store, clock: HandClock) -> None:
    def ask(owner: str) -> bool:
        return store.duties.acquire("default", "poll", owner, 60, 30)

    assert store.duties.next("default", "poll") is None
    assert ask("a")
    assert ask("a"), "it renews"
    assert not ask("b")
    clock.pass_(10)
    store.duties.release("default", "poll", "a")
    assert not ask("b"), "it is not due yet"
    assert store.duties.next("default", "poll") == 20
    clock.pass_(20)
    assert ask("b")
    assert not ask("a")


def test_a_duty_whose_runner_died_goes_to_another(store: Store, clock: HandClock) -> None:
    assert store.duties.acquire("default", "poll", "a", 60, 30)
    clock.pass_(59)
    assert not store.duties.acquire("default", "poll", "b", 60, 30)
    clock.pass_(2)
    assert store.duties.acquire("default", "poll", "b", 60, 30)
    store.duties.release("default", "poll", "a")
    assert not store.duties.acquire("default", "poll", "c", 60, 0), "a late release is not b's"


def test_a_renewed_duty_keeps_its_next_start(store: Store, clock: HandClock) -> None:
    store.duties.acquire("default", "poll", "a", 60, 30)
    clock.pass_(20)
    store.duties.acquire("default", "poll", "a", 60, 0)
    assert store.duties.next("default", "poll") == 10
    clock.pass_(59)
    assert not store.duties.acquire("default", "poll", "b", 60, 30)


def test_checkpoints_hold_the_last_value(store: Store, clock: HandClock) -> None:
    assert store.checkpoints.get("default", "poll/crm") is None
    store.checkpoints.set("default", "poll/crm", {"at": "2026", "seen": {}})
    clock.pass_(5)
    store.checkpoints.set("default", "poll/crm", {"at": "2027"})
    assert store.checkpoints.get("default", "poll/crm") == {"at": "2027"}
    assert store.checkpoints.get("second", "poll/crm") is None
    assert store.checkpoints.all("default") == {"poll/crm": ({"at": "2027"}, clock.now())}
