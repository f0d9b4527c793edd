"""The rate limit of a remote, in both readings of "per second": any window of that length, or the clock's own."""

from __future__ import annotations

from collections import deque
from typing import Literal

Window = Literal["sliding", "fixed"]


class Limiter:
    """Admits ``limit`` requests per ``seconds``. Refused requests are not counted against it.

    ``limit`` of ``None`` admits everything. The deque holds the admitted times of the current window.
    """

    def __init__(self, limit: int | None, *, seconds: float = 1.0, window: Window = "sliding") -> None:
        self.limit = limit
        self.seconds = seconds
        self.window = window
        self._admitted: deque[float] = deque()

    def admit(self, now: float) -> bool:
        """``now``: seconds on one steady clock."""
        if self.limit is None:
            return True
        start = now - self.seconds if self.window == "sliding" else now - now % self.seconds
        admitted = self._admitted
        # In a sliding window a request leaves exactly one length after it came; a fixed one starts at its first instant.
        while admitted and (admitted[0] <= start if self.window == "sliding" else admitted[0] < start):
            admitted.popleft()
        if len(admitted) >= self.limit:
            return False
        admitted.append(now)
        return True


class Peak:
    """The most requests seen in any window of one second."""

    def __init__(self) -> None:
        self.most = 0
        self._recent: deque[float] = deque()

    def note(self, now: float) -> None:
        recent = self._recent
        recent.append(now)
        while recent[0] <= now - 1.0:
            recent.popleft()
        self.most = max(self.most, len(recent))
