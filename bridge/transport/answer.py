"""A remote's answer, and the few shapes that a record or a list may come in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from bridge.core.errors import BrokenRemote, NotThere, OutcomeUnknown, RemoteError
from bridge.core.records import Json

T = TypeVar("T")
Raw: TypeAlias = dict[str, Any]
"""A record as it came: every field, known or not."""


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """What a client method answers. ``server_date`` is the remote's clock when it answered."""

    value: T
    server_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """One page. ``more`` is what the remote says about further ones, ``None`` if it does not."""

    items: tuple[T, ...]
    server_date: datetime | None = None
    more: bool | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A success. ``body`` is the parsed JSON, ``None`` for an empty body."""

    system: str
    operation: str
    status: int
    body: Json
    server_date: datetime | None
    wrote: bool

    def reply(self, value: T) -> Reply[T]:
        return Reply(value, self.server_date)

    def record(self, *names: str) -> Raw:
        """The one record: bare, or wrapped in one of ``names`` or in ``data``, or a list of one."""
        body = self.body
        for name in (*names, "data"):
            if isinstance(body, dict) and "id" not in body and name in body:
                body = body[name]
        if isinstance(body, list) and len(body) == 1:
            body = body[0]
        if body is None and not self.wrote:
            raise NotThere(f"{self.operation} answered nothing", system=self.system, operation=self.operation)
        if not isinstance(body, dict):
            raise self.misshapen("no record")
        return body

    def written(self, *names: str) -> Raw:
        """The record that a write answered, ``{}`` where it answered none: most success bodies are open."""
        return self.record(*names) if isinstance(self.body, dict | list) and self.body else {}

    def created(self, *names: str) -> Raw:
        """The record that a create answered; its id must be there, for it was made all the same."""
        self.id(*names)
        return self.record(*names)

    def object(self) -> Raw:
        """The body itself, an object of whatever fields."""
        if not isinstance(self.body, dict):
            raise self.misshapen("no object")
        return self.body

    def rows(self, *names: str) -> Rows[Raw]:
        """A list: bare, or wrapped in one of ``names`` or in ``data``, also one in the other."""
        body: Json = self.body
        more: bool | None = None
        for _ in range(2):
            if isinstance(body, dict):
                more = body.get("has_next_page", more)
                body = next((body[name] for name in (*names, "data") if name in body), None)
        if body is None and self.body not in (None, "") and _holds_null(self.body, (*names, "data")):
            body = []
        if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
            raise self.misshapen("no list")
        return Rows(tuple(body), self.server_date, more if isinstance(more, bool) else None)

    def id(self, *names: str) -> str:
        """The id of what was written, bare or in the record. A create without one was made all the same."""
        found = self.record(*names).get("id") if self.body else None
        if not isinstance(found, str | int) or isinstance(found, bool) or found == "":
            raise self.misshapen("no id")
        return str(found)

    def misshapen(self, what: str) -> RemoteError:
        kind = OutcomeUnknown if self.wrote else BrokenRemote
        message = f"{self.operation} answered {self.status} with {what} where its document shows one"
        return kind(message, system=self.system, operation=self.operation, status=self.status)


def _holds_null(body: Json, names: tuple[str, ...]) -> bool:
    """An empty list may be spelled ``{"deals": null}``."""
    while isinstance(body, dict):
        name = next((name for name in names if name in body), None)
        if name is None:
            return False
        if body[name] is None:
            return True
        body = body[name]
    return False
