"""What the operations of Assembly share: sending to an address, times in queries, pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from bridge.clients.assembly.addressing import Address
from bridge.core.errors import BrokenRemote
from bridge.core.records import Json, Lane
from bridge.transport import Answer, Call, Http, Query, Raw, Rows, by_offset

Fields: TypeAlias = Mapping[str, Json]
"""Attributes by Assembly's names. ``tier``, ``stage``, ``company_type`` and ``tags`` are label ids (TRAPS 12)."""
PAGE = 100
"""The documented default. No maximum is stated for lists, so more may be clamped (TRAPS 19)."""


def instant(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC with ``Z``: other zones need escaping, and cutting to whole seconds only repeats rows (TRAPS 20)."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def read(http: Http, at: Address, lane: Lane, query: Query | None = None) -> Answer:
    return http.read(Call("GET", at.template, at.ids, {**at.query, **(query or {})}, lane=lane))


def write(http: Http, method: str, at: Address, lane: Lane, body: Json = None) -> Answer:
    return http.write(Call(method, at.template, at.ids, at.query, body, lane))


def one(answer: Answer, name: str, names: str) -> Raw:
    """The item of a single look-up. A list instead means that the remote ignored the query that named the item."""
    if isinstance(answer.body, dict) and isinstance(answer.body.get(names), list | dict):
        raise BrokenRemote(
            f"{answer.operation} answered a list where one item was asked for: is the dialect right?",
            system=answer.system,
            operation=answer.operation,
            status=answer.status,
        )
    return unwrap(answer.record(name), name)


def unwrap(row: Raw, name: str) -> Raw:
    """Search wraps each item once more: ``{"account": {…}}`` (TRAPS 21)."""
    inner = row.get(name)
    return inner if len(row) == 1 and isinstance(inner, dict) else row


def page(answer: Answer, name: str, names: str) -> Rows[Raw]:
    rows = answer.rows(names)
    return Rows(tuple(unwrap(row, name) for row in rows.items), rows.server_date, rows.more)


def pages(
    http: Http, at: Address, name: str, names: str, *, query: Query, limit: int, lane: Lane
) -> Iterator[Rows[Raw]]:
    """A listing in offset pages that survives shifting rows (TRAPS 18)."""

    def fetch(offset: int, size: int) -> Rows[Raw]:
        return page(read(http, at, lane, {**query, "limit": size, "offset": offset}), name, names)

    return by_offset(fetch, limit)
