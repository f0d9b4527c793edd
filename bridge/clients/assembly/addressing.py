"""How Assembly's current dialect names one item: by id or domain in the path, by source id in the query (TRAPS 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from bridge.core.errors import Rejected


@dataclass(frozen=True, slots=True)
class SourceId:
    """One of an item's ``source_specific_ids``."""

    value: str


Key: TypeAlias = str | SourceId
"""An Assembly id, a domain (accounts; for contacts an email), or a ``SourceId``."""


@dataclass(frozen=True, slots=True)
class Address:
    """A path template with what fills it, and the query that goes with it."""

    template: str
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


WORDS = {
    "/accounts": frozenset({"labels", "search", "upsert", "create_note"}),
    "/contacts": frozenset({"company", "upsert"}),
    "/deals": frozenset({"upsert"}),
    "/usage": frozenset({"accounts", "contacts"}),
}
"""Path segments that are resources of their own where an id could stand."""


def address(base: str, key: Key, *, parameter: str = "source_specific_id") -> Address:
    """Where the item is. Raises ``Rejected`` for a key that would ask for something else: an empty source id asks for
    the whole list (TRAPS 2), ``labels`` for the labels."""
    if isinstance(key, SourceId):
        if not key.value.strip():
            raise Rejected(f"{base} needs a source id that is not empty", system="assembly", operation=base)
        return Address(base, query={parameter: key.value})
    if key.casefold() in WORDS.get(base, frozenset()):
        raise Rejected(f"{base} has no item of that name", system="assembly", operation=base)
    return Address(f"{base}/{{id}}", {"id": key})
