"""Whether a connection may be worked on, and stopping it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from bridge.store.tables import connections

_MODE = select(connections.c.mode, connections.c.mode_before, connections.c.paused_until).where(
    connections.c.name == bindparam("conn")
)


def is_live(connection: Connection, name: str, now: datetime) -> bool:
    """Live and not paused; a pause whose time is over ends here."""
    row = connection.execute(_MODE, {"conn": name}).first()
    if row is None:
        return False
    if row.mode == "paused" and row.paused_until is not None and row.paused_until <= now:
        resume(connection, name)
        return bool(row.mode_before == "live")
    return bool(row.mode == "live")


def pause(connection: Connection, name: str, cause: str, detail: str, until: datetime | None) -> None:
    """Stop the drain until ``until``, or until a person resumes it. A pause never shortens a longer one."""
    row = connection.execute(_MODE, {"conn": name}).first()
    if row is None:
        return
    if row.mode == "paused" and (row.paused_until is None or (until is not None and until <= row.paused_until)):
        return
    before = row.mode_before if row.mode == "paused" else row.mode
    connection.execute(
        update(connections)
        .where(connections.c.name == name)
        .values(mode="paused", mode_before=before, pause_cause=cause, pause_detail=detail, paused_until=until)
    )


def resume(connection: Connection, name: str) -> None:
    row = connection.execute(_MODE, {"conn": name}).first()
    if row is None or row.mode != "paused":
        return
    connection.execute(
        update(connections)
        .where(connections.c.name == name)
        .values(mode=row.mode_before, mode_before=None, pause_cause="", pause_detail="", paused_until=None)
    )
