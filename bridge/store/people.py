"""Erasing what the store holds about a person."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Delete, Update, and_, delete, or_, select, update

from bridge.core.ports import Clock
from bridge.core.records import ABSENT, Reference
from bridge.store.database import Database
from bridge.store.leasing import Objects
from bridge.store.linking import link_ids_by_end
from bridge.store.sql import AnyRow, chunks
from bridge.store.tables import (
    attention,
    changes,
    history,
    inbox,
    intents,
    link_ends,
    links,
    run_items,
    runs,
    scan_keys,
    scan_rows,
)
from bridge.store.types import dump_step, load_step


class People:
    def __init__(self, database: Database, clock: Clock, objects: Objects) -> None:
        self._database = database
        self._clock = clock
        self._objects = objects

    def forget(self, connection: str, records: Collection[Reference]) -> dict[str, int]:
        """Erase every value kept of these records and of what they are linked with; answers rows touched by table.

        What stays says nothing about the person: ids, times, field names, causes. Links become dead, so that a late
        hint creates nobody again. Bodies of webhooks are emptied, planned items and listings lose the raw records.
        """
        now = self._clock.now()
        with self._database.write() as transaction:
            link_ids = set(link_ids_by_end(transaction, connection, records).values())
            ends = transaction.execute(select(link_ends).where(link_ends.c.link_id.in_(link_ids)))
            everyone = set(records) | {Reference(end.stream, end.side, end.record_id) for end in ends}
            touched = {"links": len(link_ids)}
            _kill(transaction, link_ids, now)
            for record in sorted(everyone):
                object_ = self._objects.of(record)
                for table, count in _erase(transaction, connection, record, object_, now).items():
                    touched[table] = touched.get(table, 0) + count
            touched["intents"] = touched.get("intents", 0) + _erase_intents(transaction, link_ids)
            return touched


def _kill(transaction: Connection, ids: Collection[int], now: datetime) -> None:
    for chunk in chunks(ids):
        transaction.execute(
            update(links).where(links.c.id.in_(chunk)).values(state="dead", version=links.c.version + 1, updated_at=now)
        )
        transaction.execute(
            update(link_ends)
            .where(link_ends.c.link_id.in_(chunk))
            .values({"values": {}, "sent": frozenset(), "remote_updated_at": None})
        )


def _erase(transaction: Connection, connection: str, record: Reference, object_: str, now: datetime) -> dict[str, int]:
    statements: dict[str, Delete | Update] = {
        "history": update(history).where(*_about(history, connection, record)).values({"old": ABSENT, "new": ABSENT}),
        "attention": delete(attention).where(*_about(attention, connection, record)),
        "changes": update(changes)
        .where(*_about(changes, connection, record))
        .values({"detail": "", "updated_at": now}),
        "inbox": update(inbox)
        .where(
            inbox.c.connection == connection,
            inbox.c.record_id == record.record_id,
            inbox.c.object.in_({object_, record.stream}),
        )
        .values(body=b""),
        "run_items": update(run_items)
        .where(
            run_items.c.run_id.in_(select(runs.c.id).where(runs.c.connection == connection)),
            run_items.c.stream == record.stream,
            or_(
                and_(run_items.c.side == record.side, run_items.c.record_id == record.record_id),
                run_items.c.left_id == record.record_id,
                run_items.c.right_id == record.record_id,
            ),
        )
        .values({"seed": None, "detail": None, "result": ""}),
    }
    touched = {table: transaction.execute(statement).rowcount for table, statement in statements.items()}
    of_connection = select(runs.c.id).where(runs.c.connection == connection)
    for table in (scan_keys, scan_rows):
        where = (table.c.stream == record.stream, table.c.side == record.side, table.c.record_id == record.record_id)
        touched[table.name] = transaction.execute(
            delete(table).where(table.c.run_id.in_(of_connection), *where)
        ).rowcount
    mine = select(changes.c.id).where(*_about(changes, connection, record))
    touched["intents"] = _empty(transaction, intents.c.change_id.in_(mine))
    return touched


def _about(table: Any, connection: str, record: Reference) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.connection == connection,
        table.c.stream == record.stream,
        table.c.side == record.side,
        table.c.record_id == record.record_id,
    )


def _erase_intents(transaction: Connection, link_ids: Collection[int]) -> int:
    return sum(_empty(transaction, intents.c.link_id.in_(chunk)) for chunk in chunks(link_ids))


def _empty(transaction: Connection, where: ColumnElement[bool]) -> int:
    """Take the payload out of intents; that something was sent, and where, stays."""
    rows = transaction.execute(select(intents.c.id, intents.c.step).where(where)).all()
    for row in rows:
        transaction.execute(update(intents).where(intents.c.id == row.id).values(step=_without_payload(row)))
    return len(rows)


def _without_payload(row: AnyRow) -> dict[str, Any]:
    step = load_step(row.step)
    return dump_step(type(step)(step.system, step.object, step.verb, step.record_id, {}, {}, step.calls))
