"""What counts as empty, and as the same, in JSON values."""

from __future__ import annotations

from bridge.core.records import Json, Value


def is_empty(value: Value) -> bool:
    """``null``, the empty text and the empty list all say: nothing here."""
    return value is None or value in ("", [])


def same_json(a: Value, b: Value) -> bool:
    """Equality in which ``True`` is not ``1``, at any depth."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same_json(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_json(value, b[key]) for key, value in a.items())
    return bool(a == b)


def token(value: Json) -> tuple[str, Json]:
    """A dictionary key that keeps ``true``, ``1`` and ``"1"`` apart."""
    kind = "flag" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "text"
    return kind, value


def kind_of(value: Json) -> str:
    """A word for an error message that does not repeat the value."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true/false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"
