"""History: what went where, when, and by which line of which mapping."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from bridge.core.records import Reference
from bridge.store.database import Database
from bridge.store.paging import page_by
from bridge.store.rows import HistoryRow, Listing, Writes
from bridge.store.sql import AnyRow, chunks
from bridge.store.tables import history


class History:
    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        connection: str,
        stream: str | None = None,
        *,
        link_id: int | None = None,
        record: Reference | None = None,
        cause: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Listing[HistoryRow]:
        """Newest first; of one link, of one record (with or without a link), or both of them together."""
        where: list[ColumnElement[bool]] = [history.c.connection == connection]
        if stream is not None:
            where.append(history.c.stream == stream)
        if cause is not None:
            where.append(history.c.cause == cause)
        about: list[ColumnElement[bool]] = []
        if link_id is not None:
            about.append(history.c.link_id == link_id)
        if record is not None:
            about.append(
                and_(
                    history.c.stream == record.stream,
                    history.c.side == record.side,
                    history.c.record_id == record.record_id,
                )
            )
        if about:
            where.append(or_(*about))
        return self._page(select(history).where(*where), cursor, limit)

    def by_run(self, run_id: str, cursor: str | None = None, limit: int = 200) -> Listing[HistoryRow]:
        """What a run wrote, newest first (undo works backwards)."""
        return self._page(select(history).where(history.c.run_id == run_id), cursor, limit)

    def links_written(self, which: Writes, after: int = 0, limit: int = 200) -> tuple[int, ...]:
        """Ids of the links that these writes went to, from ``after`` on, in order."""
        query = select(history.c.link_id).where(*_chosen(which), history.c.link_id > after).distinct()
        with self._database.read() as transaction:
            return tuple(transaction.execute(query.order_by(history.c.link_id).limit(limit)).scalars())

    def writes_to(self, links: Collection[int]) -> dict[int, list[HistoryRow]]:
        """Link to all that was ever written to it, oldest first."""
        found: dict[int, list[HistoryRow]] = {link: [] for link in links}
        with self._database.read() as transaction:
            for chunk in chunks(links):
                query = select(history).where(history.c.link_id.in_(chunk), history.c.field != "")
                for row in transaction.execute(query.order_by(history.c.id)):
                    found[row.link_id].append(_to_row(row))
        return found

    def _page(self, query: Select[Any], cursor: str | None, limit: int) -> Listing[HistoryRow]:
        with self._database.read() as transaction:
            return page_by(transaction, query, history.c.id, _to_row, cursor=cursor, limit=limit)


def _chosen(which: Writes) -> list[ColumnElement[bool]]:
    wanted = {
        "connection": which.connection,
        "run_id": which.run_id,
        "link_id": which.link_id,
        "cause": which.cause,
        "stream": which.stream,
    }
    return [history.c.field != "", *(history.c[name] == value for name, value in wanted.items() if value is not None)]


def _to_row(row: AnyRow) -> HistoryRow:
    return HistoryRow(**row._mapping)
