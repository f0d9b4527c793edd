"""Contacts. Which companies one belongs to are memberships."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.crm.parts import ENTITY, patched, uuid_filter
from bridge.sandbox.crm.records import CONTACT_CHANGE, CONTACT_NEW
from bridge.sandbox.messages import Answer, Call
from bridge.sandbox.routing import Operation, Parameter

if TYPE_CHECKING:
    from bridge.sandbox.crm.system import Crm


class Contacts:
    def __init__(self, crm: Crm) -> None:
        self.crm = crm

    def operations(self) -> Iterable[Operation]:
        # crm.txt, GET /contacts: one filter of type uuid beside entityId; its name is open.
        company = Parameter("companyId", {"type": "string", "format": "uuid"})
        return (
            Operation(
                "contacts.list",
                "GET",
                "/contacts",
                self.listing,
                "crm.txt, GET /api/crm/contacts",
                (ENTITY, company),
                answers={200: {}},
            ),
            Operation(
                "contacts.create",
                "POST",
                "/contacts",
                self.create,
                "crm.txt, POST /api/crm/contacts",
                (ENTITY,),
                CONTACT_NEW,
                {201: {}},
            ),
            Operation(
                "contacts.get", "GET", "/contacts/{id}", self.get, "crm.txt, GET /api/crm/contacts/{id}", (ENTITY,)
            ),
            Operation(
                "contacts.update",
                "PATCH",
                "/contacts/{id}",
                self.update,
                "crm.txt, PATCH /api/crm/contacts/{id}",
                (ENTITY,),
                CONTACT_CHANGE,
            ),
            Operation(
                "contacts.delete",
                "DELETE",
                "/contacts/{id}",
                self.delete,
                "crm.txt, DELETE /api/crm/contacts/{id}",
                (ENTITY,),
            ),
        )

    def listing(self, call: Call) -> Answer:
        """The text shows no paging: the whole list comes."""
        seen = self.crm.seen
        company = uuid_filter(call, "companyId")
        if not company:
            return self.crm.many("contacts", seen["contacts"])
        contacts = (seen["contacts"].get(one["contactId"]) for one in seen["memberships"].many("company", company))
        return self.crm.many("contacts", [one for one in contacts if one is not None])

    def create(self, call: Call) -> Answer:
        return self.crm.one(
            "contacts", self.crm.create("contacts", self.crm.accepted("contacts", call.body)), created=True
        )

    def get(self, call: Call) -> Answer:
        return self.crm.one("contacts", self.crm.find("contacts", call.params["id"], seen=True))

    def update(self, call: Call) -> Answer:
        return self.crm.one("contacts", patched(self.crm, "contacts", call))

    def delete(self, call: Call) -> Answer:
        self.crm.discard("contacts", self.crm.find("contacts", call.params["id"]))
        return self.crm.gone()
