"""Labels: tiers, stages, company types and tags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.assembly import parts
from bridge.sandbox.assembly.records import LABEL_CHANGE, LABEL_NEW, LABEL_TYPES
from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Operation

if TYPE_CHECKING:
    from bridge.sandbox.assembly.system import Assembly

_BY_TYPE = {kind.lower(): kind for kind in LABEL_TYPES}


class Labels:
    """Both dialects have them; the legacy one has no ``updated_after``."""

    def __init__(self, assembly: Assembly, *, text: str = "assembly.txt", path: str = "") -> None:
        self.assembly = assembly
        self._text = text
        self._path = path or f"/{assembly.switches.labels_path}/labels"
        self._legacy = text != "assembly.txt"

    def operations(self) -> Iterable[Operation]:
        one, path = f"{self._path}/{{id}}", self._path
        listed, query = {200: parts.list_schema("labels")}, () if self._legacy else (parts.UPDATED_AFTER,)
        source = f'{self._text}, "{{}} Label{{}}"'
        return (
            Operation("labels.list", "GET", path, self.listing, source.format("Get", "s"), query, answers=listed),
            Operation("labels.get", "GET", one, self.get, source.format("Get", "s"), query, answers=listed),
            Operation(
                "labels.create",
                "POST",
                path,
                self.create,
                source.format("Create", ""),
                (),
                LABEL_NEW,
                {200: parts.ID_SCHEMA},
            ),
            Operation(
                "labels.update",
                "PUT",
                one,
                self.update,
                source.format("Update", ""),
                (),
                LABEL_CHANGE,
                {200: parts.ID_SCHEMA},
            ),
            Operation(
                "labels.delete",
                "DELETE",
                one,
                self.delete,
                source.format("Delete", ""),
                answers={200: parts.EMPTY_SCHEMA},
            ),
        )

    def _shown(self, call: Call, rows: Iterable[Row]) -> Answer:
        after = None if self._legacy else parts.since(call)
        if after is not None:
            recent = {row["id"] for row in self.assembly.seen["labels"].since(after)}
            rows = [row for row in rows if row["id"] in recent]
        return Answer(200, {"labels": [self.assembly.show("labels", row) for row in rows]})

    def listing(self, call: Call) -> Answer:
        return self._shown(call, self.assembly.seen["labels"])

    def get(self, call: Call) -> Answer:
        """By type (``tier``, as in the example) or by id; "The labels are returned in this format {"labels": [...]}" either way."""
        table = self.assembly.seen["labels"]
        wanted = call.params["id"]
        row = table.get(wanted)
        if row is not None:
            return self._shown(call, [row])
        kind = _BY_TYPE.get(wanted.lower())
        if kind is None:
            raise Refusal(404, "label not found")
        return self._shown(call, [row for row in table if row["type"] == kind])

    def create(self, call: Call) -> Answer:
        return Answer(200, {"id": self.assembly.create("labels", LABEL_NEW.only(call.body))["id"]})

    def _named(self, call: Call) -> Row:
        row = self.assembly.db["labels"].get(call.params["id"])
        if row is None:
            raise Refusal(404, "label not found")
        return row

    def update(self, call: Call) -> Answer:
        old = self._named(call)
        given = {name: value for name, value in LABEL_CHANGE.only(call.body).items() if value is not None}
        self.assembly.store("labels", old, self.assembly.touched("labels", {**old, **given}))
        return Answer(200, {"id": old["id"]})

    def delete(self, call: Call) -> Answer:
        self.assembly.discard("labels", self._named(call))
        return Answer(200, {})
