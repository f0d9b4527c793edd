"""The bridge's connector port over a simulated remote: reads, listings, faults. ``SimCrm`` and ``SimAssembly`` say the rest."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, NoReturn

from bridge.core.errors import BrokenRemote, KeyRefused, OutcomeUnknown, RemoteError, Throttled, Transient
from bridge.core.ports import Page, Traits
from bridge.core.records import Lane, Patch, Record, Ref, Sent, Step, Table
from tests.simulation.faults import Faults
from tests.simulation.journal import Event, Kind
from tests.simulation.remote import Remote, Row, moment, pick

TABLES_KEPT = 60.0


@dataclass(slots=True)
class Sender:
    """Who is calling, and as of when it last saw each record (so that the oracle knows what a write was based on)."""

    by: str = "duty"
    seen: dict[tuple[str, str, str], float] = field(default_factory=dict)
    sent_at: float = 0.0
    """When the write that takes effect now was sent."""


class Peer:
    """A connector over one ``Remote``. Calls happen in no time; whoever calls lets time pass."""

    traits_by_object: ClassVar[Mapping[str, Traits]] = {}

    def __init__(
        self,
        remote: Remote,
        faults: Faults,
        later: Callable[[float, Callable[[], object]], None],
        between: Callable[[], None],
    ) -> None:
        self.remote = remote
        self.faults = faults
        self.later = later
        self.between = between
        """Called where time passes inside one listing: others may act then."""
        self.sender = Sender()
        self.calls = 0
        self._answered = False
        self._tables: tuple[float, Mapping[str, Table]] | None = None

    @property
    def system(self) -> str:
        return self.remote.system

    def traits(self, object: str) -> Traits:
        return self.traits_by_object[object]

    def clock_offset(self) -> timedelta | None:
        """As measured from Date headers, which carry whole seconds."""
        if not (self._answered and self.remote.habits.dates):
            return None
        return timedelta(seconds=round(self.remote.habits.skew))

    # --- reads ---

    def get(self, ref: Ref, *, lane: Lane = "live") -> Record | None:
        self._arrive()
        if self.faults.trouble == "wrong_key":
            return None
        when = self.remote.view()
        self.sender.seen[self.system, ref.object, ref.id] = when
        row = self.remote.rows.get((ref.object, ref.id))
        return self._record(row, when) if row else None

    def find_by_key(self, object: str, key: str, *, lane: Lane = "live") -> Record | None:
        raise NotImplementedError

    def find(self, object: str, path: str, value: str, *, lane: Lane = "live") -> tuple[Record, ...]:
        """Everything whose value at ``path`` contains ``value``, ignoring case."""
        self._arrive()
        wanted = value.strip().casefold()
        return tuple(r for r in self._all(object) if wanted in str(pick(r.raw, path) or "").casefold())

    def children(self, object: str, parent: Ref, *, lane: Lane = "live") -> Iterator[Page]:
        self._arrive()
        path = self.parent_path(object, parent)
        wanted = self.parent_values(parent)
        rows = [row for row in self.remote.live(object) if row.raw and pick(row.raw, path) in wanted]
        yield Page(tuple(self._see(row) for row in rows), self.remote.date())

    def pages(self, object: str, *, updated_after: datetime | None = None, lane: Lane = "live") -> Iterator[Page]:
        """Offset pages over data that moves between them: rows may come twice or be missed, as they would be."""
        yield from self._scan(object, updated_after)

    def _scan(self, object: str, updated_after: datetime | None) -> Iterator[Page]:
        offset, size = 0, self.remote.habits.page
        while True:
            self._arrive()
            when = self.remote.view()
            rows = self._ordered(object, when, updated_after)
            if self.faults.trouble in ("wrong_key", "empty_list"):
                rows = []
            chunk = rows[offset : offset + size]
            yield Page(tuple(record for row in chunk if (record := self._record(row, when))), self.remote.date())
            offset += size
            if offset >= len(rows) or self.faults.trouble == "capped_list":
                return
            self.between()

    def _ordered(self, object: str, when: float, updated_after: datetime | None) -> list[Row]:
        shown = [
            (row, raw)
            for row in self.remote.rows.values()
            if row.object == object and (raw := row.at(when)) and self._since(raw, updated_after)
        ]
        shown.sort(key=lambda pair: self.order(object, pair[1]))
        return [row for row, _ in shown]

    def _since(self, raw: Mapping[str, Any], updated_after: datetime | None) -> bool:
        """``updated_at >= updated_after``; a record without a stamp is left out where one asks by time."""
        stamp = self._stamp(raw)
        return updated_after is None or (stamp is not None and stamp >= updated_after)

    def tables(self, *, fresh: bool = False) -> Mapping[str, Table]:
        now = self.remote.time()
        if fresh or self._tables is None or now - self._tables[0] > TABLES_KEPT:
            self._arrive()
            self._tables = (now, {kind: Table(names=dict(names)) for kind, names in self.remote.names.items()})
        return self._tables[1]

    def join_keys(self, record: Record) -> tuple[str, ...]:
        return tuple(record.raw.get("source_specific_ids") or ())

    # --- writes ---

    def steps(self, verb: str, patch: Patch) -> tuple[Step, ...]:
        raise NotImplementedError

    def send(self, step: Step, *, lane: Lane = "live") -> Sent:
        """Deal one fate to one write."""
        self.calls += 1
        self.sender.sent_at = self.remote.time()
        try:
            self._blackout(writing=True)
        except RemoteError as error:
            self._tell("turned away", step, str(error))
            raise
        match self.faults.write():
            case "throttle":
                self._tell("turned away", step, "throttled")
                raise Throttled("too many", retry_after=2.0, system=self.system)
            case "error":
                self._tell("turned away", step, "failed")
                raise Transient("server error", system=self.system, status=503)
            case "lost" | "timeout" | "late" as fate:
                self._unheard(step, fate)
                raise OutcomeUnknown("no answer", system=self.system, operation=step.verb)
        return self._apply(step)

    def _unheard(self, step: Step, fate: str) -> None:
        """The sender hears nothing of it, whether it takes effect now, later or never."""
        self._tell("unanswered", step, fate)
        if fate == "timeout":
            self._try(step)
        if fate == "late":
            sender = Sender(self.sender.by + " late", dict(self.sender.seen), self.sender.sent_at)
            self.later(self.faults.rng.uniform(0.1, self.faults.late_by), lambda: self._late(step, sender))

    def _tell(self, kind: Kind, step: Step, note: str) -> None:
        event = Event(self.remote.time(), kind, self.system, step.object, step.record_id or "", dict(step.values))
        self.remote.journal.add(replace(event, by=self.sender.by, note=f"{step.verb}: {note}"))

    def _late(self, step: Step, sender: Sender) -> None:
        now, self.sender = self.sender, sender
        try:
            self._try(step)
        finally:
            self.sender = now

    def _try(self, step: Step) -> None:
        """Apply; a refusal that nobody hears is one all the same."""
        try:
            self._apply(step)
        except RemoteError:
            return

    def _apply(self, step: Step) -> Sent:
        try:
            row = self.apply(step)
        except RemoteError as error:
            self._tell("refused", step, str(error))
            raise
        return Sent(row.id if row else step.record_id, self._answer_stamp(row), self.remote.date())

    def apply(self, step: Step) -> Row | None:
        """Carry the step out on the remote; raises ``Rejected`` and its kin."""
        raise NotImplementedError

    def landed(self, row: Row, step: Step, verb: str) -> None:
        self.remote.journal.add(
            Event(
                self.remote.time(),
                "removal" if verb == "delete" else "landing",
                self.system,
                row.object,
                row.id,
                dict(step.values),
                seen=self.sender.seen.get((self.system, row.object, row.id), self.sender.sent_at),
                by=self.sender.by,
                note=verb,
            )
        )
        self.remote.watch(
            row.object, row.id, "deleted" if verb == "delete" else "created" if verb == "create" else "updated"
        )

    # --- what subclasses say ---

    def parent_path(self, object: str, parent: Ref) -> str:
        raise NotImplementedError

    def parent_values(self, parent: Ref) -> frozenset[str]:
        return frozenset({parent.id})

    def order(self, object: str, raw: Mapping[str, Any]) -> Any:
        raise NotImplementedError

    def show(self, object: str, raw: dict[str, Any]) -> dict[str, Any]:
        """The record as the API tells it."""
        return raw

    # --- inside ---

    def _all(self, object: str) -> Iterator[Record]:
        for row in sorted(self.remote.live(object), key=lambda row: row.id):
            yield self._see(row)

    def _see(self, row: Row) -> Record:
        now = self.remote.time()
        self.sender.seen[self.system, row.object, row.id] = now
        record = self._record(row, now)
        assert record is not None
        return record

    def _record(self, row: Row, when: float) -> Record | None:
        raw = row.at(when)
        if raw is None:
            return None
        shown = self.show(row.object, copy.deepcopy(raw))
        return Record(Ref(self.system, row.object, row.id), shown, self._stamp(raw), self.remote.date())

    def _stamp(self, raw: Mapping[str, Any]) -> datetime | None:
        text = raw.get(self.remote.stamp_path)
        return datetime.fromisoformat(text) if text else None

    def _answer_stamp(self, row: Row | None) -> datetime | None:
        if row is None or row.raw is None or not self.remote.habits.answers_stamp:
            return None
        return self._stamp(row.raw)

    def _arrive(self) -> None:
        self.calls += 1
        self._blackout(writing=False)
        match self.faults.read():
            case "throttle":
                raise Throttled("too many", retry_after=2.0, system=self.system)
            case "error":
                raise Transient("server error", system=self.system, status=503)
        self._answered = True

    def _blackout(self, *, writing: bool) -> None:
        match self.faults.trouble:
            case "down":
                raise BrokenRemote("unreachable", system=self.system)
            case "key_refused":
                self._refuse()
            case "wrong_key" if writing:
                self._refuse()

    def _refuse(self) -> NoReturn:
        raise KeyRefused("the key is not accepted", system=self.system, status=401)


def now_of(remote: Remote) -> datetime:
    """True time as a datetime."""
    return moment(remote.time())
