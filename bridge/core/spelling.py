"""Values that a remote may spell its own way (pure): which to read back after writing, and what counts as a spelling.

Only fields with a declared echo rule are recognised later; for the rest an immediate read-back tells. To read back every write would
cost a call each, so only values that remotes are known to change are: spaces, great length, capitals in addresses, long fractions.
"""

from __future__ import annotations

from bridge.core.records import Value

LONG = 60
"""Characters; shorter texts are not cut by anything we know of."""


def at_risk(value: Value) -> bool:
    """Whether a remote might keep this value in another spelling."""
    if isinstance(value, str):
        return value != " ".join(value.split()) or len(value) > LONG or (value != value.lower() and _is_address(value))
    if isinstance(value, float):
        return round(value, 2) != value
    return isinstance(value, list) and any(at_risk(item) for item in value)


def resembles(sent: Value, seen: Value) -> bool:
    """Whether ``seen`` can be ``sent`` trimmed, cut, folded in case or rounded. A person's edit in the same instant is not."""
    if isinstance(sent, str) and isinstance(seen, str):
        meant, kept = " ".join(sent.split()).casefold(), " ".join(seen.split()).casefold()
        return meant == kept or (len(kept) >= LONG // 2 and meant.startswith(kept))
    if isinstance(sent, int | float) and isinstance(seen, int | float) and not isinstance(sent, bool):
        return any(round(sent, digits) == seen for digits in range(7))
    if isinstance(sent, list) and isinstance(seen, list):
        return len(sent) == len(seen) and all(resembles(a, b) for a, b in zip(sent, seen, strict=True))
    return False


def _is_address(text: str) -> bool:
    return " " not in text and ("@" in text or "." in text)
