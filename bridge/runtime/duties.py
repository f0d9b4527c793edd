"""What a worker does without being rung: the duties of each connection, and work that nobody came for.

A *duty* is poll, list, sweep or backfill: one runner per connection among all processes, decided by a lease in SQL
(DESIGN §8). Each runs in a thread of its own, so that a long backfill never delays a poll; its lease is renewed while
it runs and handed back when it ends.

Work that is due and lies there (a retry whose time came, a ring lost with a worker or with Redis) is drained here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from bridge.core.errors import BridgeError

log = structlog.get_logger(__name__)


class DutyLeases(Protocol):
    """One runner per connection and duty; kept by the store."""

    def acquire(self, connection: str, name: str, owner: str, seconds: float, every: float) -> bool:
        """True if ``owner`` may run the duty for ``seconds``: it is due (``every`` since its last start) and nobody
        else holds it. True again for the owner that holds it."""

    def release(self, connection: str, name: str, owner: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Duty:
    """``run`` does one round for a connection and should look at ``stopping`` now and then. ``every`` in seconds.

    ``wanted`` tells cheaply whether there is anything to do, before a lease is written."""

    name: str
    every: float
    run: Callable[[str, threading.Event], None]
    wanted: Callable[[str], bool] = lambda _: True


class DutyLoop:
    """Starts the duties that are due, once a second, until told to stop."""

    def __init__(
        self,
        *,
        duties: Sequence[Duty],
        connections: Callable[[], Sequence[str]],
        leases: DutyLeases,
        owner: str,
        look: Callable[[str], None],
        lease_seconds: float = 60.0,
        tick_seconds: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``look(connection)`` sees to changes that are due and that nobody works on."""
        self._duties = tuple(duties)
        self._connections = connections
        self._leases = leases
        self._owner = owner
        self._look = look
        self._lease_seconds = lease_seconds
        self._tick_seconds = tick_seconds
        self._monotonic = monotonic
        self._running: dict[tuple[str, str], tuple[threading.Thread, float]] = {}

    def run(self, stopping: threading.Event) -> None:
        """Until ``stopping``; then wait for what is running, which has the same event."""
        while not stopping.wait(self._tick_seconds):
            self.tick(stopping)
        for thread, _ in tuple(self._running.values()):
            thread.join()

    def tick(self, stopping: threading.Event) -> None:
        for connection in self._connections():
            for duty in self._duties:
                try:
                    self._attend(connection, duty, stopping)
                except Exception as error:  # the database may be away: the next tick asks again
                    _tell("duty not started", connection, duty.name, error)
            try:
                self._look(connection)
            except Exception as error:
                _tell("look failed", connection, "look", error)

    def _attend(self, connection: str, duty: Duty, stopping: threading.Event) -> None:
        key = (connection, duty.name)
        thread, renewed = self._running.get(key, (None, 0.0))
        now = self._monotonic()
        if thread is not None and thread.is_alive():
            if now - renewed > self._lease_seconds / 3:
                self._leases.acquire(connection, duty.name, self._owner, self._lease_seconds, 0)
                self._running[key] = (thread, now)
            return
        self._running.pop(key, None)
        if duty.wanted(connection) and self._leases.acquire(
            connection, duty.name, self._owner, self._lease_seconds, duty.every
        ):
            thread = threading.Thread(
                target=self._round, args=(connection, duty, stopping), name=f"{duty.name}-{connection}", daemon=True
            )
            self._running[key] = (thread, now)
            thread.start()

    def _round(self, connection: str, duty: Duty, stopping: threading.Event) -> None:
        try:
            duty.run(connection, stopping)
        except Exception as error:
            _tell("duty failed", connection, duty.name, error)
        finally:
            try:
                self._leases.release(connection, duty.name, self._owner)
            except Exception as error:  # it runs out by itself
                _tell("duty not released", connection, duty.name, error)


def _tell(event: str, connection: str, duty: str, error: Exception) -> None:
    """A failure we know by its words; any other with its trace, as it is a bug."""
    if isinstance(error, BridgeError):
        log.warning(event, connection=connection, duty=duty, error=str(error), kind=type(error).__name__)
    else:
        log.error(event, connection=connection, duty=duty, exc_info=error)
