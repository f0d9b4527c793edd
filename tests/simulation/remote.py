"""A remote system's data, as its users and its API see it: versioned rows, stamps, replicas, habits of spelling.

Written from the API texts. It shares no code with the bridge, its connectors or its sandbox; ``peers`` puts the
bridge's connector port on top.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulation.journal import Event, Journal

EPOCH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""Virtual second 0."""


def moment(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=round(seconds, 6))


@dataclass(frozen=True, slots=True)
class Habits:
    """How one system behaves in one world. Each value is allowed by the API text or left open by it."""

    skew: float = 0.0
    """Seconds its clock runs ahead of true time."""
    grain: float = 0.0
    """Its stamps are rounded down to this many seconds (0: microseconds)."""
    null_stamps: bool = False
    """Records have no stamp until they are edited."""
    property_stamps: bool = True
    """Changing an additional property moves the record's stamp."""
    dates: bool = True
    """Answers carry a Date header."""
    lag: float = 0.0
    """Reads may come from a replica that is up to this many seconds behind."""
    stale: float = 0.0
    """Share of reads that come from such a replica."""
    trim: bool = False
    cut: int | None = None
    lower_email: bool = False
    cents: bool = False
    null_ignored: bool = False
    """``null`` in an update means "not given"."""
    shows_parent: bool = True
    """Contacts show their company, deals their account."""
    answers_stamp: bool = True
    """A write's answer tells the new stamp."""
    upsert_by_domain: bool = False
    """An upsert also finds a record by the domain in its body."""
    shared_keys: bool = False
    """Companies and contacts share one namespace of source ids."""
    deleted_label: str = "kept"
    """What becomes of a record whose label is deleted: the id is ``kept`` (dangling) or turned to ``null``."""
    event_ids: bool = True
    """Webhooks carry an event id."""
    page: int = 3


@dataclass(slots=True)
class Row:
    """One record through time. ``versions`` are (since, raw or None once gone), oldest first."""

    object: str
    id: str
    made_by: str
    versions: list[tuple[float, dict[str, Any] | None]] = field(default_factory=list)

    @property
    def raw(self) -> dict[str, Any] | None:
        return self.versions[-1][1]

    def at(self, when: float) -> dict[str, Any] | None:
        """What a replica that is as of ``when`` shows."""
        shown: dict[str, Any] | None = None
        for since, raw in self.versions:
            if since > when:
                break
            shown = raw
        return shown


class Remote:
    """Rows of one system with its clock. Users act through ``create``, ``edit``, ``delete`` and ``merge``.

    ``watch`` is called after each change with (object, id, kind): webhooks and automations hang there.
    """

    stamp_path = "updated_at"

    def __init__(
        self, system: str, habits: Habits, time: Callable[[], float], rng: random.Random, journal: Journal
    ) -> None:
        self.system = system
        self.habits = habits
        self.time = time
        self.rng = rng
        self.journal = journal
        self.rows: dict[tuple[str, str], Row] = {}
        self.names: dict[str, dict[str, str]] = {}
        self.ever: dict[str, dict[str, list[str]]] = {}
        """Kind → id → every name it ever had."""
        self.watch: Callable[[str, str, str], None] = lambda *_: None
        self._next = 0

    # --- what both users and the API do ---

    def new_id(self, object: str) -> str:
        self._next += 1
        return f"{self.system[0]}{object[:2]}{self._next}"

    def stamp(self) -> str:
        """The remote's stamp for a change made now, RFC 3339."""
        seconds = self.time() + self.habits.skew
        if self.habits.grain:
            seconds = math.floor(seconds / self.habits.grain) * self.habits.grain
        return moment(seconds).isoformat()

    def date(self) -> datetime | None:
        """The Date header (whole seconds) of an answer given now."""
        if not self.habits.dates:
            return None
        return moment(math.floor(self.time() + self.habits.skew))

    def live(self, object: str) -> Iterator[Row]:
        for row in self.rows.values():
            if row.object == object and row.raw is not None:
                yield row

    def row(self, object: str, id: str) -> Row | None:
        row = self.rows.get((object, id))
        return row if row is not None and row.raw is not None else None

    def insert(self, object: str, values: Mapping[str, Any], made_by: str) -> Row:
        row = Row(object, self.new_id(object), made_by)
        raw = self.blank(object) | {"id": row.id}
        for path, value in values.items():
            assign(raw, path, self.spell(object, path, value))
        raw[self.stamp_path] = None if self.habits.null_stamps and made_by == "user" else self.stamp()
        row.versions.append((self.time(), raw))
        self.rows[object, row.id] = row
        return row

    def change(self, row: Row, values: Mapping[str, Any]) -> None:
        """Set paths; a value of ``None`` clears. Like most systems, a change of nothing moves no stamp."""
        assert row.raw is not None
        raw = copy.deepcopy(row.raw)
        for path, value in values.items():
            assign(raw, path, self.spell(row.object, path, value))
        if raw == row.raw:
            return
        only_properties = all(path.startswith("additional_properties") for path in values)
        if self.habits.property_stamps or not only_properties:
            raw[self.stamp_path] = self.stamp()
        row.versions.append((self.time(), raw))

    def remove(self, row: Row) -> None:
        row.versions.append((self.time(), None))

    def spell(self, object: str, path: str, value: Any) -> Any:
        """How this system stores what it is given."""
        if isinstance(value, str):
            if self.habits.trim:
                value = value.strip()
            if self.habits.cut is not None and path == "name":
                value = value[: self.habits.cut]
            if self.habits.lower_email and "@" in value:
                value = value.lower()
        if self.habits.cents and isinstance(value, float):
            value = round(value, 2)
        return value

    def blank(self, object: str) -> dict[str, Any]:
        """The raw values of a new record that was given nothing."""
        raise NotImplementedError

    # --- users ---

    def create(self, object: str, values: Mapping[str, Any]) -> str:
        row = self.insert(object, values, "user")
        self.journal.add(Event(self.time(), "create", self.system, object, row.id, self._stored(row, values)))
        self.watch(object, row.id, "created")
        return row.id

    def edit(self, object: str, id: str, values: Mapping[str, Any], note: str = "") -> bool:
        row = self.row(object, id)
        if row is None:
            return False
        before = self._stored(row, values)
        self.change(row, values)
        changed = {path: value for path, value in self._stored(row, values).items() if value != before[path]}
        self.journal.add(Event(self.time(), "edit", self.system, object, id, changed, note=note))
        self.watch(object, id, "updated")
        return True

    def _stored(self, row: Row, values: Mapping[str, Any]) -> dict[str, Any]:
        """What the user saw after typing: the values in this system's own spelling."""
        return {path: copy.deepcopy(pick(row.raw or {}, path)) for path in values}

    def delete(self, object: str, id: str) -> bool:
        row = self.row(object, id)
        if row is None:
            return False
        self.remove(row)
        self.journal.add(Event(self.time(), "delete", self.system, object, id))
        self.watch(object, id, "deleted")
        return True

    def restore(self, object: str, id: str) -> bool:
        """Bring a record back that somebody deleted, as it was."""
        row = self.rows.get((object, id))
        if row is None or row.raw is not None:
            return False
        raw = next(raw for _, raw in reversed(row.versions) if raw is not None)
        row.versions.append((self.time(), {**copy.deepcopy(raw), self.stamp_path: self.stamp()}))
        self.journal.add(Event(self.time(), "edit", self.system, object, id, note="restored"))
        self.watch(object, id, "updated")
        return True

    def rename(self, kind: str, id: str, name: str) -> None:
        """Give a label or a stage a name; a new id makes a new one."""
        self.names.setdefault(kind, {})[id] = name
        self.ever.setdefault(kind, {}).setdefault(id, []).append(name)
        self.journal.add(Event(self.time(), "note", self.system, kind, id, note=f"renamed to {name!r}"))

    # --- replicas ---

    def view(self) -> float:
        """The time as of which a read made now sees the data."""
        if self.habits.lag and self.rng.random() < self.habits.stale:
            return self.time() - self.rng.uniform(0, self.habits.lag)
        return self.time()


def split(path: str) -> list[str]:
    """``additional_properties."CRM owner"`` → its segments."""
    parts: list[str] = []
    rest = path
    while rest:
        if rest.startswith('"'):
            end = rest.index('"', 1)
            parts.append(rest[1:end])
            rest = rest[end + 1 :].removeprefix(".")
        else:
            head, _, rest = rest.partition(".")
            parts.append(head)
    return parts


def assign(raw: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a path; ``None`` inside ``additional_properties`` removes the key."""
    *parents, last = split(path)
    target = raw
    for part in parents:
        target = target.setdefault(part, {})
    if value is None and parents:
        target.pop(last, None)
    else:
        target[last] = value


def pick(raw: Mapping[str, Any], path: str) -> Any:
    """The value at a path, ``None`` where there is none."""
    value: Any = raw
    for part in split(path):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
