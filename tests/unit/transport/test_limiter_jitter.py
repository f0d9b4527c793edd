"""Requests that arrive up to 50 ms late: what a strict remote would count, on a clock of our own."""

from __future__ import annotations

import heapq
import random
from types import SimpleNamespace

import pytest

from bridge.transport import LocalLimiter, Rate
from bridge.transport import limiter as module
from bridge.transport.limiter import Denied, Slot

JITTER = 0.05


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def arrivals(clock: Clock, seed: int, seconds: float) -> list[float]:
    """When requests reach the remote whose sender is always in a hurry."""
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
        arrived.append(clock.now + 0.0005 + pick.random() * JITTER)
        heapq.heappush(answers, (arrived[-1] + 0.0015, len(arrived), answer, clock.now))
    return sorted(arrived)


def test_a_strict_remote_refuses_nothing_from_the_first_request_on(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    for seed in range(40):
        times = arrivals(clock, seed, 6)
        assert len(times) > 130
        over = [later for earlier, later in zip(times, times[30:], strict=False) if later - earlier < 1.0]
        assert not over, f"seed {seed}: {len(over)} refused"
