"""Giving a change up: it rests until its next hint, and nothing waits for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from bridge.core.records import Reference
from bridge.store.items import void_items
from bridge.store.sql import AnyRow
from bridge.store.tables import attention, changes
from bridge.store.waiting import park_children

_AT_REST: dict[str, Any] = {
    "state": "done",
    "cause": "discarded",
    "detail": "",
    "attempts": 0,
    "item_id": None,
    "waits_stream": None,
    "waits_side": None,
    "waits_record_id": None,
}


def give_up(connection: Connection, change: AnyRow, now: datetime) -> None:
    """``change`` is a whole row of changes that is not leased. Its item is voided, what it asked of a person is closed,
    its children are parked: they cannot go on without it."""
    void_items(connection, [change.item_id] if change.item_id is not None else [])
    connection.execute(update(changes).where(changes.c.id == change.id).values(_AT_REST | {"updated_at": now}))
    connection.execute(
        update(attention)
        .where(
            attention.c.connection == change.connection,
            attention.c.stream == change.stream,
            attention.c.side == change.side,
            attention.c.record_id == change.record_id,
            attention.c.field == "",
            attention.c.state != "closed",
        )
        .values(state="closed", updated_at=now)
    )
    record = Reference(change.stream, change.side, change.record_id)
    park_children(connection, change.connection, record, "parent", "it was discarded", now)
