"""What the operations of Wavo share: JSON under ``data``, ids as opaque strings, times in unix seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from bridge.core.records import Json, Lane
from bridge.transport import Answer, Call, Http, Query, Raw, Rows, by_offset

Fields: TypeAlias = Mapping[str, Json]


def read(
    http: Http, template: str, lane: Lane, ids: Mapping[str, str] | None = None, query: Query | None = None
) -> Answer:
    return http.read(Call("GET", template, ids or {}, query or {}, lane=lane))


def write(
    http: Http,
    method: str,
    template: str,
    lane: Lane,
    ids: Mapping[str, str] | None = None,
    *,
    query: Query | None = None,
    body: Json = None,
) -> Answer:
    return http.write(Call(method, template, ids or {}, query or {}, body, lane))


def pages(
    http: Http, template: str, lane: Lane, ids: Mapping[str, str], query: Query, limit: int
) -> Iterator[Rows[Raw]]:
    """Offset pages without a total or a word on further ones (TRAPS 35)."""

    def fetch(offset: int, size: int) -> Rows[Raw]:
        return read(http, template, lane, ids, {**query, "limit": size, "offset": offset}).rows()

    return by_offset(fetch, limit)


def told(answer: Answer) -> str:
    """The message that some writes answer in place of a record."""
    return str(answer.body.get("message", "")) if isinstance(answer.body, dict) else ""
