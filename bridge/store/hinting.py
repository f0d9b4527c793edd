"""Durable hints: one row a record, however many hints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, false, null, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from bridge.core.records import Lane
from bridge.store.items import void_items
from bridge.store.rows import Hint
from bridge.store.sql import AnyRow, among, chunks
from bridge.store.tables import changes

OPEN = ("pending", "leased", "waiting")
"""States in which the change itself will still look at the record."""

_KEYS = select(
    changes.c.stream,
    changes.c.side,
    changes.c.record_id,
    changes.c.state,
    changes.c.lane,
    changes.c.item_id,
    changes.c.cause,
    changes.c.detail,
).where(
    changes.c.connection == bindparam("conn"),
    changes.c.stream == bindparam("stream"),
    changes.c.side == bindparam("side"),
    among(changes.c.record_id, "ids"),
)


def _upsert(dialect: Any) -> Any:
    new = dialect.insert(changes).values(
        connection=bindparam("conn"),
        stream=bindparam("stream"),
        side=bindparam("side"),
        record_id=bindparam("record"),
        generation=1,
        state="pending",
        lane=bindparam("lane"),
        attempts=0,
        due_at=bindparam("due_at"),
        cause="",
        detail="",
        item_id=bindparam("item"),
        looked_again=False,
        created_at=bindparam("now"),
        updated_at=bindparam("now"),
    )
    old, wanted = changes.c, new.excluded
    leased, pending = old.state == "leased", old.state == "pending"
    is_open = or_(*(old.state == state for state in OPEN))  # an IN list cannot go with many rows
    kept_due = and_(pending, (old.attempts > 0) | (old.due_at <= wanted.due_at))
    return new.on_conflict_do_update(
        index_elements=["connection", "stream", "side", "record_id"],
        set_={
            "generation": old.generation + 1,
            "state": case((leased, "leased"), else_="pending"),
            "lane": case((and_(old.lane == "live", is_open), "live"), else_=wanted.lane),
            "attempts": case((leased | pending, old.attempts), else_=0),
            # A record that failed keeps its back-off: the coming look covers this hint too.
            "due_at": case((leased | kept_due, old.due_at), else_=wanted.due_at),
            "cause": case((leased | pending, old.cause), else_=""),
            "detail": case((leased | pending, old.detail), else_=""),
            "waits_stream": null(),
            "waits_side": null(),
            "waits_record_id": null(),
            "item_id": case(
                (wanted.lane == "live", null()),
                (wanted.item_id.is_not(None), wanted.item_id),
                (is_open, old.item_id),
                else_=null(),
            ),
            "looked_again": false(),
            "updated_at": wanted.updated_at,
        },
    )


_UPSERT = {"sqlite": _upsert(sqlite), "postgresql": _upsert(postgresql)}


def put_hints(
    connection: Connection,
    name: str,
    hints: Mapping[Hint, int | None],
    *,
    lane: Lane,
    due_at: datetime,
    now: datetime,
) -> int:
    """Note that these records may have changed; the value of each hint is the backfill item that asks, if one does.

    A live hint takes the row over from a backfill: the item is voided. A backfill's hint on a row that live work holds
    open leaves that row alone and voids its own item.
    """
    if not hints:
        return 0
    known = rows_of(connection, name, hints)
    voided: set[int] = set()
    rows: list[dict[str, Any]] = []
    for hint, asked in hints.items():
        item, row = asked, known.get(hint)
        if row is not None and row.item_id is not None and (lane == "live" or item not in {None, row.item_id}):
            voided.add(row.item_id)
        if row is not None and item is not None and row.lane == "live" and row.state in OPEN:
            voided.add(item)
            item = None
        rows.append({"conn": name, "stream": hint.stream, "side": hint.side, "record": hint.record_id, "item": item})
    extra = {"lane": lane, "due_at": due_at, "now": now}
    connection.execute(_UPSERT[connection.dialect.name], [row | extra for row in rows])
    void_items(connection, voided)
    return len(rows)


def rows_of(connection: Connection, name: str, hints: Iterable[Hint]) -> dict[Hint, AnyRow]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for hint in hints:
        groups[hint.stream, hint.side].append(hint.record_id)
    found: dict[Hint, AnyRow] = {}
    for (stream, side), ids in groups.items():
        for chunk in chunks(ids):
            rows = connection.execute(_KEYS, {"conn": name, "stream": stream, "side": side, "ids": chunk})
            found.update({Hint(row.stream, row.side, row.record_id): row for row in rows})
    return found
