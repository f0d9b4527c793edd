"""Paths and shadow keys: from what a step sends to what a field would observe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.core.mapping.model import Stream
from bridge.core.mapping.paths import split_path
from bridge.core.records import ABSENT, Value


def by_key(stream: Stream, side: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """Path values as shadow values: what each field would observe if the record held just these."""
    raw: dict[str, Any] = {}
    for path, value in values.items():
        *containers, last = split_path(path)
        place = raw
        for name in containers:
            place = place.setdefault(name, {})
        place[last] = value
    sent = set(values)
    seen = {
        rule.key(side): rule.observe(side, raw)
        for rule in stream.fields
        # A field over several paths is known only if all of them were sent.
        if rule.has(side) and set(rule.writes(side, rule.observe(side, raw))) <= sent
    }
    return {key: value for key, value in seen.items() if value is not ABSENT}
