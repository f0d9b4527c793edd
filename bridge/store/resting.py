"""Where changes go when their reconciles end, and what their children are told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, null, select, update

from bridge.core.effects import Again, AwaitParent, Done, Finish, Outcome, Park, Pause
from bridge.core.records import Link, Reference
from bridge.store.hinting import put_hints, rows_of
from bridge.store.items import Planned, Tally, counted
from bridge.store.linking import links_by_end
from bridge.store.pausing import end_trial, pause
from bridge.store.rows import Hint
from bridge.store.sql import AnyRow, among, chunks
from bridge.store.tables import changes
from bridge.store.waiting import child_detail, park_children, release_children

MAX_PARENT_WAIT = timedelta(minutes=5)

_CHANGES = select(
    changes.c.id,
    changes.c.generation,
    changes.c.item_id,
    changes.c.attempts,
    changes.c.due_at,
    changes.c.cause,
    changes.c.detail,
    changes.c.looked_again,
).where(among(changes.c.id, "ids"))
_RESTING = (
    "state",
    "due_at",
    "attempts",
    "cause",
    "detail",
    "looked_again",
    "item_id",
    "waits_stream",
    "waits_side",
    "waits_record_id",
    "seen",
    "updated_at",
)
_REST = (
    update(changes)
    .where(changes.c.id == bindparam("change"))
    .values({name: bindparam(f"new_{name}", type_=changes.c[name].type) for name in _RESTING})
    .values(token=null(), lease_until=null(), leased_generation=null())
)
_LANE = (
    update(changes)
    .where(
        changes.c.connection == bindparam("conn"),
        changes.c.stream == bindparam("of_stream"),
        changes.c.side == bindparam("of_side"),
        changes.c.record_id == bindparam("of_record"),
    )
    .values(lane="live")
)


@dataclass(frozen=True, slots=True)
class Ending:
    """A reconcile's last commit: its link as it is now, and its change as others left it (``None``: it was erased)."""

    operation: Finish
    link: Link | None
    row: AnyRow | None

    @property
    def moved(self) -> bool:
        """Whether a hint came meanwhile."""
        return self.row is not None and self.row.generation != self.operation.claim.change.generation


def rows_to_rest(connection: Connection, ids: Collection[int]) -> dict[int, AnyRow]:
    rows: dict[int, AnyRow] = {}
    for chunk in chunks(ids):
        rows.update({row.id: row for row in connection.execute(_CHANGES, {"ids": chunk})})
    return rows


def rest(connection: Connection, endings: Sequence[Ending], items: Mapping[int, Planned], now: datetime) -> None:
    """Bring each change to where its outcome says, and count the items of runs that ended."""
    tally = Tally()
    rows = [
        _rest(connection, ending.operation, ending.row, ending.moved, items, tally, now)
        for ending in endings
        if ending.row is not None
    ]
    if rows:
        connection.execute(_REST, rows)
    tally.write(connection)


def _rest(
    connection: Connection,
    operation: Finish,
    row: AnyRow,
    moved: bool,
    items: Mapping[int, Planned],
    tally: Tally,
    now: datetime,
) -> dict[str, Any]:
    """The new values of a change. A hint that came meanwhile makes it pending again, at once."""
    claim, outcome = operation.claim, operation.outcome
    again: dict[str, Any] = {"state": "pending", "due_at": now, "looked_again": False}
    values: dict[str, Any]
    if claim.trial and not _failed(outcome):
        end_trial(connection, claim.change.connection)
    match outcome:
        case Pause():
            until = None if outcome.seconds is None else now + timedelta(seconds=outcome.seconds)
            pause(connection, claim.change.connection, outcome.cause, outcome.detail, until)
            values = again | {"cause": outcome.cause, "detail": outcome.detail}
        case Again(settle=True) if moved:
            values = again
        case Again():
            # A newer hint does not cut a back-off short: the coming look covers it.
            values = {
                "state": "pending",
                "due_at": now + timedelta(seconds=outcome.seconds),
                "cause": outcome.cause,
                "detail": outcome.detail,
                "attempts": row.attempts + int(outcome.counts),
                "looked_again": outcome.settle or (claim.change.looked_again and not moved),
            }
        case Done():
            cause = "gone" if outcome.result == "gone" else ""
            values = {"state": "done", "attempts": 0, "cause": cause, "detail": "", "looked_again": False}
            if outcome.settle:
                due = now + timedelta(seconds=outcome.settle)
                values |= {"state": "pending", "due_at": due, "cause": "settle", "looked_again": True}
            values |= again if moved else {}
        case _ if moved:
            values = again
        case Park():
            values = {"state": "parked", "cause": outcome.cause, "detail": outcome.detail}
        case AwaitParent():
            values = _await(connection, operation, outcome.parent, row, now)
    item = claim.change.item
    ending = counted(outcome, bool(operation.notices))
    ended = item is not None and (values["state"] == "parked" or isinstance(outcome, Done))
    if ended and row.item_id == item:
        values["item_id"] = None
    planned = items.get(item) if item is not None else None
    if item is not None and planned is not None and (not ended or planned.open):
        # Counted once: an item that was closed meanwhile has told its calls.
        tally.calls[planned.run].update(operation.calls)
    if item is not None and ended and planned is not None and planned.open:
        tally.close(item, planned, ending or ("attention", values["detail"], "attention"))
    settled = {**row._mapping, **values, "seen": operation.seen or None, "updated_at": now}
    return {"change": claim.change.id} | {f"new_{name}": settled.get(name) for name in _RESTING}


def _failed(outcome: Outcome) -> bool:
    return isinstance(outcome, Pause) or (isinstance(outcome, Again) and outcome.counts)


def _await(connection: Connection, operation: Finish, parent: Reference, row: AnyRow, now: datetime) -> dict[str, Any]:
    change = operation.claim.change
    waits = {
        "waits_stream": parent.stream,
        "waits_side": parent.side,
        "waits_record_id": parent.record_id,
    }
    if parent == Reference(change.stream, change.side, change.record_id):
        return {"state": "parked", "cause": "parent", "detail": "the record is its own parent"}
    link = links_by_end(connection, change.connection, [parent]).get(parent)
    if link is not None and link.state == "live":
        # At once the first time; slower when its link alone is not enough (a company without a domain).
        later = timedelta(seconds=2 ** min(row.attempts, 9) if row.attempts else 0)
        due = now + min(later, MAX_PARENT_WAIT)
        return {"state": "pending", "due_at": due, "attempts": row.attempts + 1, "cause": "parent", "detail": ""}
    hint = Hint(parent.stream, parent.side, parent.record_id)
    above = rows_of(connection, change.connection, [hint]).get(hint)
    if above is not None and above.state == "parked":
        return {"state": "parked", "cause": above.cause, "detail": child_detail(parent, above.detail)} | waits
    if above is None or above.state == "done":
        put_hints(connection, change.connection, {hint: None}, lane=change.lane, due_at=now, now=now)
    elif change.lane == "live" and above.lane == "backfill":
        where = {"of_stream": parent.stream, "of_side": parent.side, "of_record": parent.record_id}
        connection.execute(_LANE, {"conn": change.connection, **where})
    return {"state": "waiting", "cause": "parent", "detail": child_detail(parent, "not linked yet")} | waits


def tell_children(connection: Connection, endings: Sequence[Ending], now: datetime) -> None:
    """The children of records that are linked now go on; those of records that came to rest without a link wait for a person."""
    if not endings:
        return
    name = endings[0].operation.claim.change.connection
    live = [ending.link is not None and ending.link.state == "live" for ending in endings]
    linked = {end for ending, is_live in zip(endings, live, strict=True) if is_live for end in _ends(ending)}
    release_children(connection, name, sorted(linked), now)
    for ending, is_live in zip(endings, live, strict=True):
        if not is_live and not ending.moved:
            _park_children(connection, ending, now)


def _ends(ending: Ending) -> set[Reference]:
    change, link = ending.operation.claim.change, ending.link
    ends = {Reference(change.stream, change.side, change.record_id)}
    return ends if link is None else ends | {Reference(link.stream, e.side, e.record_id) for e in link.ends.values()}


def _park_children(connection: Connection, ending: Ending, now: datetime) -> None:
    change = ending.operation.claim.change
    match ending.operation.outcome:
        case Park(cause, detail):
            told = cause, detail
        case Done(result):
            # Out of scope, deleted or never to be created: its children would wait for ever.
            told = "parent", f"it came to rest without a link ({result})"
        case AwaitParent():
            row = connection.execute(
                select(changes.c.state, changes.c.cause, changes.c.detail).where(changes.c.id == change.id)
            ).one()
            if row.state != "parked":
                return
            told = row.cause, row.detail
        case _:
            return
    for end in sorted(_ends(ending)):
        park_children(connection, change.connection, end, *told, now)
