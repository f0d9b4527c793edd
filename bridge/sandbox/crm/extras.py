"""The CRM's remaining operations: outbound mail, marketing lists, the dashboard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.crm.parts import ENTITY
from bridge.sandbox.messages import Answer, Call, Refusal
from bridge.sandbox.routing import Operation
from bridge.sandbox.shapes import NAME, UUID, Body, list_of

if TYPE_CHECKING:
    from bridge.sandbox.crm.system import Crm

# crm.txt, POST /outbound-email: -d '{ "leadId": …, "connectionId": …, "channel": "gmail", "subject": …, "htmlBody": … }'
_EMAIL = Body(
    {"entityId": UUID, "leadId": UUID, "connectionId": UUID, "channel": NAME, "subject": NAME, "htmlBody": NAME},
    required=("leadId", "connectionId", "channel", "subject", "htmlBody"),
)
# crm.txt, POST /prospecting/add-to-marketing-list: -d '{ "listId": … }'; who is added is open
_LIST = Body(
    {"entityId": UUID, "listId": UUID, "companyIds": list_of(UUID), "contactIds": list_of(UUID)}, required=("listId",)
)


class Extras:
    def __init__(self, crm: Crm) -> None:
        self.crm = crm

    def operations(self) -> Iterable[Operation]:
        return (
            Operation(
                "emails.send",
                "POST",
                "/outbound-email",
                self.send,
                "crm.txt, POST /api/crm/outbound-email",
                (ENTITY,),
                _EMAIL,
                {201: {}},
            ),
            Operation(
                "connections.list",
                "GET",
                "/outbound-email-connections",
                self.connections,
                "crm.txt, GET /api/crm/outbound-email-connections",
                (ENTITY,),
                answers={200: {}},
            ),
            Operation(
                "marketing_lists.add",
                "POST",
                "/prospecting/add-to-marketing-list",
                self.add,
                "crm.txt, POST /api/crm/prospecting/add-to-marketing-list",
                (ENTITY,),
                _LIST,
            ),
            Operation(
                "dashboard.get", "GET", "/dashboard", self.dashboard, "crm.txt, GET /api/crm/dashboard", (ENTITY,)
            ),
        )

    def send(self, call: Call) -> Answer:
        self.crm.check_reference("leadId", "leads", call.body["leadId"])
        self.crm.check_reference("connectionId", "connections", call.body["connectionId"])
        return self.crm.one("emails", self.crm.create("emails", self.crm.accepted("emails", call.body)), created=True)

    def connections(self, call: Call) -> Answer:
        del call
        return self.crm.many("connections", self.crm.seen["connections"])

    def add(self, call: Call) -> Answer:
        old = self.crm.db["marketing_lists"].get(call.body["listId"])
        if old is None:
            raise Refusal(404, "List not found")
        new = dict(old)
        for name, object in (("companyIds", "companies"), ("contactIds", "contacts")):
            for record_id in call.body.get(name) or []:
                self.crm.check_reference(name, object, record_id)
            new[name] = list(dict.fromkeys([*old[name], *(call.body.get(name) or [])]))
        added = sum(len(new[name]) - len(old[name]) for name in ("companyIds", "contactIds"))
        self.crm.store("marketing_lists", old, new)
        return Answer(200, {"added": added})

    def dashboard(self, call: Call) -> Answer:
        """crm.txt shows ``{}``: the counts are this sandbox's own."""
        del call
        seen = self.crm.seen
        return Answer(200, {name: len(seen[name]) for name in ("companies", "contacts", "leads", "activities")})
