"""Children that wait for their parent: released by its link, parked with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, null, or_, select, update

from bridge.core.records import Reference
from bridge.store.items import close_items
from bridge.store.sql import among, chunks
from bridge.store.tables import changes

_ON_PARENT = (
    changes.c.connection == bindparam("conn"),
    changes.c.waits_stream == bindparam("p_stream"),
    changes.c.waits_side == bindparam("p_side"),
    changes.c.waits_record_id == bindparam("p_record"),
)
_RELEASE = (
    update(changes)
    .where(*_ON_PARENT, or_(changes.c.state == "waiting", changes.c.state == "parked"))
    .values(
        state="pending",
        due_at=bindparam("now"),
        attempts=0,
        cause="",
        detail="",
        waits_stream=null(),
        waits_side=null(),
        waits_record_id=null(),
        updated_at=bindparam("now"),
    )
)
_WAITING = select(changes.c.id, changes.c.stream, changes.c.side, changes.c.record_id, changes.c.item_id).where(
    *_ON_PARENT, changes.c.state == "waiting"
)
_PARK = (
    update(changes)
    .where(among(changes.c.id, "ids"))
    .values(
        state="parked",
        cause=bindparam("new_cause"),
        detail=bindparam("new_detail"),
        item_id=null(),
        updated_at=bindparam("now"),
    )
)


def _name(parent: Reference) -> dict[str, str]:
    return {"p_stream": parent.stream, "p_side": parent.side, "p_record": parent.record_id}


def release_children(connection: Connection, name: str, parents: Iterable[Reference], now: datetime) -> None:
    """Children of these records, waiting or parked with them, are looked at again."""
    rows = [{"conn": name, "now": now, **_name(parent)} for parent in parents]
    if rows:
        connection.execute(_RELEASE, rows)


def park_children(connection: Connection, name: str, parent: Reference, cause: str, detail: str, now: datetime) -> None:
    """Children that wait for ``parent`` are parked under its cause, and so are theirs. They keep what they wait for."""
    pending = [(parent, detail)]
    while pending:
        above, why = pending.pop()
        rows = connection.execute(_WAITING, {"conn": name, **_name(above)}).all()
        told = child_detail(above, why)
        for chunk in chunks([row.id for row in rows]):
            connection.execute(_PARK, {"ids": chunk, "new_cause": cause, "new_detail": told, "now": now})
        close_items(connection, [row.item_id for row in rows if row.item_id], ("attention", told, "attention"))
        pending.extend((Reference(row.stream, row.side, row.record_id), told) for row in rows)


def parked_children(connection: Connection, name: str) -> dict[Reference, int]:
    """How many parked changes hang on each record in the end: a note waits for its contact, which waits for its company."""
    columns = (changes.c.stream, changes.c.side, changes.c.record_id)
    waits = (changes.c.waits_stream, changes.c.waits_side, changes.c.waits_record_id)
    query = select(*columns, *waits).where(
        changes.c.connection == name, changes.c.state == "parked", changes.c.waits_record_id.is_not(None)
    )
    above = {Reference(*row[:3]): Reference(*row[3:]) for row in connection.execute(query)}
    found: dict[Reference, int] = {}
    for child in above:
        top, seen = child, {child}
        while (parent := above.get(top)) is not None and parent not in seen:
            top = parent
            seen.add(top)
        found[top] = found.get(top, 0) + 1
    return found


def child_detail(parent: Reference, detail: str) -> str:
    """What a child is told; the parent is named once, however deep the chain."""
    prefix = "waits for "
    return (
        detail if detail.startswith(prefix) else f"{prefix}{parent.stream} {parent.side}:{parent.record_id}: {detail}"
    )
