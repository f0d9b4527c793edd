"""Which record on the other side is the same thing (pure).

The join key comes first, the stream's match rules after it, in order. One candidate binds, several ask a person, none creates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bridge.core.errors import Undecodable
from bridge.core.mapping.model import MatchRule, Stream
from bridge.core.records import Json, Lookups, Record


@dataclass(frozen=True, slots=True)
class One:
    """Bind to this record. ``keyed``: its join key said so, rather than a match rule."""

    record: Record
    keyed: bool


@dataclass(frozen=True, slots=True)
class Several:
    """More than one record could be meant."""

    records: tuple[Record, ...]
    field: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The only candidate is bound to another record already."""

    record: Record
    field: str


@dataclass(frozen=True, slots=True)
class Dangling:
    """It carries join keys that name no record: another tool's, or of a record that is gone. Matching may still bind it,
    but creating it anew might resurrect something."""

    record: Record


@dataclass(frozen=True, slots=True)
class Nobody:
    """No record matches."""


Identity: TypeAlias = One | Several | Taken | Dangling | Nobody


@dataclass(frozen=True, slots=True)
class MatchValue:
    """What to look for: one match rule with this record's normalised value."""

    rule: MatchRule
    value: str
    search: str
    """The raw-ish value to hand to the remote's search."""


def match_values(stream: Stream, side: str, raw: Mapping[str, Json], lookups: Lookups) -> tuple[MatchValue, ...]:
    """The stream's match rules that this record has a value for, in order. A value that cannot be decoded matches nothing."""
    fields = {field.name: field for field in stream.fields}
    found = []
    for rule in stream.match:
        field = fields[rule.field]
        try:
            common = field.decode(side, field.observe(side, raw), lookups)
        except Undecodable:
            continue
        value = rule.normalise(common)
        if value:
            found.append(MatchValue(rule, value, common if isinstance(common, str) else value))
    return tuple(found)


def match_key(stream: Stream, match: MatchValue) -> str:
    """The lease of an identity: taken while a record is unlinked, so that two twins are never bound or created at once."""
    left, right = stream.sides
    return f"match/{left}.{stream.object(left)}~{right}.{stream.object(right)}/{match.rule.field}/{match.value}"


def join_lease(stream: Stream, left_id: str) -> str:
    """The lease of a join key."""
    _left, right = stream.sides
    return f"join/{right}.{stream.object(right)}/{stream.join_key(left_id)}"


def choose(
    stream: Stream,
    match: MatchValue,
    side: str,
    candidates: Sequence[Record],
    taken: frozenset[str],
    lookups: Lookups,
) -> Identity:
    """Pick among the records a search returned on ``side``; ``taken`` are ids bound or keyed to something else."""
    field = next(field for field in stream.fields if field.name == match.rule.field)

    def value(record: Record) -> str | None:
        try:
            return match.rule.normalise(field.decode(side, field.observe(side, record.raw), lookups))
        except Undecodable:
            return None

    fitting = {record.ref.id: record for record in candidates if value(record) == match.value}
    free = [record for record_id, record in fitting.items() if record_id not in taken]
    if len(free) == 1 and len(fitting) == 1:
        return One(free[0], keyed=False)
    if len(fitting) > 1:
        return Several(tuple(fitting.values()), match.rule.field)
    if fitting:
        return Taken(next(iter(fitting.values())), match.rule.field)
    return Nobody()
