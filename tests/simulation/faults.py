"""What can go wrong on the way to a remote, drawn from one seeded source and counted.

A fault is decided where the call arrives, so a call that fails after it took effect is as likely as one that never
got there.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Outage: TypeAlias = Literal["", "down", "wrong_key", "key_refused", "empty_list", "capped_list"]
ReadFate: TypeAlias = Literal["fine", "throttle", "error"]
WriteFate: TypeAlias = Literal["fine", "throttle", "error", "lost", "timeout", "late"]


@dataclass(slots=True)
class Faults:
    """Chances per call; ``counts`` says what was dealt."""

    rng: random.Random
    throttle: float = 0.0
    """429."""
    error: float = 0.0
    """5xx, nothing applied."""
    lost: float = 0.0
    """A write that never arrived; the sender sees a time-out."""
    timeout: float = 0.0
    """A write that took effect; the sender sees a time-out."""
    late: float = 0.0
    """A write that takes effect after the sender saw a time-out."""
    late_by: float = 5.0
    """At most so many seconds after."""
    outage: Outage = ""
    still: bool = False
    """Nothing goes wrong for the time being."""
    counts: Counter[str] = field(default_factory=Counter)
    heard: Callable[[str], object] = lambda _: None
    """Told of each fault that is dealt."""

    @property
    def trouble(self) -> Outage:
        """The outage that callers meet now."""
        return "" if self.still else self.outage

    def calm(self) -> None:
        self.throttle = self.error = self.lost = self.timeout = self.late = 0.0
        self.outage = ""

    def read(self) -> ReadFate:
        fate: ReadFate = "fine"
        roll = 1.0 if self.still else self.rng.random()
        if roll < self.throttle:
            fate = "throttle"
        elif roll < self.throttle + self.error:
            fate = "error"
        self._deal("read", fate)
        return fate

    def write(self) -> WriteFate:
        roll = float("inf") if self.still else self.rng.random()
        fate: WriteFate = "fine"
        for name, chance in self._writes():
            if roll < chance:
                fate = name
                break
            roll -= chance
        self._deal("write", fate)
        return fate

    def _deal(self, what: str, fate: str) -> None:
        self.counts[f"{what} {fate}"] += 1
        if fate != "fine":
            self.heard(fate)

    def _writes(self) -> tuple[tuple[WriteFate, float], ...]:
        return (
            ("throttle", self.throttle),
            ("error", self.error),
            ("lost", self.lost),
            ("timeout", self.timeout),
            ("late", self.late),
        )
