"""Work that is due and that no ring brought a worker to: lost rings, retries whose time has come, no Redis at all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger(__name__)

TICKS: Final = 3
"""Looks at work that is still due, a second apart, before it is drained right here although a ring went out."""


class Patience:
    """For ``DutyLoop``'s ``look``: rings for what is due, and drains it in a thread of its own if nobody comes.

    A drain that runs already in this process makes another a no-op, and leases in SQL keep processes apart, so draining
    once too often costs a query.
    """

    def __init__(
        self, *, due: Callable[[str], float | None], ring: Callable[[str], bool], drain: Callable[[str], object]
    ) -> None:
        """``due``: seconds until the next change of a connection, ``None`` if there is none. ``ring``: whether a worker
        has a job for it now."""
        self._due = due
        self._ring = ring
        self._drain = drain
        self._seen: dict[str, int] = {}
        self._drains: dict[str, threading.Thread] = {}

    def __call__(self, connection: str) -> None:
        due = self._due(connection)
        if due is None or due > 0:
            self._seen.pop(connection, None)
            return
        self._seen[connection] = self._seen.get(connection, 0) + 1
        if self._ring(connection) and self._seen[connection] < TICKS:
            return
        if self._seen[connection] == TICKS:
            log.debug("due work that no worker came for is done here", connection=connection)
        running = self._drains.get(connection)
        if running is None or not running.is_alive():
            thread = threading.Thread(target=self._drain, args=(connection,), name=f"drain-{connection}", daemon=True)
            self._drains[connection] = thread
            thread.start()
