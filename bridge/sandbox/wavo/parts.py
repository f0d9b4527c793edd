"""Pieces that Wavo's operations share."""

from __future__ import annotations

from bridge.sandbox.messages import Call, Refusal


def number(call: Call, name: str, default: int, *, least: int = 0) -> int:
    """A query parameter; 400 for anything but a whole number from ``least``."""
    text = call.query.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= least):
        raise Refusal(400, f"The {name.replace('_', ' ')} must be an integer of at least {least}.")
    return int(text)


def paging(call: Call, *, default: int, most: int) -> tuple[int, int]:
    """Offset and limit; a limit beyond the maximum is refused (the text says "Maximum 500" and "Maximum 20" and no more)."""
    limit = number(call, "limit", default, least=1)
    if limit > most:
        raise Refusal(400, f"The limit may not be greater than {most}.")
    return number(call, "offset", 0), limit
