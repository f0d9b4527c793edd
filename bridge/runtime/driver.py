"""Carries out what reconciles ask for: many at once, one thread each, their commits grouped.

A drain leases a batch of changes, live ones first, and keeps up to ``in_flight`` reconciles going until nothing is due or its
time slice ends. A failure nobody foresaw is parked with an id that finds the log entry; it never stops the drain.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog

from bridge.core.effects import (
    Claim,
    Commit,
    Effect,
    FindByKey,
    FindByValue,
    Finish,
    GetRecord,
    ListChildren,
    Notice,
    Park,
    Read,
    ReadTables,
    Wait,
    Write,
)
from bridge.core.errors import LeaseLost, RemoteError
from bridge.core.ports import Clock
from bridge.store import Store
from bridge.sync.reconcile import reconcile
from bridge.sync.terms import Terms

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.1
"""Claims are taken in handfuls, but where a rate limit makes a handful slow, live work is looked for this often."""


@dataclass(frozen=True, slots=True)
class Drained:
    """``handled`` reconciles came to their end; ``left`` says that more is due right now."""

    handled: int
    left: bool


class Driver:
    """Runs reconciles of all connections of this process. Shared by threads; one drain a connection at a time."""

    def __init__(
        self,
        store: Store,
        terms: Callable[[str], Terms],
        clock: Clock,
        *,
        sleep: Callable[[float], None],
        in_flight: int = 16,
    ) -> None:
        """``terms(connection)`` gives today's mappings and connectors."""
        self._store = store
        self._terms = terms
        self._clock = clock
        self._sleep = sleep
        self._in_flight = in_flight
        self._pool = ThreadPoolExecutor(in_flight, thread_name_prefix="reconcile")
        self._drains: Mapping[str, threading.Lock] = _Locks()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def drain(self, connection: str, seconds: float, stopping: threading.Event | None = None) -> Drained:
        """Reconcile what is due, for ``seconds`` at most. A drain that runs already in this process makes this one a no-op."""
        lock = self._drains[connection]
        if not lock.acquire(blocking=False):
            return Drained(0, left=False)
        try:
            return self._drain(connection, seconds, stopping or threading.Event())
        finally:
            lock.release()

    def _drain(self, connection: str, seconds: float, stopping: threading.Event) -> Drained:
        terms = self._terms(connection)
        end = self._clock.monotonic() + seconds
        running: set[Future[None]] = set()
        ready: list[Claim] = []
        handled, dry, looked = 0, False, -LOOK_SECONDS
        while True:
            now = self._clock.monotonic()
            room = self._in_flight * 2 - len(running) - len(ready)
            look = room >= self._in_flight // 2 or (room > 0 and now - looked >= LOOK_SECONDS)
            if look and now < end and not stopping.is_set():
                claims, looked = self._claim(connection, terms, room), now
                dry = not claims
                # Somebody's edit does not stand behind what a backfill has claimed and not begun.
                ready = sorted([*ready, *claims], key=lambda claim: claim.change.lane != "live")
            free = self._in_flight - len(running)
            starting, ready = ready[:free], ready[free:]
            running |= {self._pool.submit(self.run, claim, terms) for claim in starting}
            if not running:
                return Drained(handled, left=not dry)
            done, running = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            handled += len(done)

    def _claim(self, connection: str, terms: Terms, limit: int) -> list[Claim]:
        streams = [stream.name for stream in terms.mappings.streams]
        return list(self._store.changes.claim(connection, limit, terms.timings.lease, streams))

    def run(self, claim: Claim, terms: Terms) -> None:
        """One reconcile to its end. Never raises."""
        try:
            self._run(claim, terms)
        except Exception:
            error_id = uuid.uuid4().hex[:12]
            log.exception(
                "reconcile failed", error_id=error_id, connection=claim.change.connection, change=claim.change.id
            )
            detail = f"an internal error; find {error_id} in the log"
            try:
                notice = Notice("bug", detail, ways=("retry", "dismiss"))
                keep = frozenset(claim.open_fields)
                self._store.commit(Finish(claim, Park("bug", detail), notices=(notice,), keep_notices=keep))
            except Exception:
                log.exception("not parked", error_id=error_id)

    def _run(self, claim: Claim, terms: Terms) -> None:
        flow = reconcile(claim, terms)
        answer: Any = None
        error: Exception | None = None
        calls: Counter[str] = Counter()
        while True:
            try:
                effect = flow.send(answer) if error is None else flow.throw(error)
            except StopIteration:
                return
            answer, error = None, None
            if (system := _called(effect)) is not None:
                calls[system] += 1
            elif isinstance(effect, Commit) and isinstance(effect.operation, Finish):
                effect = Commit(replace(effect.operation, calls=dict(calls)))
            try:
                answer = self.carry_out(effect, terms)
            except (RemoteError, LeaseLost) as refused:
                error = refused

    def carry_out(self, effect: Effect, terms: Terms) -> Any:
        match effect:
            case Read(ask, lane):
                return _read(ask, lane, terms)
            case Commit(operation):
                return self._store.commit(operation)
            case Write(claim, _intent, step):
                # A send that could outlast the lease might land when somebody else has the record.
                if self._clock.now() + timedelta(seconds=terms.timings.http_timeout) > claim.lease_until:
                    raise LeaseLost("the lease is too short for another send")
                return terms.connectors[step.system].send(step, lane=claim.change.lane)
            case Wait(seconds):
                self._sleep(seconds)
                return None


def _read(ask: Any, lane: Any, terms: Terms) -> Any:
    match ask:
        case GetRecord(ref):
            return terms.connectors[ref.system].get(ref, lane=lane)
        case FindByKey(system, kind, key):
            return terms.connectors[system].find_by_key(kind, key, lane=lane)
        case FindByValue(system, kind, path, value):
            return terms.connectors[system].find(kind, path, value, lane=lane)
        case ListChildren(system, kind, parent):
            pages = terms.connectors[system].children(kind, parent, lane=lane)
            return tuple(record for page in pages for record in page.records)
        case ReadTables(system, fresh):
            return terms.connectors[system].tables(fresh=fresh)
    raise TypeError(f"not something to read: {ask!r}")


def _called(effect: Effect) -> str | None:
    """The system that an effect calls. Names of labels and stages are kept for a minute and not counted."""
    match effect:
        case Read(GetRecord(ref)):
            return ref.system
        case Read(FindByKey(system) | FindByValue(system) | ListChildren(system)):
            return system
        case Write(step=step):
            return step.system
    return None


class _Locks(dict[str, threading.Lock]):
    """One lock a connection, made when first asked for."""

    def __missing__(self, key: str) -> threading.Lock:
        return self.setdefault(key, threading.Lock())
