"""One field of a stream, compiled: paths, codecs and rules behind the ``Field`` interface."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bridge.core.errors import Undecodable
from bridge.core.mapping.codecs.chain import Chain
from bridge.core.mapping.codecs.text import INVALID
from bridge.core.mapping.model import Clears, Conflict, OnBind, WrongSide
from bridge.core.mapping.values import is_empty, same_json
from bridge.core.records import ABSENT, Json, Lookups, Reference, Value

FAILED = "$failed"
"""Key of what ``observe`` gives for an expression that failed: its decoding is refused with the reason."""

Missing: TypeAlias = Literal["", "invalid", "attention"]


@dataclass(frozen=True, slots=True)
class End:
    """One side of a field. ``paths`` are what is written there; none for a computed value."""

    key: str
    observe: Callable[[Mapping[str, Json]], Value]
    paths: tuple[str, ...] = ()
    joined: bool = False
    """Several paths are one value: the raw value is a list, one entry a path."""


@dataclass(frozen=True, slots=True)
class Echo:
    """The remote's own spelling of what it was sent. ``precision`` counts decimals."""

    cut: int | None = None
    trim: bool = False
    case: bool = False
    precision: int | None = None

    def derives(self, sent: Value, seen: Value) -> bool:
        if isinstance(sent, list) and isinstance(seen, list):
            return len(sent) == len(seen) and all(self.derives(a, b) for a, b in zip(sent, seen, strict=True))
        if isinstance(sent, str) and isinstance(seen, str):
            return self._text(sent) == self._text(seen)
        numbers = not isinstance(sent, bool) and not isinstance(seen, bool)
        if numbers and isinstance(sent, int | float) and isinstance(seen, int | float) and self.precision is not None:
            return abs(sent - seen) <= 0.5 * 10.0**-self.precision
        return same_json(sent, seen)

    def _text(self, text: str) -> str:
        text = text.strip() if self.trim else text
        text = text[: self.cut] if self.cut is not None else text
        text = text.strip() if self.trim else text
        return text.casefold() if self.case else text


@dataclass(frozen=True, slots=True)
class MappedField:
    """See ``bridge.core.mapping.model.Field`` for what each member promises."""

    name: str
    place: str
    sides: tuple[str, str]
    ends: Mapping[str, End]
    chain: Chain = field(default_factory=Chain)
    to: str | None = None
    conflict: Conflict = "newest"
    on_bind: OnBind = "ask"
    wrong_side: WrongSide = "revert"
    clears: Clears = "propagate"
    fill: bool = False
    needed: frozenset[str] = frozenset()
    """The sides that cannot hold a record without this value."""
    create_only: bool = False
    unordered: bool = False
    missing: Missing = ""
    defaults: Mapping[str, Json] = field(default_factory=dict)
    """Target side to the common value that an empty one on the other side counts as."""
    echo: Mapping[str, Echo] = field(default_factory=dict)
    rule: str = ""
    """The field as it is written, for people."""

    @property
    def required(self) -> bool:
        return bool(self.needed)

    def requires(self, side: str) -> bool:
        return side in self.needed

    def has(self, side: str) -> bool:
        return side in self.ends

    def key(self, side: str) -> str:
        return self.ends[side].key

    def observe(self, side: str, raw: Mapping[str, Json]) -> Value:
        return self.ends[side].observe(raw)

    def decode(self, side: str, observed: Value, lookups: Lookups) -> Value:
        if observed is ABSENT:
            return ABSENT
        if isinstance(observed, dict) and FAILED in observed:
            raise Undecodable(str(observed[FAILED]), cause="expression")
        left, right = self.sides
        value = (
            self.chain.decode_left(observed, lookups) if side == left else self.chain.decode_right(observed, lookups)
        )
        if is_empty(value):
            return self.defaults.get(right if side == left else left)
        return _canonical(value) if self.unordered and isinstance(value, list) else value

    def encode(self, side: str, value: Json, observed: Value, lookups: Lookups, *, identity: str = "") -> Json:
        now = None if observed is ABSENT else observed
        if observed is ABSENT and is_empty(value):
            # A create from a record that did not carry the field at all.
            value = self.defaults.get(side)
        invented = is_empty(value) and self._invents(side)
        keeps = observed is not ABSENT and not (invented and is_empty(now))
        if keeps and self._says(side, now, value, lookups):
            return now
        if invented:
            return made_up_domain(identity)
        put = self.chain.encode_left if side == self.sides[0] else self.chain.encode_right
        encoded = put(value, now, lookups)
        return _in_order(encoded, now) if self.unordered and not self.ends[side].joined else encoded

    def _invents(self, side: str) -> bool:
        return self.missing == "invalid" and side == self.sides[1]

    def _says(self, side: str, now: Json, value: Json, lookups: Lookups) -> bool:
        """Whether what stands there already means this value: then its spelling is left alone."""
        try:
            said = self.decode(side, now, lookups)
        except Undecodable:
            return False
        if self.unordered and isinstance(said, list) and isinstance(value, list):
            value = _canonical(value)
        return same_json(said, value)

    def writes(self, side: str, encoded: Json) -> Mapping[str, Json]:
        end = self.ends[side]
        if end.joined and encoded is not ABSENT:
            parts = encoded if isinstance(encoded, list) else [None] * len(end.paths)
            return dict(zip(end.paths, parts, strict=True))
        return dict.fromkeys(end.paths, encoded)

    def references(self, side: str, observed: Value) -> frozenset[Reference]:
        if observed is ABSENT or observed is None:
            return frozenset()
        try:
            if side == self.sides[0]:
                return self.chain.references_left(observed)
            return self.chain.references_right(observed)
        except Undecodable:
            return frozenset()

    def is_echo(self, side: str, sent: Value, seen: Value) -> bool:
        rule = self.echo.get(side)
        return rule is not None and rule.derives(sent, seen)


def made_up_domain(identity: str) -> str:
    """A domain for a company that has none: the same for the same record, different for different ones, under ``.invalid``."""
    if not identity:
        raise Undecodable("it has no domain, and none can be made up without its id", cause="domain")
    slug = re.sub(r"[^a-z0-9]+", "-", identity.lower()).strip("-")
    if slug != identity or len(slug) > 50:
        digest = hashlib.sha256(identity.encode()).hexdigest()[:10]
        slug = f"{slug[:40].strip('-')}-{digest}".strip("-")
    return slug + INVALID


def _sort_key(item: Json) -> tuple[str, str]:
    return type(item).__name__, repr(item)


def _canonical(items: list[Json]) -> list[Json]:
    """A set as a list: each element once, in one order."""
    out: list[Json] = []
    for item in sorted(items, key=_sort_key):
        if not out or not same_json(out[-1], item):
            out.append(item)
    return out


def _in_order(encoded: Json, now: Json) -> Json:
    """Elements that stay keep their places; new ones come last."""
    if not isinstance(encoded, list) or not isinstance(now, list):
        return encoded
    kept = [item for item in now if any(same_json(item, other) for other in encoded)]
    return kept + [item for item in encoded if not any(same_json(item, other) for other in now)]
