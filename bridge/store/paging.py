"""Opaque cursors: the sort key of the last row of a page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from sqlalchemy import Column, Connection, Select

from bridge.core.errors import UsageError
from bridge.store.rows import Listing

T = TypeVar("T")
MAX_LIMIT = 1000


def encode_cursor(*key: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type) -> tuple[Any, ...]:
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise UsageError("the cursor is not one that this list gave") from None
    if not isinstance(key, list) or [type(part) for part in key] != list(types):
        raise UsageError("the cursor is not one that this list gave")
    return tuple(key)


def page_by(
    connection: Connection,
    query: Select[Any],
    column: Column[Any],
    make: Callable[[Any], T],
    *,
    cursor: str | None,
    limit: int,
    newest_first: bool = True,
) -> Listing[T]:
    """One page of ``query`` ordered by one unique column, integer or text."""
    if limit < 1:
        raise UsageError("the limit must be at least 1")
    limit = min(limit, MAX_LIMIT)
    if cursor is not None:
        (last,) = decode_cursor(cursor, column.type.python_type)
        query = query.where(column < last if newest_first else column > last)
    query = query.order_by(column.desc() if newest_first else column.asc()).limit(limit + 1)
    rows = connection.execute(query).all()
    following = encode_cursor(rows[limit - 1]._mapping[column]) if len(rows) > limit else None
    return Listing(tuple(make(row) for row in rows[:limit]), following)
