"""Contacts: customers who belong to a company."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.assembly import parts
from bridge.sandbox.assembly.accounts import matched, named, select, with_url_source
from bridge.sandbox.assembly.records import COMPANY_KEYS, CONTACT_CHANGE, CONTACT_NEW
from bridge.sandbox.assembly.writing import blank, written
from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Operation, Parameter

if TYPE_CHECKING:
    from bridge.sandbox.assembly.system import Assembly

_ONLY = ("contacts",)


class Contacts:
    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly

    def operations(self) -> Iterable[Operation]:
        paged = parts.paged_schema("contacts")
        listed = parts.either(paged, parts.object_schema("contact"))
        one, by_id, company = {200: parts.ID_SCHEMA}, "/contacts/{id}", "/contacts/company"
        source = (parts.SOURCE_ID,)
        filters = (*parts.PAGING, parts.UPDATED_AFTER)
        by_company = (*filters, Parameter("company_source_specific_id", {"type": "string"}))
        text = 'assembly.txt, "Get Contacts"'
        return (
            Operation(
                "contacts.list", "GET", "/contacts", self.listing, text, (*filters, *source), answers={200: listed}
            ),
            Operation("contacts.of_company", "GET", company, self.of_company, text, by_company, answers={200: paged}),
            Operation(
                "contacts.of_company",
                "GET",
                f"{company}/{{company}}",
                self.of_company,
                text,
                filters,
                answers={200: paged},
            ),
            Operation("contacts.get", "GET", by_id, self.get, text, answers={200: parts.object_schema("contact")}),
            Operation(
                "contacts.create",
                "POST",
                "/contacts",
                self.create,
                'assembly.txt, "Create Contact"',
                (),
                CONTACT_NEW,
                one,
            ),
            Operation(
                "contacts.update", "PUT", by_id, self.update, 'assembly.txt, "Update Contact"', (), CONTACT_CHANGE, one
            ),
            Operation(
                "contacts.update",
                "PUT",
                "/contacts",
                self.update,
                'assembly.txt, "Update Contact"',
                source,
                CONTACT_CHANGE,
                one,
            ),
            Operation(
                "contacts.upsert",
                "PUT",
                "/contacts/upsert/{id}",
                self.upsert,
                'assembly.txt, "Upsert Contact"',
                (),
                CONTACT_CHANGE,
                one,
            ),
            Operation(
                "contacts.upsert",
                "PUT",
                "/contacts/upsert",
                self.upsert,
                'assembly.txt, "Upsert Contact"',
                source,
                CONTACT_CHANGE,
                one,
            ),
            Operation(
                "contacts.delete",
                "DELETE",
                by_id,
                self.delete,
                'assembly.txt, "Delete Contact"',
                answers={200: parts.EMPTY_SCHEMA},
            ),
            Operation(
                "contacts.delete",
                "DELETE",
                "/contacts",
                self.delete,
                'assembly.txt, "Delete Contact"',
                source,
                answers={200: parts.EMPTY_SCHEMA},
            ),
        )

    def _shown(self, row: Row) -> Row:
        return self.assembly.show("contacts", row)

    def listing(self, call: Call) -> Answer:
        if source_id := call.query.get("source_specific_id"):
            found = self.assembly.by_source(self.assembly.seen, _ONLY, source_id)
            if found is None:
                raise Refusal(404, "contact not found")
            return Answer(200, {"contact": self._shown(found[1])})
        offset, limit = parts.window(self.assembly, call)
        rows, more = select(self.assembly, offset, limit, objects=_ONLY, since=parts.since(call))
        return parts.page(self.assembly, "contacts", [self._shown(row) for _, row in rows], offset=offset, more=more)

    def of_company(self, call: Call) -> Answer:
        """By the company's id or domain in the path, or its source id in the query."""
        seen = self.assembly.seen
        if "company" in call.params:
            found = self.assembly.by_name(seen, ("accounts",), call.params["company"])
        elif source_id := call.query.get("company_source_specific_id"):
            found = self.assembly.by_source(seen, ("accounts",), source_id)
        else:
            raise Refusal(400, "missing company_source_specific_id")
        if found is None:
            raise Refusal(404, "company not found")
        offset, limit = parts.window(self.assembly, call)
        after = parts.since(call)
        rows = sorted(
            seen["contacts"].many("company", found[1]["id"]), key=lambda row: (row["name"].casefold(), row["id"])
        )
        if after is not None:
            recent = {row["id"] for row in seen["contacts"].since(after)}
            rows = [row for row in rows if row["id"] in recent]
        shown = [self._shown(row) for row in rows[offset : offset + limit]]
        return parts.page(self.assembly, "contacts", shown, offset=offset, more=offset + limit < len(rows))

    def get(self, call: Call) -> Answer:
        found = self.assembly.by_name(self.assembly.seen, _ONLY, call.params["id"])
        if found is None:
            raise Refusal(404, "contact not found")
        return Answer(200, {"contact": self._shown(found[1])})

    def create(self, call: Call) -> Answer:
        return self._create(call.body)

    def _create(self, body: Row) -> Answer:
        for name in CONTACT_NEW.required:
            if body.get(name) is None:
                raise Refusal(400, f"missing required field: {name}")
        company = self._company(body)
        if company is None:
            raise Refusal(400, f"missing required field: one of {', '.join(COMPANY_KEYS)}")
        row = written(self.assembly, "contacts", blank(self.assembly, "contacts"), body)
        return Answer(200, {"id": self.assembly.create("contacts", {**row, "company_id": company["id"]})["id"]})

    def _company(self, body: Row) -> Row | None:
        return self.assembly.company({name: body.get(name) for name in COMPANY_KEYS})

    def update(self, call: Call) -> Answer:
        found = named(self.assembly, _ONLY, call)
        if found is None:
            raise Refusal(404, "contact not found")
        return self._update(found[1], call.body)

    def _update(self, old: Row, body: Row) -> Answer:
        """assembly.txt, "Update Contact": "All the allowed parameters are the same as the CREATE endpoint", so a contact can
        change its company."""
        company = self._company(body)
        new = written(self.assembly, "contacts", old, {name: value for name, value in body.items() if name != "type"})
        if company is not None:
            new["company_id"] = company["id"]
        self.assembly.store("contacts", old, self.assembly.touched("contacts", new))
        return Answer(200, {"id": old["id"]})

    def upsert(self, call: Call) -> Answer:
        found = named(self.assembly, _ONLY, call) or matched(self.assembly, _ONLY, call.body)
        if found is not None:
            return self._update(found[1], call.body)
        return self._create(with_url_source(self.assembly, call))

    def delete(self, call: Call) -> Answer:
        found = named(self.assembly, _ONLY, call)
        if found is None:
            raise Refusal(404, "contact not found")
        self.assembly.discard(*found)
        return Answer(200, {})
