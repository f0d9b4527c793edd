"""Accounts: companies and, under the same paths, customers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bridge.sandbox.assembly import parts
from bridge.sandbox.assembly.records import ACCOUNT_CHANGE, ACCOUNT_NEW, KINDS, SEARCH
from bridge.sandbox.assembly.writing import blank, written
from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Operation, Parameter
from bridge.sandbox.tables import Table

if TYPE_CHECKING:
    from bridge.sandbox.assembly.system import Assembly

BOTH = tuple(KINDS)


class Accounts:
    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly

    def operations(self) -> Iterable[Operation]:
        listed = parts.either(parts.paged_schema("accounts"), parts.object_schema("account"))
        filters = (*parts.PAGING, Parameter("name", {"type": "string"}), parts.UPDATED_AFTER, parts.SOURCE_ID)
        one, by_id = {200: parts.ID_SCHEMA}, "/accounts/{id}"
        source = (parts.SOURCE_ID,)
        return (
            Operation(
                "accounts.list",
                "GET",
                "/accounts",
                self.listing,
                'assembly.txt, "Get Accounts"',
                filters,
                answers={200: listed},
            ),
            Operation(
                "accounts.get",
                "GET",
                by_id,
                self.get,
                'assembly.txt, "Get Accounts"',
                answers={200: parts.object_schema("account")},
            ),
            Operation(
                "accounts.create",
                "POST",
                "/accounts",
                self.create,
                'assembly.txt, "Create Account"',
                (),
                ACCOUNT_NEW,
                one,
            ),
            Operation(
                "accounts.search",
                "POST",
                "/accounts/search",
                self.search,
                'assembly.txt, "Search Accounts"',
                (),
                SEARCH,
                {200: parts.paged_schema("accounts")},
            ),
            Operation(
                "accounts.update", "PUT", by_id, self.update, 'assembly.txt, "Update Account"', (), ACCOUNT_CHANGE, one
            ),
            Operation(
                "accounts.update",
                "PUT",
                "/accounts",
                self.update,
                'assembly.txt, "Update Account"',
                source,
                ACCOUNT_CHANGE,
                one,
            ),
            Operation(
                "accounts.upsert",
                "PUT",
                "/accounts/upsert/{id}",
                self.upsert,
                'assembly.txt, "Upsert Account"',
                (),
                ACCOUNT_CHANGE,
                one,
            ),
            Operation(
                "accounts.upsert",
                "PUT",
                "/accounts/upsert",
                self.upsert,
                'assembly.txt, "Upsert Account"',
                source,
                ACCOUNT_CHANGE,
                one,
            ),
            Operation(
                "accounts.delete",
                "DELETE",
                by_id,
                self.delete,
                'assembly.txt, "Delete Account"',
                answers={200: parts.EMPTY_SCHEMA},
            ),
            Operation(
                "accounts.delete",
                "DELETE",
                "/accounts",
                self.delete,
                'assembly.txt, "Delete Account"',
                source,
                answers={200: parts.EMPTY_SCHEMA},
            ),
        )

    # --- reading ------------------------------------------------------------------------------------------------

    def listing(self, call: Call) -> Answer:
        """One account with ``source_specific_id``, else the list; an empty one is none."""
        if source_id := call.query.get("source_specific_id"):
            found = self.assembly.by_source(self.assembly.seen, BOTH, source_id)
            if found is None:
                raise Refusal(404, "account not found")
            return Answer(200, {"account": self.assembly.show(*found)})
        offset, limit = parts.window(self.assembly, call)
        rows, more = select(self.assembly, offset, limit, since=parts.since(call), name=call.query.get("name", ""))
        return parts.page(
            self.assembly, "accounts", [self.assembly.show(*one) for one in rows], offset=offset, more=more
        )

    def get(self, call: Call) -> Answer:
        """By Assembly id or domain."""
        found = self.assembly.by_name(self.assembly.seen, BOTH, call.params["id"])
        if found is None:
            raise Refusal(404, "account not found")
        return Answer(200, {"account": self.assembly.show(*found)})

    def search(self, call: Call) -> Answer:
        limit, offset = call.body.get("limit"), call.body.get("offset")
        limit, offset = 50 if limit is None else limit, 0 if offset is None else offset
        if not 1 <= limit <= 1000 or not 0 <= offset <= 2**53:
            raise Refusal(400, "pagination limits out of bounds")
        wanted = []
        for one in call.body.get("additional_properties") or []:
            if not isinstance(one.get("name"), str) or "value" not in one:
                raise Refusal(400, "additional_properties: both name and value must be present")
            wanted.append((one["name"], one["value"]))
        after = call.body.get("updated_after")
        rows, more = select(
            self.assembly,
            offset,
            limit,
            since=None if after is None else parts.moment_of(after),
            name=call.body.get("name") or "",
            domain=call.body.get("domain") or "",
            by_name_only=True,
            properties=wanted,
        )
        return parts.page(self.assembly, "accounts", [self._found(*one) for one in rows], offset=offset, more=more)

    def _found(self, object: str, row: Row) -> Row:
        """assembly.txt, "Search Accounts", "Response Structure"; its last note says the items are GET's instead."""
        shown = self.assembly.show(object, row)
        if self.assembly.switches.search_items == "identical":
            return shown
        for name in ("account_type", "additional_properties", "attributes_cached"):
            shown.pop(name, None)
        listed = [{"name": name, "value": value} for name, value in row["additional_properties"].items()]
        return {"account": {**shown, "type": row["account_type"], "attributes_cached": listed}}

    # --- writing ------------------------------------------------------------------------------------------------

    def create(self, call: Call) -> Answer:
        return self._create(call.body)

    def _create(self, body: Row) -> Answer:
        for name in ACCOUNT_NEW.required:
            if body.get(name) is None:
                raise Refusal(400, f"missing required field: {name}")
        object = "accounts" if body["type"] == "Company" else "contacts"
        row = written(self.assembly, object, blank(self.assembly, object), body)
        # A customer made here has no company: only the contacts' calls take one.
        return Answer(200, {"id": self.assembly.create(object, row)["id"]})

    def update(self, call: Call) -> Answer:
        found = self._named(call)
        if found is None:
            raise Refusal(404, "account not found")
        return self._update(*found, call.body)

    def _update(self, object: str, old: Row, body: Row) -> Answer:
        new = written(self.assembly, object, old, body)
        self.assembly.store(object, old, self.assembly.touched(object, new))
        return Answer(200, {"id": old["id"]})

    def upsert(self, call: Call) -> Answer:
        """The URL decides whether it is a create; the path's id never becomes the new one's."""
        found = self._named(call) or matched(self.assembly, BOTH, call.body)
        if found is not None:
            return self._update(*found, call.body)
        return self._create(with_url_source(self.assembly, call))

    def delete(self, call: Call) -> Answer:
        found = self._named(call)
        if found is None:
            raise Refusal(404, "account not found")
        self.assembly.discard(*found)
        return Answer(200, {})

    def _named(self, call: Call) -> tuple[str, Row] | None:
        return named(self.assembly, BOTH, call)


def named(assembly: Assembly, objects: tuple[str, ...], call: Call) -> tuple[str, Row] | None:
    """The record that the path (id or domain) or the query (source id) of a write names."""
    if "id" in call.params:
        return assembly.by_name(assembly.db, objects, call.params["id"])
    source_id = call.query.get("source_specific_id")
    return assembly.by_source(assembly.db, objects, source_id) if source_id else None


def matched(assembly: Assembly, objects: tuple[str, ...], body: Row) -> tuple[str, Row] | None:
    """Where the switches say so, upsert also looks into the body."""
    if assembly.switches.upsert_matches_body_source_ids:
        for source_id in body.get("source_specific_ids") or ():
            if found := assembly.by_source(assembly.db, objects, source_id):
                return found
    if assembly.switches.upsert_matches_domain and isinstance(body.get("domain"), str):
        return assembly.by_name(assembly.db, objects, body["domain"])
    return None


def with_url_source(assembly: Assembly, call: Call) -> Row:
    source_id = call.query.get("source_specific_id")
    if not source_id or not assembly.switches.url_source_id_linked:
        return call.body
    given = call.body.get("source_specific_ids") or []
    return {**call.body, "source_specific_ids": list(dict.fromkeys([*given, source_id]))}


def select(
    assembly: Assembly,
    offset: int,
    limit: int,
    *,
    objects: tuple[str, ...] = BOTH,
    since: float | None = None,
    name: str = "",
    domain: str = "",
    by_name_only: bool = False,
    properties: list[tuple[str, Any]] | None = None,
) -> tuple[list[tuple[str, Row]], bool]:
    """One page of accounts with their table, and whether there are more. ``name`` looks at names and domains, as the list
    does, or ``by_name_only``, as the search does."""
    lists: list[tuple[str, Table | list[Row]]] = []
    for object in objects:
        table = assembly.seen[object]
        rows: Table | list[Row] = table if since is None else table.since(since)
        ids: set[str] | None = None
        if name:
            ids = table.containing("name", name) | (set() if by_name_only else table.containing("domain", name))
        if domain:
            of_domain = table.containing("domain", domain)
            ids = of_domain if ids is None else ids & of_domain
        if ids is not None:
            rows = table.pick(ids) if since is None else [row for row in rows if row["id"] in ids]
        if properties:
            rows = [row for row in rows if _has(row["additional_properties"], properties)]
        lists.append((object, rows))
    found: list[tuple[str, Row]] = []
    start = offset
    for object, rows in lists:
        stop = start + limit - len(found)
        found += [(object, row) for row in (rows[start:stop] if isinstance(rows, list) else rows.slice(start, stop))]
        start = max(0, start - len(rows))
    return found, offset + limit < sum(len(rows) for _, rows in lists)


def _has(held: Row, properties: list[tuple[str, Any]]) -> bool:
    return all(name in held and same(held[name], value) for name, value in properties)


def same(held: Any, wanted: Any) -> bool:
    """assembly.txt, "Search Accounts": "exact value match", with values given as strings."""
    return bool(held == wanted) or (
        isinstance(wanted, str) and not isinstance(held, str) and json.dumps(held) == wanted
    )
