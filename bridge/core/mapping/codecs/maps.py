"""The value map: a fixed list of which left value is which right value."""

# ruff: noqa: ARG002  (codecs share one signature; few need all of it)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from bridge.core.mapping.codecs.base import Codec, Rich, refuse
from bridge.core.mapping.values import token
from bridge.core.records import Json, Lookups

Token = tuple[str, Json]


def _token(value: Json) -> Token:
    if isinstance(value, list | dict):
        refuse("a list or object stands where one value was expected", "value")
    return token(value)


@dataclass(frozen=True)
class Values(Codec):
    """One left value is one right value. A value that the map does not know is a question to a person."""

    forward: Mapping[Token, Json] = field(default_factory=dict)
    backward: Mapping[Token, Json] = field(default_factory=dict)

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        found = self.forward.get(_token(x))
        return found if found is not None else refuse("the value map does not know this value", "unmapped")

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        found = self.backward.get(_token(y))
        return found if found is not None else refuse("the value map does not know this value", "unmapped")

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return tuple(self.backward.values()), tuple(self.forward.values())


@dataclass(frozen=True)
class ManyValues(Values):
    """Several left values are one right value; the first written one is what comes back. ``default`` takes the rest."""

    rich: ClassVar[Rich] = "left"
    default: Json = None

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        found = self.forward.get(_token(x), self.default)
        return found if found is not None else refuse("the value map does not know this value", "unmapped")

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        left, right = super().samples
        return (*left, "something else"), (*right, *(() if self.default is None else (self.default,)))


@dataclass(frozen=True)
class KnownValues(Codec):
    """Right values outside the map count as the right form of a default; what stands there is left alone."""

    rich: ClassVar[Rich] = "right"
    known: frozenset[Token] = frozenset()
    default: Json = None

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        return y if _token(y) in self.known else self.default

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return (), ("something else",)


def value_map(
    pairs: list[tuple[Json, Json]], *, to_right: Json = None, to_left: Json = None
) -> tuple[tuple[Codec, ...], str | None]:
    """The codecs of a value map, and what is wrong with its defaults, if anything."""
    forward: dict[Token, Json] = {}
    backward: dict[Token, Json] = {}
    for left, right in pairs:
        forward[_token(left)] = right
        backward.setdefault(_token(right), left)
    if to_left is not None and _token(to_left) not in forward:
        return (), "the default for the left side must be one of the mapped values"
    many = len(backward) < len(forward) or to_right is not None
    first: Codec = ManyValues(forward, backward, to_right) if many else Values(forward, backward)
    if to_left is None:
        return (first,), None
    known = frozenset(backward) | (frozenset({_token(to_right)}) if to_right is not None else frozenset())
    return (first, KnownValues(known, forward[_token(to_left)])), None
