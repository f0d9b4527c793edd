"""The brake: how many changes of one class an hour may bring before a person is asked; and the oscillation breaker: when two
writers undo each other for ever (pure)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bridge.core.records import ABSENT, Value


@dataclass(frozen=True, slots=True)
class Brake:
    """The ceilings: a fixed count and a share of the stream's live links (in percent), whichever is greater, an hour."""

    counts: Mapping[str, int]
    percents: Mapping[str, float]

    def ceiling(self, klass: str, live_links: int) -> int | None:
        """How many of a class one hour may bring; ``None``: as many as come."""
        if klass not in self.counts:
            return None
        return max(self.counts[klass], math.ceil(self.percents.get(klass, 0) * live_links / 100))


Same: TypeAlias = Callable[[Value, Value], bool]


@dataclass(frozen=True, slots=True)
class Turn:
    """One write of a field in common values: ``new`` took the place of ``old`` on ``side``."""

    side: str
    old: Value
    new: Value
    cause: str = ""


def is_flip(turn: Turn, before: Sequence[Turn], same: Same) -> bool:
    """Whether a write puts back what an earlier one had replaced on the *other* side, or reverts to the same value once more.

    A person who changes their mind on one side makes no flip: only two writers who each restore their own value do.
    """
    if turn.new is ABSENT:
        return False
    return any(
        (old.side != turn.side and old.old is not ABSENT and same(old.old, turn.new))
        or (old.side == turn.side and turn.cause == old.cause == "reverted" and same(old.new, turn.new))
        for old in before
    )


def flips(turns: Sequence[Turn], same: Same) -> int:
    """How many of these writes (oldest first) were flips."""
    return sum(is_flip(turn, turns[:number], same) for number, turn in enumerate(turns))


def swings(turns: Sequence[Turn], coming: Turn, most: int, same: Same) -> bool:
    """Whether the coming write would be one flip too many."""
    return len(turns) > most and is_flip(coming, turns, same) and flips(turns, same) >= most
