"""Undo of a run, of a cause, or of one record: a plan to read first, then a run of its own that carries it out.

What the bridge wrote is taken back where it still stands; where anybody has changed it since, it stays and the plan says so. Records
that the bridge made go again, if nobody touched them. Every write goes through a change, a lease and an intent like any other and
is read again just before; the field is then pinned until its next edit, so that nothing carries the undone value back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bridge.core.errors import Rejected, UsageError
from bridge.core.mapping.model import Field, Mappings, Stream
from bridge.core.plan import is_empty, shows_written
from bridge.core.ports import Clock, Doorbell
from bridge.core.records import ABSENT, Json, Link, Patch, Value
from bridge.store import HistoryRow, ItemDraft, RunRow, Store, Writes
from bridge.sync.terms import Terms
from bridge.sync.undoing import removal

KIND = "undo"
LINKS_AT_ONCE = 100
QUEUED_AT_ONCE = 400
FIRST_LOOK = timedelta(minutes=2)
"""A value that a made record showed this soon and that we did not write is the remote's default, not a person's edit."""


def start(store: Store, mappings: Mappings, which: Writes, *, dry_run: bool = False, key: str | None = None) -> RunRow:
    """A new undo, or the one that this idempotency key started before; with ``dry_run`` it stops at its plan.

    Raises ``UsageError``: 404 for a run that does not exist, 409 while the connection's backfill or another undo goes on, or
    while the connection only observes (an undo writes).
    """
    connection = which.connection
    if which.run_id is not None and ((run := store.runs.get(which.run_id)) is None or run.connection != connection):
        raise UsageError(f"there is no run {which.run_id} of {connection}", status=404)
    if (busy := store.runs.active(connection)) is not None:
        raise UsageError(f"the backfill {busy.id} is {busy.state}: cancel it first", status=409)
    if not dry_run:
        _check_live(store, connection)
    names = [stream.name for stream in mappings.streams if which.stream in (None, stream.name)]
    if not names:
        raise UsageError(f"there is no stream called {which.stream}", status=404)
    asked = {"run_id": which.run_id, "link_id": which.link_id, "cause": which.cause, "stream": which.stream}
    phase = {"undoes": asked, "after": 0}
    return store.runs.create(connection, names, dry_run=dry_run, idempotency_key=key, kind=KIND, phase=phase)


def of_record(store: Store, connection: str, stream: str, side: str, record_id: str) -> Writes:
    """Everything that was ever written to one record's link. Raises ``UsageError`` for a record that was never linked."""
    link = store.links.by_end(connection, stream, side, [record_id]).get(record_id)
    if link is None:
        raise UsageError(f"{stream} has no link with the {side} record {record_id}", status=404)
    return Writes(connection, link_id=link.id, stream=stream)


def apply(store: Store, run_id: str) -> RunRow:
    """Carry out a plan that was read: exactly its items. Raises ``UsageError`` if it is none, or was carried out already."""
    run = store.runs.get(run_id)
    if run is None or run.kind != KIND:
        raise UsageError(f"there is no undo {run_id}", status=404)
    _check_live(store, run.connection)
    return store.runs.approve(run_id)


def active(store: Store, connection: str) -> RunRow | None:
    """The undo that a duty should bring forward."""
    return store.runs.active(connection, KIND)


def _check_live(store: Store, connection: str) -> None:
    row = store.connections.get(connection)
    if row is None or row.mode == "observing":
        raise UsageError(f"{connection} only observes, and an undo writes: set it live first", status=409)


@dataclass(frozen=True, slots=True)
class Undoing:
    """Brings the active undo of a connection forward: plan in the order of the links, apply children before parents."""

    store: Store
    terms: Callable[[str], Terms]
    doorbell: Doorbell
    clock: Clock
    pause: float = 0.2

    def run(self, connection: str, stopping: threading.Event) -> None:
        """Until the run ends, is cancelled, or this process is told to stop."""
        run = active(self.store, connection)
        if run is not None and run.state != "applying":
            run = self._plan(run, stopping)
        if run is not None and run.state == "applying":
            self._apply(run, stopping)

    def _plan(self, run: RunRow, stopping: threading.Event) -> RunRow | None:
        if run.state == "queued":
            self.store.runs.update(run.id, state="planning", started_at=self.clock.now())
        terms, phase = self.terms(run.connection), dict(run.phase)
        which = Writes(run.connection, **phase["undoes"])
        while links := self.store.history.links_written(which, phase["after"], LINKS_AT_ONCE):
            if stopping.is_set() or active(self.store, run.connection) is None:
                return None
            phase["after"] = links[-1]
            written = self.store.history.writes_to(links)
            items = [
                item
                for link_id, rows in written.items()
                if (link := self.store.links.get(link_id)) is not None
                for item in plan_link(terms, link, rows, which)
            ]
            kept = sum(item.state == "done" for item in items)
            self.store.runs.add_items(run.id, items, counts={"kept": kept} if kept else {}, phase=phase)
        phase["total"] = self.store.runs.planned_calls(run.id)
        if run.dry_run:
            self.store.runs.update(run.id, state="done", phase=phase, finished_at=self.clock.now(), eta_seconds=0)
        else:
            self.store.runs.update(run.id, state="applying", phase=phase)
        return self.store.runs.get(run.id)

    def _apply(self, run: RunRow, stopping: threading.Event) -> None:
        # A company that the run made goes only after the contacts and deals that the run made below it.
        for name in reversed(run.streams):
            while True:
                current = self.store.runs.get(run.id)
                if stopping.is_set() or current is None or current.state != "applying":
                    return
                open_items = self.store.runs.open_items(run.id, name)
                if not open_items:
                    break
                queued = open_items.get("queued", 0)
                if queued < QUEUED_AT_ONCE // 2 and open_items.get("planned"):
                    self.store.runs.enqueue_items(run.id, name, QUEUED_AT_ONCE - queued)
                    self.doorbell.ring(run.connection)
                stopping.wait(self.pause)
        self.store.runs.update(run.id, state="done", finished_at=self.clock.now(), eta_seconds=0, error="")


def plan_link(terms: Terms, link: Link, rows: Sequence[HistoryRow], which: Writes) -> list[ItemDraft]:
    """What taking the chosen writes to one link back means (pure). ``rows`` is all that was written to it, oldest first.

    Judged by what is remembered of both sides; each item looks at the records themselves before it writes.
    """
    chosen = [row for row in rows if _chosen(row, which)]
    if not chosen:
        return []
    side = chosen[-1].side
    if link.state == "dead":
        return [_kept(link, side, "its link is dead")]
    if link.stream not in terms.mappings:
        return [_kept(link, side, "no mapping knows the stream any more")]
    stream = terms.mappings[link.stream]
    made = {row.side for row in chosen if row.cause == "created" and row.old is ABSENT}
    items = [_uncreate(terms, stream, link, created, rows) for created in sorted(made)]
    if any(item.action == "uncreate" for item in items):
        # The record goes as a whole; what was written to the other side stays for the person to judge.
        return items
    fields, questions = _reverts(stream, link, rows, chosen)
    if fields:
        detail = {"fields": fields, "questions": questions}
        items.append(_item(link, "revert", fields[0]["side"], detail, _price(terms, stream, link, fields)))
    elif questions:
        items.append(_kept(link, side, "", questions))
    return items


def _chosen(row: HistoryRow, which: Writes) -> bool:
    wanted = ((which.run_id, row.run_id), (which.cause, row.cause), (which.stream, row.stream))
    return all(asked is None or asked == given for asked, given in wanted)


def _reverts(
    stream: Stream, link: Link, rows: Sequence[HistoryRow], chosen: Sequence[HistoryRow]
) -> tuple[list[dict[str, Json]], list[dict[str, Json]]]:
    rules = {rule.name: rule for rule in stream.fields}
    picked = {row.id for row in chosen}
    fields: list[dict[str, Json]] = []
    questions: list[dict[str, Json]] = []
    for side, name in dict.fromkeys((row.side, row.field) for row in chosen):
        writes = [row for row in rows if (row.side, row.field) == (side, name)]
        rule, end = rules.get(name), link.end(side)
        if rule is None or end is None or not rule.has(side):
            questions.append(_question(name, side, "not mapped any more"))
            continue
        last, before = writes[-1], _before(writes, picked)
        now = end.shadow.values.get(rule.key(side), ABSENT)
        if last.id not in picked or now is ABSENT or not shows_written(rule, side, last.new, now):
            questions.append(_question(name, side, "moved on"))
        elif before is ABSENT:
            questions.append(_question(name, side, "made with its record"))
        elif before != now:
            fields.append({"field": name, "side": side, "cause": last.cause, "old": last.new, "new": before})
    return fields, questions


def _before(writes: Sequence[HistoryRow], picked: set[int]) -> Value:
    """What stood there before the chosen writes: back along those that follow one another without a stranger in between."""
    back: Value = writes[-1].old
    for earlier in reversed(writes[:-1]):
        if earlier.id not in picked or back is ABSENT or earlier.new != back:
            break
        back = earlier.old
    return back


def _uncreate(terms: Terms, stream: Stream, link: Link, side: str, rows: Sequence[HistoryRow]) -> ItemDraft:
    end = link.end(side)
    verb, patch = removal(stream, terms, side, end.record_id if end else "")
    if end is None or (verb == "update" and not patch.set):
        return _kept(
            link, side, f"{side} cannot delete {stream.object(side)}, and the mapping names no way to archive them"
        )
    if not terms.traits(side, stream.object(side)).readable:
        return _kept(
            link, side, f"{side} cannot show {stream.object(side)}, so nobody can tell whether it is as it was made"
        )
    last = {row.field: row for row in rows if row.side == side}
    fields = []
    for rule in stream.fields:
        if not rule.has(side):
            continue
        now, row = end.shadow.values.get(rule.key(side), ABSENT), last.get(rule.name)
        if not _ours(side, rule, now, row, rows):
            return _kept(link, side, "edited since it was made", [_question(rule.name, side, "moved on")])
        if row is not None and row.new is not ABSENT:
            fields.append({"field": rule.name, "side": side, "cause": row.cause, "old": row.new, "new": None})
    try:
        calls = sum(step.calls for step in terms.steps(side, verb, patch))
    except Rejected as refused:
        return _kept(link, side, str(refused))
    written_at = max(row.at for row in rows if row.side == side)
    detail = {"fields": fields, "questions": [], "written_at": written_at.isoformat()}
    return _item(link, "uncreate", side, detail, 1 + calls)


def _ours(side: str, rule: Field, now: Value, row: HistoryRow | None, rows: Sequence[HistoryRow]) -> bool:
    """Whether a field of a made record holds what we wrote, nothing, or what the remote filled in when it was made."""
    if row is not None:
        return shows_written(rule, side, row.new, now)
    if now is ABSENT or is_empty(now):
        return True
    made_at = min(one.at for one in rows if one.side == side)
    back = [one for one in rows if one.side != side and one.field == rule.name]
    return all(one.at - made_at <= FIRST_LOOK for one in back)


def _price(terms: Terms, stream: Stream, link: Link, fields: Sequence[Mapping[str, Any]]) -> int:
    """Two reads, and the calls that carry the old values."""
    rules = {rule.name: rule for rule in stream.fields}
    calls = 2
    for side in {each["side"] for each in fields}:
        mine = [each for each in fields if each["side"] == side]
        writes = {path: raw for each in mine for path, raw in rules[each["field"]].writes(side, each["new"]).items()}
        patch = Patch(stream.object(side), link.ends[side].record_id, writes)
        try:
            calls += sum(step.calls for step in terms.steps(side, "update", patch))
        except Rejected:
            # The remote's connector refuses it when it comes to writing, and a person is told.
            calls += 1
    return calls


def _question(field: str, side: str, cause: str) -> dict[str, Json]:
    return {"field": field, "side": side, "cause": cause}


def _kept(link: Link, side: str, why: str, questions: Sequence[Mapping[str, Json]] = ()) -> ItemDraft:
    detail = {"fields": [], "questions": list(questions), "why": why}
    return _item(link, "keep", side, detail, 0, state="done", result=why or "moved on")


def _item(link: Link, action: str, side: str, detail: Json, calls: int, **more: Any) -> ItemDraft:
    return ItemDraft(link.stream, action, side, link.ends[side].record_id, detail=detail, calls=calls, **more)
