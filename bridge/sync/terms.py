"""What a reconcile knows beforehand: mappings, what the systems can do, times. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bridge.core.mapping.model import Mappings
from bridge.core.ports import Connector, Random, Traits
from bridge.core.records import Change, Patch, Record, Step

PATIENCE = 4
"""Looks, with growing pauses, before what does not explain itself is shown to a person."""


@dataclass(frozen=True, slots=True)
class Timings:
    """All in seconds."""

    settle: float = 5.0
    """When a hint that found nothing is looked at once more."""
    lag: float = 5.0
    """How long a remote may show what was before a write."""
    lease: float = 20.0
    http_timeout: float = 8.0
    retry_base: float = 2.0
    retry_cap: float = 900.0
    pause: float = 30.0
    """How long a broken remote rests."""
    busy: float = 0.3
    """How soon to try again for a lease that somebody else holds."""
    margin: float = 2.0
    """Two times closer than this prove nothing."""

    @property
    def window(self) -> float:
        """How long after an intent a write of a stopped worker may still land."""
        return self.lease + self.http_timeout + self.lag


@dataclass(frozen=True, slots=True)
class Terms:
    """The pure part of the connectors and the configuration of one connection."""

    connectors: Mapping[str, Connector]
    mappings: Mappings
    timings: Timings
    random: Random
    most_flips: int = 4
    """How often within an hour a field may be written back and forth before it is frozen."""

    def traits(self, side: str, object: str) -> Traits:
        return self.connectors[side].traits(object)

    def steps(self, side: str, verb: str, patch: Patch) -> tuple[Step, ...]:
        return self.connectors[side].steps(verb, patch)

    def keys(self, record: Record) -> tuple[str, ...]:
        return self.connectors[record.ref.system].join_keys(record)

    def offsets(self) -> dict[str, timedelta]:
        known = {side: connector.clock_offset() for side, connector in self.connectors.items()}
        return {side: offset for side, offset in known.items() if offset is not None}

    def busy(self, change: Change) -> float:
        """Seconds until somebody else's lease is tried for again; a second time it is likely that its holder was killed."""
        return self.timings.busy if change.cause != "busy" else self.timings.lease / 8

    def looks_again(self, change: Change) -> bool:
        """Whether the look after a hint is followed by a second one: its webhook may have outrun the replica we read."""
        return change.lane == "live" and not change.looked_again and self.timings.settle > 0

    def backoff(self, attempts: int) -> float:
        """Exponential with full jitter, in seconds."""
        ceiling = min(self.timings.retry_cap, self.timings.retry_base * 2 ** min(attempts, 20))
        return self.random.uniform(0, ceiling)
