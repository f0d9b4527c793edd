"""Small answers that many records need at once: asked for once, kept for a minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """What ``fetch`` answered, for ``seconds``. Threads that come while it is fetched wait for that one answer."""

    def __init__(self, fetch: Callable[[], T], seconds: float) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._lock = threading.Lock()
        self._answer: tuple[float, T] | None = None

    def get(self, *, since: float | None = None) -> T:
        """``since``: nothing that was asked for before that moment of ``time.monotonic``."""
        asked = time.monotonic()
        oldest = asked - self._seconds if since is None else since
        with self._lock:
            if self._answer is not None and self._answer[0] >= oldest:
                return self._answer[1]
            started = time.monotonic()
            answer = self._fetch()
            self._answer = (started, answer)
            return answer

    def forget(self) -> None:
        with self._lock:
            self._answer = None
