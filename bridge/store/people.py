"""Erasing what the store holds about a person."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Delete, Update, and_, delete, or_, select, update

from bridge.core.effects import EndDraft, LinkDraft
from bridge.core.ports import Clock
from bridge.core.records import ABSENT, Link, Reference, Shadow
from bridge.store import leasing
from bridge.store.database import Database
from bridge.store.leasing import Objects
from bridge.store.linking import link_ids_by_end
from bridge.store.saving import save_link
from bridge.store.scrubbing import empty_intents, links_mentioning, scrub
from bridge.store.sql import chunks
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
from bridge.store.tombstones import bury, tombstone


class People:
    def __init__(self, database: Database, clock: Clock, objects: Objects) -> None:
        self._database = database
        self._clock = clock
        self._objects = objects

    def mentioning(self, connection: str, text: str) -> list[Link]:
        """Links whose remembered values hold this text, in any capitals."""
        with self._database.read() as transaction:
            return links_mentioning(transaction, connection, text)

    def forget(self, connection: str, records: Collection[Reference], text: str = "") -> dict[str, int]:
        """Erase every value kept of these records and of what they are linked with, and every mention of ``text`` (an address)
        anywhere; answers rows touched by table.

        What stays says nothing about the person: ids, times, field names, causes. Links become dead, and records without a link
        get a dead one, so that a late hint creates nobody again. Bodies of webhooks are emptied, planned items and listings
        lose the raw records; tombstones keep both from being stored again. Work that is going on
        with one of the records loses its leases.
        """
        now = self._clock.now()
        with self._database.write() as transaction:
            link_ids = set(link_ids_by_end(transaction, connection, records).values())
            ends = transaction.execute(select(link_ends).where(link_ends.c.link_id.in_(link_ids)))
            everyone = set(records) | {Reference(end.stream, end.side, end.record_id) for end in ends}
            self._fence(transaction, connection, everyone)
            touched = {"links": len(link_ids)}
            _kill(transaction, link_ids, now)
            for record in sorted(everyone):
                object_ = self._objects.of(record)
                for table, count in _erase(transaction, connection, record, object_, now).items():
                    touched[table] = touched.get(table, 0) + count
            touched["intents"] = touched.get("intents", 0) + _erase_intents(transaction, link_ids)
            _close_off(transaction, connection, everyone, now)
            names = {(record, name) for record in everyone for name in (record.stream, self._objects.of(record))}
            bury(transaction, (tombstone(connection, name, record.record_id) for record, name in names), now)
            for table, count in (scrub(transaction, connection, text) if text else {}).items():
                touched[table] = touched.get(table, 0) + count
        self._database.compact()
        return touched

    def _fence(self, transaction: Connection, connection: str, records: Collection[Reference]) -> None:
        """Whoever is at work on one of the records owns it no more: what they commit would come after the erasure."""
        keys = {self._objects.key(record) for record in records}
        leasing.release(transaction, {token for token, _ in leasing.holders(transaction, connection, keys).values()})


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


def _close_off(transaction: Connection, connection: str, records: Collection[Reference], now: datetime) -> None:
    """A dead link for each record that has none: a hint of it must not create it on the other side."""
    linked = link_ids_by_end(transaction, connection, records)
    for record in sorted(set(records) - linked.keys()):
        ends = {record.side: EndDraft(record.record_id, Shadow())}
        save_link(transaction, connection, LinkDraft(None, record.stream, "dead", ends), now)


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
        touched[str(table.name)] = transaction.execute(
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
    return empty_intents(transaction, transaction.execute(select(intents.c.id).where(where)).scalars().all())
