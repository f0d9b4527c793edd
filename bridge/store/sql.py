"""Small things every statement needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Insert, Result, Row, Table, insert, text

T = TypeVar("T")
SIZE = 5_000

AnyRow: TypeAlias = Row[*tuple[Any, ...]]


def chunks(values: Iterable[T], size: int = SIZE) -> Iterator[list[T]]:
    """Bounded IN lists: both databases limit the parameters of one statement."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def insert_row(connection: Connection, statement: Insert, values: Mapping[str, Any]) -> int:
    """Insert one row and answer its id."""
    key = connection.execute(statement, dict(values)).inserted_primary_key
    return int(key[0]) if key else 0


_RESERVE = {
    "sqlite": text("SELECT seq FROM sqlite_sequence WHERE name = :name"),
    "postgresql": text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)"),
}


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows without their ids and answer those, in the rows' order.

    They are reserved first, which is safe within a write transaction: answered by the insert itself they would cost SQLite
    a statement a row.
    """
    if not rows:
        return []
    dialect = connection.dialect.name
    told = list(connection.execute(_RESERVE[dialect], {"name": table.name, "count": len(rows)}).scalars())
    first = (told[0] if told else 0) + 1
    ids = list(range(first, first + len(rows))) if dialect == "sqlite" else told
    connection.execute(insert(table), [{**row, "id": id} for row, id in zip(rows, ids, strict=True)])
    return ids


def counted(result: Result[*tuple[Any, ...]]) -> dict[str, int]:
    """Rows of (name, number)."""
    return {row[0]: row[1] for row in result}
