"""Group commits for the webhook receiver: many requests, one transaction, and only then their answers.

Requests hand their event to one writer thread and wait. The writer takes whatever is queued, stores it in a single
transaction and lets the requests go; commits are the bottleneck (``synchronous=FULL``), so a burst shares them.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bridge.core.ports import Doorbell
from bridge.store import Store
from bridge.sync.intake import Arrival

_log = structlog.get_logger(__name__)

_AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""Locked, unreachable or out of sessions: trying again one by one would only hold up those that wait behind."""

Stored: TypeAlias = Literal["stored", "duplicate"]


class Unavailable(Exception):
    """The event could not be stored; the sender shall try again."""


_Answer: TypeAlias = Stored | Unavailable


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrival: Arrival
    answer: asyncio.Future[Stored]

    def settle(self, answer: _Answer) -> None:
        """In the event loop's thread."""
        if self.answer.done():
            return
        if isinstance(answer, Unavailable):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class Receiver:
    """One writer thread. ``receive`` may be called from any number of requests of one event loop."""

    def __init__(
        self, store: Store, doorbell: Doorbell, *, batch: int = 64, most_waiting: int = 5_000, patience: float = 4
    ) -> None:
        self._store = store
        self._bell = _Bell(doorbell)
        self._batch = batch
        self._patience = patience
        self._most_waiting = most_waiting
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="inbox-writer", daemon=True)
        self._thread.start()

    async def receive(self, arrival: Arrival) -> Stored:
        """Returns after the commit. Raises ``Unavailable`` if it failed or took longer than ``patience`` seconds."""
        if self._queue.qsize() >= self._most_waiting:
            raise Unavailable("too many events are waiting to be stored")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(arrival, loop.create_future())
        # It may yet be stored; the sender repeats it and the event's id makes that a duplicate.
        patience = loop.call_later(self._patience, waiting.settle, Unavailable("the database is too slow"))
        self._queue.put(waiting)
        try:
            return await waiting.answer
        finally:
            patience.cancel()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        """Store what is queued and stop."""
        self._queue.put(None)
        self._thread.join()
        self._bell.close()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            gathered, ending = self._gather(first)
            # A request that gave up while it was queued was told so: its sender comes back.
            self._settle([each for each in gathered if not each.answer.done()])
            if ending:
                return

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        gathered = [first]
        while len(gathered) < self._batch:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return gathered, True
            gathered.append(more)
        return gathered, False

    def _settle(self, waiting: Sequence[_Waiting]) -> None:
        if not waiting:
            return
        answers: Sequence[_Answer]
        try:
            answers = self._store_all(waiting)
        except Exception as error:
            _log.error("inbox_write_failed", events=len(waiting), error=type(error).__name__)
            if len(waiting) > 1 and not isinstance(error, _AWAY):
                # One event the database will not take must not turn its neighbours away.
                for each in waiting:
                    self._settle([each])
                return
            _tell(waiting, [Unavailable("the event could not be stored") for _ in waiting])
            return
        _tell(waiting, answers)
        self._bell.ring({each.arrival.event.connection for each in waiting if each.arrival.hints})

    def _store_all(self, waiting: Sequence[_Waiting]) -> Sequence[Stored]:
        arrivals = [each.arrival for each in waiting]
        return self._store.inbox.receive(
            [arrival.event for arrival in arrivals], [arrival.hints for arrival in arrivals]
        )


def _tell(waiting: Sequence[_Waiting], answers: Sequence[_Answer]) -> None:
    """Wakes the event loop once for the whole group: a call for each would cost more than their commit."""

    def settle() -> None:
        for each, answer in zip(waiting, answers, strict=True):
            each.settle(answer)

    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        waiting[0].answer.get_loop().call_soon_threadsafe(settle)


class _Bell:
    """Rings in a thread of its own: a Redis that hangs must not hold up the next commit."""

    def __init__(self, doorbell: Doorbell) -> None:
        self._doorbell = doorbell
        self._condition = threading.Condition()
        self._names: set[str] = set()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self, names: set[str]) -> None:
        with self._condition:
            self._names |= names
            self._condition.notify()

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._names or self._closed)
                names, self._names = self._names, set()
                if not names:
                    return
            for name in names:
                try:
                    self._doorbell.ring(name)
                except Exception as error:
                    _log.warning("doorbell_failed", connection=name, error=type(error).__name__)
