"""Work that is due is rung for, and done here when nobody comes."""

from __future__ import annotations

import threading

from bridge.runtime.patience import TICKS, Patience


class Scene:
    def __init__(self, *, due: float | None, rung: bool) -> None:
        self.due, self.rung = due, rung
        self.rings = 0
        self.drained = threading.Semaphore(0)
        self.hold = threading.Event()
        self.hold.set()
        self.patience = Patience(due=lambda _: self.due, ring=self.ring, drain=self.drain)

    def ring(self, _: str) -> bool:
        self.rings += 1
        return self.rung

    def drain(self, _: str) -> None:
        self.drained.release()
        self.hold.wait(5)

    def ticks(self, count: int) -> None:
        for _ in range(count):
            self.patience("default")


def test_nothing_due_rings_nobody() -> None:
    for due in (None, 3.0):
        scene = Scene(due=due, rung=True)
        scene.ticks(5)
        assert scene.rings == 0
        assert not scene.drained.acquire(timeout=0.05)


def test_due_work_is_left_to_the_worker_that_was_rung() -> None:
    scene = Scene(due=0, rung=True)
    scene.ticks(TICKS - 1)
    assert scene.rings == TICKS - 1
    assert not scene.drained.acquire(timeout=0.05)


def test_work_that_stays_due_although_it_was_rung_for_is_done_here() -> None:
    scene = Scene(due=0, rung=True)
    scene.ticks(TICKS)
    assert scene.drained.acquire(timeout=2)


def test_without_anybody_to_ring_it_is_done_here_at_once() -> None:
    scene = Scene(due=0, rung=False)
    scene.ticks(1)
    assert scene.drained.acquire(timeout=2)


def test_a_ring_that_was_answered_starts_the_count_again() -> None:
    scene = Scene(due=0, rung=True)
    scene.ticks(TICKS - 1)
    scene.due = None
    scene.ticks(1)
    scene.due = 0
    scene.ticks(TICKS - 1)
    assert not scene.drained.acquire(timeout=0.05)


def test_one_drain_at_a_time() -> None:
    scene = Scene(due=0, rung=False)
    scene.hold.clear()
    scene.ticks(5)
    assert scene.drained.acquire(timeout=2)
    assert not scene.drained.acquire(timeout=0.1)
    scene.hold.set()
