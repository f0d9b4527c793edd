"""Column types that mean the same on SQLite and PostgreSQL, and the JSON spelling of the core's values.

JSON is kept as text: PostgreSQL's ``jsonb`` refuses ``\\u0000`` and reorders keys, and nothing here is queried by JSON.
"""

# ruff: noqa: ARG002 (the signatures are SQLAlchemy's)
from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, DateTime, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from bridge.core.records import ABSENT, Json, Step, Value

_STDLIB = " "
"""A leading space (still valid JSON) marks text written by the standard library: integers over 64 bits and lone
surrogates, which orjson cannot write and would not read back unchanged."""


def dumps(value: Json) -> str:
    try:
        return orjson.dumps(value, default=_plain).decode()
    except TypeError:
        return _STDLIB + json.dumps(value, default=_plain)


def loads(text: str) -> Json:
    return json.loads(text) if text.startswith(_STDLIB) else orjson.loads(text)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def dump_values(values: Mapping[str, Value]) -> dict[str, Json]:
    """A map whose values may be ``ABSENT``: the silent keys are listed apart, so that they stay different from null."""
    said = {key: value for key, value in values.items() if value is not ABSENT}
    return {"said": said, "absent": sorted(key for key, value in values.items() if value is ABSENT)}


def load_values(stored: Mapping[str, Json]) -> dict[str, Value]:
    return {**stored["said"], **dict.fromkeys(stored["absent"], ABSENT)}


def dump_step(step: Step) -> dict[str, Json]:
    return {
        "system": step.system,
        "object": step.object,
        "verb": step.verb,
        "record_id": step.record_id,
        "payload": step.payload,
        "values": dump_values(step.values),
        "calls": step.calls,
    }


def load_step(stored: Mapping[str, Json]) -> Step:
    return Step(**{**stored, "values": load_values(stored["values"])})


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC; naive times are a mistake of the caller."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """SQLAlchemy's own for SQLite spells the same text at a multiple of the cost, for every parameter of every row."""
        return _utc_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _utc_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


class Words(TypeDecorator[str]):
    """Text from outside, ordered by code point on both databases.

    NUL (which PostgreSQL refuses) and lone surrogates (which neither can encode) are replaced.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Text(collation="C") if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return _storable(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], Any] | None:
        return _storable


def _storable(value: str | None) -> str | None:
    if value is None or (value.isascii() and "\x00" not in value):
        return value
    return value.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


class Several(TypeDecorator[Any]):
    """Texts or whole numbers as one parameter: JSON for SQLite, an array for PostgreSQL."""

    impl = Text
    cache_ok = True

    def __init__(self, of: type) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return ARRAY(BigInteger() if self.of is int else Text())
        return Text()

    def process_bind_param(self, value: Iterable[str] | Iterable[int] | None, dialect: Dialect) -> Any:
        each = [_storable(one) if isinstance(one, str) else one for one in value or ()]
        return each if dialect.name == "postgresql" else dumps(each)


class JsonText(TypeDecorator[Any]):
    """Any JSON value. SQL NULL reads as ``None``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Json, dialect: Dialect) -> str | None:
        return None if value is None else dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Json:
        return None if value is None else loads(value)


class ValueText(TypeDecorator[Any]):
    """One value of a field: SQL NULL is ``ABSENT``, the text ``null`` is empty."""

    impl = Text
    cache_ok = True
    should_evaluate_none = True

    def process_bind_param(self, value: Value, dialect: Dialect) -> str | None:
        return None if value is ABSENT else dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Value:
        return ABSENT if value is None else loads(value)


class ValuesText(TypeDecorator[Any]):
    """A map from key to value, each of which may be ``ABSENT``. SQL NULL reads as an empty map."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Value] | None, dialect: Dialect) -> str | None:
        return None if value is None else dumps(dump_values(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Value]:
        return {} if value is None else load_values(loads(value))


class NamesText(TypeDecorator[Any]):
    """A set of names, read back as a frozenset."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> str | None:
        return None if value is None else dumps(sorted(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> frozenset[str]:
        return frozenset() if value is None else frozenset(loads(value))
