"""How alike two paths of two systems are, by their names and by the values that records show there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from bridge.core.mapping.codecs.text import bare_domain
from bridge.core.mapping.paths import getter
from bridge.core.records import Json

Keys: TypeAlias = tuple[str, ...]
Raw: TypeAlias = Mapping[str, Json]

_SAME: Final = (
    {"website", "domain", "url", "homepage"},
    {"title", "name", "subject"},
    {"jobtitle", "role", "position"},
    {"value", "amount", "price"},
    {"expectedclosedate", "closedate"},
    {"relationshiptype", "tier", "segment"},
    {"stageid", "stage"},
    {"phone", "telephone", "mobile"},
    {"email", "mail", "domain"},
    {"description", "notes", "summary"},
)
"""Words that mean the same in the two systems' documents."""


def word(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _form(value: Json) -> str | None:
    """A spelling in which equal values of both sides look equal."""
    if isinstance(value, list):
        return _form(value[0]) if value else None
    if isinstance(value, dict) or value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(int(value)) if float(value).is_integer() else repr(value)
    text = str(value).strip()
    if "." in text and (host := bare_domain(text)):
        return host
    return " ".join(text.split()).casefold() or None


def twins(lefts: Sequence[Raw], rights: Sequence[Raw]) -> Iterator[tuple[Raw, Raw]]:
    """Records that are surely the same: the join key, else an email, domain or name that both show."""
    by_key = {str(key): right for right in rights for key in right.get("source_specific_ids") or ()}
    by_mark: dict[str, Raw] = {}
    for right in rights:
        for name in ("domain", "name"):
            if (mark := _form(right.get(name))) is not None:
                by_mark.setdefault(mark, right)
    for left in lefts:
        marks = [_form(left.get(name)) for name in ("email", "website", "name", "title")]
        found = by_key.get(str(left.get("id"))) or next((by_mark[mark] for mark in marks if mark in by_mark), None)
        if found is not None:
            yield left, found


def likeness(
    a: Keys,
    b: Keys,
    lefts: Sequence[Json],
    rights: Sequence[Json],
    pairs: Sequence[tuple[Raw, Raw]],
) -> float:
    """Between 0 and 1: mostly names; where at least three pairs show both values, how often they agree counts more."""
    names = _name_score(a, b)
    both = [
        (x, y)
        for left, right in pairs
        if (x := _form(getter(a)(left))) is not None and (y := _form(getter(b)(right))) is not None
    ]
    if len(both) >= 3:
        agree = sum(x == y for x, y in both) / len(both)
        # Two columns of mostly one value agree by chance.
        varied = min(1.0, len({x for x, _ in both}) / 3)
        return max(names * 0.9, 0.35 * names + 0.65 * agree * varied) if agree > 0.1 else names * 0.9
    shared = {_form(value) for value in lefts} & {_form(value) for value in rights} - {None}
    return names if not shared else min(1.0, 0.8 * names + 0.2)


def _name_score(a: Keys, b: Keys) -> float:
    x, y = word(a[-1]), word(b[-1])
    if x == y:
        return 1.0
    if any({x, y} <= group for group in _SAME):
        return 0.85
    return difflib.SequenceMatcher(None, x, y).ratio() * 0.8
