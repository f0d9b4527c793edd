"""Pipeline stages, the one object that crm.txt shows whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.crm.parts import ENTITY
from bridge.sandbox.crm.records import STAGE_CHANGE, STAGE_NEW
from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Operation
from bridge.sandbox.shapes import UUID, Body, list_of

if TYPE_CHECKING:
    from bridge.sandbox.crm.system import Crm

# crm.txt, GET /pipeline-stages: the answer's example
_STAGE_SCHEMA: Row = {
    "type": "object",
    "required": ["id", "name", "kind", "sortOrder", "defaultProbabilityPct", "colorKey", "systemKey", "leadCount"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "name": {"type": "string"},
        "kind": {"type": "string"},
        "sortOrder": {"type": "integer"},
        "defaultProbabilityPct": {"type": "integer"},
        "colorKey": {"type": ["string", "null"]},
        "systemKey": {"type": ["string", "null"]},
        "leadCount": {"type": "integer"},
    },
}
_LIST: Row = {
    "type": "object",
    "required": ["stages"],
    "properties": {"stages": {"type": "array", "items": _STAGE_SCHEMA}},
}


class Stages:
    def __init__(self, crm: Crm) -> None:
        self.crm = crm

    def operations(self) -> Iterable[Operation]:
        reorder = Body({"entityId": UUID, "stageIds": list_of(UUID, at_least=1)}, required=("stageIds",))
        path, source = "/pipeline-stages", "crm.txt, {} /api/crm/pipeline-stages"
        return (
            Operation("stages.list", "GET", path, self.listing, source.format("GET"), (ENTITY,), answers={200: _LIST}),
            Operation(
                "stages.create", "POST", path, self.create, source.format("POST"), (ENTITY,), STAGE_NEW, {201: {}}
            ),
            Operation(
                "stages.reorder",
                "POST",
                f"{path}/reorder",
                self.reorder,
                source.format("POST") + "/reorder",
                (ENTITY,),
                reorder,
                {200: _LIST},
            ),
            Operation(
                "stages.update",
                "PATCH",
                f"{path}/{{id}}",
                self.update,
                source.format("PATCH") + "/{id}",
                (ENTITY,),
                STAGE_CHANGE,
            ),
            Operation(
                "stages.delete",
                "DELETE",
                f"{path}/{{id}}",
                self.delete,
                source.format("DELETE") + "/{id}",
                (ENTITY,),
                Body(may_be_missing=True),
            ),
        )

    def _shown(self, row: Row) -> Row:
        shown = {name: row[name] for name in _STAGE_SCHEMA["properties"] if name in row}
        return shown | {"leadCount": self.crm.seen["leads"].count("stage", row["id"])}

    def _all(self) -> Answer:
        return Answer(200, {"stages": [self._shown(row) for row in self.crm.seen["stages"]]})

    def listing(self, call: Call) -> Answer:
        del call
        return self._all()

    def create(self, call: Call) -> Answer:
        last = max((row["sortOrder"] for row in self.crm.db["stages"]), default=-1)
        given = {name: value for name, value in self.crm.accepted("stages", call.body).items() if value is not None}
        row = self.crm.create("stages", {**given, "sortOrder": last + 1, "systemKey": None})
        return Answer(self.crm.switches.created_status, self._shown(row))

    def reorder(self, call: Call) -> Answer:
        ids = call.body["stageIds"]
        table = self.crm.db["stages"]
        if set(ids) != set(table.rows) or len(set(ids)) != len(ids):
            raise Refusal(400, "stageIds must name every stage once")
        for position, stage_id in enumerate(ids):
            row = self.crm.find("stages", stage_id)
            if row["sortOrder"] != position:
                self.crm.store("stages", row, self.crm.touched("stages", {**row, "sortOrder": position}))
        return Answer(200, {"stages": [self._shown(row) for row in table]})

    def update(self, call: Call) -> Answer:
        old = self.crm.find("stages", call.params["id"])
        given = {name: value for name, value in self.crm.accepted("stages", call.body).items() if value is not None}
        given = {name: value for name, value in given.items() if name not in ("sortOrder", "systemKey", "leadCount")}
        return Answer(200, self._shown(self.crm.store("stages", old, self.crm.touched("stages", {**old, **given}))))

    def delete(self, call: Call) -> Answer:
        """The body is open: here it names the stage that takes over the leads, without which a stage with leads is refused."""
        row = self.crm.find("stages", call.params["id"])
        leads = self.crm.db["leads"].many("stage", row["id"])
        target = call.body.get(self.crm.switches.stage_delete_field)
        if target is not None:
            if target == row["id"] or not isinstance(target, str):
                raise Refusal(400, f"{self.crm.switches.stage_delete_field} must name another stage")
            self.crm.check_reference(self.crm.switches.stage_delete_field, "stages", target)
        elif leads:
            raise Refusal(
                409, f"the stage has {len(leads)} leads; say where they go in {self.crm.switches.stage_delete_field}"
            )
        for lead in leads:
            self.crm.store("leads", lead, self.crm.touched("leads", {**lead, "stageId": target}))
        self.crm.discard("stages", row)
        return self.crm.gone()
