"""Whether a connection may be worked on, and stopping it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import Connection, bindparam, select, update

from bridge.store.tables import connections

Standing: TypeAlias = Literal["live", "on trial", "halted"]

_MODE = select(connections.c.mode, connections.c.mode_before, connections.c.paused_until).where(
    connections.c.name == bindparam("conn")
)


def standing(connection: Connection, name: str, now: datetime) -> Standing:
    """Whether changes may be worked on: all of them, one as a trial because the time of a pause is over, or none."""
    row = connection.execute(_MODE, {"conn": name}).first()
    if row is None:
        return "halted"
    if row.mode != "paused":
        return "live" if row.mode == "live" else "halted"
    if row.paused_until is None or row.paused_until > now:
        return "halted"
    if row.mode_before == "live":
        return "on trial"
    resume(connection, name)
    return "halted"


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


def await_trial(connection: Connection, name: str, until: datetime) -> None:
    """One change shows whether the remote is back. Whoever has it may die, then another is tried from ``until`` on."""
    connection.execute(update(connections).where(connections.c.name == name).values(paused_until=until))


def end_trial(connection: Connection, name: str) -> None:
    """The remote is back. What a person paused meanwhile stays paused."""
    row = connection.execute(_MODE, {"conn": name}).first()
    if row is not None and row.paused_until is not None:
        resume(connection, name)


def resume(connection: Connection, name: str) -> None:
    row = connection.execute(_MODE, {"conn": name}).first()
    if row is None or row.mode != "paused":
        return
    connection.execute(
        update(connections)
        .where(connections.c.name == name)
        .values(mode=row.mode_before, mode_before=None, pause_cause="", pause_detail="", paused_until=None)
    )
