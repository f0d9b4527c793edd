"""What a field of a request may hold: one definition both checks the request and describes it in OpenAPI."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from bridge.sandbox.messages import Refusal, Row

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_DOMAIN = re.compile(r"[^\s@/.]+(\.[^\s@/.]+)+")
_EMAIL = re.compile(r"[^\s@/]+@[^\s@/]+\.[^\s@/]+")


@dataclass(frozen=True, slots=True)
class Shape:
    schema: Mapping[str, Any]
    accepts: Callable[[Any], bool]
    wanted: str


def is_uuid(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def is_domain(value: object) -> bool:
    return isinstance(value, str) and _DOMAIN.fullmatch(value) is not None


def is_email(value: object) -> bool:
    return isinstance(value, str) and _EMAIL.fullmatch(value) is not None


def _is_date(value: object) -> bool:
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def parse_time(text: str) -> datetime | None:
    """RFC 3339, or a bare date as UTC midnight; ``None`` for anything else."""
    try:
        if _DATE.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        return datetime.fromisoformat(text.upper()) if _TIME.fullmatch(text) else None
    except ValueError:
        return None


def _is_time(value: object) -> bool:
    return isinstance(value, str) and _DATE.fullmatch(value) is None and parse_time(value) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


TEXT = Shape({"type": "string"}, lambda value: isinstance(value, str), "a string")
NAME = Shape(
    {"type": "string", "minLength": 1, "pattern": r"\S"},
    lambda value: isinstance(value, str) and value.strip() != "",
    "a non-empty string",
)
NUMBER = Shape({"type": "number"}, _is_number, "a number")
INTEGER = Shape({"type": "integer"}, lambda value: isinstance(value, int) and not isinstance(value, bool), "an integer")
BOOLEAN = Shape({"type": "boolean"}, lambda value: isinstance(value, bool), "true or false")
UUID = Shape({"type": "string", "format": "uuid"}, is_uuid, "a UUID")
DATE = Shape({"type": "string", "format": "date"}, _is_date, "a date (YYYY-MM-DD)")
TIME = Shape({"type": "string", "format": "date-time"}, _is_time, "an RFC 3339 time")
EMAIL = Shape({"type": "string", "format": "email"}, is_email, "an email address")
COLOR = Shape(
    {"type": "string", "pattern": _COLOR.pattern},
    lambda v: isinstance(v, str) and bool(_COLOR.fullmatch(v)),
    "a hex colour",
)
MAP = Shape({"type": "object"}, lambda value: isinstance(value, dict), "an object")
ANY = Shape({}, lambda _: True, "any value")


def one_of(*choices: str) -> Shape:
    return Shape({"type": "string", "enum": list(choices)}, lambda value: value in choices, " or ".join(choices))


def list_of(item: Shape, *, at_least: int = 0) -> Shape:
    def accepts(value: object) -> bool:
        return isinstance(value, list) and len(value) >= at_least and all(item.accepts(one) for one in value)

    schema: dict[str, Any] = {"type": "array", "items": dict(item.schema)}
    if at_least:
        schema["minItems"] = at_least
    return Shape(schema, accepts, f"a list, each {item.wanted}")


@dataclass(frozen=True, slots=True)
class Body:
    """The fields of a JSON body. Fields that are not named here pass unseen: the texts do not forbid them.

    A required field may not be null. ``may_be_missing``: no body at all is an empty one.
    """

    fields: Mapping[str, Shape] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    may_be_missing: bool = False

    def check(self, data: Any) -> Row:
        if data is None and self.may_be_missing:
            return {}
        if not isinstance(data, dict):
            raise Refusal(400, "the body must be a JSON object")
        for name in self.required:
            if data.get(name) is None:
                raise Refusal(400, f"missing required field: {name}")
        for name, shape in self.fields.items():
            value = data.get(name)
            if value is not None and not shape.accepts(value):
                raise Refusal(400, f"invalid {name}: must be {shape.wanted}")
        return data

    def only(self, data: Row) -> Row:
        """The named fields that were given (a null counts as given)."""
        return {name: data[name] for name in self.fields if name in data}

    def schema(self) -> Row:
        properties: Row = {}
        for name, shape in self.fields.items():
            free = name in self.required or not shape.schema
            properties[name] = dict(shape.schema) if free else {"anyOf": [dict(shape.schema), {"type": "null"}]}
        schema: Row = {"type": "object", "properties": properties}
        if self.required:
            schema["required"] = list(self.required)
        return schema
