"""Small things every statement needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Boolean, ColumnElement, Connection, Insert, Result, Row, Table, bindparam, insert, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal

from bridge.store.types import Several

T = TypeVar("T")
SIZE = 5_000

AnyRow: TypeAlias = Row[*tuple[Any, ...]]


def chunks(values: Iterable[T], size: int = SIZE) -> Iterator[list[T]]:
    """Bounded lists: no statement grows without an end. None at all for no values."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


class among(ColumnElement[bool]):
    """``column`` is one of the values of the parameter ``name``. The text is the same however many they are, so a database
    prepares it once; SQLAlchemy's own IN is spelled and prepared anew for each number of values."""

    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012  SQLAlchemy's declaration
        ("column", InternalTraversal.dp_clauseelement),
        ("values", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.values = bindparam(name, type_=Several(column.type.python_type))

    def self_group(self, against: object = None) -> among:  # noqa: ARG002  SQLAlchemy's signature
        """True as it stands: SQLite has no booleans, and a comparison with 1 would hide the column from its index."""
        return self


@compiles(among, "sqlite")
def _among_on_sqlite(element: among, compiler: Any, **more: Any) -> str:
    column, values = compiler.process(element.column, **more), compiler.process(element.values, **more)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608  compiled parts, no values


@compiles(among, "postgresql")
def _among_on_postgresql(element: among, compiler: Any, **more: Any) -> str:
    column, values = compiler.process(element.column, **more), compiler.process(element.values, **more)
    return f"{column} = ANY({values})"


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
