"""The laws of a two-way field, tried at load on made-up values and, with ``--live``, on real records.

- what is written as ``v`` reads as ``v``, whatever stood there before;
- every pair of a value map can be reached.

That a side which reads as ``v`` is left alone when ``v`` is written to it holds by construction (``MappedField.encode``).

A value that is refused breaks no law: it waits for a person. Property tests draw far wilder values; here each field's own
codecs say what is worth trying.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.core.errors import Undecodable
from bridge.core.mapping.codecs.base import Codec
from bridge.core.mapping.codecs.lists import EachRight
from bridge.core.mapping.codecs.maps import Values
from bridge.core.mapping.codecs.references import STAGES, Label, LinkTo, Stage
from bridge.core.mapping.document import Node
from bridge.core.mapping.field import MappedField
from bridge.core.mapping.kinds import Report
from bridge.core.mapping.values import is_empty, same_json
from bridge.core.records import ABSENT, End, Json, Link, Lookups, Reference, Table

_SOME: Final[tuple[Json, ...]] = (
    None,
    "",
    "Acme",
    "  Größe ÇA\u00a0",
    "İstanbul",
    "ada@example.com",
    "https://www.example.org/x",
    "2026-01-02T03:04:05+05:00",
    "12.345",
    7,
    0.125,
    True,
    False,
    ["a", "b"],
    ["", "b"],
    {"key": "value"},
)
_MOST_BEFORE: Final = 7
"""How many standing values each written one is tried on."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A counter-example: ``side`` held ``raw``; ``value`` was written, which gave ``written``, which reads as ``read``."""

    side: str
    raw: Json
    value: Json
    written: Json
    read: Json

    def __str__(self) -> str:
        return (
            f"{_show(self.value)} is written to {self.side} as {_show(self.written)}, which reads back as "
            f"{_show(self.read)}"
        )


def _show(value: Json) -> str:
    text = "an empty value" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def check_laws(fields: Sequence[MappedField], root: Node, report: Report) -> None:
    """Report the first breach of each two-way field."""
    for rule in fields:
        if rule.to is not None or not all(rule.has(side) for side in rule.sides):
            continue
        place = root.key_at("fields", rule.name)
        if not rule.chain.codecs and not rule.defaults and not rule.unordered:
            continue
        lookups = _tables(rule)
        if (unreached := _unreached(rule, lookups)) is not None:
            message = f"the value map's {_show(unreached)} can never be reached"
            report(place, message, "Look at the codecs around the value map: they change what it is compared with.")
            continue
        breach = next(breaches(rule, _samples(rule, lookups), lookups), None)
        if breach is not None:
            hint = f"Make it one-way (`direction: to_{rule.sides[1]}`), or change its codecs or default."
            report(place, f"`{rule.name}` cannot run both ways: {breach}", hint)


def breaches(rule: MappedField, samples: dict[str, list[Json]], lookups: Lookups) -> Iterator[Breach]:
    """Breaches of the laws on these raw values of each side."""
    read: dict[str, list[tuple[Json, Json]]] = {
        side: _readable(rule, side, samples[side], lookups) for side in rule.sides
    }
    values: list[Json] = []
    for side in rule.sides:
        values += [value for _, value in read[side] if not any(same_json(value, other) for other in values)]
    for side in rule.sides:
        standing = [raw for raw, _ in read[side]][:_MOST_BEFORE] or [None]
        for value in values:
            for raw in standing:
                yield from _loses(rule, side, raw, value, lookups)


def _readable(rule: MappedField, side: str, raws: Sequence[Json], lookups: Lookups) -> list[tuple[Json, Json]]:
    found = []
    for raw in raws:
        try:
            found.append((raw, rule.decode(side, raw, lookups)))
        except Undecodable:
            continue
    return found


def _loses(rule: MappedField, side: str, raw: Json, value: Json, lookups: Lookups) -> Iterator[Breach]:
    try:
        written = rule.encode(side, value, raw, lookups, identity="sample")
    except Undecodable:
        return
    try:
        read = rule.decode(side, written, lookups)
    except Undecodable as problem:
        read = f"({problem})"
    if not same_json(read, value) and not (read is not None and rule.is_echo(side, value, read)):
        yield Breach(side, raw, value, written, read)


# --- what is worth trying ------------------------------------------------------------------------------------------


def _codecs(rule: MappedField) -> Iterator[Codec]:
    for codec in rule.chain.codecs:
        yield codec
        if isinstance(codec, EachRight):
            yield from codec.chain.codecs


def _tables(rule: MappedField) -> Lookups:
    """Made-up labels, stages and links that the codecs can look up: also everything the value maps speak of."""
    names = ["Alpha", "beta"]
    for codec in _codecs(rule):
        if isinstance(codec, Values):
            names += [value for value in codec.forward.values() if isinstance(value, str)]
    tables: dict[tuple[str, str], Table] = {}
    links: dict[Reference, Link] = {}
    for codec in _codecs(rule):
        if isinstance(codec, Label):
            tables[codec.system, codec.kind] = Table({f"id-{name}": name for name in names})
        elif isinstance(codec, Stage):
            tables[codec.system, STAGES] = Table({f"id-{name}": name for name in names}, {"first": "id-Alpha"})
        elif isinstance(codec, LinkTo):
            for one, other in (("L1", "R1"), ("7", "8")):
                ends = {codec.left: End(codec.left, one), codec.right: End(codec.right, other)}
                link = Link(1, codec.stream, "live", ends)
                links |= {Reference(codec.stream, side, end.record_id): link for side, end in ends.items()}
    return Lookups(tables, links)


def _samples(rule: MappedField, lookups: Lookups) -> dict[str, list[Json]]:
    """Raw values of both sides: what each codec suggests, carried to the ends of the chain, then the usual suspects."""
    left, right = rule.sides
    codecs = rule.chain.codecs
    lefts: list[Json] = []
    rights: list[Json] = []
    for index, codec in enumerate(codecs):
        suggested = codec.samples
        extra = _extra(codec)
        for value in (*suggested[0], *extra[0]):
            lefts += _carried(value, [inner.back for inner in reversed(codecs[:index])], lookups)
            rights += _carried(value, [inner.forth for inner in codecs[index:]], lookups)
        for value in (*suggested[1], *extra[1]):
            rights += _carried(value, [inner.forth for inner in codecs[index + 1 :]], lookups)
            lefts += _carried(value, [inner.back for inner in reversed(codecs[: index + 1])], lookups)
    if rule.ends[left].joined:
        lefts += [[None] * len(rule.ends[left].paths)]
        return {left: lefts, right: [*rights, *_SOME]}
    return {left: [*lefts, *_SOME], right: [*rights, *_SOME]}


def _extra(codec: Codec) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
    match codec:
        case Label():
            return ("Alpha", "BETA", "unheard of"), ("id-Alpha", "id-beta", "id-none")
        case Stage():
            return ("id-Alpha", "id-none"), ("alpha", "beta ", "first", "unheard of")
        case LinkTo():
            return ("L1", "L2", 7), ("R1", "R2", "L1", 8)
        case _:
            return (), ()


def _carried(value: Json, steps: Sequence[object], lookups: Lookups) -> list[Json]:
    try:
        for step in steps:
            value = step(value, None, lookups) if not is_empty(value) else None  # type: ignore[operator]
    except Undecodable:
        return []
    return [value]


def _unreached(rule: MappedField, lookups: Lookups) -> Json:
    """A left value of a value map that other codecs keep from ever arriving there."""
    left, right = rule.sides
    codecs = rule.chain.codecs
    for index, codec in enumerate(codecs):
        if not isinstance(codec, Values):
            continue
        for _, value in codec.forward:
            raws = _carried(value, [inner.back for inner in reversed(codecs[:index])], lookups)
            for raw in raws:
                try:
                    common = rule.decode(left, raw, lookups)
                    rule.encode(right, common, ABSENT, lookups, identity="sample")
                except Undecodable:
                    return value
    return None
