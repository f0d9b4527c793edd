"""Holds: classes of changes that the brake stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select, update

from bridge.core.errors import UsageError
from bridge.core.ports import Clock
from bridge.store.database import Database
from bridge.store.discarding import give_up
from bridge.store.hinting import put_hints
from bridge.store.paging import page_by
from bridge.store.rows import Hint, HoldRow, Listing
from bridge.store.sql import AnyRow
from bridge.store.tables import changes, held_changes, holds


class Holds:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def page(
        self,
        *,
        connection: str | None = None,
        stream: str | None = None,
        state: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Listing[HoldRow]:
        wanted = {"connection": connection, "stream": stream, "state": state}
        query = select(holds).where(*(holds.c[name] == value for name, value in wanted.items() if value is not None))
        with self._database.read() as transaction:
            return page_by(transaction, query, holds.c.id, _to_row, cursor=cursor, limit=limit)

    def get(self, id: int) -> HoldRow | None:
        with self._database.read() as transaction:
            row = transaction.execute(select(holds).where(holds.c.id == id)).first()
        return None if row is None else _to_row(row)

    def release(self, id: int) -> HoldRow:
        """Let the class pass for an hour and look at its waiting changes again, now."""
        with self._database.write() as transaction:
            return release(transaction, id, self._clock.now())

    def discard(self, id: int) -> HoldRow:
        """Give the waiting changes up until their next hint; what the sides hold stays as it is."""
        with self._database.write() as transaction:
            return discard(transaction, id, self._clock.now())


def release(transaction: Connection, id: int, now: datetime) -> HoldRow:
    row = _decide(transaction, id, "released", now)
    hints = {Hint(change.stream, change.side, change.record_id): None for change in _waiting(transaction, id)}
    put_hints(transaction, row.connection, hints, lane="live", due_at=now, now=now)
    return row


def discard(transaction: Connection, id: int, now: datetime) -> HoldRow:
    row = _decide(transaction, id, "discarded", now)
    for change in _waiting(transaction, id):
        if change.state not in {"leased", "done"}:
            give_up(transaction, change, now)
    return row


def held_of(transaction: Connection, change_id: int) -> list[int]:
    """Ids of the holds that a change still waits for."""
    query = (
        select(holds.c.id)
        .join(held_changes, held_changes.c.hold_id == holds.c.id)
        .where(held_changes.c.change_id == change_id, holds.c.state == "held")
        .order_by(holds.c.id)
    )
    return list(transaction.execute(query).scalars())


def _waiting(transaction: Connection, id: int) -> Sequence[AnyRow]:
    query = select(changes).join(held_changes, held_changes.c.change_id == changes.c.id)
    return transaction.execute(query.where(held_changes.c.hold_id == id).order_by(changes.c.id)).all()


def _decide(transaction: Connection, id: int, state: Literal["released", "discarded"], now: datetime) -> HoldRow:
    row = transaction.execute(select(holds).where(holds.c.id == id)).first()
    if row is None:
        raise UsageError(f"there is no hold {id}", status=404)
    if row.state != "held":
        raise UsageError(f"this hold was {row.state} already", status=409)
    transaction.execute(update(holds).where(holds.c.id == id).values(state=state, decided_at=now))
    return _to_row(transaction.execute(select(holds).where(holds.c.id == id)).one())


def _to_row(row: AnyRow) -> HoldRow:
    return HoldRow(
        id=row.id,
        connection=row.connection,
        stream=row.stream,
        klass=row.klass,
        state=row.state,
        ceiling=row.ceiling,
        waiting=row.waiting,
        created_at=row.created_at,
        decided_at=row.decided_at,
    )
