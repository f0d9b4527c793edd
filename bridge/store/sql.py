"""Small things every statement needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Insert, Result, Row

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


def counted(result: Result[*tuple[Any, ...]]) -> dict[str, int]:
    """Rows of (name, number)."""
    return {row[0]: row[1] for row in result}
