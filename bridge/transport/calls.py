"""Counts of remote calls, for progress, metrics and the demo's table."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from bridge.core.records import Lane

Result = Literal["answered", "throttled", "refused", "failed", "unanswered"]
"""``answered``: 2xx or 404; ``throttled``: 429; ``refused``: other 4xx; ``failed``: 3xx, 5xx or not its API; ``unanswered``: no answer came."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls that left this process, by result, and how many of all of them were writes or on the backfill lane."""

    answered: int = 0
    throttled: int = 0
    refused: int = 0
    failed: int = 0
    unanswered: int = 0
    writes: int = 0
    backfill: int = 0

    @property
    def total(self) -> int:
        return self.answered + self.throttled + self.refused + self.failed + self.unanswered


class CallCounter:
    """One per system and connection; shared by threads. A call that never left (no connection) is not counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def count(self, result: Result, *, write: bool, lane: Lane) -> None:
        with self._lock:
            self._counts[result] += 1
            self._counts["writes"] += write
            self._counts["backfill"] += lane == "backfill"

    def read(self) -> Calls:
        with self._lock:
            return Calls(**self._counts)
