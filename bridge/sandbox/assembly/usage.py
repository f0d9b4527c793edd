"""Usage logs, of the organisation or of one account or contact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.assembly import parts
from bridge.sandbox.assembly.properties import ITEMS
from bridge.sandbox.assembly.records import LOG_CHANGE, LOG_NEW
from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Operation
from bridge.sandbox.shapes import Body

if TYPE_CHECKING:
    from bridge.sandbox.assembly.system import Assembly


class Usage:
    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self.logs = Logs(assembly, LOG_NEW, LOG_CHANGE)

    def operations(self) -> Iterable[Operation]:
        logs, paged = self.logs, {200: parts.paged_schema("logs")}
        added, got = 'assembly.txt, "Add Usage Log"', 'assembly.txt, "Get Usage Logs"'
        filters, source, one = (*parts.PAGING, parts.UPDATED_AFTER), (parts.SOURCE_ID,), "/usage/{log_id}"
        yield Operation("usage.create", "POST", "/usage", self.create, added, (), LOG_NEW, {200: parts.ID_SCHEMA})
        yield Operation("usage.list", "GET", "/usage", self.listing, got, filters, answers=paged)
        yield Operation("usage.get", "GET", one, logs.get, got, answers={200: parts.object_schema("log")})
        yield Operation(
            "usage.update",
            "PUT",
            one,
            logs.update,
            'assembly.txt, "Update Usage Log"',
            (),
            LOG_CHANGE,
            {200: parts.ID_SCHEMA},
        )
        yield Operation(
            "usage.delete",
            "DELETE",
            one,
            logs.delete,
            'assembly.txt, "Delete Usage Log"',
            answers={200: parts.EMPTY_SCHEMA},
        )
        for item in ("accounts", "contacts"):
            of = _Of(self.assembly, logs, ITEMS[item])
            for path, query in ((f"/usage/{item}", source), (f"/usage/{item}/{{id}}", ())):
                yield Operation("usage.create", "POST", path, of.create, added, query, LOG_NEW, {200: parts.ID_SCHEMA})
                yield Operation("usage.list", "GET", path, of.listing, got, (*query, *filters), answers=paged)

    def create(self, call: Call) -> Answer:
        return self.logs.create(call, None)

    def listing(self, call: Call) -> Answer:
        return self.logs.listing(call, None, after=parts.since(call))


class _Of:
    """Logs tied to one item."""

    def __init__(self, assembly: Assembly, logs: Logs, objects: tuple[str, ...]) -> None:
        self.assembly = assembly
        self.logs = logs
        self.objects = objects

    def _named(self, call: Call, *, reads: bool) -> str:
        database = self.assembly.seen if reads else self.assembly.db
        found = None
        if "id" in call.params:
            found = self.assembly.by_name(database, self.objects, call.params["id"])
        elif source_id := call.query.get("source_specific_id"):
            found = self.assembly.by_source(database, self.objects, source_id)
        if found is None:
            raise Refusal(404, "item not found")
        return str(found[1]["id"])

    def create(self, call: Call) -> Answer:
        return self.logs.create(call, self._named(call, reads=False))

    def listing(self, call: Call) -> Answer:
        return self.logs.listing(call, self._named(call, reads=True), after=parts.since(call))


class Logs:
    """What both dialects do with logs; which fields one has is the dialect's."""

    def __init__(self, assembly: Assembly, new: Body, change: Body) -> None:
        self.assembly = assembly
        self._new = new
        self._change = change

    def create(self, call: Call, account_id: str | None) -> Answer:
        row = {**self._new.only(call.body), "account_id": account_id}
        _check_value(row)
        return Answer(200, {"id": self.assembly.create("usage", row)["id"]})

    def listing(self, call: Call, account_id: str | None, *, after: float | None) -> Answer:
        table = self.assembly.seen["usage"]
        offset, limit = parts.window(self.assembly, call)
        if account_id is None and after is None:
            rows, more = table.slice(offset, offset + limit), offset + limit < len(table)
        else:
            every: Iterable[Row] = table if after is None else table.since(after)
            if account_id is not None:
                wanted = {row["id"] for row in table.many("item", account_id)}
                every = [row for row in every if row["id"] in wanted]
            held = list(every)
            rows, more = held[offset : offset + limit], offset + limit < len(held)
        return parts.page(
            self.assembly, "logs", [self.assembly.show("usage", row) for row in rows], offset=offset, more=more
        )

    def _named(self, call: Call, *, reads: bool = False) -> Row:
        row = (self.assembly.seen if reads else self.assembly.db)["usage"].get(call.params["log_id"])
        if row is None:
            raise Refusal(404, "usage log not found")
        return row

    def get(self, call: Call) -> Answer:
        """The text does not show the answer: the log under ``log``, as the other objects are under their name."""
        return Answer(200, {"log": self.assembly.show("usage", self._named(call, reads=True))})

    def update(self, call: Call) -> Answer:
        """ "updating the metadata field will completely override the existing metadata value" """
        old = self._named(call)
        given = {name: value for name, value in self._change.only(call.body).items() if value is not None}
        new = self.assembly.touched("usage", {**old, **given})
        _check_value(new)
        self.assembly.store("usage", old, new)
        return Answer(200, {"id": old["id"]})

    def delete(self, call: Call) -> Answer:
        self.assembly.discard("usage", self._named(call))
        return Answer(200, {})


def _check_value(row: Row) -> None:
    if row["type"] in ("Metric", "CumulativeMetric") and row.get("value") is None:
        raise Refusal(400, f"missing required field: value, for a log of type {row['type']}")
