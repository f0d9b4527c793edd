"""What all simulated systems share: tables, time, ids, switches, and what a person in the system does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from bridge.sandbox.clock import Ids, iso, wall
from bridge.sandbox.messages import Answer, Refusal, Request, Row
from bridge.sandbox.routing import Operation
from bridge.sandbox.switches import Switches
from bridge.sandbox.tables import Database, Design, Replica, Table

S = TypeVar("S", bound=Switches)

Event = tuple[str, Row]
"""What a webhook tells: its type (``company.updated``) and the record."""


class System(Generic[S]):
    """One remote system. Subclasses add the operations and say what their records look like.

    ``listen`` is called with every change of a record that the system has an event for.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    base_path: ClassVar[str]
    designs: ClassVar[tuple[Design, ...]]
    security: ClassVar[Row]
    error_schema: ClassVar[Row] = {
        "type": "object",
        "properties": {"error": {"type": "string"}},
        "required": ["error"],
    }

    def __init__(self, switches: S, *, key: str, entity_id: str = "", seed: int = 0) -> None:
        self.switches = switches
        self.key = key
        self.entity_id = entity_id
        self.seed_number = seed
        self.listen: Callable[[str, Row], None] = lambda _type, _row: None
        self.wipe()

    def wipe(self) -> None:
        """Forget every record; ids start again."""
        self.db = Database(self.designs)
        self.ids = Ids(self.seed_number, self.name)
        self._replica: Replica | None = None
        self.furnish()
        self.set_switches(self.switches)

    # --- what subclasses say ------------------------------------------------------------------------------------

    def furnish(self) -> None:
        """Put in the records that exist from the start (a mail connection, a marketing list)."""

    def facts(self) -> Row:
        """What a test cannot learn through the API."""
        return {}

    def operations(self) -> Iterable[Operation]:
        raise NotImplementedError

    def authenticate(self, request: Request) -> None:
        """Raises the 401, 400 or 403 of a request that may not come in."""
        raise NotImplementedError

    def authorise(self, operation: Operation) -> None:
        """Raises the 403 of a key without the scope."""

    def limit(self, operation: Operation) -> tuple[str, int | None, float]:
        """The name of the limit's bucket, its size and its seconds."""
        del operation
        return "", self.switches.limit_per_second, 1.0

    def show_refusal(self, refusal: Refusal) -> Answer:
        return Answer(refusal.status, {"error": refusal.message}, refusal.headers)

    def complete(self, object: str, given: Mapping[str, Any]) -> Row:
        """A whole row of ``object`` from some of its fields: defaults, id, stamps."""
        raise NotImplementedError

    def store(self, object: str, old: Row | None, new: Row) -> Row:
        """Put a row that was created or changed, with what follows from it (events)."""
        raise NotImplementedError

    def touched(self, object: str, row: Row) -> Row:
        """The row with its modification stamp moved to now."""
        del object
        return {**row, "updated_at": self.now()}

    def discard(self, object: str, row: Row) -> None:
        """Remove a row with what goes with it."""
        raise NotImplementedError

    # --- time and reads -----------------------------------------------------------------------------------------

    def now(self) -> str:
        return iso(wall(self.switches.clock_skew_seconds), self.switches.stamp_grain)

    def set_switches(self, switches: S) -> None:
        self.switches = switches
        if switches.stale_reads_ms == 0:
            if self._replica is not None:
                self._replica.stop()
            self._replica = None
        elif self._replica is None:
            self._replica = Replica(self.db, time.monotonic)

    @property
    def seen(self) -> Database:
        """The tables as a read sees them: the present, or while stale reads are on the past."""
        if self._replica is not None:
            return self._replica.at(self.switches.stale_reads_ms / 1000)
        return self.db

    # --- a person in this system --------------------------------------------------------------------------------

    def create(self, object: str, given: Mapping[str, Any]) -> Row:
        return self.store(object, None, self.complete(object, given))

    def patch(self, object: str, record_id: str, given: Mapping[str, Any]) -> Row:
        old = self.require(object, record_id)
        new = {**old, **given, "id": record_id}
        if isinstance(given.get("additional_properties"), dict):
            merged = {**old["additional_properties"], **given["additional_properties"]}
            new["additional_properties"] = {name: value for name, value in merged.items() if value is not None}
        return self.store(object, old, self.touched(object, new))

    def remove(self, object: str, record_id: str) -> None:
        self.discard(object, self.require(object, record_id))

    def require(self, object: str, record_id: str) -> Row:
        row = self.table(object).get(record_id)
        if row is None:
            raise Refusal(404, f"no {object} {record_id}")
        return row

    def table(self, object: str) -> Table:
        if object not in self.db.tables:
            raise Refusal(404, f"no such object: {object}; there are {', '.join(self.db.tables)}")
        return self.db[object]

    def seed(self, records: Mapping[str, Iterable[Mapping[str, Any]]]) -> dict[str, int]:
        """Put many records at once, without events. Answers how many of each object."""
        counts = {}
        for object, rows in records.items():
            table = self.table(object)
            count = 0
            for given in rows:
                table.put(self.complete(object, given))
                count += 1
            counts[object] = count
        return counts
