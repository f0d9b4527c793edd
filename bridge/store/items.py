"""What becomes of a run's items, counted on the run in the same transaction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import Connection, bindparam, select, update

from bridge.core.effects import Done, Outcome, Park
from bridge.store.rows import ItemState
from bridge.store.sql import among, chunks
from bridge.store.tables import run_items, runs

Counted: TypeAlias = tuple[ItemState, str, str]
"""The item's new state, its result in words, and the run's count that grows."""

OPEN_ITEMS = ("planned", "queued")
_RUNS = select(run_items.c.id, run_items.c.run_id, run_items.c.state).where(among(run_items.c.id, "ids"))
_CLOSE = (
    update(run_items)
    .where(among(run_items.c.id, "ids"))
    .values(state=bindparam("new_state"), result=bindparam("new_result"), seed=None)
)

_UNDOING = (
    select(run_items.c.id)
    .join(runs, runs.c.id == run_items.c.run_id)
    .where(among(run_items.c.id, "ids"), runs.c.kind == "undo")
)
_REPLAN = update(run_items).where(among(run_items.c.id, "ids"), run_items.c.state == "queued").values(state="planned")


def counted(outcome: Outcome, raised: bool) -> Counted | None:
    """How an item ends, or ``None`` while it goes on. ``raised``: the reconcile left something for a person."""
    match outcome:
        case Park(cause="bug"):
            return "failed", outcome.detail, "failed"
        case Park():
            return "attention", outcome.detail, "attention"
        case Done(result="drifted"):
            return "drifted", outcome.result, "drifted"
        case Done() if raised:
            return "attention", outcome.result, "attention"
        case Done():
            return "done", outcome.result, outcome.result
    return None


@dataclass(frozen=True, slots=True)
class Planned:
    """The run of a planned item, and whether it is still to be done."""

    run: str
    open: bool


def planned(connection: Connection, ids: Iterable[int]) -> dict[int, Planned]:
    found: dict[int, Planned] = {}
    for chunk in chunks(ids):
        for item, run, state in connection.execute(_RUNS, {"ids": chunk}):
            found[item] = Planned(run, state in OPEN_ITEMS)
    return found


@dataclass(slots=True)
class Tally:
    """What items of runs came to, written at once."""

    ended: dict[tuple[ItemState, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    calls: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def close(self, item: int, known: Planned, end: Counted) -> None:
        state, result, count = end
        self.ended[state, result].add(item)
        self.counts[known.run][count] += 1

    def write(self, connection: Connection) -> None:
        for (state, result), items in self.ended.items():
            for chunk in chunks(items):
                connection.execute(_CLOSE, {"ids": chunk, "new_state": state, "new_result": result})
        for run in sorted(self.counts.keys() | self.calls.keys()):
            add_to_run(connection, run, counts=self.counts.get(run), calls=self.calls.get(run))


def close_items(connection: Connection, ids: Collection[int], end: Counted) -> None:
    """Close those of ``ids`` that are still open; each counts once, however often it is closed."""
    tally = Tally()
    for item, known in planned(connection, ids).items():
        if known.open:
            tally.close(item, known, end)
    tally.write(connection)


def void_items(connection: Connection, ids: Collection[int]) -> None:
    """A live change overtook these items: it does their work, but for an undo's, which are to be handed out once more."""
    again: set[int] = set()
    for chunk in chunks(ids):
        again |= set(connection.execute(_UNDOING, {"ids": chunk}).scalars())
    for chunk in chunks(again):
        connection.execute(_REPLAN, {"ids": chunk})
    close_items(connection, set(ids) - again, ("voided", "", "voided"))


def add_to_run(
    connection: Connection,
    run_id: str,
    *,
    counts: Mapping[str, int] | None = None,
    calls: Mapping[str, int] | None = None,
) -> None:
    row = connection.execute(select(runs.c.counts, runs.c.calls).where(runs.c.id == run_id)).first()
    if row is None:
        return
    values: dict[str, Any] = {}
    if counts:
        values["counts"] = dict(Counter(row.counts) + Counter(counts))
    if calls:
        values["calls"] = dict(Counter(row.calls) + Counter(calls))
    if values:
        connection.execute(update(runs).where(runs.c.id == run_id).values(values))
