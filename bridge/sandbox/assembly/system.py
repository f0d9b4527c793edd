"""Assembly as a whole: key, errors, how records are shown, and what a write may say."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from bridge.sandbox.assembly.accounts import Accounts
from bridge.sandbox.assembly.contacts import Contacts
from bridge.sandbox.assembly.deals import Deals
from bridge.sandbox.assembly.labels import Labels
from bridge.sandbox.assembly.legacy import Legacy
from bridge.sandbox.assembly.notes import Notes
from bridge.sandbox.assembly.properties import Properties
from bridge.sandbox.assembly.records import DEFAULTS, DESIGNS, KINDS, PRIVATE
from bridge.sandbox.assembly.usage import Usage
from bridge.sandbox.messages import Answer, Refusal, Request, Row
from bridge.sandbox.routing import Operation
from bridge.sandbox.switches import AssemblySwitches
from bridge.sandbox.system import System
from bridge.sandbox.tables import Database


class Assembly(System[AssemblySwitches]):
    name = "assembly"
    title = "Assembly sandbox"
    base_path = ""
    designs = DESIGNS
    # assembly.txt, every example: "Authorization: <API_KEY>", the raw key
    security: ClassVar[Row] = {"type": "apiKey", "in": "header", "name": "Authorization"}

    def operations(self) -> Iterable[Operation]:
        if self.switches.dialect == "legacy":
            yield from Legacy(self).operations()
            return
        for part in (Accounts, Contacts, Deals, Properties, Labels, Usage, Notes):
            yield from part(self).operations()

    def authenticate(self, request: Request) -> None:
        """assembly.txt, "API Key": keys expire; "Search Accounts": 401 for an invalid or missing one."""
        given = request.headers.get("authorization", "")
        if self.switches.key_expired or not hmac.compare_digest(given.encode(), self.key.encode()):
            raise Refusal(401, "invalid or missing API key")

    def show_refusal(self, refusal: Refusal) -> Answer:
        if self.switches.error_body == "text":
            text = f"{refusal.status} - {refusal.message}".encode()
            return Answer(refusal.status, text, {**refusal.headers, "content-type": "text/plain"})
        return super().show_refusal(refusal)

    # --- answers ------------------------------------------------------------------------------------------------

    def show(self, object: str, row: Row) -> Row:
        """A record as GET returns it."""
        shown = {name: value for name, value in row.items() if name not in PRIVATE}
        if object == "contacts":
            company = shown.pop("company_id")
            if self.switches.contact_company_field:
                shown[self.switches.contact_company_field] = company
        elif object == "deals":
            del shown["account_id"]
            account = shown.pop("account_source_specific_id")
            if self.switches.deal_account_field:
                shown[self.switches.deal_account_field] = account
        form = self.switches.additional_properties
        if form != "map" and "additional_properties" in shown:
            listed = as_list(shown.pop("additional_properties"))
            shown["additional_properties" if form == "list" else "attributes_cached"] = listed
        return shown

    # --- finding ------------------------------------------------------------------------------------------------

    def by_source(self, database: Database, objects: tuple[str, ...], source_id: str) -> tuple[str, Row] | None:
        for object in objects:
            row = database[object].one("source", source_id)
            if row is not None:
                return object, row
        return None

    def by_name(self, database: Database, objects: tuple[str, ...], name: str) -> tuple[str, Row] | None:
        """By Assembly id or domain; deals have no domain."""
        for object in objects:
            row = database[object].get(name)
            if row is None and object != "deals":
                row = database[object].one("domain", name.casefold())
            if row is not None:
                return object, row
        return None

    def company(self, keys: Mapping[str, Any]) -> Row | None:
        """The company that the first given of the three company keys names; ``None`` if none was given.

        Raises the open "no such parent" status.
        """
        accounts = self.db["accounts"]
        for name, value in keys.items():
            if value is None:
                continue
            if name == "company_id":
                found = accounts.get(value)
            elif name == "company_domain":
                found = accounts.one("domain", value.casefold())
            else:
                found = accounts.one("source", value)
            if found is None:
                raise Refusal(self.switches.unknown_parent_status, f"no company account for {name}")
            return found
        return None

    def duplicate(self, message: str) -> Refusal:
        return Refusal(self.switches.duplicate_status, message)

    # --- records ------------------------------------------------------------------------------------------------

    def complete(self, object: str, given: Mapping[str, Any]) -> Row:
        now = self.now()
        row = {"id": given.get("id") or self.ids.uuid7(), **DEFAULTS[object], "created_at": now, "updated_at": now}
        row |= given
        if "additional_properties" in row:
            row["property_stamps"] = dict.fromkeys(row["additional_properties"], row["updated_at"])
        if object == "deals" and row["account_id"] is None and row["account_source_specific_id"] is not None:
            account = self.db["accounts"].one("source", row["account_source_specific_id"])
            row["account_id"] = account["id"] if account else None
        return row

    def store(self, object: str, old: Row | None, new: Row) -> Row:
        if old is not None and "additional_properties" in new:
            before, after = old["additional_properties"], new["additional_properties"]
            if before is not after:
                now = self.now()
                stamps = old["property_stamps"]
                new = {
                    **new,
                    "property_stamps": {
                        name: stamps[name] if name in before and before[name] == value else now
                        for name, value in after.items()
                    },
                }
        self.db[object].put(new)
        return new

    def discard(self, object: str, row: Row) -> None:
        """assembly.txt says of a deal only that its source ids and attributes go too; what a company takes along is open."""
        if object == "accounts":
            contacts, deals = (
                self.db["contacts"].many("company", row["id"]),
                self.db["deals"].many("account", row["id"]),
            )
            match self.switches.account_delete:
                case "refuse" if contacts or deals:
                    raise self.duplicate("the account still has contacts or deals")
                case "cascade":
                    for child, rows in (("contacts", contacts), ("deals", deals)):
                        for one in rows:
                            self.db[child].remove(one["id"])
                case _:
                    for contact in contacts:
                        self.db["contacts"].put({**contact, "company_id": None})
        if object == "labels":
            self._unlabel(row["id"])
        self.db[object].remove(row["id"])

    def _unlabel(self, label_id: str) -> None:
        for object in KINDS:
            for row in self.db[object].many("label", label_id):
                new = {**row, "tags": [tag for tag in row["tags"] if tag != label_id]}
                new |= {name: None for name in ("tier", "stage", "company_type") if row[name] == label_id}
                if self.switches.labels_move_updated_at:
                    new["updated_at"] = self.now()
                self.db[object].put(new)


def as_list(properties: Mapping[str, Any]) -> list[Row]:
    return [{"name": name, "value": value} for name, value in properties.items()]
