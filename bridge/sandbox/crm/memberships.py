"""Memberships: the companies of a contact, at most one of them primary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.crm.parts import ENTITY
from bridge.sandbox.crm.records import MEMBERSHIP_CHANGE, MEMBERSHIP_NEW
from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Operation

if TYPE_CHECKING:
    from bridge.sandbox.crm.system import Crm

_PATH = "/contacts/{id}/company-memberships"


class Memberships:
    def __init__(self, crm: Crm) -> None:
        self.crm = crm

    def operations(self) -> Iterable[Operation]:
        source = "crm.txt, {} /api/crm/contacts/{{id}}/company-memberships"
        one = f"{_PATH}/{{membership_id}}"
        return (
            Operation(
                "memberships.list", "GET", _PATH, self.listing, source.format("GET"), (ENTITY,), answers={200: {}}
            ),
            Operation(
                "memberships.create",
                "POST",
                _PATH,
                self.create,
                source.format("POST"),
                (ENTITY,),
                MEMBERSHIP_NEW,
                {201: {}},
            ),
            Operation(
                "memberships.update",
                "PATCH",
                one,
                self.update,
                source.format("PATCH") + "/{id}",
                (ENTITY,),
                MEMBERSHIP_CHANGE,
            ),
            Operation("memberships.delete", "DELETE", one, self.delete, source.format("DELETE") + "/{id}", (ENTITY,)),
        )

    def listing(self, call: Call) -> Answer:
        contact = self.crm.find("contacts", call.params["id"], seen=True)
        return self.crm.many("memberships", self.crm.seen["memberships"].many("contact", contact["id"]))

    def create(self, call: Call) -> Answer:
        contact = self.crm.find("contacts", call.params["id"])
        company_id = call.body["companyId"]
        self.crm.check_reference("companyId", "companies", company_id)
        held = self.crm.db["memberships"].many("contact", contact["id"])
        if any(one["companyId"] == company_id for one in held):
            raise Refusal(self.crm.switches.duplicate_status, "the contact is a member of this company already")
        primary = call.body.get("isPrimary")
        if primary is None:
            primary = not held and self.crm.switches.first_membership_primary
        values = {
            "contactId": contact["id"],
            "companyId": company_id,
            "isPrimary": primary,
            "role": call.body.get("role"),
        }
        return self.crm.one("memberships", self.crm.create("memberships", values), created=True)

    def update(self, call: Call) -> Answer:
        old = self._named(call)
        given = {name: call.body[name] for name in ("isPrimary", "role") if call.body.get(name) is not None}
        return self.crm.one(
            "memberships", self.crm.store("memberships", old, self.crm.touched("memberships", {**old, **given}))
        )

    def delete(self, call: Call) -> Answer:
        self.crm.discard("memberships", self._named(call))
        return self.crm.gone()

    def _named(self, call: Call) -> Row:
        """The membership of the path. The example repeats one id for both places, so what the last one is stays open."""
        contact_id, last = call.params["id"], call.params["membership_id"]
        table = self.crm.db["memberships"]
        match self.crm.switches.membership_path:
            case "membership":
                row = table.get(last)
                found = row if row is not None and row["contactId"] == contact_id else None
            case "repeated":
                found = table.get(last) if last == contact_id else None
            case _:
                found = next((one for one in table.many("contact", contact_id) if one["companyId"] == last), None)
        if found is None:
            raise Refusal(404, "Membership not found")
        return found
