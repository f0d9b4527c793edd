"""Wavo as a whole: token, independent rate limits, and how records are shown."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import orjson

from bridge.sandbox.clock import wall
from bridge.sandbox.messages import Answer, Refusal, Request, Row
from bridge.sandbox.routing import Operation
from bridge.sandbox.switches import WavoSwitches
from bridge.sandbox.system import System
from bridge.sandbox.wavo.campaigns import Campaigns
from bridge.sandbox.wavo.clients import Clients
from bridge.sandbox.wavo.contacts import Contacts
from bridge.sandbox.wavo.messages import Messages
from bridge.sandbox.wavo.records import DEFAULTS, DESIGNS, ID_LENGTHS, MESSAGE_NAMES
from bridge.sandbox.wavo.suppressions import Suppressions

_MADE_BY_PEOPLE = frozenset({"campaign_id", "client_id", "is_reply", "updated_at"})


class Wavo(System[WavoSwitches]):
    name = "wavo"
    title = "Wavo sandbox"
    base_path = "/api/v1"
    designs = DESIGNS
    # wavo.txt, "Authentication": "a Bearer token used in request header"
    security: ClassVar[Row] = {"type": "http", "scheme": "bearer"}
    error_schema: ClassVar[Row] = {
        "type": "object",
        "properties": {"message": {"type": "string"}},
        "required": ["message"],
    }

    def operations(self) -> Iterable[Operation]:
        for part in (Campaigns, Clients, Contacts, Messages, Suppressions):
            yield from part(self).operations()

    def authenticate(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if self.switches.key_expired or not hmac.compare_digest(given.encode(), f"Bearer {self.key}".encode()):
            raise Refusal(401, "Unauthenticated.")

    def limit(self, operation: Operation) -> tuple[str, int | None, float]:
        """wavo.txt, "API Rate Limits": "These limits are independent e.g. in the same 60 seconds period, you could make 10
        contact search requests and 60 clients requests"; the table of limits is missing from the text."""
        size: int | None = getattr(self.switches, f"limit_{operation.group}")
        return operation.group, size, self.switches.limit_seconds

    def show_refusal(self, refusal: Refusal) -> Answer:
        """The text shows no error body; Wavo's other messages come under ``message``. Its slashes are escaped everywhere."""
        status = self.switches.invalid_status if refusal.status == 400 else refusal.status
        return self.told(status, {"message": refusal.message}, refusal.headers)

    def told(self, status: int, body: Row, headers: Mapping[str, str] | None = None) -> Answer:
        """An answer with its slashes escaped, as every example has them (``"US\\/Mountain"``)."""
        text = orjson.dumps(body).replace(b"/", b"\\/")
        return Answer(status, text, {**(headers or {}), "content-type": "application/json"})

    # --- records ------------------------------------------------------------------------------------------------

    def complete(self, object: str, given: Mapping[str, Any]) -> Row:
        made = self.ids.opaque(ID_LENGTHS.get(object, 20) - len(self.db[object]) % 2)
        stamp = int(wall(self.switches.clock_skew_seconds).timestamp())
        row = {"id": given.get("id") or made, **DEFAULTS[object], "created_at": stamp, "updated_at": self.now()}
        row |= given
        if object == "messages":
            row["submitted_at"] = row["submitted_at"] or row["created_at"]
        return row

    def store(self, object: str, old: Row | None, new: Row) -> Row:
        del old
        self.db[object].put(new)
        return new

    def discard(self, object: str, row: Row) -> None:
        self.db[object].remove(row["id"])

    def find(self, object: str, record_id: str, *, seen: bool = False) -> Row:
        row = (self.seen if seen else self.db)[object].get(record_id)
        if row is None:
            raise Refusal(404, "Not found.")
        return row

    def show_client(self, client_id: str, *, short: bool = False) -> Row:
        row = self.seen["clients"].get(client_id) or {"id": client_id, **DEFAULTS["clients"], "created_at": 0}
        names = ("id", "name", "created_at") if short else ("id", "name", "max_emails", "created_at")
        return {name: row[name] for name in names}

    def show_campaign(self, row: Row, *, short: bool = False) -> Row:
        shown = {name: row[name] for name in ("id", "name", "timezone", "status", "created_at")}
        return shown | {"client": self.show_client(row["client_id"], short=short)}

    def show_contact(self, row: Row, *, listed: bool = False) -> Row:
        """``listed``: in a campaign's listing, where the campaign is left out."""
        shown = {name: value for name, value in row.items() if name not in _MADE_BY_PEOPLE}
        if listed:
            return shown
        return shown | {
            "campaign": self.show_campaign(self.find("campaigns", row["campaign_id"], seen=True), short=True)
        }

    def show_message(self, row: Row) -> Row:
        return {name: row[name] for name in MESSAGE_NAMES}
