"""What a drain starts first, commits together and hands to other threads, and what it does about failures nobody foresaw."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bridge.core.effects import (
    Again,
    Commit,
    Declare,
    Effect,
    Extend,
    FindByValue,
    Finish,
    Park,
    Read,
    ReadTables,
    Resolve,
    Wait,
    Write,
)
from bridge.core.errors import LeaseLost
from bridge.runtime import driver as module
from bridge.runtime.clock import SystemClock
from bridge.runtime.driver import LOOK_SECONDS, MOST_WIDTH, Driver
from bridge.sync.terms import Terms

LEASE = timedelta(seconds=20)
Steps = Generator[Effect, Any, None]
Reconcile = Callable[[Any], Steps]


class Shelf:
    """Stands in for the store: hands out live changes first, as the real one does, and remembers what was committed together."""

    def __init__(self, waiting: Sequence[Any]) -> None:
        self.waiting = list(waiting)
        self.groups: list[list[Any]] = []
        self.broken: list[Exception] = []
        self.renewed: list[str] = []
        self.changes = self
        self.looks = 0

    def claim(self, _connection: str, limit: int, _lease: float, _streams: Any, lanes: Sequence[str]) -> list[Any]:
        self.looks += 1
        for lane in lanes:
            given = [each for each in self.waiting if each.change.lane == lane][:limit]
            if given:
                self.waiting = [each for each in self.waiting if each not in given]
                return given
        return []

    def renew(self, claims: Sequence[Any], lease: float) -> tuple[set[str], datetime]:
        self.renewed += [claim.token for claim in claims]
        return {claim.token for claim in claims}, SystemClock().now() + timedelta(seconds=lease)

    def apply(self, operations: Sequence[Any]) -> list[Any]:
        self.groups.append(list(operations))
        if self.broken:
            raise self.broken.pop()
        return [f"answer to {getattr(operation, 'connection', '')}" for operation in operations]

    def commit(self, operation: Any) -> Any:
        (answer,) = self.apply([operation])
        return answer


@dataclass
class Leased:
    change: Any
    token: str
    lease_until: datetime
    open_fields: tuple[str, ...] = ()


def made(lane: str, name: str) -> Any:
    change = SimpleNamespace(lane=lane, record_id=name, id=name, connection="default", cause="")
    return Leased(change, name, SystemClock().now() + LEASE)


def until_an_edit_is_begun(shelf: Shelf, order: Sequence[str]) -> float:
    """Seconds from the moment it is there."""
    began = time.monotonic()
    shelf.waiting.append(made("live", "edit"))
    while "edit" not in order and time.monotonic() - began < 5:
        time.sleep(0.005)
    return time.monotonic() - began


def backfill(count: int) -> list[Any]:
    return [made("backfill", f"b{number}") for number in range(count)]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``start(waiting, reconcile)`` answers a driver, its shelf and the names of changes as they began."""
    drivers: list[Driver] = []

    def start(waiting: Sequence[Any], steps: Reconcile, in_flight: int = 16, lease: float = 20, **more: Any) -> Any:
        order: list[str] = []

        def reconcile(claim: Any, _terms: Any) -> Steps:
            order.append(claim.change.record_id)
            return steps(claim)

        monkeypatch.setattr(module, "reconcile", reconcile)
        shelf = Shelf(waiting)
        terms: Any = SimpleNamespace(
            mappings=SimpleNamespace(streams=()),
            timings=SimpleNamespace(lease=lease, http_timeout=min(lease / 4, 5)),
            **more,
        )
        made = Driver(
            cast(Any, shelf), lambda _: cast(Terms, terms), SystemClock(), sleep=time.sleep, in_flight=in_flight
        )
        drivers.append(made)
        return made, shelf, order

    yield start
    for each in drivers:
        each.close()


def resting(seconds: float) -> Reconcile:
    def steps(_claim: Any) -> Steps:
        yield Wait(seconds)

    return steps


def asking(claim: Any) -> Steps:
    """One commit, whose answer must be its own."""
    name = claim.change.record_id
    assert (yield Commit(Resolve(name, frozenset()))) == f"answer to {name}"


def test_an_edit_does_not_stand_behind_what_a_backfill_claimed(started: Any) -> None:
    driver, shelf, order = started(backfill(8), resting(LOOK_SECONDS * 1.5), in_flight=4)
    threading.Timer(0.02, lambda: shelf.waiting.append(made("live", "edit"))).start()
    assert driver.drain("default", 20).handled == 9
    assert order.index("edit") == 4, order


def test_an_edit_is_looked_for_while_a_slow_handful_is_not_done(started: Any) -> None:
    """Sixteen at a time, and the limit lets one through every now and then: half of them would take a second."""
    staggered = iter(range(1, 1000))

    def one_by_one(_claim: Any) -> Steps:
        yield Wait(next(staggered) * LOOK_SECONDS / 2)

    driver, shelf, order = started(backfill(32), one_by_one)
    threading.Timer(0.02, lambda: shelf.waiting.append(made("live", "edit"))).start()
    driver.drain("default", 20)
    assert 16 <= order.index("edit") <= 20, order


def test_what_is_to_be_committed_by_then_is_one_transaction(started: Any) -> None:
    driver, shelf, _ = started(backfill(10), asking, in_flight=10)
    assert driver.drain("default", 20).handled == 10
    assert [len(group) for group in shelf.groups] == [10]


def test_an_answer_that_is_an_error_is_told_to_its_reconcile_alone(started: Any) -> None:
    told: list[str] = []

    def steps(claim: Any) -> Steps:
        try:
            yield Commit(Resolve(claim.change.record_id, frozenset()))
        except LeaseLost:
            told.append(claim.change.record_id)

    driver, shelf, _ = started(backfill(3), steps)
    plain = shelf.apply

    def apply(operations: Sequence[Any]) -> list[Any]:
        answers = plain(operations)
        answers[1] = LeaseLost()
        return answers

    shelf.apply = apply
    assert driver.drain("default", 20).handled == 3
    assert told == ["b1"]


def test_a_group_that_could_not_be_committed_parks_each_and_stops_nothing(started: Any) -> None:
    driver, shelf, _ = started(backfill(3), asking)
    shelf.broken = [OSError("the disk is full")]
    assert driver.drain("default", 20).handled == 3
    parked = [operation for group in shelf.groups[1:] for operation in group]
    assert [type(each) for each in parked] == [Finish] * 3
    assert all(isinstance(each.outcome, Park) and each.outcome.cause == "bug" for each in parked)


def test_what_is_under_way_comes_to_its_end_though_nothing_more_can_be_claimed(started: Any) -> None:
    """The database was away for a moment: a call whose answer nobody heard would have an unknown outcome."""
    ended: list[str] = []

    def steps(claim: Any) -> Steps:
        yield Wait(LOOK_SECONDS * 2)
        ended.append(claim.change.record_id)

    driver, shelf, _ = started(backfill(2), steps)
    plain = shelf.claim

    def claim(*asked: Any) -> list[Any]:
        if not shelf.waiting:
            raise OSError("the database is away")
        return plain(*asked)

    shelf.claim = claim
    with pytest.raises(OSError, match="away"):
        driver.drain("default", 20)
    assert sorted(ended) == ["b0", "b1"]


def test_a_failure_nobody_foresaw_parks_one_and_the_others_go_on(started: Any) -> None:
    def steps(claim: Any) -> Steps:
        yield Wait(0)
        if claim.change.record_id == "b1":
            raise ZeroDivisionError
        yield from asking(claim)

    driver, shelf, _ = started(backfill(3), steps)
    assert driver.drain("default", 20).handled == 3
    names = sorted(type(operation).__name__ for group in shelf.groups for operation in group)
    assert names == ["Finish", "Resolve", "Resolve"]


def test_calls_are_waited_for_together(started: Any) -> None:
    driver, _, _ = started(backfill(16), resting(0.2))
    began = time.monotonic()
    driver.drain("default", 20)
    assert time.monotonic() - began < 16 * 0.2 / 2


def test_more_are_under_way_where_calls_are_answered_at_once_and_no_more_than_in_flight_where_not(started: Any) -> None:
    running = most = 0

    def counted(steps: Reconcile) -> Reconcile:
        def counting(claim: Any) -> Steps:
            nonlocal running, most
            running += 1
            most = max(most, running)
            yield from steps(claim)
            running -= 1

        return counting

    def often(claim: Any) -> Steps:
        for _ in range(20):
            yield from asking(claim)

    driver, _, _ = started(backfill(100), counted(often), in_flight=4)
    driver.drain("default", 20)
    assert most == 4 * MOST_WIDTH
    most = 0
    driver, _, _ = started(backfill(24), counted(resting(0.05)), in_flight=4)
    driver.drain("default", 20)
    assert most == 4


def test_names_of_labels_are_asked_for_once_and_not_by_each_reconcile(started: Any) -> None:
    asked: list[bool] = []

    def tables(*, fresh: bool) -> dict[str, str]:
        asked.append(fresh)
        return {"labels.Tier": f"answer {len(asked)}"}

    heard: list[str] = []

    def steps(_claim: Any) -> Steps:
        for fresh in (False, False, True, False):
            named = yield Read(ReadTables("crm", fresh))
            heard.append(named["labels.Tier"])

    driver, _, _ = started(backfill(5), steps, in_flight=1, connectors={"crm": SimpleNamespace(tables=tables)})
    driver.drain("default", 20)
    assert asked == [False, True, True, True, True, True], "only those who want it fresh ask again"
    assert heard[:4] == ["answer 1", "answer 1", "answer 2", "answer 2"], (
        "a fresh answer is what others see from then on"
    )


def test_a_ring_that_comes_while_a_drain_sees_that_nothing_is_left_is_not_lost(started: Any) -> None:
    driver, shelf, order = started([], asking)
    plain = shelf.claim

    def claim(*asked: Any) -> list[Any]:
        given = plain(*asked)
        if not order and not given:
            shelf.waiting.append(made("live", "late"))
            other = threading.Thread(target=driver.drain, args=("default", 20))
            other.start()
            other.join()
        return given

    shelf.claim = claim
    driver.drain("default", 20)
    assert order == ["late"]


def test_connections_are_drained_beside_one_another(started: Any) -> None:
    driver, shelf, order = started(backfill(1), resting(0.3))
    noisy = threading.Thread(target=driver.drain, args=("noisy", 20))
    noisy.start()
    while not order:
        time.sleep(0.005)
    shelf.waiting.append(made("live", "edit"))
    began = time.monotonic()
    threading.Thread(target=driver.drain, args=("quiet", 20)).start()
    while "edit" not in order:
        time.sleep(0.005)
    assert time.monotonic() - began < 0.2
    noisy.join()


def test_a_drain_that_is_to_stop_claims_nothing_more_and_gives_back_what_it_has_not_begun(started: Any) -> None:
    driver, shelf, order = started(backfill(100), resting(0.1), in_flight=4)
    stopping = threading.Event()
    threading.Timer(0.15, stopping.set).start()
    drained = driver.drain("default", 20, stopping)
    assert 0 < drained.handled == len(order) < 20
    assert drained.left
    given_back = [operation for group in shelf.groups for operation in group]
    assert all(isinstance(each, Finish) and isinstance(each.outcome, Again) for each in given_back)
    assert len(shelf.waiting) + drained.handled + len(given_back) == 100


@pytest.mark.parametrize("count", [8, 100])
def test_an_edit_is_begun_at_once_though_all_calls_hang(started: Any, count: int) -> None:
    """With more waiting behind them, and with none."""
    driver, shelf, order = started(backfill(count), resting(0.8), in_flight=4)
    stopping = threading.Event()
    drain = threading.Thread(target=driver.drain, args=("default", 20, stopping))
    drain.start()
    while len(order) < 4:
        time.sleep(0.005)
    assert until_an_edit_is_begun(shelf, order) < 0.5
    stopping.set()
    drain.join()


def test_an_edit_is_begun_at_once_though_more_than_the_calls_in_flight_are_under_way(started: Any) -> None:
    slow = threading.Event()

    def steps(_claim: Any) -> Steps:
        if slow.is_set():
            yield Wait(0.8)
        else:
            for _ in range(20):
                yield Commit(Resolve("", frozenset()))

    driver, shelf, order = started(backfill(100), steps, in_flight=4)
    stopping = threading.Event()
    drain = threading.Thread(target=driver.drain, args=("default", 20, stopping))
    plain = shelf.apply

    def apply(operations: Sequence[Any]) -> list[Any]:
        if len(operations) > 4:
            slow.set()  # it has widened
        return plain(operations)

    shelf.apply = apply
    drain.start()
    assert slow.wait(5)
    time.sleep(0.2)
    assert until_an_edit_is_begun(shelf, order) < 0.5
    stopping.set()
    drain.join()


def test_nothing_is_looked_for_at_each_answer_of_the_last_ones(started: Any) -> None:
    """A look is a write transaction, for which the receiver of webhooks waits."""

    def steps(_claim: Any) -> Steps:
        for _ in range(8):
            yield Wait(0.005)

    driver, shelf, _ = started(backfill(4), steps)
    driver.drain("default", 20)
    assert shelf.looks <= 4


LOOK = Read(FindByValue("crm", "companies", "website", "acme.example"))


class Slow:
    """A remote whose search takes its time."""

    def find(self, *_: Any, **__: Any) -> tuple[()]:
        time.sleep(1.4)
        return ()

    def send(self, *_: Any, **__: Any) -> str:
        return "sent"


def test_a_lease_is_renewed_while_a_search_takes_long(started: Any) -> None:
    done: list[Any] = []

    def steps(claim: Any) -> Steps:
        yield LOOK
        yield Commit(Extend(claim, frozenset({"email/x"})))
        yield Write(claim, 1, cast(Any, SimpleNamespace(system="crm")))
        done.append(claim)

    driver, shelf, _ = started(backfill(1), steps, connectors={"crm": Slow()}, lease=2)
    (claim,) = shelf.waiting
    claim.lease_until = SystemClock().now() + timedelta(seconds=1.2)
    driver.drain("default", 20)
    # Without it the write would come after the lease's end.
    assert done == [claim]
    assert set(shelf.renewed) == {"b0"}
    # More leases last as long as the renewed ones: whoever takes one over takes all.
    ((extend,),) = shelf.groups
    assert extend.claim.lease_until > claim.lease_until


def test_no_lease_is_renewed_once_it_is_declared_what_will_be_written(started: Any) -> None:
    done: list[Any] = []

    def steps(claim: Any) -> Steps:
        yield Commit(Declare(claim, (), {}))
        yield LOOK
        done.append(claim)

    driver, shelf, _ = started(backfill(1), steps, connectors={"crm": Slow()}, lease=2)
    shelf.waiting[0].lease_until = SystemClock().now() + timedelta(seconds=1.2)
    driver.drain("default", 20)
    assert len(done) == 1
    assert shelf.renewed == []
