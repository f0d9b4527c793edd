"""Requests that take their time on the way: what a strict remote would count, on a clock of our own."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TypeAlias

import pytest

from bridge.transport import LocalLimiter, Rate
from bridge.transport import limiter as module
from bridge.transport.limiter import Denied, Slot

Late: TypeAlias = Callable[[random.Random], float]
JITTERS: Mapping[str, Late] = {
    "none": lambda _: 0.0,
    "even": lambda pick: pick.random() * 0.05,
    "wide": lambda pick: pick.random() * 0.2,
    "with a tail": lambda pick: pick.expovariate(50),
    "mostly slow": lambda pick: 0.05 if pick.random() < 0.8 else 0.0,
}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def arrivals(clock: Clock, seed: int, seconds: float, way: float, late: Late) -> list[float]:
    """When requests reach the remote, ``way`` seconds from it and back, whose sender is always in a hurry."""
    pick, limiter, end = random.Random(seed), LocalLimiter(Rate(30)), clock.now + seconds
    answers: list[tuple[float, int, Slot, float]] = []
    arrived: list[float] = []
    while clock.now < end:
        while answers and answers[0][0] <= clock.now:
            _, _, slot, sent = heapq.heappop(answers)
            limiter.answered(slot, clock.now - sent)
        answer = limiter.grant("live")
        if isinstance(answer, Denied):
            soon = clock.now + max(1e-5, min(answer.wait, 0.05))
            clock.now = max(clock.now + 1e-6, min(soon, answers[0][0])) if answers else soon
            continue
        arrived.append(clock.now + way + late(pick))
        heapq.heappush(answers, (arrived[-1] + way, len(arrived), answer, clock.now))
    return sorted(arrived)


@pytest.mark.parametrize("late", JITTERS.values(), ids=JITTERS)
@pytest.mark.parametrize("way", [0.001, 0.075], ids=["near", "far"])
def test_a_strict_remote_refuses_nothing_from_the_first_request_on(
    monkeypatch: pytest.MonkeyPatch, way: float, late: Late
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    for seed in range(20):
        times = arrivals(clock, seed, 6, way, late)
        over = [later for earlier, later in zip(times, times[30:], strict=False) if later - earlier < 1.0]
        assert not over, f"seed {seed}: {len(over)} refused"


def test_the_way_to_a_remote_costs_nothing_once_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The 150 ms there and back would make a window of 1 s one of 1.15 s: 26 a second instead of 30."""
    clock = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    times = arrivals(clock, 1, 10, 0.075, JITTERS["none"])
    second = [at for at in times if times[0] + 4 <= at < times[0] + 8]
    assert len(second) >= 4 * 29
