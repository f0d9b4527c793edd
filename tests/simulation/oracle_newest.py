"""Who wins by ``newest``: what somebody who knows the remotes' clocks could decide from the records' stamps.

The stamps are those of the records, as the remotes kept them, brought to true time by each clock's true skew. What the bridge cannot
know exactly (the skew from a Date header in whole seconds, a stamp rounded down) is doubt: within it either verdict will do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import product
from typing import TypeAlias

from tests.simulation.oracle_case import Case
from tests.simulation.oracle_terms import Pair, Write
from tests.simulation.remote import EPOCH
from tests.simulation.rules import OBJECTS, SIDES, FieldSpec

MARGIN = 2.0
"""Two stamps closer than this many seconds prove nothing."""
STAMPS = {"crm": "updatedAt", "assembly": "updated_at"}
Stamp: TypeAlias = float | None
"""True seconds; ``None`` where the record carries none, or the bridge's own write made it."""


def newest(case: Case, pair: Pair, spec: FieldSpec, winners: Sequence[Write], *, own_counts: bool) -> frozenset[str]:
    """The sides that may win without asking a person; none if nothing is proven.

    ``own_counts``: without a memory nobody knows that a stamp is the bridge's own.
    """
    last = {side: max(write.at for write in winners if write.side == side) for side in SIDES}
    end = _decided(pair, spec, max(last.values()))
    seen = [list(_stamps(case, pair, side, last[side], end)) for side in SIDES]
    found: set[str] = set()
    for (crm, crm_own), (assembly, assembly_own) in product(*seen):
        if (crm_own or assembly_own) and not own_counts:
            # Whether the bridge had seen its own write come back decides what the stamp is worth.
            found |= set(SIDES)
        elif crm is not None and assembly is not None:
            found |= _later(case, crm, assembly)
    return frozenset(found)


def _later(case: Case, crm: float, assembly: float) -> set[str]:
    gap, doubt = crm - assembly, sum(case.final.doubts.get(side, 0.0) for side in SIDES)
    if abs(gap) < MARGIN - doubt:
        return set()
    if abs(gap) > MARGIN + doubt:
        return {"crm" if gap > 0 else "assembly"}
    return set(SIDES) if abs(gap) < doubt else {"crm" if gap > 0 else "assembly"}


def _decided(pair: Pair, spec: FieldSpec, since: float) -> float:
    """By when the matter was settled: the bridge wrote the field."""
    return next(
        (
            event.at
            for event in pair.events
            if event.kind == "landing" and event.at >= since and spec.path(event.side) in event.values
        ),
        float("inf"),
    )


def _stamps(case: Case, pair: Pair, side: str, since: float, end: float) -> Iterator[tuple[Stamp, bool]]:
    """Every stamp that a reader could meet who sees the side's write, and whether the bridge made it."""
    row = case.final.rows[side][OBJECTS[pair.link.stream][side], pair.link.ends[side]]
    own = {event.at for event in pair.events if event.kind == "landing" and event.side == side}
    for at, raw in row.versions:
        if raw is not None and since <= at < end:
            text = raw.get(STAMPS[side])
            stamp = (datetime.fromisoformat(text) - EPOCH).total_seconds() if text else None
            yield (None if stamp is None else stamp - case.final.skews.get(side, 0.0)), at in own
