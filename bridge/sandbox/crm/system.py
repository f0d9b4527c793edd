"""The CRM as a whole: key and entity, envelopes, tables, and what follows from a change."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from bridge.sandbox.crm.activities import Activities
from bridge.sandbox.crm.companies import Companies
from bridge.sandbox.crm.contacts import Contacts
from bridge.sandbox.crm.extras import Extras
from bridge.sandbox.crm.leads import Leads
from bridge.sandbox.crm.memberships import Memberships
from bridge.sandbox.crm.records import DEFAULTS, DESIGNS, EVENTS
from bridge.sandbox.crm.stages import Stages
from bridge.sandbox.messages import Answer, Refusal, Request, Row
from bridge.sandbox.routing import Operation
from bridge.sandbox.shapes import is_uuid
from bridge.sandbox.switches import CrmSwitches
from bridge.sandbox.system import System

_MINE = frozenset({"id", "entityId", "createdAt", "updatedAt", "companyMemberships", "companyId"})
"""Names that a contact's caller cannot set; the rest of the objects may set ``companyId``."""


class Crm(System[CrmSwitches]):
    name = "crm"
    title = "CRM sandbox"
    base_path = "/api/crm"
    designs = DESIGNS
    # crm.txt, head: "Send Authorization: Bearer ak_..."
    security: ClassVar[Row] = {"type": "http", "scheme": "bearer"}

    def furnish(self) -> None:
        """The key's own user, a mail connection and a marketing list: the API has no way to make them."""
        self.me = self.ids.uuid4()
        for object, name in (("connections", "gmail"), ("marketing_lists", "Newsletter")):
            self.db[object].put(self.complete(object, {"name": name}))

    def facts(self) -> Row:
        """``me``: the user that the key stands for in ``ownerId=me``."""
        return {"me": self.me}

    def operations(self) -> Iterable[Operation]:
        for part in (Companies, Contacts, Memberships, Stages, Leads, Activities, Extras):
            yield from part(self).operations()

    def authenticate(self, request: Request) -> None:
        """crm.txt, head: a Bearer key, and the entity "in query or JSON body", which "must match the API key's entity"."""
        given = request.headers.get("authorization", "")
        if self.switches.key_expired or not hmac.compare_digest(given.encode(), f"Bearer {self.key}".encode()):
            raise Refusal(401, "Unauthorized")
        entities = [request.query["entityId"]] if "entityId" in request.query else []
        if request.body:
            body = request.json()
            if isinstance(body, dict) and "entityId" in body:
                entities.append(body["entityId"])
        if not entities:
            raise Refusal(400, "entityId is required")
        for entity in entities:
            if not is_uuid(entity):
                raise Refusal(400, "entityId must be a UUID")
            if entity != self.entity_id:
                raise Refusal(403, "entityId does not match the API key")

    def authorise(self, operation: Operation) -> None:
        """crm.txt, head: "read:crm / write:crm scopes"."""
        reads = operation.method == "GET"
        if not (self.switches.read_scope if reads else self.switches.write_scope):
            raise Refusal(403, f"the key lacks {'read' if reads else 'write'}:crm")

    # --- answers ------------------------------------------------------------------------------------------------

    def show(self, object: str, row: Row) -> Row:
        """A record as the API returns it."""
        shown = dict(row)
        if object == "contacts" and self.switches.embedded_memberships:
            held = self.seen["memberships"].many("contact", row["id"])
            shown["companyMemberships"] = [
                {"id": one["id"], "companyId": one["companyId"], "isPrimary": one["isPrimary"]} for one in held
            ]
        if self.switches.updated_field != "updatedAt" and "updatedAt" in shown:
            stamp = shown.pop("updatedAt")
            if self.switches.updated_field:
                shown[self.switches.updated_field] = stamp
        return shown

    def many(self, object: str, rows: Iterable[Row], *, named: str = "") -> Answer:
        shown = [self.show(object, row) for row in rows]
        match self.switches.list_envelope:
            case "named":
                return Answer(200, {named or object: shown})
            case "data":
                return Answer(200, {"data": shown})
            case _:
                return Answer(200, shown)

    def one(self, object: str, row: Row, *, created: bool = False, named: str = "") -> Answer:
        shown = self.show(object, row)
        status = self.switches.created_status if created else 200
        match self.switches.object_envelope:
            case "named":
                return Answer(status, {named or SINGULAR[object]: shown})
            case "data":
                return Answer(status, {"data": shown})
            case _:
                return Answer(status, shown)

    def gone(self) -> Answer:
        """The answer to a DELETE, whose body the text leaves open."""
        match self.switches.delete_body:
            case "success":
                return Answer(200, {"success": True})
            case "empty":
                return Answer(200, {})
            case _:
                return Answer(204)

    # --- records ------------------------------------------------------------------------------------------------

    def accepted(self, object: str, body: Row) -> Row:
        """What of a request's body is taken over into a record."""
        mine = _MINE if object == "contacts" else _MINE - {"companyId"}
        given = {name: value for name, value in body.items() if name not in mine}
        if self.switches.unknown_fields == "ignore":
            given = {name: value for name, value in given.items() if name in DEFAULTS[object]}
        if not self.switches.null_clears:
            given = {name: value for name, value in given.items() if value is not None}
        return given

    def find(self, object: str, record_id: str, *, seen: bool = False) -> Row:
        """The record of a path; 404 otherwise."""
        row = (self.seen if seen else self.db)[object].get(record_id)
        if row is None:
            raise Refusal(404, f"{SINGULAR[object].capitalize()} not found")
        return row

    def check_reference(self, name: str, object: str, record_id: str | None) -> None:
        """A body may name only records that are there; the status for others is open, 400 here."""
        if record_id is not None and self.db[object].get(record_id) is None:
            raise Refusal(400, f"{name} names no {SINGULAR[object]}")

    def complete(self, object: str, given: Mapping[str, Any]) -> Row:
        now = self.now()
        row = {"id": given.get("id") or self.ids.uuid4(), "entityId": self.entity_id, **DEFAULTS[object]}
        row |= {"createdAt": now, "updatedAt": given.get("createdAt") or now} | dict(given)
        if object == "leads" and row["stageId"] is None:
            first = next(iter(self.db["stages"]), None)
            row["stageId"] = first["id"] if first else None
        return row

    def touched(self, object: str, row: Row) -> Row:
        del object
        return {**row, "updatedAt": self.now()}

    def store(self, object: str, old: Row | None, new: Row) -> Row:
        if object == "memberships" and new["isPrimary"]:
            for other in self.db["memberships"].many("contact", new["contactId"]):
                if other["isPrimary"] and other["id"] != new["id"]:
                    self.db["memberships"].put({**other, "isPrimary": False})
        self.db[object].put(new)
        self._tell(object, "updated" if old is not None else "created", new)
        return new

    def discard(self, object: str, row: Row) -> None:
        """Memberships go with their contact or company; leads and activities stay and lose the reference."""
        self.db[object].remove(row["id"])
        index = {"contacts": "contact", "companies": "company"}.get(object)
        if index is not None:
            field = f"{index}Id"
            for membership in self.db["memberships"].many(index, row["id"]):
                self.db["memberships"].remove(membership["id"])
            for child in ("leads", "activities"):
                for held in self.db[child].many(index, row["id"]):
                    self.db[child].put({**held, field: None})
        self._tell(object, "deleted", row)

    def _tell(self, object: str, what: str, row: Row) -> None:
        if object == "memberships":
            contact = self.db["contacts"].get(row["contactId"])
            if contact is not None and self.switches.memberships_move_contact:
                contact = self.touched("contacts", contact)
                self.db["contacts"].put(contact)
            if contact is not None and self.switches.membership_events in ("both", "contact"):
                self.listen("contact.updated", contact)
            if self.switches.membership_events == "contact":
                return
        if object in EVENTS:
            self.listen(f"{EVENTS[object]}.{what}", row)


SINGULAR = {
    "companies": "company",
    "contacts": "contact",
    "memberships": "membership",
    "stages": "stage",
    "leads": "lead",
    "activities": "activity",
    "emails": "email",
    "connections": "connection",
    "marketing_lists": "list",
}
