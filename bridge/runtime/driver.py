"""Carries out what reconciles ask for: many at once, their calls in threads, their commits together.

A drain leases a batch of changes, live ones first, and keeps reconciles going until nothing is due or its time slice ends. A
failure nobody foresaw is parked with an id that finds the log entry; it never stops the drain.
"""

from __future__ import annotations

import queue
import threading
import uuid
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from bridge.core.effects import (
    Again,
    Claim,
    Commit,
    Declare,
    Effect,
    Extend,
    FindByKey,
    FindByValue,
    Finish,
    GetRecord,
    ListChildren,
    Notice,
    Operation,
    Park,
    Read,
    ReadTables,
    Wait,
    Write,
)
from bridge.core.errors import LeaseLost, RemoteError
from bridge.core.ports import Clock
from bridge.core.records import LANES, Lane
from bridge.store import Store
from bridge.sync.reconcile import reconcile
from bridge.sync.terms import Terms

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.1
"""Claims are taken in handfuls, but where a rate limit makes a handful slow, live work is looked for this often."""
RENEW_SECONDS: Final = 0.5
"""How often leases that are to be renewed are looked for."""
TABLES_SECONDS: Final = 1.0
"""Every reconcile asks for names of labels and stages, which connectors keep for a minute: only the first of a second is handed
to another thread for them."""
LONG_AGO: Final = (float("-inf"), None)
MOST_IDLE: Final = 0.5
"""A drain that waits for calls for a greater share of its time has enough under way, or too much."""
MOST_WIDTH: Final = 2
"""Where calls are answered at once, so many times ``in_flight`` reconciles are under way: commits are cheaper by the dozen."""


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
        """``terms(connection)`` gives today's mappings and connectors. ``in_flight``: calls that are waited for at once."""
        self._store = store
        self._terms = terms
        self._clock = clock
        self._sleep = sleep
        self._in_flight = in_flight
        self._lines = _Lines(in_flight * (MOST_WIDTH + 1))

    def close(self) -> None:
        for line in list(self._lines.values()):
            line.calls.shutdown(wait=False, cancel_futures=True)

    def drain(
        self,
        connection: str,
        seconds: float,
        stopping: threading.Event | None = None,
        begin: Callable[[], None] = lambda: None,
    ) -> Drained:
        """Reconcile what is due, for ``seconds`` at most, after ``begin``. Where a drain runs already in this process, that one begins
        once more when it is through, and this one does nothing."""
        line = self._lines[connection]
        end = self._clock.monotonic() + seconds
        drained = Drained(0, left=False)
        line.asked.append(begin)
        while line.asked and line.busy.acquire(blocking=False):
            try:
                line.begin()
                drain = _Drain(self, connection, self._terms(connection), line.calls, self._clock, self._in_flight)
                latest = drain.run(end, stopping or threading.Event())
                drained = Drained(drained.handled + latest.handled, latest.left)
            except BaseException:
                line.begin()  # whoever came meanwhile is not waited for: the next ring is a new one
                raise
            finally:
                line.busy.release()
        return drained

    def claim(self, connection: str, terms: Terms, limit: int, lanes: Sequence[Lane] = LANES) -> list[Claim]:
        streams = [stream.name for stream in terms.mappings.streams]
        return list(self._store.changes.claim(connection, limit, terms.timings.lease, streams, lanes))

    def carry_out(self, effect: Read | Write | Wait, terms: Terms) -> Any:
        """What takes its time."""
        match effect:
            case Read(ask, lane):
                return _read(ask, lane, terms)
            case Write(claim, _intent, step):
                # A send that could outlast the lease might land when somebody else has the record.
                if self._clock.now() + timedelta(seconds=terms.timings.http_timeout) > claim.lease_until:
                    raise LeaseLost("the lease is too short for another send")
                return terms.connectors[step.system].send(step, lane=claim.change.lane)
            case Wait(seconds):
                self._sleep(seconds)
                return None

    def renew(self, flows: Sequence[_Flow], terms: Terms) -> None:
        """Lease their changes again, from now on, unless that comes too late."""
        held, until = self._store.changes.renew([flow.claim for flow in flows], terms.timings.lease)
        for flow in flows:
            if flow.claim.token in held:
                flow.lease_until = until

    def commit(self, operations: Sequence[Operation]) -> Sequence[Any]:
        """In one transaction; each one's answer, or the error that undid it alone or with all of them."""
        try:
            return self._store.apply(operations)
        except Exception as error:
            return [error] * len(operations)

    def park(self, claim: Claim, error: Exception) -> None:
        """What nobody foresaw waits for a person."""
        error_id = uuid.uuid4().hex[:12]
        connection, change = claim.change.connection, claim.change.id
        log.error("reconcile failed", exc_info=error, error_id=error_id, connection=connection, change=change)
        detail = f"an internal error; find {error_id} in the log"
        try:
            notice = Notice("bug", detail, ways=("retry", "dismiss"))
            keep = frozenset(claim.open_fields)
            self._store.commit(Finish(claim, Park("bug", detail), notices=(notice,), keep_notices=keep))
        except Exception:
            log.exception("not parked", error_id=error_id)


@dataclass(slots=True, eq=False)
class _Flow:
    """A reconcile under way, the calls it made so far by system, and what it is told next: an answer or an error.

    ``declared``: it has said what it will write, and its lease is not renewed any more. A write is known as ours for as long as a
    lease, a time-out and the remote's lag.
    """

    claim: Claim
    steps: Generator[Effect, Any, None]
    lease_until: datetime
    declared: bool = False
    calls: Counter[str] = field(default_factory=Counter)
    asked: Effect | None = None
    asked_at: float = 0.0
    answer: Any = None
    error: Exception | None = None

    def next(self) -> Effect | None:
        """What it asks for next; ``None`` at its end. Raises what nobody foresaw."""
        answer, error = self.answer, self.error
        self.answer = self.error = None
        try:
            if error is None:
                effect = self.steps.send(answer)
            elif isinstance(error, RemoteError | LeaseLost):
                effect = self.steps.throw(error)
            else:
                raise error
        except StopIteration:
            return None
        if (system := _called(effect)) is not None:
            self.calls[system] += 1
        match effect:
            case Write(claim) if claim.lease_until != self.lease_until:
                return replace(effect, claim=replace(claim, lease_until=self.lease_until))
            case Commit(Extend(claim) as operation) if claim.lease_until != self.lease_until:
                return Commit(replace(operation, claim=replace(claim, lease_until=self.lease_until)))
            case Commit(Finish() as operation):
                return Commit(replace(operation, calls=dict(self.calls)))
            case Commit(Declare()):
                self.declared = True
        return effect


class _Drain:
    """One drain. A single thread takes all its reconciles from step to step; what they want committed by then is one transaction,
    so a group grows with the load and nothing is delayed on purpose."""

    def __init__(
        self, driver: Driver, connection: str, terms: Terms, calls: Executor, clock: Clock, in_flight: int
    ) -> None:
        self._driver = driver
        self._connection = connection
        self._terms = terms
        self._calls = calls
        self._clock = clock
        self._in_flight = in_flight
        self._width = in_flight
        self._ready: list[Claim] = []
        self._moving: list[_Flow] = []
        """What can go a step further."""
        self._told: queue.SimpleQueue[_Flow] = queue.SimpleQueue()
        self._tables: dict[str, tuple[float, Any]] = {}
        self._calling: set[_Flow] = set()
        self._running = 0
        self._live = 0
        """Live ones in hand, begun or not."""
        self._handled = 0
        self._fitted = 0
        self._fitted_at = clock.monotonic()
        self._idle = 0.0
        self._dry = False
        self._failed: Exception | None = None
        self._looked = -LOOK_SECONDS
        self._renewed = clock.monotonic()

    def run(self, end: float, stopping: threading.Event) -> Drained:
        """Raises what went wrong with looking for changes, once all that was under way has ended."""
        while True:
            if self._failed is None and self._clock.monotonic() < end and not stopping.is_set():
                self._look()
            if stopping.is_set():
                self._give_back()
            self._start()
            self._renew()
            if not self._running:
                if self._failed is not None:
                    raise self._failed
                return Drained(self._handled, left=not self._dry)
            self._hear(0.0 if self._moving else LOOK_SECONDS)
            self._step()

    def _look(self) -> None:
        """Claim a handful where there is room for one. Live work is looked for all the while, though calls hang and the room is full."""
        now = self._clock.monotonic()
        room = self._width * 2 - self._running - len(self._ready)
        due = now - self._looked >= LOOK_SECONDS
        if room > 0 and (due or (room >= self._width // 2 and not (self._dry and self._running))):
            lanes = LANES
        elif due and (room := self._in_flight - self._live) > 0:
            lanes = ("live",)
        else:
            return
        try:
            claims, self._looked = self._driver.claim(self._connection, self._terms, room, lanes), now
        except Exception as error:
            self._failed = error
            return
        self._dry = not claims and (self._dry or "backfill" in lanes)
        self._live += sum(not _late(claim) for claim in claims)
        # Somebody's edit does not stand behind what a backfill has claimed and not begun.
        self._ready = sorted([*self._ready, *claims], key=_late)

    def _start(self) -> None:
        self._fit()
        calls = len(self._calling)
        waiting: list[Claim] = []
        for claim in self._ready:
            # Nor behind what waits for a rate limit.
            late = _late(claim)
            if self._running < (self._width if late else self._width + self._in_flight) and not (
                late and calls >= self._in_flight
            ):
                self._running += 1
                calls += 1
                self._moving.append(_Flow(claim, reconcile(claim, self._terms), claim.lease_until))
            else:
                waiting.append(claim)
        self._ready = waiting

    def _renew(self) -> None:
        """Reconciles that look for a twin among tens of thousands may take longer than their lease."""
        now = self._clock.monotonic()
        if now - self._renewed < RENEW_SECONDS:
            return
        self._renewed = now
        # Early, so that enough is left for the writes that follow.
        soon = self._clock.now() + timedelta(seconds=self._terms.timings.lease * 3 / 4)
        slow = [flow for flow in self._calling if flow.lease_until < soon and not flow.declared]
        if slow:
            try:
                self._driver.renew(slow, self._terms)
            except Exception:
                log.warning("leases were not renewed", connection=self._connection, exc_info=True)

    def _give_back(self) -> None:
        """What was claimed and not begun is due again at once: nobody has to wait until its lease runs out."""
        if self._ready:
            self._driver.commit(
                [
                    Finish(claim, Again(0.0, claim.change.cause), keep_notices=frozenset(claim.open_fields))
                    for claim in self._ready
                ]
            )
            self._ready = []

    def _fit(self) -> None:
        """Once as many have ended as may be under way: more of them if nothing was waited for meanwhile, fewer if calls were."""
        if self._handled < self._fitted + self._width:
            return
        now = self._clock.monotonic()
        idle = self._idle / max(now - self._fitted_at, 1e-6)
        if idle > MOST_IDLE:
            self._width = max(self._width - self._in_flight, self._in_flight)
        elif idle < MOST_IDLE / 2:
            self._width = min(self._width + self._in_flight, self._in_flight * MOST_WIDTH)
        self._fitted, self._fitted_at, self._idle = self._handled, now, 0.0

    def _hear(self, seconds: float) -> None:
        """Take up what was answered by now; if nothing was, wait so long for the first."""
        began = self._clock.monotonic()
        flow: _Flow | None = None
        try:
            flow = self._told.get(timeout=seconds) if seconds else self._told.get_nowait()
        except queue.Empty:
            pass
        finally:
            self._idle += self._clock.monotonic() - began if seconds else 0.0
        while flow is not None:
            self._calling.discard(flow)
            self._moving.append(flow)
            match flow.asked:
                case Read(ReadTables(system)) if (
                    flow.error is None and flow.asked_at > self._tables.get(system, LONG_AGO)[0]
                ):
                    self._tables[system] = (flow.asked_at, flow.answer)
            flow = None if self._told.empty() else self._told.get_nowait()

    def _step(self) -> None:
        """Take each a step further, live ones first: to a call, to a commit together with the others, or to its end."""
        waiting: list[tuple[_Flow, Operation]] = []
        for flow in sorted(self._moving, key=lambda flow: _late(flow.claim)):
            effect = self._next(flow)
            if effect is None:
                self._running -= 1
                self._live -= not _late(flow.claim)
                self._handled += 1
            elif isinstance(effect, Commit):
                waiting.append((flow, effect.operation))
            else:
                self._calling.add(flow)
                flow.asked, flow.asked_at = effect, self._clock.monotonic()
                self._calls.submit(self._call, flow, effect)
        self._moving = [flow for flow, _ in waiting]
        if waiting:
            answers = self._driver.commit([operation for _, operation in waiting])
            for flow, answer in zip(self._moving, answers, strict=True):
                flow.error = answer if isinstance(answer, Exception) else None
                flow.answer = None if flow.error else answer

    def _next(self, flow: _Flow) -> Effect | None:
        """What it asks for that is not known here; ``None`` at its end, also where nobody foresaw that."""
        try:
            effect = flow.next()
            while (tables := self._known(effect)) is not None:
                flow.answer = tables
                effect = flow.next()
        except Exception as error:
            self._driver.park(flow.claim, error)
            return None
        return effect

    def _known(self, effect: Effect | None) -> Any:
        match effect:
            case Read(ReadTables(system, fresh=False)) if system in self._tables:
                asked_at, tables = self._tables[system]
                return tables if self._clock.monotonic() - asked_at < TABLES_SECONDS else None
        return None

    def _call(self, flow: _Flow, effect: Read | Write | Wait) -> None:
        try:
            flow.answer = self._driver.carry_out(effect, self._terms)
        except Exception as error:
            flow.error = error
        self._told.put(flow)


def _late(claim: Claim) -> bool:
    return claim.change.lane != "live"


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


@dataclass(frozen=True, slots=True)
class _Line:
    """A connection's drains in this process, one at a time, and the threads of its calls: those of others wait for other remotes.
    ``asked`` is what those who came begin with: one that comes while another sees that nothing is left is not lost."""

    calls: Executor
    busy: threading.Lock = field(default_factory=threading.Lock)
    asked: deque[Callable[[], None]] = field(default_factory=deque)

    def begin(self) -> None:
        while self.asked:
            self.asked.popleft()()


class _Lines(dict[str, _Line]):
    """One for each connection, made when first asked for."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._threads = threads

    def __missing__(self, key: str) -> _Line:
        return self.setdefault(key, _Line(ThreadPoolExecutor(self._threads, thread_name_prefix="call")))
