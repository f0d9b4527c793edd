"""In-memory tables with indexes, and a replica that lags behind for stale reads."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.messages import Row
from bridge.sandbox.shapes import parse_time

Keys = Callable[[Row], Iterable[Hashable]]
"""The index keys of a row; none leaves the row out of the index."""


@dataclass(frozen=True, slots=True)
class Design:
    """How a table is kept: ``order`` makes the key by which it lists a row, given the row and its sequence number.

    ``stamp`` is the field of the row's own modification time, ISO text or null. ``texts`` are fields that can be searched for a
    part, whatever its case.
    """

    name: str
    order: Callable[[Row, int], Any] = lambda _row, number: number
    indexes: Mapping[str, Keys] = field(default_factory=dict)
    stamp: str = "updated_at"
    texts: tuple[str, ...] = ()


class Sorted:
    """Unique keys in order. Additions in bulk are sorted once, when first read."""

    __slots__ = ("_dirty", "_items")

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._dirty: list[Any] = []

    def add(self, item: Any) -> None:
        self._dirty.append(item)

    def discard(self, item: Any) -> None:
        items = self.all()
        at = bisect_left(items, item)
        if at < len(items) and items[at] == item:
            del items[at]

    def all(self) -> list[Any]:
        if self._dirty:
            if len(self._dirty) > 64:
                self._items += self._dirty
                self._items.sort()
            else:
                for item in self._dirty:
                    insort(self._items, item)
            self._dirty = []
        return self._items


class Table:
    """Rows by id, listed in the design's order. Rows put here must not be changed afterwards."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.rows: dict[str, Row] = {}
        self._numbers: dict[str, int] = {}
        self._next = 0
        self._order = Sorted()
        self._stamps = Sorted()
        self._indexes: dict[str, dict[Hashable, dict[str, None]]] = {name: {} for name in design.indexes}
        self._texts: dict[str, dict[str, str]] = {name: {} for name in design.texts}
        self._version = 0
        self._memo: tuple[int, Hashable, list[Row]] | None = None
        self.observer: Callable[[str, str, Row | None], None] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def get(self, record_id: str) -> Row | None:
        return self.rows.get(record_id)

    def put(self, row: Row) -> None:
        record_id = row["id"]
        old = self.rows.get(record_id)
        if old is None:
            self._numbers[record_id] = self._next
            self._next += 1
        self._reindex(record_id, old, row)
        self.rows[record_id] = row
        self._changed(record_id, row)

    def remove(self, record_id: str) -> Row | None:
        old = self.rows.pop(record_id, None)
        if old is not None:
            self._reindex(record_id, old, None)
            del self._numbers[record_id]
            self._changed(record_id, None)
        return old

    def _changed(self, record_id: str, row: Row | None) -> None:
        self._version += 1
        if self.observer is not None:
            self.observer(self.design.name, record_id, row)

    def _reindex(self, record_id: str, old: Row | None, new: Row | None) -> None:
        number = self._numbers[record_id]
        for sorted_keys, key_of in ((self._order, self._order_key), (self._stamps, self._stamp_key)):
            was = key_of(old, number) if old is not None else None
            now = key_of(new, number) if new is not None else None
            if was != now:
                if was is not None:
                    sorted_keys.discard((was, record_id))
                if now is not None:
                    sorted_keys.add((now, record_id))
        for name, held_texts in self._texts.items():
            if new is None:
                del held_texts[record_id]
            else:
                held_texts[record_id] = new[name].casefold()
        for name, keys_of in self.design.indexes.items():
            was_keys = set(keys_of(old)) if old is not None else set()
            now_keys = set(keys_of(new)) if new is not None else set()
            index = self._indexes[name]
            for key in was_keys - now_keys:
                held = index[key]
                del held[record_id]
                if not held:
                    del index[key]
            for key in now_keys - was_keys:
                index.setdefault(key, {})[record_id] = None

    def _order_key(self, row: Row, number: int) -> Any:
        return self.design.order(row, number)

    def _stamp_key(self, row: Row, _number: int) -> float | None:
        text = row.get(self.design.stamp)
        moment = parse_time(text) if isinstance(text, str) else None
        return None if moment is None else moment.timestamp()

    def one(self, index: str, key: Hashable) -> Row | None:
        held = self._indexes[index].get(key)
        return self.rows[next(iter(held))] if held else None

    def many(self, index: str, key: Hashable) -> list[Row]:
        """In the order in which they came under the key."""
        return [self.rows[record_id] for record_id in self._indexes[index].get(key, ())]

    def count(self, index: str, key: Hashable) -> int:
        return len(self._indexes[index].get(key, ()))

    def slice(self, start: int, stop: int) -> list[Row]:
        return [self.rows[record_id] for _, record_id in self._order.all()[start:stop]]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.slice(0, len(self.rows)))

    def containing(self, text: str, part: str) -> set[str]:
        """The ids of the rows whose ``text`` contains ``part``, whatever its case."""
        needle = part.casefold()
        return {record_id for record_id, held in self._texts[text].items() if needle in held}

    def pick(self, ids: set[str]) -> list[Row]:
        """These rows, in list order."""
        if len(ids) * 8 < len(self.rows):
            keyed = ((self._order_key(self.rows[one], self._numbers[one]), one) for one in ids)
            return [self.rows[one] for _, one in sorted(keyed)]
        return [self.rows[one] for _, one in self._order.all() if one in ids]

    def since(self, moment: float) -> list[Row]:
        """Rows stamped at or after ``moment`` (seconds since the epoch), in list order; rows without a stamp never. The last
        answer is kept while nothing changes: whoever pages asks for it again and again."""
        if self._memo is None or self._memo[:2] != (self._version, moment):
            stamps = self._stamps.all()
            found = {record_id for _, record_id in stamps[bisect_left(stamps, (moment, "")) :]}
            self._memo = (self._version, moment, self.pick(found))
        return self._memo[2]


class Database:
    """The tables of one system."""

    def __init__(self, designs: Iterable[Design]) -> None:
        self.tables = {design.name: Table(design) for design in designs}

    def __getitem__(self, name: str) -> Table:
        return self.tables[name]

    def copy(self) -> Database:
        twin = Database(table.design for table in self.tables.values())
        for name, table in self.tables.items():
            target = twin.tables[name]
            for record_id in sorted(table.rows, key=table._numbers.__getitem__):
                target.put(table.rows[record_id])
        return twin


class Replica:
    """A copy of ``source`` that applies each change ``lag`` seconds late. Made while stale reads are on."""

    def __init__(self, source: Database, clock: Callable[[], float]) -> None:
        self._database = source.copy()
        self._journal: deque[tuple[float, str, str, Row | None]] = deque()
        self._clock = clock
        self._source = source
        for table in source.tables.values():
            table.observer = self._note

    def stop(self) -> None:
        for table in self._source.tables.values():
            table.observer = None

    def _note(self, table: str, record_id: str, row: Row | None) -> None:
        self._journal.append((self._clock(), table, record_id, row))

    def at(self, lag: float) -> Database:
        until = self._clock() - lag
        while self._journal and self._journal[0][0] <= until:
            _, name, record_id, row = self._journal.popleft()
            table = self._database[name]
            if row is None:
                table.remove(record_id)
            else:
                table.put(row)
        return self._database
