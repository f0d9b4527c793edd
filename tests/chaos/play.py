"""A row of the table: what is promised, how it is played, and the guard whose absence must make it fail."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

T = TypeVar("T")
Size: TypeAlias = Literal["taste", "quick", "full"]


class NotKept(AssertionError):
    """The promise was broken; the text says how."""


@dataclass(slots=True)
class Play:
    """One performance of a row. ``breaks`` names the guard that is switched off in every process of the bridge, if any."""

    size: Size
    breaks: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    """What differs from shipped defaults."""

    def pick(self, taste: T, quick: T, full: T) -> T:
        return {"taste": taste, "quick": quick, "full": full}[self.size]

    def check(self, holds: bool, what: str) -> None:
        if not holds:
            raise NotKept(what)

    def until(self, condition: Callable[[], bool], seconds: float, what: str, pause: float = 0.05) -> float:
        """Wait for it; the seconds it took. Raises ``NotKept``."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                raise NotKept(f"{what}: not within {seconds:g} s")
            time.sleep(pause)
        return time.monotonic() - began


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    promise: str
    play: Callable[[Play], None]
    breaks: str
    """The guard (see ``breaks.py``) that this row must miss."""
    alone: bool = False
    """Its promise is a time or a rate: nothing else is played beside it."""


@dataclass(frozen=True, slots=True)
class Result:
    """``error``: the row could not be played to its end, which shows nothing, with or without the guard."""

    row: Row
    broken: bool
    kept: bool
    error: bool
    problem: str
    seconds: float
    figures: dict[str, object]
    said: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not self.error and self.kept != self.broken


def perform(row: Row, size: Size, *, broken: bool = False) -> Result:
    play = Play(size, row.breaks if broken else "")
    began = time.monotonic()
    problem, error = "", False
    try:
        row.play(play)
    except NotKept as wrong:
        problem = str(wrong)
    except Exception as wrong:  # the other rows are still to be played
        problem, error = f"{type(wrong).__name__}: {wrong}", True
    return Result(row, broken, not problem, error, problem, time.monotonic() - began, play.figures, tuple(play.said))
