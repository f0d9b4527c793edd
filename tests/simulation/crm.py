"""The CRM of the simulation, after ``crm.txt``: companies, contacts with memberships, leads with stages, activities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from bridge.core.errors import NotThere, ParentNotThere, Rejected
from bridge.core.ports import Traits
from bridge.core.records import Lane, Patch, Record, Ref, Step
from tests.simulation.journal import Event
from tests.simulation.peers import Peer
from tests.simulation.remote import Remote, Row

BLANKS: Mapping[str, Mapping[str, Any]] = {
    "companies": {
        "name": "",
        "website": None,
        "phone": None,
        "relationshipType": None,
        "status": "active",
        "industry": None,
        "ownerId": None,
        "employees": None,
        "tags": [],
    },
    "contacts": {
        "firstName": None,
        "lastName": None,
        "email": None,
        "phone": None,
        "jobTitle": None,
        "companyId": None,
    },
    "leads": {
        "title": "",
        "companyId": None,
        "contactId": None,
        "stageId": None,
        "value": None,
        "expectedCloseDate": None,
        "description": None,
    },
    "activities": {
        "type": "call",
        "subject": "",
        "body": None,
        "occurredAt": None,
        "companyId": None,
        "contactId": None,
        "leadId": None,
        "participants": [],
    },
}
REQUIRED = {"companies": "name", "leads": "title", "activities": "subject"}
CHILDREN = ("contacts", "leads", "activities")


class CrmData(Remote):
    """Rows of the CRM; ``companyId`` of a contact stands for its primary membership."""

    stamp_path = "updatedAt"

    def blank(self, object: str) -> dict[str, Any]:
        raw: dict[str, Any] = {key: (list(v) if isinstance(v, list) else v) for key, v in BLANKS[object].items()}
        if object == "leads":
            raw["stageId"] = next(iter(self.names["stages"]))
        return raw

    def children_of(self, company: str) -> Iterator[Row]:
        for object in CHILDREN:
            for row in list(self.live(object)):
                if row.raw and row.raw["companyId"] == company:
                    yield row

    def merge(self, loser: str, winner: str) -> bool:
        """One company's id dies and its children move to the other."""
        gone, kept = self.row("companies", loser), self.row("companies", winner)
        if gone is None or kept is None or loser == winner:
            return False
        self.journal.add(Event(self.time(), "merge", self.system, "companies", loser, note=winner))
        for child in self.children_of(loser):
            self.change(child, {"companyId": winner})
            self.journal.add(
                Event(self.time(), "edit", self.system, child.object, child.id, {"companyId": winner}, note="merge")
            )
            self.watch(child.object, child.id, "updated")
        self.remove(gone)
        self.watch("companies", loser, "deleted")
        self.watch("companies", winner, "updated")
        return True

    def delete(self, object: str, id: str) -> bool:
        """Users delete contacts and leads; a company goes by being made inactive or by a merge."""
        if object == "companies":
            return self.edit("companies", id, {"status": "inactive"})
        return super().delete(object, id)


class SimCrm(Peer):
    traits_by_object: ClassVar[Mapping[str, Traits]] = {
        "companies": Traits(deletable=False),
        "contacts": Traits(),
        "leads": Traits(),
        "activities": Traits(updatable=False, deletable=False),
    }

    def find_by_key(self, object: str, key: str, *, lane: Lane = "live") -> Record | None:
        raise AssertionError("the CRM has no join keys")

    def parent_path(self, object: str, parent: Ref) -> str:
        return {"companies": "companyId", "leads": "leadId", "contacts": "contactId"}[parent.object]

    def order(self, object: str, raw: Mapping[str, Any]) -> Any:
        return str(raw.get("name") or ""), raw["id"]

    def steps(self, verb: str, patch: Patch) -> tuple[Step, ...]:
        if verb == "delete":
            return (Step("crm", patch.object, "delete", patch.record_id, {}),)
        own = {"contacts": ("companyId", "membership"), "leads": ("stageId", "stage")}.get(patch.object)
        plain = {path: value for path, value in patch.set.items() if own is None or path != own[0]}
        steps = []
        if plain or verb == "create":
            steps.append(Step("crm", patch.object, verb, patch.record_id, plain, plain))
        if own is not None and own[0] in patch.set:
            part = {own[0]: patch.set[own[0]]}
            calls = 2 if patch.was.get(own[0]) else 1
            steps.append(Step("crm", patch.object, own[1], patch.record_id, part, part, calls))
        return tuple(steps)

    def apply(self, step: Step) -> Row | None:
        if step.verb == "create":
            return self._create(step)
        row = self.remote.row(step.object, step.record_id or "")
        if row is None:
            raise NotThere("no such record", system="crm", status=404)
        if step.verb == "delete":
            self.remote.remove(row)
        else:
            self._check(step)
            self.remote.change(row, step.payload)
        self.landed(row, step, step.verb)
        return row

    def _create(self, step: Step) -> Row:
        needed = REQUIRED.get(step.object)
        if needed and not step.payload.get(needed):
            raise Rejected(f"{needed} is required", system="crm", status=400)
        self._check(step)
        row = self.remote.insert(step.object, step.payload, "bridge")
        self.landed(row, step, "create")
        return row

    def _check(self, step: Step) -> None:
        company = step.payload.get("companyId")
        if company and self.remote.row("companies", company) is None:
            raise ParentNotThere("no such company", system="crm", status=404)
        stage = step.payload.get("stageId")
        if stage and stage not in self.remote.names["stages"]:
            raise Rejected("no such stage", system="crm", status=422)
