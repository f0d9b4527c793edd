"""Leads (the CRM's deals), their stage and their timeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.crm.parts import ENTITY, patched, uuid_filter
from bridge.sandbox.crm.records import LEAD_CHANGE, LEAD_NEW
from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Operation, Parameter
from bridge.sandbox.shapes import Body

if TYPE_CHECKING:
    from bridge.sandbox.crm.system import Crm

_FILTERS = ("companyId", "contactId", "stageId")
"""crm.txt, GET /leads: three filters of type uuid beside entityId; their names are open."""


class Leads:
    def __init__(self, crm: Crm) -> None:
        self.crm = crm

    def operations(self) -> Iterable[Operation]:
        uuid = {"type": "string", "format": "uuid"}
        filters = (*(Parameter(name, uuid) for name in _FILTERS), Parameter("stage", {"type": "string"}))
        path, source = "/leads", "crm.txt, {} /api/crm/leads{}"
        return (
            Operation(
                "leads.list", "GET", path, self.listing, source.format("GET", ""), (ENTITY, *filters), answers={200: {}}
            ),
            Operation(
                "leads.create", "POST", path, self.create, source.format("POST", ""), (ENTITY,), LEAD_NEW, {201: {}}
            ),
            Operation("leads.get", "GET", f"{path}/{{id}}", self.get, source.format("GET", "/{id}"), (ENTITY,)),
            Operation(
                "leads.update",
                "PATCH",
                f"{path}/{{id}}",
                self.update,
                source.format("PATCH", "/{id}"),
                (ENTITY,),
                LEAD_CHANGE,
            ),
            Operation(
                "leads.delete", "DELETE", f"{path}/{{id}}", self.delete, source.format("DELETE", "/{id}"), (ENTITY,)
            ),
            Operation(
                "leads.timeline",
                "GET",
                f"{path}/{{id}}/timeline",
                self.timeline,
                source.format("GET", "/{id}/timeline"),
                (ENTITY,),
                answers={200: {}},
            ),
            Operation(
                "leads.stage",
                "PATCH",
                f"{path}/{{id}}/stage",
                self.stage,
                source.format("PATCH", "/{id}/stage"),
                (ENTITY,),
                Body(),
            ),
        )

    def listing(self, call: Call) -> Answer:
        """The text shows no paging: everything that fits comes."""
        seen = self.crm.seen
        wanted = {name: value for name in _FILTERS if (value := uuid_filter(call, name))}
        name = call.query.get("stage")
        if not wanted and not name:
            return self.crm.many("leads", seen["leads"])
        stages: set[str] | None = None
        if name:
            # crm.txt says of it: "Filter by stage name or legacy system key".
            stages = {one["id"] for one in seen["stages"] if name in (one["name"], one["systemKey"])}
        first = next(iter(wanted), None)
        rows = seen["leads"].many(first.removesuffix("Id"), wanted[first]) if first else seen["leads"]
        return self.crm.many(
            "leads",
            [
                row
                for row in rows
                if all(row[field] == value for field, value in wanted.items())
                and (stages is None or row["stageId"] in stages)
            ],
        )

    def _check(self, body: Row) -> Row:
        self.crm.check_reference("companyId", "companies", body.get("companyId"))
        self.crm.check_reference("contactId", "contacts", body.get("contactId"))
        return body

    def create(self, call: Call) -> Answer:
        self._check(call.body)
        self.crm.check_reference("stageId", "stages", call.body.get("stageId"))
        return self.crm.one("leads", self.crm.create("leads", self.crm.accepted("leads", call.body)), created=True)

    def get(self, call: Call) -> Answer:
        return self.crm.one("leads", self.crm.find("leads", call.params["id"], seen=True))

    def update(self, call: Call) -> Answer:
        if "stageId" in call.body:
            # A system that drops this in silence would hide a client's mistake: the stage has its own call.
            raise Refusal(400, "stageId is changed by PATCH /leads/{id}/stage")
        self._check(call.body)
        return self.crm.one("leads", patched(self.crm, "leads", call))

    def delete(self, call: Call) -> Answer:
        row = self.crm.find("leads", call.params["id"])
        self.crm.discard("leads", row)
        for activity in self.crm.db["activities"].many("lead", row["id"]):
            self.crm.db["activities"].put({**activity, "leadId": None})
        return self.crm.gone()

    def stage(self, call: Call) -> Answer:
        old = self.crm.find("leads", call.params["id"])
        field = self.crm.switches.stage_field
        stage_id = call.body.get(field)
        if not isinstance(stage_id, str):
            raise Refusal(400, f"missing required field: {field}")
        self.crm.check_reference(field, "stages", stage_id)
        return self.crm.one(
            "leads", self.crm.store("leads", old, self.crm.touched("leads", {**old, "stageId": stage_id}))
        )

    def timeline(self, call: Call) -> Answer:
        """Activities and mails of a lead, newest first; the items' shape is open."""
        seen = self.crm.seen
        lead = self.crm.find("leads", call.params["id"], seen=True)
        items = [{"kind": "activity", **row} for row in seen["activities"].many("lead", lead["id"])]
        items += [{"kind": "email", **row} for row in seen["emails"].many("lead", lead["id"])]
        items.sort(key=lambda item: (item.get("occurredAt") or item["createdAt"], item["id"]), reverse=True)
        return self.crm.many("activities", items, named="timeline")
