"""Reading and building raw records: paths, times, comparisons that only ever find too much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.core.errors import BrokenRemote
from bridge.core.mapping.paths import get_path, split_path
from bridge.core.ports import Page
from bridge.core.records import ABSENT, Json, Record, Ref, Value

ROWS_PER_PAGE = 200
"""Lists that a remote gives whole are handed on in slices of so many."""


def moment(value: Value) -> datetime | None:
    """A remote's time stamp in UTC: RFC 3339 (one without a zone is UTC) or unix seconds; ``None`` for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def first_of(raw: Mapping[str, Json], paths: Iterable[str]) -> Value:
    """The first of ``paths`` that holds a plain value or null."""
    for path in paths:
        found = get_path(raw, path)
        if found is not ABSENT and not isinstance(found, dict | list):
            if found is None and "." in path and path not in raw:
                # A missing inner key says nothing about the reference itself.
                continue
            return found
    return ABSENT


def record(system: str, object: str, raw: Mapping[str, Json], updated_at: str, read_at: datetime | None) -> Record:
    """Raises ``BrokenRemote`` for a row without an id: nothing can be said of it."""
    if raw.get("id") in (None, ""):
        raise BrokenRemote(f"{system} shows {object} without an id", system=system)
    return Record(Ref(system, object, str(raw["id"])), raw, moment(get_path(raw, updated_at)), read_at)


def slices(records: Sequence[Record], server_date: datetime | None) -> Iterator[Page]:
    """Pages out of a list that came whole; one empty page for an empty list."""
    for start in range(0, max(len(records), 1), ROWS_PER_PAGE):
        yield Page(tuple(records[start : start + ROWS_PER_PAGE]), server_date)


def may_equal(found: Value, wanted: str) -> bool:
    """Whether ``found`` could be another spelling of ``wanted``: part of it, ignoring case, or the same digits.

    ``wanted`` is often the normal form (``acme.com``) of what the record holds (``https://www.Acme.com/``).
    """
    if found is ABSENT or found is None:
        return False
    if isinstance(found, list | tuple):
        return any(may_equal(part, wanted) for part in found)
    text, wanted = str(found).strip().casefold(), wanted.strip().casefold()
    if wanted in text:
        return True
    digits = re.sub(r"\D", "", wanted)
    return len(digits) >= 6 and digits in re.sub(r"\D", "", text)


def fitting(pages: Iterable[Page], path: str, value: str) -> tuple[Record, ...]:
    """The records whose value at ``path`` may equal ``value``."""
    found = (one for page in pages for one in page.records)
    return tuple(one for one in found if may_equal(get_path(one.raw, path), value))


def body_of(paths: Mapping[str, Json]) -> dict[str, Any]:
    """Path to value as one JSON object."""
    body: dict[str, Any] = {}
    for path, value in paths.items():
        *outer, last = split_path(path)
        place = body
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = value
    return body
