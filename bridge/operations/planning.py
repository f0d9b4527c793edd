"""The planning half of a backfill: list both sides in pages, compare locally, keep only what differs.

Listings are kept in SQL while they are compared, so memory stays flat at any size. Nothing is read record by record and nothing
is written to a remote. A planning that was killed goes on with the side or the page it had not finished.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from bridge.core.effects import Decision, LinkDraft
from bridge.core.errors import ParentNotLinked, Undecodable
from bridge.core.identity import match_values
from bridge.core.mapping.model import Stream
from bridge.core.merge import Mode
from bridge.core.plan import (
    Plan,
    Situation,
    blockers,
    plan_create,
    plan_update,
    references,
    settle,
    typed_references,
    unmoved,
)
from bridge.core.records import ABSENT, Link, Lookups, Record, Ref, Reference, Table
from bridge.store import ItemDraft, ScanRow, Store
from bridge.sync.terms import Terms
from bridge.sync.update import last_written, missing_key

PAGE = 200
NOTHING: Final[Mapping[str, datetime]] = MappingProxyType({})


@dataclass(slots=True)
class PageResult:
    """What one page of comparing brought."""

    items: list[ItemDraft] = field(default_factory=list)
    binds: list[LinkDraft] = field(default_factory=list)
    paired: set[str] = field(default_factory=set)
    """Right ids that belong to a left row: not new on their side."""
    unchanged: int = 0


class Planner:
    """Plans one stream of one run."""

    def __init__(self, store: Store, connection: str, run_id: str, stream: Stream, terms: Terms) -> None:
        self._store = store
        self._connection = connection
        self._run = run_id
        self._stream = stream
        self._terms = terms
        self._tables: dict[tuple[str, str], Table] | None = None

    # --- listing ---------------------------------------------------------------------------------------------

    def list_side(self, side: str, stopping: threading.Event) -> int | None:
        """Copy one side's listing into the scan; ``None`` if it was told to stop. Starts over when called again."""
        kind = self._stream.object(side)
        if not self._terms.traits(side, kind).readable:
            return 0
        self._store.scans.clear(self._run, self._stream.name, side)
        rows = 0
        for page in self._terms.connectors[side].pages(kind, lane="backfill"):
            if stopping.is_set():
                return None
            scanned = [self._scan_row(record) for record in page.records]
            self._store.scans.add_page(self._run, self._stream.name, side, scanned)
            self._store.runs.update(self._run, calls={side: 1})
            rows += len(scanned)
        return rows

    def _scan_row(self, record: Record) -> ScanRow:
        keys = (
            {("join", key) for key in self._terms.keys(record)} if record.ref.system == self._stream.sides[1] else set()
        )
        lookups = Lookups(self._names())
        for match in match_values(self._stream, record.ref.system, record.raw, lookups):
            keys.add((f"match:{match.rule.field}", match.value))
        return ScanRow(record.ref.id, record.raw, record.updated_at, frozenset(keys))

    def _names(self) -> dict[tuple[str, str], Table]:
        if self._tables is None:
            self._tables = {
                (side, kind): table
                for side in self._stream.sides
                for kind, table in self._terms.connectors[side].tables().items()
            }
        return self._tables

    # --- comparing -------------------------------------------------------------------------------------------

    def compare_left(self, rows: Sequence[ScanRow]) -> PageResult:
        """Every left row of a page: unchanged, to be updated, to be bound, or new."""
        left, right = self._stream.sides
        ids = [row.record_id for row in rows]
        links = self._store.links.by_end(self._connection, self._stream.name, left, ids)
        partners = {link.id: end.record_id for link in links.values() if (end := link.end(right)) is not None}
        found = self._by_ids(right, list(partners.values()))
        keyed = self._by_keys(right, "join", [self._stream.join_key(one) for one in ids if one not in links])
        records = [self._record(left, row) for row in rows]
        answers = self._store.attention.decided([link.id for link in links.values()])
        now, intents = self._store.links.lately([link.id for link in links.values()])
        typed = frozenset().union(*(typed_references(self._stream, given) for given in answers.values()))
        shown = [*records, *found.values(), *(one for group in keyed.values() for one in group)]
        lookups = self._lookups(shown, typed)
        result = PageResult()
        for record in records:
            link = links.get(record.ref.id)
            if link is not None:
                partner = partners.get(link.id)
                result.paired.update([partner] if partner else [])
                own = last_written(intents.get(link.id, ()), now, self._stream, self._terms.timings)
                self._linked(result, record, link, found.get(partner or ""), lookups, answers.get(link.id, ()), own)
            else:
                carriers = keyed.get(self._stream.join_key(record.ref.id), [])
                self._unlinked(result, record, carriers, lookups)
        return result

    def compare_right(self, rows: Sequence[ScanRow]) -> PageResult:
        """Right rows that no left row claimed: new there, or left over from something that is gone."""
        left, right = self._stream.sides
        links = self._store.links.by_end(self._connection, self._stream.name, right, [row.record_id for row in rows])
        records = [self._record(right, row) for row in rows]
        lookups = self._lookups(records)
        result = PageResult()
        for record in records:
            link = links.get(record.ref.id)
            if link is not None:
                if link.state == "live" and link.end(left) is not None:
                    result.items.append(self._check(left, link))
                continue
            if not self._scoped(record) or not self._stream.creates(left):
                continue
            ours = any(self._stream.left_id(key) is not None for key in self._terms.keys(record))
            seed = {} if ours else {right: record.raw}
            result.items.append(self._new(record, seed, lookups))
        return result

    def _linked(
        self,
        result: PageResult,
        record: Record,
        link: Link,
        other: Record | None,
        lookups: Lookups,
        answers: tuple[Decision, ...],
        written: Mapping[str, datetime],
    ) -> None:
        left, right = self._stream.sides
        scoped = self._scoped(record) and (other is None or self._scoped(other))
        if link.state == "dead" or (link.state == "suspended" and not scoped):
            result.unchanged += 1
            return
        right_end = link.end(right)
        readable = self._terms.traits(right, self._stream.object(right)).readable
        quiet = unmoved(self._stream, left, record, link.ends[left].shadow) and (
            not readable
            or (other is not None and right_end is not None and unmoved(self._stream, right, other, right_end.shadow))
        )
        if link.state == "live" and scoped and quiet and not answers:
            result.unchanged += 1
            return
        if readable and other is None and right_end is not None:
            result.items.append(self._check(right, link))
            return
        if not scoped:
            # It left the stream's ``where``: its link will be suspended, no field is written.
            result.items.append(self._check(left, link))
            return
        item = self._item(
            "update", left, record.ref.id, record.ref.id, right_end.record_id if right_end else None, calls=2
        )
        try:
            situation = self._situation(link, {left: record, right: other}, answers=answers, written=written)
            plan = plan_update(self._stream, situation, lookups)
        except (ParentNotLinked, Undecodable):
            result.items.append(item)
            return
        if link.state == "live" and other is not None and not plan.writes and not plan.notices:
            # Nothing to write, only to remember: a mapping edit, or an echo seen for the first time.
            ends = settle(
                self._stream,
                plan,
                link,
                {left: record, right: other},
                {s: e.record_id for s, e in link.ends.items()},
                {},
            )
            result.binds.append(LinkDraft(link.id, self._stream.name, "live", ends, link.version, link.pinned))
            result.unchanged += 1
            return
        result.items.append(dataclasses.replace(item, detail=describe(plan), calls=2 + self._price(plan)))

    def _check(self, side: str, link: Link) -> ItemDraft:
        """A link to be looked at by itself: the listing does not show this end, or shows it out of scope."""
        left, right = self._stream.sides
        ends = {end.side: end.record_id for end in link.ends.values()}
        return self._item("check", side, ends[side], ends.get(left), ends.get(right), calls=2)

    def _situation(
        self,
        link: Link | None,
        records: Mapping[str, Record | None],
        mode: Mode = "known",
        answers: tuple[Decision, ...] = (),
        written: Mapping[str, datetime] = NOTHING,
    ) -> Situation:
        """As a reconcile sees it, as far as a listing tells."""
        margin = timedelta(seconds=self._terms.timings.margin)
        offsets = self._terms.offsets()
        return Situation(link, records, mode, decisions=answers, offsets=offsets, margin=margin, written=written)

    def _unlinked(self, result: PageResult, record: Record, carriers: list[Record], lookups: Lookups) -> None:
        left, right = self._stream.sides
        if not self._scoped(record):
            return
        if len(carriers) == 1:
            self._keyed(result, record, carriers[0], lookups)
            return
        twins: list[Record] = []
        for match in match_values(self._stream, left, record.raw, lookups):
            twins = self._by_keys(right, f"match:{match.rule.field}", [match.value]).get(match.value, [])
            if twins:
                break
        if carriers or twins:
            # Binding a twin, or asking about several, is decided on fresh reads.
            result.paired.update(one.ref.id for one in (*carriers, *twins))
            result.items.append(self._item("bind", left, record.ref.id, record.ref.id, None, calls=3))
        elif self._stream.creates(right):
            result.items.append(self._new(record, {left: record.raw}, lookups))

    def _keyed(self, result: PageResult, record: Record, carrier: Record, lookups: Lookups) -> None:
        """The join key says they are one. If nothing differs the link is made here, without a single call."""
        left, right = self._stream.sides
        result.paired.add(carrier.ref.id)
        records: dict[str, Record | None] = {left: record, right: carrier}
        item = self._item("bind", left, record.ref.id, record.ref.id, carrier.ref.id, calls=2)
        if sum(self._stream.left_id(key) is not None for key in self._terms.keys(carrier)) > 1:
            # Keys of several records, one of which may be gone: decided on fresh reads.
            result.items.append(item)
            return
        try:
            plan = plan_update(self._stream, self._situation(None, records, "rebuild"), lookups)
        except (ParentNotLinked, Undecodable):
            result.items.append(item)
            return
        if plan.writes or plan.notices or missing_key(self._stream, self._terms, records) is not None:
            result.items.append(dataclasses.replace(item, detail=describe(plan)))
            return
        ends = settle(self._stream, plan, None, records, {left: record.ref.id, right: carrier.ref.id}, {})
        result.binds.append(LinkDraft(None, self._stream.name, "live", ends))

    def _new(self, record: Record, seed: Mapping[str, Mapping[str, Any]], lookups: Lookups) -> ItemDraft:
        left, right = self._stream.sides
        side = record.ref.system
        item = self._item(
            "create",
            side,
            record.ref.id,
            record.ref.id if side == left else None,
            record.ref.id if side == right else None,
            calls=1,
            seed=seed,
        )
        try:
            plan = plan_create(self._stream, record, lookups, identity=record.ref.id)
        except (ParentNotLinked, Undecodable):
            return item
        target = self._stream.other(side)
        if blockers(plan):
            return dataclasses.replace(item, detail=describe(plan), calls=0)
        calls = sum(step.calls for step in self._terms.steps(target, "create", plan.patches[target]))
        return dataclasses.replace(item, detail=describe(plan), calls=calls + (side == right))

    # --- helpers ---------------------------------------------------------------------------------------------

    def _item(
        self,
        action: str,
        side: str,
        record_id: str,
        left_id: str | None,
        right_id: str | None,
        *,
        calls: int,
        seed: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> ItemDraft:
        return ItemDraft(self._stream.name, action, side, record_id, left_id, right_id, None, seed or {}, calls)

    def _scoped(self, record: Record) -> bool:
        try:
            return self._stream.in_scope(record.ref.system, record.raw)
        except Undecodable:
            # Applying it asks a person, with the reason.
            return True

    def _price(self, plan: Plan) -> int:
        return sum(
            step.calls for side, patch in plan.patches.items() for step in self._terms.steps(side, "update", patch)
        )

    def _record(self, side: str, row: ScanRow) -> Record:
        return Record(Ref(side, self._stream.object(side), row.record_id), row.raw, row.updated_at)

    def _by_ids(self, side: str, ids: Sequence[str]) -> dict[str, Record]:
        rows = self._store.scans.by_ids(self._run, self._stream.name, side, ids)
        return {record_id: self._record(side, row) for record_id, row in rows.items()}

    def _by_keys(self, side: str, kind: str, values: Sequence[str]) -> dict[str, list[Record]]:
        rows = self._store.scans.by_keys(self._run, self._stream.name, side, kind, values)
        return {value: [self._record(side, row) for row in group] for value, group in rows.items()}

    def _lookups(self, records: Sequence[Record], typed: frozenset[Reference] = frozenset()) -> Lookups:
        wanted = references(self._stream, records) | typed
        return Lookups(self._names(), self._store.links.resolve(self._connection, wanted) if wanted else {})


def describe(plan: Plan) -> dict[str, Any]:
    """What a person reads in a printed plan: per field the verdict and the raw values; questions with their causes."""
    return {
        "fields": [
            {
                "field": item.rule.name,
                "cause": item.verdict.cause,
                "side": side,
                "old": None if side not in item.was else _shown(item.was[side]),
                "new": value,
            }
            for item in plan.fields
            for side, value in item.raw.items()
        ],
        "questions": [
            {"field": notice.field, "cause": notice.cause, "detail": notice.detail} for notice in plan.notices
        ],
    }


def _shown(value: Any) -> Any:
    return None if value is ABSENT else value
