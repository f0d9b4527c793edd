"""A worker's end: what is in hand finishes, what hangs is not waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bridge.runtime import worker
from bridge.runtime.duties import DutyLoop


class NoLeases:
    def acquire(self, connection: str, name: str, owner: str, seconds: float, every: float) -> bool:
        return False

    def release(self, connection: str, name: str, owner: str) -> None: ...


def loop() -> DutyLoop:
    return DutyLoop(
        duties=(), connections=lambda: (), leases=NoLeases(), owner="one", look=lambda _: None, tick_seconds=0.01
    )


def ended(idle: Callable[[], bool]) -> tuple[bool, float]:
    stopping = threading.Event()
    stopping.set()
    began = time.monotonic()
    finished = worker.run(loop(), None, stopping, idle)
    return finished, time.monotonic() - began


def test_an_idle_worker_ends_at_once() -> None:
    finished, took = ended(lambda: True)
    assert finished
    assert took < 1


def test_work_in_hand_is_waited_for() -> None:
    until = time.monotonic() + 0.5
    finished, took = ended(lambda: time.monotonic() > until)
    assert finished
    assert took >= 0.4


def test_work_that_hangs_is_left() -> None:
    finished, took = ended(lambda: False)
    assert not finished
    assert worker.LAST_WORDS_SECONDS <= took < worker.LAST_WORDS_SECONDS + 1
