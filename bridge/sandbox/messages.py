"""One HTTP request and one answer, as plain values between the server and the simulated systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote

import orjson

Row: TypeAlias = dict[str, Any]
"""A stored record. Rows are replaced, never changed in place: the stale replica shares them."""


class Refusal(Exception):
    """The simulated system says no: ``status`` and the message it shows."""

    def __init__(self, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is a JSON value, or bytes to be sent as they are; ``None`` sends no body at all."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else orjson.dumps(self.body)


class Request:
    """``segments`` are the path's parts, each unescaped by itself, so that ``%2F`` stays inside one."""

    __slots__ = ("_json", "body", "headers", "method", "path", "query", "segments")

    def __init__(self, method: str, raw_path: str, query: str, headers: Mapping[str, str], body: bytes) -> None:
        self.method = method
        self.path = raw_path
        self.segments = tuple(unquote(part) for part in raw_path.strip("/").split("/"))
        self.query = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        self.headers = headers
        self.body = body
        self._json: Any = None

    def json(self) -> Any:
        """Raises a 400 for a body that is not JSON. An empty body is ``None``."""
        if self._json is None and self.body:
            try:
                self._json = orjson.loads(self.body)
            except orjson.JSONDecodeError:
                raise Refusal(400, "invalid JSON body") from None
        return self._json


@dataclass(slots=True)
class Call:
    """A matched request: path parameters, and the body as ``Body.check`` left it."""

    request: Request
    params: Mapping[str, str]
    body: Row

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query
