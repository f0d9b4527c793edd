"""What a drain starts first."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any, cast

from bridge.core.effects import Claim
from bridge.runtime.clock import SystemClock
from bridge.runtime.driver import LOOK_SECONDS, Driver
from bridge.sync.terms import Terms


class Shelf:
    """Stands in for the store's changes: hands out live ones first, as the real one does."""

    def __init__(self, waiting: list[Any]) -> None:
        self.waiting = waiting

    def claim(self, _connection: str, limit: int, _lease: float, _streams: Any) -> list[Any]:
        self.waiting.sort(key=lambda claim: claim.change.lane != "live")
        given, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return given


class Slow(Driver):
    """Every reconcile takes its time; ``order`` is that of their beginnings."""

    order: list[str]
    seconds = 0.05

    def run(self, claim: Claim, terms: Terms) -> None:
        self.order.append(claim.change.record_id)
        time.sleep(self.seconds)


def made(lane: str, name: str) -> Any:
    return SimpleNamespace(change=SimpleNamespace(lane=lane, record_id=name))


def drained(waiting: list[Any], late: Any, after: float, in_flight: int) -> list[str]:
    shelf = Shelf(waiting)
    terms: Any = SimpleNamespace(mappings=SimpleNamespace(streams=()), timings=SimpleNamespace(lease=20))
    store: Any = SimpleNamespace(changes=shelf)
    driver = Slow(store, lambda _: cast(Terms, terms), SystemClock(), sleep=time.sleep, in_flight=in_flight)
    driver.order = []
    timer = threading.Timer(after, lambda: shelf.waiting.append(late))
    timer.start()
    assert driver.drain("default", 20).handled == len(waiting) + 1
    driver.close()
    return driver.order


def test_an_edit_does_not_stand_behind_what_a_backfill_claimed() -> None:
    order = drained([made("backfill", f"b{number}") for number in range(8)], made("live", "edit"), 0.02, in_flight=4)
    assert order.index("edit") == 4, order


def test_an_edit_is_looked_for_while_a_slow_handful_is_not_done() -> None:
    """Sixteen at a time, and the limit lets one through every now and then: half of them would take a second."""
    staggered = iter(range(1, 1000))

    class OneByOne(Slow):
        def run(self, claim: Claim, terms: Terms) -> None:
            self.seconds = next(staggered) * LOOK_SECONDS / 2
            super().run(claim, terms)

    shelf = Shelf([made("backfill", f"b{number}") for number in range(32)])
    terms: Any = SimpleNamespace(mappings=SimpleNamespace(streams=()), timings=SimpleNamespace(lease=20))
    store: Any = SimpleNamespace(changes=shelf)
    driver = OneByOne(store, lambda _: cast(Terms, terms), SystemClock(), sleep=time.sleep, in_flight=16)
    driver.order = []
    threading.Timer(0.02, lambda: shelf.waiting.append(made("live", "edit"))).start()
    driver.drain("default", 20)
    driver.close()
    assert 16 <= driver.order.index("edit") <= 20, driver.order
