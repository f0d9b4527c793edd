"""Additional properties, labels, usage logs and notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from bridge.clients.assembly.addressing import Address, Key, address
from bridge.clients.assembly.calls import PAGE, Fields, instant, page, pages, read, write
from bridge.core.errors import Rejected
from bridge.core.records import Lane
from bridge.transport import Http, Query, Raw, Reply, Rows

Item = Literal["accounts", "contacts", "deals"]
LabelType = Literal["Tier", "Stage", "CompanyType", "AccountTag"]
LabelsPath = Literal["/accounts/labels", "/account/labels"]
UsageType = Literal["Action", "Metric", "CumulativeMetric"]
LABEL_TYPES: tuple[LabelType, ...] = ("Tier", "Stage", "CompanyType", "AccountTag")


class Properties:
    """Additional properties of one account, contact or deal (a deal has no domain to name it by)."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def create(self, item: Item, key: Key, properties: Fields, *, lane: Lane = "live") -> Reply[str]:
        """``POST /add_props/{item}/{id}``, or ``POST /add_props/{item}?source_specific_id=``: refused if any of
        the names exists (TRAPS 10); ``update`` is safe to repeat."""
        answer = write(self._http, "POST", address(f"/add_props/{item}", key), lane, dict(properties))
        return answer.reply(answer.id())

    def get(self, item: Item, key: Key, *, updated_after: datetime | None = None, lane: Lane = "live") -> Reply[Raw]:
        """``GET /add_props/{item}/{id}``, or ``GET /add_props/{item}?source_specific_id=``: the ``id`` and
        ``additional_properties``, a list or a map (TRAPS 21)."""
        query: Query = {"updated_after": instant(updated_after)}
        answer = read(self._http, address(f"/add_props/{item}", key), lane, query)
        return answer.reply(answer.record())

    def update(self, item: Item, key: Key, properties: Fields, *, lane: Lane = "live") -> Reply[str]:
        """``PUT /add_props/{item}/{id}``, or ``PUT /add_props/{item}?source_specific_id=``: adds what is new,
        replaces what is there."""
        answer = write(self._http, "PUT", address(f"/add_props/{item}", key), lane, dict(properties))
        return answer.reply(answer.id())

    def delete(self, item: Item, key: Key, names: Sequence[str], *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /add_props/{item}/{id}``, or ``DELETE /add_props/{item}?source_specific_id=`` with the names in
        its body."""
        body = {"properties": list(names)}
        return write(self._http, "DELETE", address(f"/add_props/{item}", key), lane, body).reply(None)


class Labels:
    """The prose says ``/account/labels``, the examples ``/accounts/labels`` (TRAPS 12): open, so the client is told which."""

    def __init__(self, http: Http, path: LabelsPath = "/accounts/labels") -> None:
        self._http = http
        self._all = Address(path)
        self._path = path

    def create(
        self, type: LabelType, name: str, color: str, description: str | None = None, *, lane: Lane = "live"
    ) -> Reply[str]:
        """``POST /accounts/labels``: ``color`` is a hex code. Repeated, it makes a second label of the name (TRAPS 12)."""
        body = {"type": type, "name": name, "color": color}
        if description is not None:
            body["description"] = description
        answer = write(self._http, "POST", self._all, lane, body)
        return answer.reply(answer.id("label"))

    def list(
        self, type: LabelType | None = None, *, updated_after: datetime | None = None, lane: Lane = "live"
    ) -> Reply[Rows[Raw]]:
        """``GET /accounts/labels``, or ``GET /accounts/labels/{type}`` (in lower case, as the example shows)."""
        at = self._all if type is None else Address(f"{self._path}/{{type}}", {"type": type.lower()})
        answer = read(self._http, at, lane, {"updated_after": instant(updated_after)})
        return answer.reply(answer.rows("labels"))

    def get(self, label_id: str, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /accounts/labels/{id}``: a list of one."""
        answer = read(self._http, self._one(label_id), lane)
        return answer.reply(answer.record("labels", "label"))

    def update(self, label_id: str, fields: Fields, *, lane: Lane = "live") -> Reply[str]:
        """``PUT /accounts/labels/{id}``: any of type, name, color and description."""
        answer = write(self._http, "PUT", self._one(label_id), lane, dict(fields))
        return answer.reply(answer.id("label"))

    def delete(self, label_id: str, *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /accounts/labels/{id}``."""
        return write(self._http, "DELETE", self._one(label_id), lane).reply(None)

    def _one(self, label_id: str) -> Address:
        return Address(f"{self._path}/{{id}}", {"id": label_id})


class Usage:
    """Usage logs. There is no idempotency key: a log whose answer was lost may be there already (TRAPS 16)."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def add(
        self,
        type: UsageType,
        timestamp: str,
        content: str,
        attribute: str,
        *,
        value: float | None = None,
        metadata: Fields | None = None,
        on: tuple[Literal["accounts", "contacts"], Key] | None = None,
        lane: Lane = "live",
    ) -> Reply[str]:
        """``POST /usage``, ``POST /usage/{item}/{id}``, or ``POST /usage/{item}?source_specific_id=``: the metric types
        need ``value`` (TRAPS 16)."""
        if type != "Action" and value is None:
            raise Rejected(f"a usage log of type {type} needs a value", system="assembly", operation="POST /usage")
        body: Raw = {"type": type, "timestamp": timestamp, "content": content, "attribute": attribute}
        extra = {"value": value, "metadata": None if metadata is None else dict(metadata)}
        body |= {name: given for name, given in extra.items() if given is not None}
        answer = write(self._http, "POST", _log_address(on), lane, body)
        return answer.reply(answer.id("log"))

    def list(
        self,
        *,
        on: tuple[Literal["accounts", "contacts"], Key] | None = None,
        updated_after: datetime | None = None,
        limit: int = PAGE,
        offset: int = 0,
        lane: Lane = "live",
    ) -> Reply[Rows[Raw]]:
        """``GET /usage``, ``GET /usage/{item}/{id}``, or ``GET /usage/{item}?source_specific_id=``: one page, newest
        first."""
        query: Query = {"updated_after": instant(updated_after), "limit": limit, "offset": offset}
        answer = read(self._http, _log_address(on), lane, query)
        return answer.reply(page(answer, "log", "logs"))

    def pages(
        self,
        *,
        on: tuple[Literal["accounts", "contacts"], Key] | None = None,
        updated_after: datetime | None = None,
        limit: int = PAGE,
        lane: Lane = "live",
    ) -> Iterator[Rows[Raw]]:
        """``GET /usage``, ``GET /usage/{item}/{id}``, or ``GET /usage/{item}?source_specific_id=``, all pages."""
        query: Query = {"updated_after": instant(updated_after)}
        return pages(self._http, _log_address(on), "log", "logs", query=query, limit=limit, lane=lane)

    def get(self, log_id: str, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /usage/{id}``."""
        answer = read(self._http, address("/usage", log_id), lane)
        return answer.reply(answer.record("log", "usage"))

    def update(self, log_id: str, fields: Fields, *, lane: Lane = "live") -> Reply[str]:
        """``PUT /usage/{id}``: ``metadata`` is replaced as a whole."""
        answer = write(self._http, "PUT", address("/usage", log_id), lane, dict(fields))
        return answer.reply(answer.id("log"))

    def delete(self, log_id: str, *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /usage/{id}``."""
        return write(self._http, "DELETE", address("/usage", log_id), lane).reply(None)


class Notes:
    """Notes cannot be read, listed or deleted (TRAPS 15)."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def put(
        self,
        domain: str,
        source: str,
        source_specific_id: str,
        note: str,
        original_timestamp: str,
        participants: Sequence[str] = (),
        fields: Fields | None = None,
        *,
        lane: Lane = "live",
    ) -> Reply[str]:
        """``POST /accounts/create_note``: the same (source, source_specific_id) updates the same note.

        ``participants`` is required in the table and "when provided" in the prose: always sent. 412 when the domain is
        no company yet.
        """
        body = {
            **(fields or {}),
            "domain": domain,
            "source": source,
            "source_specific_id": source_specific_id,
            "note": note,
            "original_timestamp": original_timestamp,
            "participants": list(participants),
        }
        answer = write(self._http, "POST", Address("/accounts/create_note"), lane, body)
        return answer.reply(answer.id("note"))


def _log_address(on: tuple[Literal["accounts", "contacts"], Key] | None) -> Address:
    return Address("/usage") if on is None else address(f"/usage/{on[0]}", on[1])
