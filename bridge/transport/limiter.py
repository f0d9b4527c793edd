"""The rate limit of one API key: a log of send slots.

A slot is granted for *now*. What a remote counts is arrivals, and 25–40 ms of jitter between grant and arrival is what
draws a 429 from a strict window, so a slot's entry is moved once its answer is in: to the answer's time minus the fastest
round trip seen, the latest moment at which the request can have arrived (in send time). Until then it counts as a slack
later than it was granted.

``LocalLimiter`` serves one process; ``bridge.transport.shared_limiter.RedisLimiter`` all processes of an installation.
"""

from __future__ import annotations

import bisect
import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from bridge.core.errors import Throttled
from bridge.core.records import Lane

POLL = 0.05
"""Longest sleep, in seconds, before the log is asked again: an answer may free a slot sooner than promised."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``limit`` arrivals in any window of ``seconds``, at least ``pace`` seconds apart (see ``at_once``).

    ``margin`` is added to the window. The figures for Assembly (30 in 1,003 ms, 33 ms apart) were measured: 28.99 a second
    with no 429 against strict fixed and sliding windows; a burst of 30 would send 59 in one second.
    """

    limit: int
    seconds: float = 1.0
    margin: float = 0.003
    slack: float = 1.0
    paced: bool = True

    @property
    def window(self) -> float:
        return self.seconds + self.margin

    @property
    def pace(self) -> float:
        """Whole milliseconds below the even share, so that the window and not the pace is what limits."""
        return int(self.seconds / self.limit * 1000) / 1000 if self.paced else 0.0

    @property
    def at_once(self) -> int:
        """Live work is spaced only once the window holds this many: the two or three calls of somebody's edit follow one another
        without a wait. What keeps to the limit is the window."""
        return self.limit // 3

    @property
    def fresh(self) -> float:
        """How long a new log lets pass, for it knows nothing of what was sent before: a window; of one that lasts minutes
        only the first second, and the remote's own 429 guards the rest."""
        return min(self.window, 1.0 + self.margin)

    def share(self, processes: int) -> Rate:
        """The part of one of ``processes`` that cannot see each other. Below one slot each, the window is stretched."""
        limit = self.limit // processes
        if limit >= 1:
            return Rate(limit, self.seconds, self.margin, self.slack, self.paced)
        return Rate(1, self.seconds * processes / self.limit, self.margin, self.slack, self.paced)


@dataclass(frozen=True, slots=True)
class Slot:
    """Leave to send one request now. ``granted`` is in the limiter's own clock; ``shared`` says which log holds it."""

    id: str
    granted: int
    shared: bool


class Limiter(Protocol):
    """Shared by threads."""

    def acquire(self, lane: Lane, patience: float) -> Slot:
        """A slot to send now. Raises ``Throttled`` when none came within ``patience`` seconds, or is known not to."""

    def answered(self, slot: Slot, round_trip: float) -> None:
        """The answer to the request is in, ``round_trip`` seconds after its slot."""

    def hold(self, seconds: float) -> None:
        """The remote asked for silence: no slot for anybody until then."""


def limiter_name(base_url: str, key: str) -> str:
    """Names a limit without telling the key."""
    return sha256(f"{base_url}\0{key}".encode()).hexdigest()[:32]


class Queue:
    """Lines up the threads of one process, live work first, so that only the foremost asks the log."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting: list[tuple[int, int]] = []
        self._numbers = itertools.count()

    @contextlib.contextmanager
    def ticket(self, lane: Lane) -> Iterator[tuple[int, int]]:
        ticket = (0 if lane == "live" else 1, next(self._numbers))
        with self._condition:
            heapq.heappush(self._waiting, ticket)
        try:
            yield ticket
        finally:
            with self._condition:
                self._waiting.remove(ticket)
                heapq.heapify(self._waiting)
                self._condition.notify_all()

    def foremost(self, ticket: tuple[int, int], patience: float) -> bool:
        """Waits until ``ticket`` is the first; false when ``patience`` seconds were not enough."""
        with self._condition:
            return self._condition.wait_for(lambda: self._waiting[0] == ticket, timeout=max(patience, 0.0))


@dataclass(frozen=True, slots=True)
class Denied:
    """No slot for ``wait`` seconds. ``closed``: the remote said so; otherwise an answer may bring one sooner."""

    wait: float
    closed: bool = False


class Log(Protocol):
    """Grants slots; asked by one thread at a time."""

    def grant(self, lane: Lane) -> Slot | Denied: ...


def wait_for_slot(queue: Queue, log: Log, lane: Lane, patience: float) -> Slot:
    """Queue up, then ask ``log`` until it grants. See ``Limiter.acquire``."""
    deadline = time.monotonic() + patience
    with queue.ticket(lane) as ticket:
        while queue.foremost(ticket, deadline - time.monotonic()):
            answer = log.grant(lane)
            if isinstance(answer, Slot):
                return answer
            left = deadline - time.monotonic()
            if answer.wait > left and answer.closed:
                raise Throttled("the remote asked for a pause", retry_after=answer.wait, status=None)
            if left <= 0:
                break
            time.sleep(min(answer.wait, POLL, left))
    raise Throttled("no send slot came free in time", retry_after=1.0, status=None)


class RoundTrips:
    """The fastest round trip of a remote, with as much taken off as it may be slower than the fastest there is.

    The fastest of a few is still slow where requests take between 0 and 50 ms longer than they must: entries then count as
    earlier than they arrived, and one start in six drew a 429. What is taken off shrinks with the number that was seen and
    grows with how much they differ; of a hundred, one is within the margin of a window.
    """

    FEWEST = 30
    ENOUGH = 100
    CAUTION = 6
    """With even jitter, the fastest of *n* is more than this share of its *n*-th part too slow once in ``e ** 6`` starts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: list[float] = []
        """The first hundred, in order."""
        self._fastest = float("inf")

    def fastest(self, latest: float) -> float:
        """Takes ``latest`` in and answers the fastest so far, in seconds; 0 while too few are known."""
        with self._lock:
            self._fastest = min(self._fastest, latest)
            count = len(self._seen)
            if count >= self.ENOUGH:
                return self._fastest
            bisect.insort(self._seen, latest)
            if count < self.FEWEST:
                return 0.0
            # Twice to the middle one, not to the slowest: that may have stood still for seconds.
            spread = 2 * (self._seen[count // 2] - self._fastest)
            return max(0.0, self._fastest - spread * self.CAUTION / count)


class LocalLimiter:
    """The limit within one process: alone, or its share while Redis is away. Its first slot waits, see ``Rate.fresh``."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._queue = Queue()
        self._round_trips = RoundTrips()
        self._lock = threading.Lock()
        self._arrivals: dict[str, float] = {}
        self._last = 0.0
        self._numbers = itertools.count()
        self._gate = time.monotonic() + rate.fresh

    def acquire(self, lane: Lane, patience: float) -> Slot:
        return wait_for_slot(self._queue, self, lane, patience)

    def grant(self, lane: Lane) -> Slot | Denied:
        with self._lock:
            now = time.monotonic()
            if now < self._gate:
                return Denied(self._gate - now, closed=True)
            self._arrivals = {k: t for k, t in self._arrivals.items() if t > now - self._rate.window}
            spaced = lane != "live" or len(self._arrivals) >= self._rate.at_once
            if spaced and now < self._last + self._rate.pace:
                return Denied(self._last + self._rate.pace - now)
            if len(self._arrivals) >= self._rate.limit:
                freeing = sorted(self._arrivals.values())[len(self._arrivals) - self._rate.limit]
                return Denied(freeing + self._rate.window - now)
            slot = Slot(f"{next(self._numbers)}", int(now * 1e6), shared=False)
            self._arrivals[slot.id] = now + self._rate.slack
            self._last = now
            return slot

    def answered(self, slot: Slot, round_trip: float) -> None:
        fastest = self._round_trips.fastest(round_trip)
        with self._lock:
            if slot.id in self._arrivals:
                self._arrivals[slot.id] = max(slot.granted / 1e6, time.monotonic() - fastest)

    def hold(self, seconds: float) -> None:
        with self._lock:
            self._gate = max(self._gate, time.monotonic() + seconds)
