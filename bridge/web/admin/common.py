"""What the resources share."""

from __future__ import annotations

from typing import Annotated, TypeVar

from fastapi import Query

from bridge.bootstrap import Bridge
from bridge.core.errors import UsageError

T = TypeVar("T")

Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Filter = Annotated[str | None, Query(max_length=200)]


def known(bridge: Bridge, connection: str) -> str:
    """Raises ``UsageError`` 404 for a connection that is not configured."""
    if connection not in bridge.connections:
        raise UsageError(f"no connection is called {connection!r}", status=404)
    return connection


def found(row: T | None, what: str) -> T:
    if row is None:
        raise UsageError(f"no such {what}", status=404)
    return row


def named_record(text: str) -> tuple[str, str]:
    """``crm:ID`` as side and id. Raises ``UsageError`` 404."""
    side, _, record_id = text.partition(":")
    if not side or not record_id:
        raise UsageError("name the record as crm:ID or assembly:ID", status=404)
    return side, record_id
