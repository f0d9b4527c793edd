"""What the engine needs from the world, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bridge.core.records import Lane, Patch, Record, Ref, Sent, Step, Table


@dataclass(frozen=True, slots=True)
class Traits:
    """What a system can do with one kind of object."""

    readable: bool = True
    """Has a get and a full listing (notes in Assembly do not)."""
    updated_after: bool = False
    """Its listing can be limited to what changed since a time."""
    creatable: bool = True
    updatable: bool = True
    deletable: bool = True
    upsert: bool = False
    """A create is an upsert under the join key: repeating it cannot make a twin."""
    join_keys: bool = False
    """Carries ``source_specific_ids``."""
    clears_with_null: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. ``server_date`` is the remote's clock when it answered."""

    records: tuple[Record, ...]
    server_date: datetime | None = None


class Connector(Protocol):
    """One system of one connection, as the engine sees it. Methods raise ``RemoteError`` and nothing else.

    Instances are shared by threads. ``lane`` gives live work its priority at the rate limiter.
    """

    @property
    def system(self) -> str: ...

    def traits(self, object: str) -> Traits: ...

    def get(self, ref: Ref, *, lane: Lane = "live") -> Record | None:
        """The record, or ``None`` for a 404."""

    def find_by_key(self, object: str, key: str, *, lane: Lane = "live") -> Record | None:
        """The record whose ``source_specific_ids`` hold ``key`` (only where ``traits.join_keys``)."""

    def find(self, object: str, path: str, value: str, *, lane: Lane = "live") -> tuple[Record, ...]:
        """Candidates for a match: records whose raw value at ``path`` may equal ``value`` (a superset is fine, the
        engine compares again). Uses the cheapest documented call; lists everything where there is none."""

    def children(self, object: str, parent: Ref, *, lane: Lane = "live") -> Iterator[Page]:
        """Records of ``object`` that hang on ``parent`` (a lead's activities, a company's contacts)."""

    def pages(self, object: str, *, updated_after: datetime | None = None, lane: Lane = "live") -> Iterator[Page]:
        """The full listing, or what changed at or after a time. Rows shifting between pages are handled or raise
        ``Transient``; a row may come twice."""

    def steps(self, verb: str, patch: Patch) -> tuple[Step, ...]:
        """The fewest calls that carry ``patch`` (pure). ``verb`` is ``create``, ``update``, ``archive`` or ``delete``."""

    def send(self, step: Step, *, lane: Lane = "live") -> Sent:
        """Send one step, once."""

    def join_keys(self, record: Record) -> tuple[str, ...]:
        """The ``source_specific_ids`` a record shows."""

    def tables(self, *, fresh: bool = False) -> Mapping[str, Table]:
        """Names of labels (``labels.Tier`` …) or stages (``stages``), kept for a minute unless ``fresh``."""

    def clock_offset(self) -> timedelta | None:
        """The remote's clock minus ours, from its Date headers; ``None`` before the first answer."""


class Clock(Protocol):
    """Wall time in UTC and a steady one for durations."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class Random(Protocol):
    """Jitter, from a seedable source."""

    def uniform(self, a: float, b: float) -> float: ...


class Doorbell(Protocol):
    """Wakes workers. May lose every ring: SQL and the sweep make up for it."""

    def ring(self, connection: str) -> None: ...
