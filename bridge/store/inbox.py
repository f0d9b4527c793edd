"""The inbox: received webhook events, stored with their hints before they are acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from bridge.core.errors import UsageError
from bridge.core.ports import Clock
from bridge.store.database import Database
from bridge.store.hinting import put_hints
from bridge.store.paging import page_by
from bridge.store.rows import Hint, InboxEvent, InboxRow, Listing, Received
from bridge.store.sql import AnyRow, among, chunks
from bridge.store.tables import inbox
from bridge.store.tombstones import buried, tombstone

_KNOWN = select(inbox.c.event_id).where(inbox.c.connection == bindparam("conn"), among(inbox.c.event_id, "ids"))
_INSERT = insert(inbox)


class Inbox:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def receive(self, events: Sequence[InboxEvent], hints: Sequence[Sequence[Hint]]) -> list[Received]:
        """Store events and note their hints in one commit; ``hints`` are those of each event, in the events' order.

        A repeated event id is a duplicate: neither stored nor hinted again.
        """
        now = self._clock.now()
        answers: list[Received] = []
        rows: list[dict[str, Any]] = []
        asked: dict[str, dict[Hint, int | None]] = {}
        with self._database.write() as transaction:
            known = self._known(transaction, events)
            forgotten = buried(transaction, {_tombstone(event) for event in events})
            for event, wanted in zip(events, hints, strict=True):
                key = (event.connection, event.event_id)
                if event.event_id is not None and key in known:
                    answers.append("duplicate")
                    continue
                known.add(key)
                answers.append("stored")
                body = {"body": b""} if _tombstone(event) in forgotten else {}
                rows.append(_values(event, wanted) | body | {"received_at": now})
                asked.setdefault(event.connection, {}).update(dict.fromkeys(wanted))
            if rows:
                transaction.execute(_INSERT, rows)
            for name, of_connection in asked.items():
                put_hints(transaction, name, of_connection, lane="live", due_at=now, now=now)
        return answers

    def page(
        self,
        connection: str | None = None,
        *,
        object: str | None = None,
        record_id: str | None = None,
        state: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Listing[InboxRow]:
        wanted = {"connection": connection, "object": object, "record_id": record_id, "state": state}
        query = select(inbox).where(*(inbox.c[name] == value for name, value in wanted.items() if value is not None))
        with self._database.read() as transaction:
            return page_by(transaction, query, inbox.c.id, _to_row, cursor=cursor, limit=limit)

    def get(self, id: int) -> InboxRow | None:
        with self._database.read() as transaction:
            row = transaction.execute(select(inbox).where(inbox.c.id == id)).first()
        return None if row is None else _to_row(row)

    def replay(self, id: int) -> int:
        """Note the event's hints again; answers how many records will be looked at."""
        now = self._clock.now()
        with self._database.write() as transaction:
            row = transaction.execute(select(inbox).where(inbox.c.id == id)).first()
            if row is None:
                raise UsageError(f"there is no event {id}", status=404)
            event = _to_row(row)
            transaction.execute(update(inbox).where(inbox.c.id == id).values(state="replayed"))
            return put_hints(
                transaction, event.connection, dict.fromkeys(event.hints), lane="live", due_at=now, now=now
            )

    def _known(self, transaction: Connection, events: Sequence[InboxEvent]) -> set[tuple[str, str | None]]:
        by_connection: dict[str, list[str]] = {}
        for event in events:
            if event.event_id is not None:
                by_connection.setdefault(event.connection, []).append(event.event_id)
        return {
            (name, event_id)
            for name, ids in by_connection.items()
            for chunk in chunks(ids)
            for event_id in transaction.execute(_KNOWN, {"conn": name, "ids": chunk}).scalars()
        }


def _tombstone(event: InboxEvent) -> str:
    return tombstone(event.connection, event.object, event.record_id)


def _values(event: InboxEvent, hints: Sequence[Hint]) -> dict[str, Any]:
    return {
        "connection": event.connection,
        "event_id": event.event_id,
        "type": event.type,
        "object": event.object,
        "record_id": event.record_id,
        "occurred_at": event.occurred_at,
        "body": event.body,
        "hints": [[hint.stream, hint.side, hint.record_id] for hint in hints],
        "state": event.state,
    }


def _to_row(row: AnyRow) -> InboxRow:
    return InboxRow(
        id=row.id,
        connection=row.connection,
        event_id=row.event_id,
        type=row.type,
        object=row.object,
        record_id=row.record_id,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        body=bytes(row.body),
        hints=tuple(Hint(*hint) for hint in row.hints),
        state=row.state,
    )
