"""Holds: classes of changes that the brake stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, delete, insert, select, update

from bridge.core.errors import UsageError
from bridge.core.ports import Clock
from bridge.core.records import ABSENT
from bridge.store.database import Database
from bridge.store.discarding import give_up
from bridge.store.hinting import put_hints
from bridge.store.paging import page_by
from bridge.store.rows import Hint, HoldRow, Listing
from bridge.store.sql import AnyRow
from bridge.store.tables import attention, changes, held_changes, history, holds, link_ends, links

BRAKE = "brake:"
"""How the causes of held changes begin; the class follows."""


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
        """Look at the waiting changes again, now, and let them pass; what comes after them is braked as before."""
        with self._database.write() as transaction:
            return release(transaction, id, self._clock.now())

    def discard(self, id: int) -> HoldRow:
        """Drop the waiting writes; what the sides hold stays as it is.

        Held fields take what both sides hold as the base of their next edits. A held create is given up until its record is
        edited again. After a held deletion the survivor stays, and its link is dead.
        """
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
        if _decide_fields(transaction, change, row.klass, now):
            hint = Hint(change.stream, change.side, change.record_id)
            put_hints(transaction, row.connection, {hint: None}, lane="live", due_at=now, now=now)
        elif change.state not in {"leased", "done"}:
            if row.klass == "delete":
                _keep_survivor(transaction, change, now)
            give_up(transaction, change, now)
    return row


def held_of(transaction: Connection, change_id: int, cause: str = "") -> list[int]:
    """Ids of the holds that a change still waits for; of one class, if the attention's ``cause`` names one."""
    query = (
        select(holds.c.id)
        .join(held_changes, held_changes.c.hold_id == holds.c.id)
        .where(held_changes.c.change_id == change_id, holds.c.state == "held")
        .order_by(holds.c.id)
    )
    if cause.startswith(BRAKE):
        query = query.where(holds.c.klass == cause.removeprefix(BRAKE))
    return list(transaction.execute(query).scalars())


def withdraw(transaction: Connection, change_id: int, keep: frozenset[str], now: datetime) -> None:
    """A change came to rest and waits for the classes of ``keep`` alone: what else was held of it is no more wanted."""
    for hold in held_of(transaction, change_id):
        klass, waiting = transaction.execute(select(holds.c.klass, holds.c.waiting).where(holds.c.id == hold)).one()
        if klass in keep:
            continue
        transaction.execute(
            delete(held_changes).where(held_changes.c.hold_id == hold, held_changes.c.change_id == change_id)
        )
        values: dict[str, object] = {"waiting": waiting - 1}
        if waiting <= 1:
            values |= {"state": "withdrawn", "decided_at": now}
        transaction.execute(update(holds).where(holds.c.id == hold).values(values))


def _decide_fields(transaction: Connection, change: AnyRow, klass: str, now: datetime) -> bool:
    """Answer the questions about single fields that this class was held for; whether there were any."""
    mine = (
        attention.c.change_id == change.id,
        attention.c.cause == f"{BRAKE}{klass}",
        attention.c.field != "",
        attention.c.state != "closed",
    )
    ids = transaction.execute(select(attention.c.id).where(*mine)).scalars().all()
    answer = {"way": "discard", "value": None}
    transaction.execute(
        update(attention).where(attention.c.id.in_(ids)).values(state="decided", decision=answer, updated_at=now)
    )
    return bool(ids)


def _keep_survivor(transaction: Connection, change: AnyRow, now: datetime) -> None:
    mine = select(link_ends.c.link_id).where(
        link_ends.c.connection == change.connection,
        link_ends.c.stream == change.stream,
        link_ends.c.side == change.side,
        link_ends.c.record_id == change.record_id,
    )
    kept = list(transaction.execute(mine).scalars())
    transaction.execute(
        update(links).where(links.c.id.in_(kept)).values(state="dead", version=links.c.version + 1, updated_at=now)
    )
    for link in kept:
        line = {
            "connection": change.connection,
            "stream": change.stream,
            "link_id": link,
            "at": now,
            "side": change.side,
            "record_id": change.record_id,
            "field": "",
            "old": ABSENT,
            "new": ABSENT,
            "cause": "deletion discarded",
            "place": "",
            "mapping_version": "",
            "change_id": change.id,
        }
        transaction.execute(insert(history).values(line))


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
