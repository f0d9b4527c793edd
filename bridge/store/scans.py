"""Scans: both sides' listings, kept on disk while a run compares them, so that memory stays flat at any size."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bridge.store.database import Database
from bridge.store.rows import ScanRow
from bridge.store.sql import AnyRow, chunks
from bridge.store.tables import runs, scan_keys, scan_rows
from bridge.store.tombstones import buried, tombstone


class Scans:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add_page(self, run_id: str, stream: str, side: str, rows: Sequence[ScanRow]) -> None:
        """Keep one page of a listing. A row that comes twice (pages shift under edits) keeps its later reading."""
        if not rows:
            return
        here = {"run_id": run_id, "stream": stream, "side": side}
        with self._database.write() as transaction:
            latest = {row.record_id: row for row in _remembered(transaction, run_id, stream, rows)}
            if not latest:
                return
            for ids in chunks(latest):
                where = [scan_keys.c[name] == value for name, value in here.items()]
                transaction.execute(delete(scan_keys).where(*where, scan_keys.c.record_id.in_(ids)))
            _put_rows(transaction, [here | _values(row) for row in latest.values()])
            keys = [
                here | {"kind": kind, "value": value, "record_id": row.record_id}
                for row in latest.values()
                for kind, value in sorted(row.keys)
            ]
            if keys:
                transaction.execute(insert(scan_keys), keys)

    def page(self, run_id: str, stream: str, side: str, after: str | None, limit: int) -> tuple[ScanRow, ...]:
        """Rows after the record id ``after``, in id order; empty at the end. Without their keys."""
        return self._page(run_id, stream, side, after, limit, unpaired=False)

    def unpaired_page(self, run_id: str, stream: str, side: str, after: str | None, limit: int) -> tuple[ScanRow, ...]:
        """The same, of rows that ``mark_paired`` did not name."""
        return self._page(run_id, stream, side, after, limit, unpaired=True)

    def by_ids(self, run_id: str, stream: str, side: str, ids: Iterable[str]) -> dict[str, ScanRow]:
        found: dict[str, ScanRow] = {}
        with self._database.read() as transaction:
            for chunk in chunks(ids):
                where = (*_here(run_id, stream, side), scan_rows.c.record_id.in_(chunk))
                rows = transaction.execute(select(scan_rows).where(*where))
                found.update({row.record_id: _to_row(row) for row in rows})
        return found

    def by_keys(
        self, run_id: str, stream: str, side: str, kind: str, values: Iterable[str]
    ) -> dict[str, list[ScanRow]]:
        """Value to the rows that carry it under ``kind``, in id order; values that none carries are left out."""
        found: dict[str, list[ScanRow]] = {}
        joined = (
            (scan_keys.c.run_id == scan_rows.c.run_id)
            & (scan_keys.c.stream == scan_rows.c.stream)
            & (scan_keys.c.side == scan_rows.c.side)
            & (scan_keys.c.record_id == scan_rows.c.record_id)
        )
        with self._database.read() as transaction:
            for chunk in chunks(values):
                rows = transaction.execute(
                    select(scan_keys.c.value, scan_rows)
                    .join_from(scan_keys, scan_rows, joined)
                    .where(
                        scan_keys.c.run_id == run_id,
                        scan_keys.c.stream == stream,
                        scan_keys.c.side == side,
                        scan_keys.c.kind == kind,
                        scan_keys.c.value.in_(chunk),
                    )
                    .order_by(scan_keys.c.value, scan_keys.c.record_id)
                )
                for row in rows:
                    found.setdefault(row.value, []).append(_to_row(row))
        return found

    def mark_paired(self, run_id: str, stream: str, side: str, ids: Collection[str]) -> None:
        with self._database.write() as transaction:
            for chunk in chunks(ids):
                where = (*_here(run_id, stream, side), scan_rows.c.record_id.in_(chunk))
                transaction.execute(update(scan_rows).where(*where).values(paired=True))

    def clear(self, run_id: str, stream: str | None = None, side: str | None = None) -> None:
        """Forget a run's scan, or one stream's, or one side's."""
        wanted = {"run_id": run_id, "stream": stream, "side": side}
        with self._database.write() as transaction:
            for table in (scan_keys, scan_rows):
                where = [table.c[name] == value for name, value in wanted.items() if value is not None]
                transaction.execute(delete(table).where(*where))

    def _page(
        self, run_id: str, stream: str, side: str, after: str | None, limit: int, *, unpaired: bool
    ) -> tuple[ScanRow, ...]:
        query = select(scan_rows).where(*_here(run_id, stream, side))
        if after is not None:
            query = query.where(scan_rows.c.record_id > after)
        if unpaired:
            query = query.where(scan_rows.c.paired.is_(False))
        with self._database.read() as transaction:
            rows = transaction.execute(query.order_by(scan_rows.c.record_id).limit(limit))
            return tuple(_to_row(row) for row in rows)


def _remembered(transaction: Connection, run_id: str, stream: str, rows: Sequence[ScanRow]) -> list[ScanRow]:
    """Without the records of people who were forgotten."""
    name = transaction.execute(select(runs.c.connection).where(runs.c.id == run_id)).scalar() or ""
    hashes = {tombstone(name, stream, row.record_id): row for row in rows}
    gone = buried(transaction, hashes.keys())
    return [row for row in rows if tombstone(name, stream, row.record_id) not in gone] if gone else list(rows)


def _here(run_id: str, stream: str, side: str) -> tuple[Any, ...]:
    return scan_rows.c.run_id == run_id, scan_rows.c.stream == stream, scan_rows.c.side == side


def _put_rows(transaction: Connection, rows: Sequence[dict[str, Any]]) -> None:
    dialect = postgresql if transaction.dialect.name == "postgresql" else sqlite
    new = dialect.insert(scan_rows)
    later = {"raw": new.excluded.raw, "remote_updated_at": new.excluded.remote_updated_at}
    keys = ["run_id", "stream", "side", "record_id"]
    transaction.execute(new.on_conflict_do_update(index_elements=keys, set_=later), rows)


def _values(row: ScanRow) -> dict[str, Any]:
    return {"record_id": row.record_id, "raw": row.raw, "remote_updated_at": row.updated_at, "paired": row.paired}


def _to_row(row: AnyRow) -> ScanRow:
    return ScanRow(row.record_id, row.raw, row.remote_updated_at, paired=row.paired)
