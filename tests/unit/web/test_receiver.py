"""Group commits: who is answered what when the database is slow, away or will not take one event."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy.exc import DataError, OperationalError

from bridge.store import Hint, InboxEvent, Store
from bridge.sync.intake import Arrival
from bridge.web.receiver import Receiver, Unavailable

Receive = Callable[[Sequence[InboxEvent]], None]


class Shelf:
    """Stands in for the store's inbox: ``trouble`` is called with every batch before it is kept."""

    def __init__(self, trouble: Receive = lambda _: None) -> None:
        self.trouble = trouble
        self.batches: list[list[str | None]] = []
        self.tries = 0

    def receive(self, events: Sequence[InboxEvent], hints: Sequence[Sequence[Hint]]) -> list[str]:
        assert len(events) == len(hints)
        self.tries += 1
        self.trouble(events)
        self.batches.append([event.event_id for event in events])
        return ["stored"] * len(events)


class Bells:
    def __init__(self) -> None:
        self.rung: list[str] = []
        self.heard = threading.Event()

    def ring(self, connection: str) -> None:
        self.rung.append(connection)
        self.heard.set()


def arrival(event_id: str) -> Arrival:
    event = InboxEvent("default", event_id, "company.updated", "companies", "c1", b"{}")
    return Arrival(event, (Hint("companies", "crm", "c1"),))


@contextmanager
def receiver(shelf: Shelf, bell: Any = None, **options: Any) -> Iterator[Receiver]:
    made = Receiver(cast(Store, SimpleNamespace(inbox=shelf)), bell or Bells(), **options)
    try:
        yield made
    finally:
        made.close()


def send(receiver: Receiver, *ids: str) -> list[Any]:
    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(receiver.receive(arrival(id)) for id in ids), return_exceptions=True)

    return asyncio.run(all_at_once())


def held_until(release: threading.Event) -> Receive:
    """The first batch takes long, so that the following ones gather behind it."""

    def trouble(_: Sequence[InboxEvent]) -> None:
        release.wait(5)

    return trouble


def test_what_waits_together_is_committed_together() -> None:
    release = threading.Event()
    shelf = Shelf(held_until(release))
    threading.Timer(0.2, release.set).start()
    with receiver(shelf) as made:
        assert send(made, *(f"e{number}" for number in range(20))) == ["stored"] * 20
    assert sum(map(len, shelf.batches)) == 20
    assert len(shelf.batches) <= 3


def test_one_event_that_cannot_be_stored_turns_no_other_away() -> None:
    def poison(events: Sequence[InboxEvent]) -> None:
        if len(events) > 1 or events[0].event_id == "e3":
            raise DataError("INSERT", {}, Exception("NUL"))

    shelf = Shelf(poison)
    with receiver(shelf) as made:
        answers = send(made, *(f"e{number}" for number in range(6)))
    assert [type(answer) for answer in answers] == [str, str, str, Unavailable, str, str]


def test_while_the_database_is_away_a_batch_is_tried_once() -> None:
    release = threading.Event()

    def away(_: Sequence[InboxEvent]) -> None:
        release.wait(5)
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    shelf = Shelf(away)
    threading.Timer(0.2, release.set).start()
    with receiver(shelf) as made:
        answers = send(made, *(f"e{number}" for number in range(30)))
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert shelf.tries <= 3


def test_a_slow_database_is_told_to_the_sender_and_what_gave_up_is_not_stored() -> None:
    release = threading.Event()
    shelf = Shelf(held_until(release))
    with receiver(shelf, patience=0.2) as made:
        assert isinstance(send(made, "first")[0], Unavailable)
        assert isinstance(send(made, "queued")[0], Unavailable)
        release.set()
        assert send(made, "later") == ["stored"]
    # The first was being written when its sender was sent away: storing it is allowed, promising it was not.
    assert [id for batch in shelf.batches for id in batch] == ["first", "later"]


def test_no_more_wait_than_memory_should_hold() -> None:
    release = threading.Event()
    shelf = Shelf(held_until(release))
    threading.Timer(0.3, release.set).start()
    with receiver(shelf, most_waiting=3) as made:
        answers = send(made, *(f"e{number}" for number in range(20)))
    assert answers.count("stored") + sum(isinstance(answer, Unavailable) for answer in answers) == 20
    assert 3 <= answers.count("stored") <= 5


def test_workers_are_rung_after_the_commit() -> None:
    bells = Bells()
    with receiver(Shelf(lambda _: pytest.fail("rung early") if bells.rung else None), bells) as made:
        assert send(made, "e1") == ["stored"]
        assert bells.heard.wait(5)
    assert bells.rung == ["default"]


def test_a_bell_that_hangs_or_fails_holds_up_nobody() -> None:
    release = threading.Event()

    def ring(_: str) -> None:
        release.wait(5)
        raise ConnectionError

    with receiver(Shelf(), SimpleNamespace(ring=ring)) as made:
        assert [send(made, f"e{number}") for number in range(5)] == [["stored"]] * 5
        release.set()
        assert send(made, "last") == ["stored"]


def test_closing_stores_what_is_queued() -> None:
    release = threading.Event()
    shelf = Shelf(held_until(release))
    made = Receiver(cast(Store, SimpleNamespace(inbox=shelf)), Bells())

    async def close_with_work_left() -> list[Any]:
        waiting = [asyncio.ensure_future(made.receive(arrival(f"e{number}"))) for number in range(5)]
        await asyncio.sleep(0.1)
        release.set()
        await asyncio.to_thread(made.close)
        return await asyncio.gather(*waiting)

    assert asyncio.run(close_with_work_left()) == ["stored"] * 5
