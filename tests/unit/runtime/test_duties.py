"""Duties: one runner each, long ones never in the way of others, failures never the end of the loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from bridge.core.errors import BridgeError
from bridge.runtime.duties import Duty, DutyLoop


class Leases:
    """The store's duty leases in memory, with the clock held by the test."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rows: dict[tuple[str, str], tuple[str, float, float]] = {}
        self.renewals = 0

    def acquire(self, connection: str, name: str, owner: str, seconds: float, every: float) -> bool:
        holder, expires, due = self.rows.get((connection, name), ("", 0.0, 0.0))
        if holder == owner and expires > self.now:
            self.renewals += 1
            self.rows[connection, name] = (owner, self.now + seconds, due)
            return True
        if (holder and expires > self.now) or due > self.now:
            return False
        self.rows[connection, name] = (owner, self.now + seconds, self.now + every)
        return True

    def release(self, connection: str, name: str, owner: str) -> None:
        _, _, due = self.rows[connection, name]
        self.rows[connection, name] = ("", 0.0, due)


def loop(
    *duties: Duty,
    leases: Leases,
    owner: str = "one",
    look: Callable[[str], None] = lambda _: None,
    connections: tuple[str, ...] = ("default",),
) -> DutyLoop:
    return DutyLoop(
        duties=duties,
        connections=lambda: connections,
        leases=leases,
        owner=owner,
        look=look,
        lease_seconds=30,
        tick_seconds=0.01,
        monotonic=lambda: leases.now,
    )


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


@pytest.fixture
def stopping() -> threading.Event:
    return threading.Event()


def test_a_duty_runs_when_due_and_not_before(stopping: threading.Event) -> None:
    leases, rounds = Leases(), []
    duties = loop(Duty("poll", 30, lambda connection, _: rounds.append(connection)), leases=leases)
    for seconds in (0.0, 1.0, 29.0):
        leases.now = seconds
        duties.tick(stopping)
        assert until(lambda: leases.rows["default", "poll"][0] == "")
    assert rounds == ["default"]
    leases.now = 31.0
    duties.tick(stopping)
    assert until(lambda: rounds == ["default", "default"])


def test_a_long_duty_delays_no_other_and_keeps_its_lease(stopping: threading.Event) -> None:
    leases, polls, release = Leases(), [], threading.Event()
    duties = loop(
        Duty("backfill", 1, lambda *_: release.wait(5) and None),
        Duty("poll", 1, lambda connection, _: polls.append(connection)),
        leases=leases,
    )
    for _ in range(60):
        leases.now += 1.0
        duties.tick(stopping)
        assert until(lambda: leases.rows["default", "poll"][0] == "")
    assert len(polls) >= 55
    other = loop(Duty("backfill", 1, lambda *_: polls.clear()), leases=leases, owner="two")
    other.tick(stopping)
    assert len(polls) >= 55, "a second process took a duty that is still running"
    assert leases.renewals >= 4
    release.set()


def test_a_failing_duty_is_told_and_tried_again(stopping: threading.Event) -> None:
    leases, rounds = Leases(), []

    def fail(connection: str, _: threading.Event) -> None:
        rounds.append(connection)
        raise BridgeError("the remote is away") if len(rounds) == 1 else RuntimeError("a bug")

    duties = loop(Duty("sweep", 10, fail), leases=leases)
    for seconds in (0.0, 11.0, 22.0):
        leases.now = seconds
        duties.tick(stopping)
        assert until(lambda: leases.rows["default", "sweep"][0] == "")
    assert len(rounds) == 3


def test_what_nobody_wants_writes_no_lease(stopping: threading.Event) -> None:
    leases = Leases()
    loop(Duty("backfill", 1, lambda *_: None, wanted=lambda _: False), leases=leases).tick(stopping)
    assert leases.rows == {}


def test_every_connection_is_looked_at_even_when_one_fails(stopping: threading.Event) -> None:
    looked: list[str] = []

    def look(connection: str) -> None:
        looked.append(connection)
        if connection == "first":
            raise OSError("database is away")

    loop(leases=Leases(), look=look, connections=("first", "second")).tick(stopping)
    assert looked == ["first", "second"]


def test_the_loop_ends_when_told_after_what_is_running(stopping: threading.Event) -> None:
    leases, ended = Leases(), []

    def slow(_: str, told: threading.Event) -> None:
        told.wait(5)
        ended.append(True)

    duties = loop(Duty("poll", 1, slow), leases=leases)
    thread = threading.Thread(target=duties.run, args=(stopping,))
    thread.start()
    assert until(lambda: leases.rows.get(("default", "poll"), ("",))[0] == "one")
    stopping.set()
    thread.join(5)
    assert not thread.is_alive()
    assert ended == [True]
