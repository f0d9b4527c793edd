"""Mappings against what the systems really hold: the pure part of ``bridge mappings check --live``.

No finding repeats a value: it names records by their ids.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from bridge.core.errors import LabelMissing, ParentNotLinked, Undecodable
from bridge.core.mapping.codecs.base import Codec
from bridge.core.mapping.codecs.maps import Values
from bridge.core.mapping.codecs.references import STAGES, Label, Stage
from bridge.core.mapping.field import MappedField
from bridge.core.mapping.model import Mappings, Stream
from bridge.core.mapping.paths import parse_path
from bridge.core.mapping.values import is_empty, same_json
from bridge.core.records import ABSENT, Lookups, Record, Table, Value

Kind: TypeAlias = Literal["nowhere", "rejected", "loses", "unknown name"]
_NAMED: Final = 3
_MOST_DEPTH: Final = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """What is odd about one field.

    ``nowhere``: no sampled record has its path. ``rejected``: values that would wait for a person. ``loses``: a value that does not survive the way to the other side and back.
    ``unknown name``: a label or stage that the mapping names and the system lacks. ``count`` of ``of`` records show it.
    """

    kind: Kind
    stream: str
    field: str
    place: str
    side: str
    detail: str
    count: int = 0
    of: int = 0
    records: tuple[str, ...] = ()

    def __str__(self) -> str:
        share = f" ({self.count} of {self.of}: {', '.join(self.records)})" if self.count else ""
        return f"{self.place}: {self.field} in {self.side}: {self.detail}{share}"


def check_records(
    mappings: Mappings, samples: Mapping[tuple[str, str], Sequence[Record]], lookups: Lookups
) -> tuple[Finding, ...]:
    """Run the laws over sampled records, by (side, object). Records outside ``where`` do not count."""
    found: list[Finding] = []
    for stream in mappings.streams:
        for side in stream.sides:
            records = [
                record for record in samples.get((side, stream.object(side)), ()) if _in_scope(stream, side, record)
            ]
            for rule in stream.fields if records else ():
                if isinstance(rule, MappedField) and rule.has(side):
                    found += _check_field(stream, rule, side, records, lookups)
    return tuple(found)


def _in_scope(stream: Stream, side: str, record: Record) -> bool:
    try:
        return stream.in_scope(side, record.raw)
    except Undecodable:
        return True


def _check_field(
    stream: Stream, rule: MappedField, side: str, records: Sequence[Record], lookups: Lookups
) -> Iterator[Finding]:
    yield from _check_path(stream, rule, side, records)
    if rule.to == side:
        return
    causes: dict[tuple[Kind, str], list[str]] = {}
    for record in records:
        for kind, detail in _odd(rule, side, stream.other(side), rule.observe(side, record.raw), lookups):
            causes.setdefault((kind, detail), []).append(record.ref.id)
    for (kind, detail), ids in causes.items():
        yield Finding(
            kind, stream.name, rule.name, rule.place, side, detail, len(ids), len(records), tuple(ids[:_NAMED])
        )


def _odd(rule: MappedField, side: str, other: str, raw: Value, lookups: Lookups) -> Iterator[tuple[Kind, str]]:
    if raw is ABSENT:
        return
    try:
        value = rule.decode(side, raw, lookups)
        if is_empty(value) or not rule.has(other):
            return
        written = rule.encode(other, value, ABSENT, lookups, identity="sample")
        if rule.to is None and not same_json(rule.decode(other, written, lookups), value):
            yield "loses", f"it does not come back the same from {other}"
    except (ParentNotLinked, LabelMissing):
        # Brought or created when its time comes.
        return
    except Undecodable as problem:
        yield "rejected", str(problem)


def _check_path(stream: Stream, rule: MappedField, side: str, records: Sequence[Record]) -> Iterator[Finding]:
    """A path that no record has is probably misspelt, unless it is written there and nobody filled it yet."""
    seen = {path for record in records for path in paths_of(record.raw)}
    for path in rule.ends[side].paths:
        keys = parse_path(path).keys
        if keys in seen or (len(keys) > 1 and rule.to != other_than(side, rule.sides)):
            continue
        near = difflib.get_close_matches(path, [".".join(found) for found in seen], n=1, cutoff=0.6)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        yield Finding(
            "nowhere", stream.name, rule.name, rule.place, side, f"none of {len(records)} records has `{path}`{hint}"
        )


def other_than(side: str, sides: tuple[str, str]) -> str:
    return sides[1] if side == sides[0] else sides[0]


def paths_of(raw: object, depth: int = _MOST_DEPTH) -> Iterator[tuple[str, ...]]:
    """Every path of a record, containers included."""
    if isinstance(raw, dict) and depth:
        for key, value in raw.items():
            yield (str(key),)
            for inner in paths_of(value, depth - 1):
                yield (str(key), *inner)


def check_names(mappings: Mappings, tables: Mapping[tuple[str, str], Table]) -> tuple[Finding, ...]:
    """Labels and stages that value maps name and the systems lack."""
    return tuple(
        finding
        for stream in mappings.streams
        for rule in stream.fields
        if isinstance(rule, MappedField)
        for finding in _missing_names(stream, rule, tables)
    )


def _missing_names(stream: Stream, rule: MappedField, tables: Mapping[tuple[str, str], Table]) -> Iterator[Finding]:
    codecs = rule.chain.codecs
    for index, codec in enumerate(codecs):
        if isinstance(codec, Label) and not codec.create:
            yield from _named(
                stream,
                rule,
                codec.system,
                codec.kind,
                f"label of type {codec.kind[7:]}",
                _mapped(codecs[:index]),
                tables,
            )
        if isinstance(codec, Stage) and not codec.create:
            names = [left for inner in codecs[index + 1 :] if isinstance(inner, Values) for _, left in inner.forward]
            yield from _named(stream, rule, codec.system, STAGES, "stage", names, tables)


def _mapped(codecs: Sequence[Codec]) -> list[Value]:
    maps = [codec for codec in codecs if isinstance(codec, Values)]
    return list(maps[-1].forward.values()) if maps else []


def _named(
    stream: Stream,
    rule: MappedField,
    system: str,
    kind: str,
    what: str,
    names: Sequence[Value],
    tables: Mapping[tuple[str, str], Table],
) -> Iterator[Finding]:
    table = tables.get((system, kind), Table())
    for name in names:
        if isinstance(name, str) and not table.ids(name):
            near = difflib.get_close_matches(name, table.names.values(), n=1, cutoff=0.6)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            yield Finding(
                "unknown name", stream.name, rule.name, rule.place, system, f"there is no {what} called `{name}`{hint}"
            )
