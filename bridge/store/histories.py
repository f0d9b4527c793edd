"""History: what went where, when, and by which line of which mapping."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from bridge.core.records import Reference
from bridge.store.database import Database
from bridge.store.paging import page_by
from bridge.store.rows import HistoryRow, Listing
from bridge.store.sql import AnyRow
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

    def _page(self, query: Select[Any], cursor: str | None, limit: int) -> Listing[HistoryRow]:
        with self._database.read() as transaction:
            return page_by(transaction, query, history.c.id, _to_row, cursor=cursor, limit=limit)


def _to_row(row: AnyRow) -> HistoryRow:
    return HistoryRow(**row._mapping)
