"""Codecs for lists, and for one entry inside a list."""

# ruff: noqa: ARG002  (codecs share one signature; few need all of it)

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar

from bridge.core.errors import Undecodable
from bridge.core.mapping.codecs.base import Codec, Rich, Step, refuse
from bridge.core.mapping.codecs.chain import Chain
from bridge.core.mapping.paths import Pick
from bridge.core.mapping.values import is_empty, kind_of, same_json
from bridge.core.records import Json, Lookups, Reference


@dataclass(frozen=True)
class FirstOfList(Codec):
    """One value on the left is the first of a list on the right; the others stay.

    Cleared on the left while others remain, the first place is kept as an empty text: moving the second one up would
    make it the left side's value, which nobody said.
    """

    rich: ClassVar[Rich] = "right"

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        if isinstance(x, list):
            refuse("a list stands where one value was expected", "list")
        others = now[1:] if isinstance(now, list) else []
        return [x, *(other for other in others if not same_json(other, x))]

    def forth_empty(self, now: Json) -> Json:
        others = now[1:] if isinstance(now, list) else []
        return ["", *others] if others else []

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        if not isinstance(y, list):
            return y
        if isinstance(y[0], list):
            refuse("a list stands where one value was expected", "list")
        return y[0]

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return ("555-0100",), (["555-0100", "555-0199"], ["555-0199"], ["", "555-0199"], [], "555-0100")


@dataclass(frozen=True)
class List(Codec):
    """A list on both sides, or a text with separators on the left."""

    rich: ClassVar[Rich] = "left"
    separator: str = ""

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        if isinstance(x, str) and self.separator:
            return [part.strip() for part in x.split(self.separator.strip() or self.separator) if part.strip()]
        items = x if isinstance(x, list) else [x]
        return [item for item in items if not is_empty(item)]

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        items = y if isinstance(y, list) else [y]
        if not self.separator:
            return items
        if any(not isinstance(item, str) or self.separator.strip() in item for item in items):
            refuse("an entry holds the separator or is no text", "list")
        return self.separator.join(items)

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        joined = (f"red{self.separator}blue",) if self.separator else ()
        return (["red", "blue"], "red", *joined), (["red", "blue"], [], ["blue", "red"])


@dataclass(frozen=True)
class Entries(Codec):
    """Space around entries and empty ones are no difference on the right either."""

    rich: ClassVar[Rich] = "both"
    trim: bool = False

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        items = x if isinstance(x, list) else [x]
        kept = [item.strip() if self.trim and isinstance(item, str) else item for item in items]
        return [item for item in kept if not is_empty(item)]


@dataclass(frozen=True)
class Each(Codec):
    """The same codecs for every entry of a list, from left values to common ones. See ``EachRight`` for the rest of the way.

    Entries that did not change keep their spelling; empty ones do not count.
    """

    rich: ClassVar[Rich] = "left"
    chain: Chain = field(default_factory=Chain)

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        return _read_each(self.chain.decode_left, x, lookups)

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        return _write_each(self.chain.encode_left, self.chain.decode_left, y, now, lookups)

    def left_references(self, x: Json) -> frozenset[Reference]:
        return _references(self.chain.references_left, x)


@dataclass(frozen=True)
class EachRight(Codec):
    """The same codecs for every entry of a list, from common values to right ones."""

    rich: ClassVar[Rich] = "right"
    chain: Chain = field(default_factory=Chain)

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        return _write_each(self.chain.encode_right, self.chain.decode_right, x, now, lookups)

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        return _read_each(self.chain.decode_right, y, lookups)

    def right_references(self, y: Json) -> frozenset[Reference]:
        return _references(self.chain.references_right, y)


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _read_each(read: Callable[[Json, Lookups], Json], value: Json, lookups: Lookups) -> Json:
    found = [read(item, lookups) for item in _items(value) if not is_empty(item)]
    return [item for item in found if not is_empty(item)]


def _write_each(
    write: Step, read: Callable[[Json, Lookups], Json], values: Json, now: Json, lookups: Lookups
) -> list[Json]:
    if not isinstance(values, list):
        refuse(f"{kind_of(values)} stands where a list was expected", "list")
    spelled = []
    for item in now if isinstance(now, list) else []:
        with suppress(Undecodable):
            spelled.append((read(item, lookups), item))
    out = []
    for value in values:
        kept = next((raw for common, raw in spelled if same_json(common, value)), None)
        out.append(kept if kept is not None else write(value, None, lookups))
    return out


def _references(of: Callable[[Json], frozenset[Reference]], value: Json) -> frozenset[Reference]:
    return frozenset(reference for item in _items(value) for reference in of(item))


@dataclass(frozen=True)
class Inside(Codec):
    """One place inside a list or object: ``[0].value`` or ``[type=work].value``. Everything else there stays.

    On the left side ``forth`` takes the value out and ``back`` puts it in; on the right side the other way round.
    """

    rich: ClassVar[Rich] = "left"
    steps: tuple[Pick | str, ...] = ()

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        return _take(x, self.steps)

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        return _place(now, self.steps, y)

    def back_empty(self, now: Json) -> Json:
        return now if is_empty(_take(now, self.steps)) else _place(now, self.steps, None)


@dataclass(frozen=True)
class InsideRight(Inside):
    rich: ClassVar[Rich] = "right"

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        return _place(now, self.steps, x)

    def forth_empty(self, now: Json) -> Json:
        return self.back_empty(now)

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        return _take(y, self.steps)

    def back_empty(self, now: Json) -> Json:
        return now if is_empty(_take(now, self.steps)) else _place(now, self.steps, None)


def _take(value: Json, steps: tuple[Pick | str, ...]) -> Json:
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        elif isinstance(value, list):
            index = _index(value, step)
            value = value[index] if index is not None else None
        else:
            return None
    return value


def _index(items: list[Json], pick: Pick) -> int | None:
    if pick.index is not None:
        return pick.index if pick.index < len(items) else None
    for index, item in enumerate(items):
        if isinstance(item, dict) and item.get(pick.key) == pick.value:
            return index
    return None


def _place(value: Json, steps: tuple[Pick | str, ...], new: Json) -> Json:
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        there = value if isinstance(value, dict) else {}
        return {**there, step: _place(there.get(step), rest, new)}
    items = list(value) if isinstance(value, list) else []
    index = _index(items, step)
    if index is None:
        if step.index is not None and step.index > len(items):
            refuse(f"there is no entry before position {step.index}", "list")
        index = len(items)
        items.append({step.key: step.value} if step.index is None else None)
    items[index] = _place(items[index], rest, new)
    return items
