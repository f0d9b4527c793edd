"""Companies, and the contacts of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from bridge.sandbox.crm.parts import ENTITY, integer, patched, query_of
from bridge.sandbox.crm.records import COMPANY_CHANGE, COMPANY_NEW
from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Operation, Parameter
from bridge.sandbox.shapes import is_uuid

if TYPE_CHECKING:
    from bridge.sandbox.crm.system import Crm

# crm.txt, GET /companies describes its parameters without naming them but for page and limit; each is taken under these.
_RELATIONSHIP = ("relationshipType", "relationship")
_STATUS = ("status", "lifecycle")
_OWNER = ("ownerId", "owner")
_SEARCH = ("search", "q")

_Test: TypeAlias = Callable[[Row], bool]


class Companies:
    def __init__(self, crm: Crm) -> None:
        self.crm = crm

    def operations(self) -> Iterable[Operation]:
        text = {"type": "string"}
        filters = (
            Parameter("relationshipType", {"type": "string", "enum": ["prospect", "customer", "vendor", "both"]}),
            Parameter("status", {"type": "string", "enum": ["active", "inactive"]}),
            Parameter("ownerId", {"anyOf": [{"type": "string", "format": "uuid"}, {"enum": ["me", "unassigned"]}]}),
            Parameter("search", text),
            Parameter("page", {"type": "integer", "minimum": 1}),
            Parameter("limit", {"type": "integer", "minimum": 1}),
        )
        return (
            Operation(
                "companies.list",
                "GET",
                "/companies",
                self.listing,
                "crm.txt, GET /api/crm/companies",
                (ENTITY, *filters),
                answers={200: {}},
            ),
            Operation(
                "companies.create",
                "POST",
                "/companies",
                self.create,
                "crm.txt, POST /api/crm/companies",
                (ENTITY,),
                COMPANY_NEW,
                {201: {}},
            ),
            Operation(
                "companies.get", "GET", "/companies/{id}", self.get, "crm.txt, GET /api/crm/companies/{id}", (ENTITY,)
            ),
            Operation(
                "companies.update",
                "PATCH",
                "/companies/{id}",
                self.update,
                "crm.txt, PATCH /api/crm/companies/{id}",
                (ENTITY,),
                COMPANY_CHANGE,
            ),
            Operation(
                "companies.contacts",
                "GET",
                "/companies/{id}/contacts",
                self.contacts,
                "crm.txt, GET /api/crm/companies/{id}/contacts",
                (ENTITY,),
                answers={200: {}},
            ),
        )

    def listing(self, call: Call) -> Answer:
        """Pages by ``page`` (from 1). Without it the whole list comes, or its first ``limit`` rows ("Legacy: caps page size
        when page omitted")."""
        switches = self.crm.switches
        table = self.crm.seen["companies"]
        page, limit = integer(call, "page"), integer(call, "limit")
        start, stop = 0, len(table)
        if page is not None:
            size = limit if limit is not None and switches.limit_with_page else switches.page_size
            start, stop = (page - 1) * size, page * size
        elif limit is not None:
            stop = limit
        tests = self._tests(call)
        search = query_of(call, _SEARCH)
        if not tests and not search:
            return self.crm.many("companies", table.slice(start, stop))
        # crm.txt says of the search: "Search name (ilike)".
        found = table.pick(table.containing("name", search)) if search else table
        rows = [row for row in found if all(test(row) for test in tests)]
        return self.crm.many("companies", rows[start:stop])

    def _tests(self, call: Call) -> list[_Test]:
        tests: list[_Test] = []
        if relationship := query_of(call, _RELATIONSHIP):
            if relationship not in ("prospect", "customer", "vendor", "both"):
                raise Refusal(400, "relationshipType must be prospect, customer, vendor or both")
            tests.append(lambda row: row["relationshipType"] == relationship)
        if status := query_of(call, _STATUS):
            if status not in ("active", "inactive"):
                raise Refusal(400, "status must be active or inactive")
            tests.append(lambda row: row["status"] == status)
        if owner := query_of(call, _OWNER):
            # crm.txt says of the owner: "UUID, me, or unassigned".
            if owner not in ("me", "unassigned") and not is_uuid(owner):
                raise Refusal(400, "ownerId must be a UUID, me or unassigned")
            wanted = {"me": self.crm.me, "unassigned": None}.get(owner, owner)
            tests.append(lambda row: row["ownerId"] == wanted)
        return tests

    def create(self, call: Call) -> Answer:
        return self.crm.one(
            "companies", self.crm.create("companies", self.crm.accepted("companies", call.body)), created=True
        )

    def get(self, call: Call) -> Answer:
        return self.crm.one("companies", self.crm.find("companies", call.params["id"], seen=True))

    def update(self, call: Call) -> Answer:
        return self.crm.one("companies", patched(self.crm, "companies", call))

    def contacts(self, call: Call) -> Answer:
        self.crm.find("companies", call.params["id"], seen=True)
        seen = self.crm.seen
        held = seen["memberships"].many("company", call.params["id"])
        contacts = (seen["contacts"].get(one["contactId"]) for one in held)
        return self.crm.many("contacts", [one for one in contacts if one is not None])
