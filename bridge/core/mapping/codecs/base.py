"""What a codec is: one link of the chain between the left (CRM) and the right (Assembly) value of a field.

``forth`` goes from left to right, ``back`` from right to left; each is given the value that stands there now, so that what
the other side cannot know survives (the second phone, the ``https://``). Neither sees empty values: ``forth_empty`` and
``back_empty`` say what "empty" becomes. ``rich`` says which side may hold more than the other:

- ``none``: one to one;
- ``left``: several left values are one right value (a path behind a domain);
- ``right``: several right values are one left value (a list of phones);
- ``both``: both sides may spell it differently and agree after ``forth`` (letter case). ``back`` then gets the agreed form.

The common value of a chain lies behind its last ``left`` or ``both`` codec; see ``chain``.
"""

# ruff: noqa: ARG002  (codecs share one signature; few need all of it)

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NoReturn, TypeAlias

from bridge.core.errors import Undecodable
from bridge.core.mapping.document import Node
from bridge.core.mapping.kinds import Kind, Report
from bridge.core.records import Json, Lookups, Reference

Step: TypeAlias = Callable[[Json, Json, Lookups], Json]
"""``forth`` or ``back`` of a codec."""
Rich: TypeAlias = Literal["none", "left", "right", "both"]


@dataclass(frozen=True)
class Codec:
    """The base: hands values through. ``samples`` are left and right values worth trying in the law check."""

    rich: ClassVar[Rich] = "none"
    two_way: ClassVar[bool] = True

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        """The right value for a left one; ``now`` is the right value that stands there (``None`` if there is none)."""
        return x

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        """The left value for a right one; ``now`` is the left value that stands there."""
        return y

    def forth_empty(self, now: Json) -> Json:
        return None

    def back_empty(self, now: Json) -> Json:
        return None

    def left_references(self, x: Json) -> frozenset[Reference]:
        return frozenset()

    def right_references(self, y: Json) -> frozenset[Reference]:
        return frozenset()

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return (), ()


@dataclass(frozen=True)
class Normaliser(Codec):
    """Both sides may spell a value differently; ``norm`` gives the form in which they are compared and carried."""

    rich: ClassVar[Rich] = "both"

    def norm(self, value: Json) -> Json:
        raise NotImplementedError

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        return self.norm(x)


def refuse(message: str, cause: str = "value") -> NoReturn:
    """The value means nothing here: a question to a person. The message never repeats the value (it may be personal)."""
    raise Undecodable(message, cause=cause)


@dataclass(frozen=True)
class Join:
    """How a stream spells its join key: the left id with text around it."""

    before: str = ""
    after: str = ""

    def key(self, left_id: str) -> str:
        return f"{self.before}{left_id}{self.after}"

    def left_id(self, key: str) -> str | None:
        inner = key[len(self.before) : len(key) - len(self.after)]
        return inner if inner and key == self.key(inner) else None


@dataclass(frozen=True)
class Build:
    """What building a codec may need besides its own words."""

    left: str
    right: str
    joins: Mapping[str, Join] = field(default_factory=dict)
    report: Report = lambda *_args, **_more: None
    chain: Callable[[Node], tuple[Codec, ...]] = lambda _node: ()


@dataclass(frozen=True)
class CodecKind:
    """How a codec is written, and its line in the reference."""

    about: str
    build: Callable[[Json, Node, Build], tuple[Codec, ...]]
    argument: Kind | None = None
    """``None``: it takes no argument."""
    bare: bool = True
    """May stand as a plain word."""
    options: Mapping[str, Kind] = field(default_factory=dict)
    """Keys beside it in the same step."""
    example: str = ""
