"""Connections and their mode."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert, select, update

from bridge.core.errors import UsageError
from bridge.core.ports import Clock
from bridge.store import pausing
from bridge.store.database import Database
from bridge.store.rows import ConnectionRow
from bridge.store.sql import AnyRow
from bridge.store.tables import connections


class Connections:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def ensure(self, name: str, mode: Literal["observing", "live"] = "observing") -> ConnectionRow:
        """The connection, made in ``mode`` if it is new; an existing one keeps its mode."""
        with self._database.write() as transaction:
            row = _row(transaction, name)
            if row is None:
                values = {"name": name, "mode": mode, "pause_cause": "", "pause_detail": ""}
                transaction.execute(insert(connections).values(values | {"created_at": self._clock.now()}))
                row = _row(transaction, name)
            assert row is not None  # noqa: S101 (inserted in this transaction)
            return _to_row(row)

    def get(self, name: str) -> ConnectionRow | None:
        with self._database.read() as transaction:
            row = _row(transaction, name)
        return None if row is None else _to_row(row)

    def all(self) -> tuple[ConnectionRow, ...]:
        with self._database.read() as transaction:
            rows = transaction.execute(select(connections).order_by(connections.c.name))
            return tuple(_to_row(row) for row in rows)

    def set_mode(self, name: str, mode: Literal["observing", "live"]) -> ConnectionRow:
        """A person's word; while paused it says what a resume goes back to."""
        with self._database.write() as transaction:
            row = self._known(transaction, name)
            values = {"mode_before": mode} if row.mode == "paused" else {"mode": mode}
            transaction.execute(update(connections).where(connections.c.name == name).values(values))
            return _to_row(self._known(transaction, name))

    def pause(self, name: str, cause: str, until: datetime | None = None, detail: str = "") -> ConnectionRow:
        """Stop the drain until ``until``, or until ``resume``. A pause never shortens a longer one."""
        with self._database.write() as transaction:
            self._known(transaction, name)
            pausing.pause(transaction, name, cause, detail, until)
            return _to_row(self._known(transaction, name))

    def resume(self, name: str) -> ConnectionRow:
        with self._database.write() as transaction:
            self._known(transaction, name)
            pausing.resume(transaction, name)
            return _to_row(self._known(transaction, name))

    def _known(self, transaction: Connection, name: str) -> AnyRow:
        row = _row(transaction, name)
        if row is None:
            raise UsageError(f"there is no connection called {name!r}", status=404)
        return row


def _row(transaction: Connection, name: str) -> AnyRow | None:
    return transaction.execute(select(connections).where(connections.c.name == name)).first()


def _to_row(row: AnyRow) -> ConnectionRow:
    return ConnectionRow(
        name=row.name,
        mode=row.mode,
        mode_before=row.mode_before,
        pause_cause=row.pause_cause,
        pause_detail=row.pause_detail,
        paused_until=row.paused_until,
        created_at=row.created_at,
    )
