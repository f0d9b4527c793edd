"""The middle and the last commit of a reconcile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, null, select, update

from bridge.core.effects import (
    Advance,
    Again,
    AwaitParent,
    Busy,
    Claim,
    Done,
    Entry,
    Fenced,
    Finish,
    Finished,
    Park,
    Pause,
)
from bridge.core.records import Link, Reference
from bridge.store import holds, leasing
from bridge.store.hinting import put_hints, rows_of
from bridge.store.items import add_to_run, close_items, counted
from bridge.store.linking import links_by_end
from bridge.store.noticing import settle_notices
from bridge.store.pausing import pause
from bridge.store.rows import Hint
from bridge.store.saving import adopt_attention, save_link
from bridge.store.sql import AnyRow
from bridge.store.tables import changes, history, intents, run_items
from bridge.store.waiting import child_detail, park_children, release_children

MAX_PARENT_WAIT = timedelta(minutes=5)

_CHANGE = select(
    changes.c.generation,
    changes.c.item_id,
    changes.c.attempts,
    changes.c.due_at,
    changes.c.cause,
    changes.c.detail,
    changes.c.looked_again,
).where(changes.c.id == bindparam("change"))
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
_ANSWER = (
    update(intents)
    .where(intents.c.id == bindparam("intent"))
    .values(state=bindparam("new_state"), answered_at=bindparam("now"))
)
_ADOPT_INTENTS = (
    update(intents)
    .where(intents.c.change_id == bindparam("change"), intents.c.link_id.is_(null()))
    .values(link_id=bindparam("link"))
)
_INSERT_HISTORY = insert(history)


def advance(connection: Connection, operation: Advance, now: datetime) -> Link | Busy | Fenced | None:
    claim = operation.claim
    if not leasing.owns(connection, claim.token):
        return Fenced()
    link = _save(connection, operation, now)
    if isinstance(link, Busy | Fenced):
        return link
    _note(connection, operation, link, now)
    return link


def finish(connection: Connection, operation: Finish, now: datetime) -> Finished | Busy | Fenced:
    claim = operation.claim
    if not leasing.owns(connection, claim.token):
        return Fenced()
    link = _save(connection, operation, now)
    if isinstance(link, Busy | Fenced):
        return link
    _note(connection, operation, link, now)
    row = connection.execute(_CHANGE, {"change": claim.change.id}).first()
    moved = row is not None and row.generation != claim.change.generation
    settle_notices(connection, operation, link, not moved, now)
    if row is not None:
        _rest(connection, operation, row, moved, now)
    if any(cause.startswith(holds.BRAKE) for cause in claim.open_fields.values()):
        _withdraw(connection, operation, now)
    _tell_children(connection, operation, link, moved, now)
    if operation.also:
        hints = {Hint(ref.stream, ref.side, ref.record_id): None for ref in operation.also}
        put_hints(connection, claim.change.connection, hints, lane=claim.change.lane, due_at=now, now=now)
    leasing.release(connection, [claim.token])
    return Finished(link)


def _withdraw(connection: Connection, operation: Finish, now: datetime) -> None:
    """What the brake held is no more wanted: the deleted record is back, the edit was taken back."""
    if isinstance(operation.outcome, Done | Park):
        causes = (notice.cause for notice in operation.notices)
        keep = frozenset(cause.removeprefix(holds.BRAKE) for cause in causes if cause.startswith(holds.BRAKE))
        holds.withdraw(connection, operation.claim.change.id, keep, now)


def _save(connection: Connection, operation: Advance | Finish, now: datetime) -> Link | Busy | Fenced | None:
    claim = operation.claim
    name = claim.change.connection
    if operation.link is None:
        own = Reference(claim.change.stream, claim.change.side, claim.change.record_id)
        return links_by_end(connection, name, [own]).get(own)
    link = save_link(connection, name, operation.link, now, _run_of(connection, claim))
    if not isinstance(link, Link) or claim.link is not None:
        return link
    connection.execute(_ADOPT_INTENTS, {"change": claim.change.id, "link": link.id})
    adopt_attention(connection, name, [link])
    return link


def _run_of(connection: Connection, claim: Claim) -> str | None:
    if claim.change.item is None:
        return None
    return connection.execute(select(run_items.c.run_id).where(run_items.c.id == claim.change.item)).scalar()


def _note(connection: Connection, operation: Advance | Finish, link: Link | None, now: datetime) -> None:
    answers = [{"intent": key, "new_state": state, "now": now} for key, state in operation.intents.items()]
    if answers:
        connection.execute(_ANSWER, answers)
    if operation.history:
        run = _run_of(connection, operation.claim)
        intent = next(iter(operation.intents)) if len(operation.intents) == 1 else None
        write_history(connection, operation.claim, link, operation.history, now, run, intent)


def write_history(
    connection: Connection,
    claim: Claim,
    link: Link | None,
    entries: Sequence[Entry],
    now: datetime,
    run_id: str | None,
    intent_id: int | None,
) -> None:
    rows = []
    for entry in entries:
        end = link.end(entry.side) if link else None
        own = claim.change.record_id if entry.side == claim.change.side else ""
        rows.append(
            {
                "connection": claim.change.connection,
                "stream": claim.change.stream,
                "link_id": link.id if link else None,
                "at": now,
                "side": entry.side,
                "record_id": end.record_id if end else own,
                "field": entry.field,
                "old": entry.old,
                "new": entry.new,
                "cause": entry.cause,
                "place": entry.place,
                "mapping_version": end.shadow.version if end else "",
                "run_id": run_id,
                "change_id": claim.change.id,
                "intent_id": intent_id,
            }
        )
    connection.execute(_INSERT_HISTORY, rows)


def _rest(connection: Connection, operation: Finish, row: AnyRow, moved: bool, now: datetime) -> None:
    """Where the change goes from here. A hint that came meanwhile makes it pending again, at once."""
    claim, outcome = operation.claim, operation.outcome
    again: dict[str, Any] = {"state": "pending", "due_at": now, "looked_again": False}
    values: dict[str, Any]
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
    settled = {**row._mapping, **values, "seen": operation.seen or None, "updated_at": now}
    connection.execute(_REST, {"change": claim.change.id} | {f"new_{name}": settled.get(name) for name in _RESTING})
    if item is not None and ended:
        close_items(connection, [item], ending or ("attention", values["detail"], "attention"), operation.calls)
    elif item is not None and operation.calls and (run := _run_of(connection, claim)) is not None:
        add_to_run(connection, run, calls=operation.calls)


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


def _tell_children(connection: Connection, operation: Finish, link: Link | None, moved: bool, now: datetime) -> None:
    change, outcome = operation.claim.change, operation.outcome
    ends = {Reference(change.stream, change.side, change.record_id)}
    if link is not None:
        ends |= {Reference(link.stream, end.side, end.record_id) for end in link.ends.values()}
    if link is not None and link.state == "live":
        release_children(connection, change.connection, sorted(ends), now)
        return
    if moved:
        return
    match outcome:
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
    for end in sorted(ends):
        park_children(connection, change.connection, end, *told, now)
