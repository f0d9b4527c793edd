"""The rules of a stream, compiled from its mapping file: what the merge, identity and planning ask of a mapping.

A *field* has one common value and up to two remote spellings of it. ``observe`` takes the raw value out of a record,
``decode`` turns a raw value into the common one, ``encode`` a common one into the raw value to write there.
Shadows keep *raw* values under ``key(side)``; comparing happens on common values decoded under today's mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from bridge.core.records import Json, Lookups, Reference, Value

Conflict: TypeAlias = str
"""``newest``, ``ask`` or a side's name."""
OnBind: TypeAlias = str
"""``newest``, ``ask`` or a side's name."""
WrongSide: TypeAlias = Literal["revert", "keep", "report"]
Clears: TypeAlias = Literal["propagate", "ignore"]
OnDelete: TypeAlias = Literal["ignore", "archive", "delete"]
OnLeave: TypeAlias = Literal["keep", "archive"]


class Field(Protocol):
    """One mapped value of a stream. Immutable; shared by threads."""

    @property
    def name(self) -> str: ...
    @property
    def place(self) -> str:
        """``companies.yaml:14``: the line that defines it."""

    @property
    def rule(self) -> str:
        """The field as it is written in the mapping, on one line, for people."""

    @property
    def to(self) -> str | None:
        """The only side it flows to (``direction``), ``None`` for both ways."""

    @property
    def conflict(self) -> Conflict: ...
    @property
    def on_bind(self) -> OnBind: ...
    @property
    def wrong_side(self) -> WrongSide: ...
    @property
    def clears(self) -> Clears: ...
    @property
    def fill(self) -> bool:
        """Writes only where the target is empty."""

    @property
    def required(self) -> bool:
        """A target cannot be created, nor this value cleared there, while it is empty. See ``requires`` for which."""

    def requires(self, side: str) -> bool:
        """Whether it is ``side`` that cannot be without it: Assembly wants an account for a deal, the CRM does not mind."""

    @property
    def create_only(self) -> bool:
        """Goes into a create and is never updated (a note's domain)."""

    @property
    def unordered(self) -> bool:
        """Set-valued: compared and merged by element."""

    def has(self, side: str) -> bool:
        """Whether the field exists on this side at all."""

    def key(self, side: str) -> str:
        """The shadow key: changes when the path (or expression) changes."""

    def observe(self, side: str, raw: Mapping[str, Json]) -> Value:
        """The raw value in a record; ``ABSENT`` if the record does not carry it. A key missing from a container that is
        there (``additional_properties``) is ``None``: empty, not silent."""

    def decode(self, side: str, observed: Value, lookups: Lookups) -> Value:
        """The common value; ``None`` for empty, ``ABSENT`` for ``ABSENT``. Raises ``Undecodable``."""

    def encode(self, side: str, value: Json, observed: Value, lookups: Lookups, *, identity: str = "") -> Json:
        """The raw value to write, given the one there now (a lens's put). ``identity`` is the
        left id, from which made-up values (a ``.invalid`` domain) are derived. Raises ``Undecodable``;
        ``LabelMissing`` when the name has no label yet and the mapping says ``create: true``."""

    def writes(self, side: str, encoded: Json) -> Mapping[str, Json]:
        """Path to raw value, ready for a ``Patch`` (several for a field over several paths)."""

    def references(self, side: str, observed: Value) -> frozenset[Reference]:
        """Records whose links decoding or encoding this value needs."""

    def is_echo(self, side: str, sent: Value, seen: Value) -> bool:
        """Whether ``seen`` is the remote's own spelling of ``sent`` under the declared echo rule (trim, cut, case, precision)."""


class Stream(Protocol):
    """One object kept in step between two sides: one mapping file."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str:
        """Short hash of everything that can change a value or a decision."""

    @property
    def sides(self) -> tuple[str, str]:
        """(left, right), e.g. ``("crm", "assembly")``. The left side owns the join key; the right one carries it."""

    def object(self, side: str) -> str: ...
    def other(self, side: str) -> str: ...

    @property
    def fields(self) -> tuple[Field, ...]: ...
    @property
    def parents(self) -> frozenset[str]:
        """Streams that must come first."""

    def join_key(self, left_id: str) -> str:
        """The ``source_specific_ids`` entry for a left id."""

    def left_id(self, join_key: str) -> str | None:
        """The left id in a join key, ``None`` if it is not one of ours."""

    @property
    def match(self) -> tuple[MatchRule, ...]: ...
    def creates(self, side: str) -> bool: ...
    def on_delete(self, side: str) -> OnDelete:
        """What happens to ``side``'s record when the other side's is gone."""

    def archive_patch(self, side: str) -> Mapping[str, Json] | None:
        """Path to raw value that archives a record there, ``None`` if the mapping names none."""

    def in_scope(self, side: str, raw: Mapping[str, Json]) -> bool:
        """Whether the record takes part. Raises ``Undecodable`` (cause ``where``) when its values do not fit the condition;
        a condition on empty values is false."""

    def on_leave(self, side: str) -> OnLeave:
        """What happens to ``side``'s record when the other side's leaves the scope."""


class MatchRule(Protocol):
    """Bind to an existing record that has the same normalised value in this field."""

    @property
    def field(self) -> str: ...
    def path(self, side: str) -> str:
        """The remote path to search by."""

    def normalise(self, value: Json) -> str | None:
        """The comparable form of a common value; ``None`` if it is empty and matches nothing."""


@dataclass(frozen=True, slots=True)
class Mappings:
    """All streams of one connection, parents before children."""

    streams: tuple[Stream, ...]

    def __getitem__(self, name: str) -> Stream:
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        return any(stream.name == name for stream in self.streams)

    def on_object(self, side: str, object: str) -> tuple[Stream, ...]:
        """Streams that a record of this object feeds."""
        return tuple(stream for stream in self.streams if side in stream.sides and stream.object(side) == object)
