"""Additional properties of an account, contact or deal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.assembly import parts
from bridge.sandbox.assembly.records import DELETED_NAMES, KINDS, PROPERTIES
from bridge.sandbox.assembly.writing import merged
from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Operation
from bridge.sandbox.shapes import parse_time

if TYPE_CHECKING:
    from bridge.sandbox.assembly.system import Assembly

_SHOWN: Row = {
    "type": "object",
    "required": ["id", "additional_properties"],
    "properties": {"id": {"type": "string"}, "additional_properties": {"type": ["array", "object"]}},
}
ITEMS: dict[str, tuple[str, ...]] = {"accounts": tuple(KINDS), "contacts": ("contacts",), "deals": ("deals",)}
"""The item of a path to the tables it may mean: a contact is an account too."""


class Properties:
    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly

    def operations(self) -> Iterable[Operation]:
        source, text = (parts.SOURCE_ID,), 'assembly.txt, "{} Additional Propert{}"'
        for item, objects in ITEMS.items():
            calls = ItemProperties(self.assembly, objects)
            for path, query in ((f"/add_props/{item}", source), (f"/add_props/{item}/{{id}}", ())):
                yield Operation(
                    "add_props.create",
                    "POST",
                    path,
                    calls.create,
                    text.format("Create", "ies"),
                    query,
                    PROPERTIES,
                    {200: parts.ID_SCHEMA},
                )
                yield Operation(
                    "add_props.get",
                    "GET",
                    path,
                    calls.get,
                    text.format("Get", "ies"),
                    (*query, parts.UPDATED_AFTER),
                    answers={200: _SHOWN},
                )
                yield Operation(
                    "add_props.update",
                    "PUT",
                    path,
                    calls.update,
                    text.format("Update", "ies"),
                    query,
                    PROPERTIES,
                    {200: parts.ID_SCHEMA},
                )
                yield Operation(
                    "add_props.delete",
                    "DELETE",
                    path,
                    calls.delete,
                    text.format("Delete", "y"),
                    query,
                    DELETED_NAMES,
                    {200: parts.EMPTY_SCHEMA},
                )


class ItemProperties:
    """The four calls on one kind of item. ``source_in_path``: the legacy dialect's way of naming one by its source id."""

    def __init__(self, assembly: Assembly, objects: tuple[str, ...], *, source_in_path: bool = False) -> None:
        self.assembly = assembly
        self.objects = objects
        self.source_in_path = source_in_path

    def _named(self, call: Call, *, reads: bool = False) -> tuple[str, Row]:
        database = self.assembly.seen if reads else self.assembly.db
        found = None
        if "id" in call.params:
            found = self.assembly.by_name(database, self.objects, call.params["id"])
            if found is None and self.source_in_path:
                found = self.assembly.by_source(database, self.objects, call.params["id"])
        elif source_id := call.query.get("source_specific_id"):
            found = self.assembly.by_source(database, self.objects, source_id)
        if found is None:
            raise Refusal(404, "item not found")
        return found

    def get(self, call: Call) -> Answer:
        _, row = self._named(call, reads=True)
        held = row["additional_properties"]
        after = None if self.source_in_path else parts.since(call)
        if after is not None:
            held = {name: value for name, value in held.items() if _at(row["property_stamps"][name]) >= after}
        as_map = self.source_in_path or self.assembly.switches.add_props_shape == "map"
        shown = held if as_map else [{"name": name, "value": value} for name, value in held.items()]
        return Answer(200, {"id": row["id"], "additional_properties": shown})

    def create(self, call: Call) -> Answer:
        """ "If the property already exists on that item's additional properties, an “already exists” error will be returned." """
        object, row = self._named(call)
        held = sorted(set(call.body) & set(row["additional_properties"]))
        if held:
            raise self.assembly.duplicate(f"additional property already exists: {', '.join(held)}")
        return self._put(object, row, {**row["additional_properties"], **call.body})

    def update(self, call: Call) -> Answer:
        object, row = self._named(call)
        return self._put(object, row, merged(self.assembly, row["additional_properties"], call.body))

    def delete(self, call: Call) -> Answer:
        object, row = self._named(call)
        gone = set(call.body["properties"])
        self._put(
            object, row, {name: value for name, value in row["additional_properties"].items() if name not in gone}
        )
        return Answer(200, {})

    def _put(self, object: str, row: Row, properties: Row) -> Answer:
        new = {**row, "additional_properties": properties}
        if self.assembly.switches.add_props_move_updated_at:
            new = self.assembly.touched(object, new)
        self.assembly.store(object, row, new)
        return Answer(200, {"id": row["id"]})


def _at(stamp: str | None) -> float:
    moment = parse_time(stamp) if stamp else None
    return moment.timestamp() if moment else float("-inf")
