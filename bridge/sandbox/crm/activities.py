"""Activities and tasks. An activity can be neither changed nor deleted, and a task is an activity of that type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.crm.parts import ENTITY, uuid_filter
from bridge.sandbox.crm.records import ACTIVITY_NEW, LEAD_ACTIVITY_NEW
from bridge.sandbox.messages import Answer, Call, Row
from bridge.sandbox.routing import Operation, Parameter

if TYPE_CHECKING:
    from bridge.sandbox.crm.system import Crm

_FILTERS = ("leadId", "companyId", "contactId")
"""crm.txt, GET /activities shows two filters of type uuid beside entityId, GET /tasks one; their names are open."""


class Activities:
    def __init__(self, crm: Crm) -> None:
        self.crm = crm

    def operations(self) -> Iterable[Operation]:
        uuid = {"type": "string", "format": "uuid"}
        filters = tuple(Parameter(name, uuid) for name in _FILTERS)
        return (
            Operation(
                "activities.list",
                "GET",
                "/activities",
                self.listing,
                "crm.txt, GET /api/crm/activities",
                (ENTITY, *filters),
                answers={200: {}},
            ),
            Operation(
                "activities.create",
                "POST",
                "/activities",
                self.create,
                "crm.txt, POST /api/crm/activities",
                (ENTITY,),
                ACTIVITY_NEW,
                {201: {}},
            ),
            Operation(
                "leads.activities.create",
                "POST",
                "/leads/{id}/activities",
                self.create_on_lead,
                "crm.txt, POST /api/crm/leads/{id}/activities",
                (ENTITY,),
                LEAD_ACTIVITY_NEW,
                {201: {}},
            ),
            Operation(
                "tasks.list",
                "GET",
                "/tasks",
                self.tasks,
                "crm.txt, GET /api/crm/tasks",
                (ENTITY, filters[0]),
                answers={200: {}},
            ),
        )

    def _rows(self, call: Call) -> Iterable[Row]:
        table = self.crm.seen["activities"]
        wanted = {name: value for name in _FILTERS if (value := uuid_filter(call, name))}
        first = next(iter(wanted), None)
        rows: Iterable[Row] = table.many(first.removesuffix("Id"), wanted[first]) if first else table
        return [row for row in rows if all(row[field] == value for field, value in wanted.items())] if wanted else rows

    def listing(self, call: Call) -> Answer:
        return self.crm.many("activities", self._rows(call))

    def tasks(self, call: Call) -> Answer:
        return self.crm.many("activities", [row for row in self._rows(call) if row["type"] == "task"], named="tasks")

    def create(self, call: Call) -> Answer:
        self.crm.check_reference("leadId", "leads", call.body.get("leadId"))
        return self._create(call.body)

    def create_on_lead(self, call: Call) -> Answer:
        lead = self.crm.find("leads", call.params["id"])
        return self._create({**call.body, "leadId": lead["id"]})

    def _create(self, body: Row) -> Answer:
        self.crm.check_reference("companyId", "companies", body.get("companyId"))
        self.crm.check_reference("contactId", "contacts", body.get("contactId"))
        given = self.crm.accepted("activities", body)
        given["occurredAt"] = given.get("occurredAt") or self.crm.now()
        given["participants"] = given.get("participants") or []
        return self.crm.one("activities", self.crm.create("activities", given), created=True)
