"""Contacts. They can be made and found, and neither changed nor deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.messages import Answer, Call, Refusal
from bridge.sandbox.routing import Operation, Parameter
from bridge.sandbox.wavo.parts import number, paging
from bridge.sandbox.wavo.records import CONTACT, CONTACT_NEW, INTERESTS, LISTED_CONTACT, STATUSES, data, many
from bridge.sandbox.wavo.suppressions import Suppressed

if TYPE_CHECKING:
    from bridge.sandbox.wavo.system import Wavo


class Contacts:
    def __init__(self, wavo: Wavo) -> None:
        self.wavo = wavo

    def operations(self) -> Iterable[Operation]:
        text = {"type": "string"}
        search = (
            Parameter("email", {"type": "string", "format": "email"}, required=True),
            Parameter("client_id", text),
            Parameter("campaign_id", text),
        )
        filters = (
            Parameter("status", {"type": "string", "enum": list(STATUSES)}),
            Parameter("interest", {"type": "string", "enum": list(INTERESTS)}),
            Parameter("emails_sent", {"type": "integer", "minimum": 0}),
            Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 500}),
            Parameter("offset", {"type": "integer", "minimum": 0}),
        )
        return (
            Operation(
                "contacts.create",
                "POST",
                "/contacts",
                self.create,
                'wavo.txt, "Create a new contact"',
                (),
                CONTACT_NEW,
                {201: many(CONTACT)},
                "contacts",
            ),
            Operation(
                "contacts.get",
                "GET",
                "/contacts/{id}",
                self.get,
                'wavo.txt, "Display a contact"',
                answers={200: data(CONTACT)},
                group="contacts",
            ),
            Operation(
                "contacts.list",
                "GET",
                "/campaigns/{id}/contacts",
                self.listing,
                'wavo.txt, "Display a listing of contacts"',
                filters,
                answers={200: many(LISTED_CONTACT)},
                group="contacts",
            ),
            Operation(
                "contacts.search",
                "GET",
                "/contacts",
                self.search,
                'wavo.txt, "Search for contacts"',
                search,
                answers={200: many(CONTACT)},
                group="contact_search",
            ),
        )

    def create(self, call: Call) -> Answer:
        """Answers a list of one."""
        given = {name: value for name, value in CONTACT_NEW.only(call.body).items() if value is not None}
        campaign = self.wavo.db["campaigns"].get(given["campaign_id"])
        if campaign is None:
            raise Refusal(400, "The selected campaign id is invalid.")
        twins = self.wavo.db["contacts"].many("email", given["email"].casefold())
        if self.wavo.switches.unique_email_in_campaign and any(one["campaign_id"] == campaign["id"] for one in twins):
            raise Refusal(400, "The email has already been taken.")
        stopped = Suppressed(self.wavo, campaign["client_id"]).covers(given["email"])
        status = "UNSUBSCRIBED" if stopped else "OK"
        row = self.wavo.create("contacts", {**given, "timezone": campaign["timezone"], "status": status})
        return self.wavo.told(201, {"data": [self.wavo.show_contact(row)]})

    def get(self, call: Call) -> Answer:
        row = self.wavo.find("contacts", call.params["id"], seen=True)
        return self.wavo.told(200, {"data": self.wavo.show_contact(row)})

    def listing(self, call: Call) -> Answer:
        self.wavo.find("campaigns", call.params["id"], seen=True)
        rows = self.wavo.seen["contacts"].many("campaign", call.params["id"])
        status, interest = call.query.get("status"), call.query.get("interest")
        if status:
            if status not in STATUSES:
                raise Refusal(400, "The selected status is invalid.")
            # Asked for in lower case with a dash, answered in upper case.
            rows = [row for row in rows if row["status"].lower().replace("_", "-") == status]
        if interest:
            if interest not in INTERESTS:
                raise Refusal(400, "The selected interest is invalid.")
            rows = [row for row in rows if (row["interest"] or "unmarked").lower() == interest]
        if call.query.get("emails_sent"):
            sent = number(call, "emails_sent", 0)
            rows = [row for row in rows if row["emails_sent"] == sent]
        offset, limit = paging(call, default=100, most=500)
        return self.wavo.told(
            200, {"data": [self.wavo.show_contact(row, listed=True) for row in rows[offset : offset + limit]]}
        )

    def search(self, call: Call) -> Answer:
        email = call.query.get("email")
        if not email:
            raise Refusal(400, "The email field is required.")
        rows = self.wavo.seen["contacts"].many("email", email.casefold())
        if campaign_id := call.query.get("campaign_id"):
            rows = [row for row in rows if row["campaign_id"] == campaign_id]
        if client_id := call.query.get("client_id"):
            held = {one["id"] for one in self.wavo.seen["campaigns"].many("client", client_id)}
            rows = [row for row in rows if row["campaign_id"] in held]
        return self.wavo.told(200, {"data": [self.wavo.show_contact(row) for row in rows]})
