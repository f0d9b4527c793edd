"""Links rebuilt from ``source_specific_ids`` after the database was lost: both sides are listed, and what carries a join key is
bound. Nothing is written to a remote and nothing is created; where the sides differ, a person is asked, grouped by field.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.core.effects import LinkDraft, Notice
from bridge.core.errors import ParentNotLinked, RemoteError, Undecodable, UsageError
from bridge.core.mapping.model import Mappings
from bridge.core.plan import Situation, pins, plan_update, settle
from bridge.core.ports import Clock
from bridge.core.records import Link, Record, Reference
from bridge.operations.planning import PAGE, Planner
from bridge.store import Raised, RunRow, ScanRow, Store
from bridge.sync.terms import Terms

KIND = "rebuild"


def start(store: Store, mappings: Mappings, connection: str, *, key: str | None = None) -> RunRow:
    """A new rebuild of all links of a connection. Raises ``UsageError`` (409) while a backfill or another rebuild goes on."""
    if (busy := store.runs.active(connection)) is not None:
        raise UsageError(f"the backfill {busy.id} is {busy.state}: cancel it first", status=409)
    names = [stream.name for stream in mappings.streams]
    return store.runs.create(connection, names, kind=KIND, idempotency_key=key)


def active(store: Store, connection: str) -> RunRow | None:
    """The rebuild that a duty should bring forward."""
    return store.runs.active(connection, KIND)


@dataclass(slots=True)
class Found:
    """What one page of left records came to."""

    binds: list[LinkDraft] = field(default_factory=list)
    notices: dict[Reference, tuple[Notice, ...]] = field(default_factory=dict)
    """By the left record: what a person has to judge about it."""
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """Brings the active rebuild of a connection forward: parents before children, page by page."""

    store: Store
    terms: Callable[[str], Terms]
    clock: Clock

    def run(self, connection: str, stopping: threading.Event) -> None:
        """Until it ends, is cancelled, or this process is told to stop; what was bound stays bound."""
        run = active(self.store, connection)
        if run is None:
            return
        if run.state == "queued":
            self.store.runs.update(run.id, state="planning", started_at=self.clock.now())
        done = list((run.phase or {}).get("done", ()))
        terms = self.terms(connection)
        try:
            for name in run.streams:
                if name in done or name not in terms.mappings:
                    continue
                if not self._stream(run, name, terms, stopping):
                    return
                done.append(name)
                self.store.runs.update(run.id, phase={"done": done})
        except RemoteError as error:
            self.store.runs.update(run.id, error=str(error))
            return
        self.store.runs.update(run.id, state="done", finished_at=self.clock.now(), eta_seconds=0, error="")

    def _stream(self, run: RunRow, name: str, terms: Terms, stopping: threading.Event) -> bool:
        rebuilder = Rebuilder(self.store, run.connection, run.id, terms.mappings[name], terms)
        left, right = terms.mappings[name].sides
        if not terms.traits(right, terms.mappings[name].object(right)).readable:
            # Notes cannot be read back; sent again under their key they are what they were.
            return True
        for side in (left, right):
            if rebuilder.list_side(side, stopping) is None:
                return False
        after: str | None = None
        while rows := self.store.scans.page(run.id, name, left, after, PAGE):
            if stopping.is_set() or active(self.store, run.connection) is None:
                return False
            after = rows[-1].record_id
            self._keep(run, rebuilder.bind_keyed(rows))
        self.store.scans.clear(run.id, name)
        return True

    def _keep(self, run: RunRow, found: Found) -> None:
        links = self.store.links.bind(run.connection, found.binds, run.id)
        made = {
            Reference(link.stream, end.side, end.record_id): link.id
            for link in links
            if isinstance(link, Link)
            for end in link.ends.values()
        }
        self.store.attention.raise_all(
            run.connection,
            [Raised(record, notice, made.get(record)) for record, all_ in found.notices.items() for notice in all_],
        )
        bound = sum(isinstance(link, Link) for link in links)
        counts = {"bound": bound, "unchanged": found.unchanged, "attention": len(found.notices)}
        self.store.runs.update(run.id, counts={name: count for name, count in counts.items() if count})


class Rebuilder(Planner):
    """Binds one stream of one rebuild by its join keys."""

    def bind_keyed(self, rows: Sequence[ScanRow]) -> Found:
        """Links for the left records of a page whose key exactly one right record carries."""
        left, right = self._stream.sides
        ids = [row.record_id for row in rows]
        links = self._store.links.by_end(self._connection, self._stream.name, left, ids)
        keyed = self._by_keys(right, "join", [self._stream.join_key(one) for one in ids if one not in links])
        carriers = [one for group in keyed.values() for one in group]
        taken = self._store.links.by_end(self._connection, self._stream.name, right, [one.ref.id for one in carriers])
        records = [self._record(left, row) for row in rows]
        lookups = self._lookups([*records, *carriers])
        found = Found()
        for record in records:
            if record.ref.id in links:
                found.unchanged += 1
                continue
            mine = keyed.get(self._stream.join_key(record.ref.id), [])
            if not mine or not self._stream.in_scope(left, record.raw):
                continue
            if len(mine) > 1 or mine[0].ref.id in taken or self._owners(mine[0]) > 1:
                found.notices[_reference(self._stream.name, record)] = (_unclear(right, mine),)
                continue
            self._bind(found, record, mine[0], lookups)
        return found

    def _owners(self, carrier: Record) -> int:
        """How many left records that exist the keys of a right record name."""
        ids = [left_id for key in self._terms.keys(carrier) if (left_id := self._stream.left_id(key)) is not None]
        return len(self._by_ids(self._stream.sides[0], ids)) if len(ids) > 1 else len(ids)

    def _bind(self, found: Found, record: Record, carrier: Record, lookups: Any) -> None:
        left, right = self._stream.sides
        records: dict[str, Record | None] = {left: record, right: carrier}
        reference = _reference(self._stream.name, record)
        try:
            plan = plan_update(self._stream, Situation(None, records, "rebuild"), lookups)
        except (ParentNotLinked, Undecodable) as problem:
            cause = "parent" if isinstance(problem, ParentNotLinked) else problem.cause
            notice = Notice(cause, str(problem), group=cause, ways=("retry", "dismiss"))
            found.notices[reference] = (notice,)
            return
        ends = settle(self._stream, plan, None, records, {left: record.ref.id, right: carrier.ref.id}, {})
        draft = LinkDraft(None, self._stream.name, "live", ends, pinned=pins(plan, None, {}))
        found.binds.append(draft)
        if plan.notices:
            found.notices[reference] = plan.notices


def _reference(stream: str, record: Record) -> Reference:
    return Reference(stream, record.ref.system, record.ref.id)


def _unclear(right: str, carriers: Sequence[Record]) -> Notice:
    if len(carriers) > 1:
        detail = f"{len(carriers)} {right} records carry its join key"
        return Notice("ambiguous", detail, group="ambiguous/join key", ways=("retry", "dismiss"))
    detail = f"the {right} record with its join key carries that of another record too"
    return Notice("taken", detail, group="taken/join key", ways=("retry", "dismiss"))
