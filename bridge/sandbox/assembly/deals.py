"""Deals of company accounts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.assembly import parts
from bridge.sandbox.assembly.records import DEAL_CHANGE, DEAL_FIELDS, DEAL_NEW
from bridge.sandbox.assembly.writing import blank, check_sources, merged
from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Operation, Parameter

if TYPE_CHECKING:
    from bridge.sandbox.assembly.system import Assembly


class Deals:
    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly

    def operations(self) -> Iterable[Operation]:
        listed = parts.either(parts.list_schema("deals"), parts.object_schema("deal"))
        account = Parameter("account_source_specific_id", {"type": "string"})
        filters = (*parts.PAGING, parts.UPDATED_AFTER, account, parts.SOURCE_ID)
        one, by_id, source = {200: parts.ID_SCHEMA}, "/deals/{id}", (parts.SOURCE_ID,)
        return (
            Operation(
                "deals.list", "GET", "/deals", self.listing, 'assembly.txt, "Get Deals"', filters, answers={200: listed}
            ),
            Operation(
                "deals.get",
                "GET",
                by_id,
                self.get,
                'assembly.txt, "Get Deal"',
                source,
                answers={200: parts.object_schema("deal")},
            ),
            Operation("deals.create", "POST", "/deals", self.create, 'assembly.txt, "Create Deal"', (), DEAL_NEW, one),
            Operation("deals.update", "PUT", by_id, self.update, 'assembly.txt, "Update Deal"', (), DEAL_CHANGE, one),
            Operation(
                "deals.update", "PUT", "/deals", self.update, 'assembly.txt, "Update Deal"', source, DEAL_CHANGE, one
            ),
            Operation(
                "deals.upsert", "PUT", "/deals/upsert", self.upsert, 'assembly.txt, "Upsert Deal"', (), DEAL_CHANGE, one
            ),
            Operation(
                "deals.upsert",
                "PUT",
                "/deals/upsert/{id}",
                self.upsert,
                'assembly.txt, "Upsert Deal"',
                (),
                DEAL_CHANGE,
                one,
            ),
            Operation("deals.delete", "DELETE", by_id, self.delete, 'assembly.txt, "Delete Deal"', answers=one),
            Operation(
                "deals.delete", "DELETE", "/deals", self.delete, 'assembly.txt, "Delete Deal"', source, answers=one
            ),
        )

    def _shown(self, row: Row | None) -> Answer:
        if row is None:
            raise Refusal(404, "deal not found")
        return Answer(200, {"deal": self.assembly.show("deals", row)})

    def listing(self, call: Call) -> Answer:
        """One deal with ``source_specific_id`` (where "updated_after … is ignored"), else a bare list without a "has more"."""
        table = self.assembly.seen["deals"]
        if source_id := call.query.get("source_specific_id"):
            return self._shown(table.one("source", source_id))
        offset, limit = parts.window(self.assembly, call)
        after = parts.since(call)
        account_id = call.query.get("account_source_specific_id")
        if account_id:
            account = self.assembly.seen["accounts"].one("source", account_id)
            rows = table.many("account", account["id"])[::-1] if account else []
            if after is not None:
                recent = {row["id"] for row in table.since(after)}
                rows = [row for row in rows if row["id"] in recent]
            rows = rows[offset : offset + limit]
        elif after is not None:
            rows = table.since(after)[offset : offset + limit]
        else:
            rows = table.slice(offset, offset + limit)
        return Answer(200, {"deals": [self.assembly.show("deals", row) for row in rows]})

    def get(self, call: Call) -> Answer:
        """Which wins when the path and ``source_specific_id`` both name a deal is open."""
        table = self.assembly.seen["deals"]
        source_id = call.query.get("source_specific_id")
        if source_id and self.assembly.switches.deal_lookup == "query":
            return self._shown(table.one("source", source_id))
        return self._shown(table.get(call.params["id"]))

    def _written(self, old: Row, body: Row) -> Row:
        new = dict(old)
        for name in DEAL_FIELDS:
            if name not in body or (body[name] is None and not self.assembly.switches.null_clears):
                continue
            if body[name] is None and name == "name":
                raise Refusal(400, "name cannot be empty")
            new[name] = body[name]
        if self.assembly.switches.name_limit is not None:
            new["name"] = new["name"][: self.assembly.switches.name_limit]
        account_key = body.get("account_source_specific_id")
        account = self.assembly.company({"account_source_specific_id": account_key})
        if account is not None:
            new |= {"account_id": account["id"], "account_source_specific_id": account_key}
        added, removed = body.get("source_specific_ids") or [], set(body.get("removed_source_specific_ids") or ())
        check_sources(self.assembly, "deals", old["id"], added)
        kept = [one for one in old["source_specific_ids"] if one not in removed]
        new["source_specific_ids"] = list(dict.fromkeys([*kept, *added]))
        if properties := body.get("additional_properties"):
            new["additional_properties"] = merged(self.assembly, old["additional_properties"], properties)
        return new

    def create(self, call: Call) -> Answer:
        return self._create(call.body)

    def _create(self, body: Row) -> Answer:
        for name in DEAL_NEW.required:
            if body.get(name) is None:
                raise Refusal(400, f"missing required field: {name}")
        row = self._written(blank(self.assembly, "deals"), body)
        return Answer(200, {"id": self.assembly.create("deals", row)["id"]})

    def _named(self, call: Call) -> Row:
        table = self.assembly.db["deals"]
        source_id = call.query.get("source_specific_id", "")
        row = table.get(call.params["id"]) if "id" in call.params else table.one("source", source_id)
        if row is None:
            raise Refusal(404, "deal not found")
        return row

    def update(self, call: Call) -> Answer:
        return self._update(self._named(call), call.body)

    def _update(self, old: Row, body: Row) -> Answer:
        self.assembly.store("deals", old, self.assembly.touched("deals", self._written(old, body)))
        return Answer(200, {"id": old["id"]})

    def upsert(self, call: Call) -> Answer:
        """Matched "by Assembly UUID in the path or by a source specific ID in the body"."""
        table = self.assembly.db["deals"]
        found = [table.get(call.params["id"])] if "id" in call.params else []
        found += [table.one("source", one) for one in call.body.get("source_specific_ids") or ()]
        old = next((row for row in found if row is not None), None)
        return self._create(call.body) if old is None else self._update(old, call.body)

    def delete(self, call: Call) -> Answer:
        """Answers the id, unlike the other deletes."""
        row = self._named(call)
        self.assembly.discard("deals", row)
        return Answer(200, {"id": row["id"]})
