"""Several codecs as one lens a side, around a common value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.core.errors import Undecodable
from bridge.core.mapping.codecs.base import Codec, Step
from bridge.core.mapping.values import is_empty
from bridge.core.records import Json, Lookups, Reference


class ChainError(ValueError):
    """The codecs cannot stand in this order. ``index`` is the one to move, ``after`` what it belongs behind."""

    def __init__(self, index: int, after: int) -> None:
        super().__init__()
        self.index = index
        self.after = after


@dataclass(frozen=True)
class Chain:
    """``before`` lead from the left value to the common one, ``after`` from there to the right value.

    ``agree`` are the last of ``before``: normal forms that values from the right take on too.
    """

    before: tuple[Codec, ...] = ()
    agree: tuple[Codec, ...] = ()
    after: tuple[Codec, ...] = ()

    @property
    def codecs(self) -> tuple[Codec, ...]:
        return self.before + self.after

    @property
    def two_way(self) -> bool:
        return all(codec.two_way for codec in self.codecs)

    def decode_left(self, raw: Json, lookups: Lookups) -> Json:
        return _forth(self.before, raw, lookups)

    def decode_right(self, raw: Json, lookups: Lookups) -> Json:
        value = None if is_empty(raw) else raw
        for codec in reversed(self.after):
            value = codec.back_empty(None) if value is None else codec.back(value, None, lookups)
            if is_empty(value):
                value = None
        return _forth(self.agree, value, lookups) if self.agree else value

    def encode_left(self, value: Json, now: Json, lookups: Lookups) -> Json:
        standing = [now]
        for codec in self.before[:-1]:
            standing.append(_try(codec.forth, codec.forth_empty, standing[-1], lookups))
        for codec, here in zip(reversed(self.before), reversed(standing), strict=True) if self.before else ():
            value = codec.back_empty(here) if is_empty(value) else codec.back(value, here, lookups)
        return value

    def encode_right(self, value: Json, now: Json, lookups: Lookups) -> Json:
        standing = [now]
        for codec in reversed(self.after[1:]):
            standing.append(_try(codec.back, codec.back_empty, standing[-1], lookups))
        for codec, here in zip(self.after, reversed(standing), strict=True) if self.after else ():
            value = codec.forth_empty(here) if is_empty(value) else codec.forth(value, here, lookups)
        return value

    def references_left(self, raw: Json) -> frozenset[Reference]:
        return _references([(codec.forth, codec.left_references) for codec in self.codecs], raw)

    def references_right(self, raw: Json) -> frozenset[Reference]:
        return _references([(codec.back, codec.right_references) for codec in reversed(self.codecs)], raw)


_NOTHING = Lookups()


def _forth(codecs: tuple[Codec, ...], value: Json, lookups: Lookups) -> Json:
    value = None if is_empty(value) else value
    for codec in codecs:
        value = codec.forth_empty(None) if value is None else codec.forth(value, None, lookups)
        if is_empty(value):
            value = None
    return value


def _try(step: Step, empty: Callable[[Json], Json], value: Json, lookups: Lookups) -> Json:
    """What stands on the way, as far as it can be understood: a value nobody can translate is simply replaced."""
    try:
        return empty(None) if is_empty(value) else step(value, None, lookups)
    except Undecodable:
        return None


def _references(
    steps: Sequence[tuple[Step, Callable[[Json], frozenset[Reference]]]], raw: Json
) -> frozenset[Reference]:
    found: frozenset[Reference] = frozenset()
    value = raw
    for step, references in steps:
        if is_empty(value):
            return found
        found |= references(value)
        try:
            value = step(value, None, _NOTHING)
        except Undecodable:
            return found
    return found


def build_chain(codecs: tuple[Codec, ...]) -> Chain:
    """Find where the common value lies. Raises ``ChainError``."""
    last = max((index for index, codec in enumerate(codecs) if codec.rich in ("left", "both")), default=-1)
    for index in range(last):
        if codecs[index].rich == "right":
            raise ChainError(index, last)
    first = last + 1
    while first > 0 and codecs[first - 1].rich == "both":
        first -= 1
    return Chain(codecs[: last + 1], codecs[first : last + 1], codecs[last + 1 :])
