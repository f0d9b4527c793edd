"""Attention rows after a reconcile: raised, renewed, closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, insert, null, or_, select, update

from bridge.core.effects import AwaitParent, Done, Finish, Notice, Park
from bridge.core.records import Link, Reference
from bridge.store.remembered import attention_of
from bridge.store.sql import AnyRow, among, chunks, insert_row
from bridge.store.tables import attention

_OF_RECORD = (
    select(
        attention.c.id,
        attention.c.field,
        attention.c.cause,
        attention.c.state,
        attention.c["values"],
        attention.c.created_at,
    )
    .where(
        attention.c.connection == bindparam("conn"),
        attention.c.stream == bindparam("stream"),
        attention.c.state != "closed",
        or_(
            attention.c.link_id == bindparam("link"),
            and_(attention.c.side == bindparam("side"), attention.c.record_id == bindparam("record")),
        ),
    )
    .order_by(attention.c.id)
)
_LINKS_ASKED_ABOUT = select(attention.c.link_id).where(among(attention.c.link_id, "ids"), attention.c.state != "closed")
_CLOSE = update(attention).where(among(attention.c.id, "ids")).values(state="closed", updated_at=bindparam("now"))
_REOPEN = (
    update(attention)
    .where(among(attention.c.id, "ids"))
    .values(state="open", decision=null(), updated_at=bindparam("now"))
)
_INSERT = insert(attention)


def asked_about(connection: Connection, finishes: Sequence[tuple[Finish, Link | None]]) -> list[bool]:
    """For each reconcile of one connection, whether ``settle_notices`` may have anything to do."""
    changes = [operation.claim.change for operation, _ in finishes]
    if not changes:
        return []
    records = {Reference(change.stream, change.side, change.record_id) for change in changes}
    by_record = {
        Reference(row.stream, row.side, row.record_id)
        for row in attention_of(connection, changes[0].connection, records)
    }
    by_link: set[int] = set()
    for chunk in chunks({link.id for _, link in finishes if link is not None}):
        by_link |= set(connection.execute(_LINKS_ASKED_ABOUT, {"ids": chunk}).scalars())
    return [
        bool(operation.notices)
        or isinstance(operation.outcome, Park)
        or (link is not None and link.id in by_link)
        or Reference(change.stream, change.side, change.record_id) in by_record
        for (operation, link), change in zip(finishes, changes, strict=True)
    ]


def settle_notices(connection: Connection, operation: Finish, link: Link | None, final: bool, now: datetime) -> None:
    """Bring the record's attention in line with what this reconcile found.

    ``final``: the change really comes to rest (no newer hint). A try that concluded nothing (``Again``, ``Pause``)
    closes nothing. A decision that a person made while this ran stays for the next look.
    """
    claim, outcome = operation.claim, operation.outcome
    change = claim.change
    notices = list(operation.notices)
    if isinstance(outcome, Park) and final and not any(_tells(notice, outcome) for notice in notices):
        notices.append(Notice(outcome.cause, outcome.detail, ways=("retry", "dismiss")))
    where = {
        "conn": change.connection,
        "stream": change.stream,
        "side": change.side,
        "record": change.record_id,
        "link": link.id if link else -1,
    }
    rows = connection.execute(_OF_RECORD, where).all()
    if not rows and not notices:
        return
    used = {decision.attention_id for decision in claim.decisions}
    touched = {_raise(connection, operation, notice, link, rows, used, now) for notice in notices}
    closed = [row.id for row in rows if row.id not in touched and _is_over(row, operation, used)]
    if closed:
        connection.execute(_CLOSE, {"ids": closed, "now": now})
    if isinstance(outcome, Park) and outcome.cause == "rejected":
        # The answer may be what the remote refuses (a number where it wants text): it can be given anew.
        refused = [row.id for row in rows if row.state == "decided" and row.id in used - touched]
        if refused:
            connection.execute(_REOPEN, {"ids": refused, "now": now})


def _tells(notice: Notice, outcome: Park) -> bool:
    """A person is asked once: about the record, or about the field that is the cause."""
    return notice.field == "" or notice.cause == outcome.cause


def _is_over(row: AnyRow, operation: Finish, used: set[int]) -> bool:
    if row.field in operation.keep_notices:
        return False
    if row.state == "decided":
        return row.id in used and (isinstance(operation.outcome, Done) or _only_held(operation))
    return isinstance(operation.outcome, Done | Park | AwaitParent)


def _only_held(operation: Finish) -> bool:
    """Whether the brake holds some fields, and each of them is told: the others were written."""
    return isinstance(operation.outcome, Park) and any(
        notice.field and notice.cause.startswith("brake:") for notice in operation.notices
    )


def _raise(
    connection: Connection,
    operation: Finish,
    notice: Notice,
    link: Link | None,
    rows: Any,
    used: set[int],
    now: datetime,
) -> int:
    """The id of the row that now carries ``notice``.

    A question about other values is another question, with an id of its own: an answer never counts for values that the person
    who gave it has not seen.
    """
    change = operation.claim.change
    values: dict[str, Any] = {
        "detail": notice.detail,
        "values": dict(notice.values),
        "group_key": notice.group,
        "ways": list(notice.ways),
        "link_id": link.id if link else None,
        "change_id": change.id,
        "updated_at": now,
    }
    same = next((row for row in rows if (row.field, row.cause) == (notice.field, notice.cause)), None)
    waits = same is not None and (same.state == "open" or same.id in used)
    since = now
    if same is not None and waits and same._mapping["values"] != values["values"]:
        connection.execute(_CLOSE, {"ids": [same.id], "now": now})
        since = same.created_at
        same = None
    if same is None:
        values |= {
            "connection": change.connection,
            "stream": change.stream,
            "side": change.side,
            "record_id": change.record_id,
            "field": notice.field,
            "cause": notice.cause,
            "state": "open",
            "created_at": since,
        }
        return insert_row(connection, _INSERT, values)
    if waits:
        connection.execute(
            update(attention).where(attention.c.id == same.id).values(state="open", decision=null(), **values)
        )
    return int(same.id)
