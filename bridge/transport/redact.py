"""Makes a remote's error text safe to show, store and log: no address, no id, no key, and nothing that we sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from bridge.core.records import Json

LONGEST = 200
"""Characters of a remote's error text that are kept: enough for a sentence, too few for a body."""

_PATTERNS = (
    (re.compile(r"[^\s\"'<>()\[\],;:]+@[^\s\"'<>()\[\],;:]+"), "[email]"),
    (re.compile(r"\b(?:ak_|sk_|Bearer\s+)\S+", re.IGNORECASE), "[key]"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{8,12}\b", re.IGNORECASE), "[id]"),
    (re.compile(r"\b(?=[a-z0-9]*\d)(?=[a-z0-9]*[a-z])[a-z0-9]{16,}\b", re.IGNORECASE), "[id]"),
    (re.compile(r"\+?\d[\d\s()./-]{6,}\d"), "[number]"),
)


def redact(text: str, sent: Iterable[str] = ()) -> str:
    """``text`` on one line, without addresses, ids, keys and long numbers, nor any of the values in ``sent``.

    Remotes like to repeat the refused value ('contact "Jane Doe" exists'); names have no pattern, so what was sent is
    masked by value.
    """
    for value in sorted({v for v in sent if len(v) > 2}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "[value]", text, flags=re.IGNORECASE)
    for pattern, word in _PATTERNS:
        text = pattern.sub(word, text)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def strings(value: Json) -> Iterator[str]:
    """Every string inside a JSON value, keys left out: field names are what a person needs to read."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from strings(part)
