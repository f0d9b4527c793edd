"""Codecs for numbers, flags and times."""

# ruff: noqa: ARG002  (codecs share one signature; few need all of it)

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import ClassVar, Literal

from bridge.core.mapping.codecs.base import Codec, Normaliser, Rich, refuse
from bridge.core.mapping.codecs.text import text_of
from bridge.core.mapping.values import kind_of
from bridge.core.records import Json, Lookups

_MOST_DIGITS = 40


def as_number(value: object) -> int | float:
    """A JSON number, or text that spells one. Whole numbers come out as integers."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        refuse(f"{kind_of(value)} stands where a number was expected", "number")
    if isinstance(value, str):
        text = value.strip()
        if len(text) > _MOST_DIGITS or not text.isascii() or "_" in text:
            refuse("this text is no number", "number")
        try:
            value = int(text) if text.lstrip("+-").isdigit() else float(text)
        except ValueError:
            refuse("this text is no number", "number")
    if isinstance(value, float):
        if not math.isfinite(value):
            refuse("this is no finite number", "number")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value


@dataclass(frozen=True)
class Number(Normaliser):
    def norm(self, value: Json) -> Json:
        return as_number(value)

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return ("12.50", 7, " 3 ", "x"), (12.5, 7.0, "7")


@dataclass(frozen=True)
class Integer(Normaliser):
    def norm(self, value: Json) -> Json:
        number = as_number(value)
        if isinstance(number, float):
            refuse("this is no whole number", "number")
        return number

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return ("12", 7, 7.0, 7.5), (12, "7")


@dataclass(frozen=True)
class Money(Normaliser):
    """An amount rounded half up to ``precision`` decimals, carried as a JSON number."""

    precision: int = 2

    def norm(self, value: Json) -> Json:
        number = as_number(value)
        try:
            amount = Decimal(repr(number)).quantize(Decimal(1).scaleb(-self.precision), rounding=ROUND_HALF_UP)
        except InvalidOperation:
            refuse("this amount has too many digits", "number")
        return as_number(float(amount)) if amount != amount.to_integral_value() else int(amount)

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return ("1054.00", 1054, 19.999, 0.1 + 0.2, "lots"), (1054.0, 20, 0.3)


@dataclass(frozen=True)
class String(Codec):
    """A number on the left is text on the right."""

    rich: ClassVar[Rich] = "right"

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        if isinstance(x, str | bool) or not isinstance(x, int | float):
            refuse(f"{kind_of(x)} stands where a number was expected", "number")
        return str(as_number(x))

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        return as_number(y)

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return (12, 12.5, 7.0, "12"), ("12", "12.50", "007", "many")


_TRUE = frozenset({"true", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "no", "n", "off", "0"})


@dataclass(frozen=True)
class Boolean(Normaliser):
    def norm(self, value: Json) -> Json:
        if isinstance(value, bool):
            return value
        word = str(value).strip().casefold() if isinstance(value, int | str) else ""
        if word in _TRUE:
            return True
        if word not in _FALSE:
            refuse("this is neither yes nor no", "flag")
        return False

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return (True, "no", 1, "perhaps"), (False, "Yes", 0)


def parse_time(value: Json, *, formats: tuple[str, ...] = ()) -> datetime | date:
    """ISO 8601 or one of ``formats``; numbers are unix seconds. Times without a zone are UTC."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError, ValueError):
            refuse("this number is no time", "date")
    text = text_of(value, "a date").strip()
    for pattern in formats:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        if len(text) <= 10:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        refuse("this is no date in ISO form (2026-09-30)", "date")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Date(Codec):
    """A calendar day, ``YYYY-MM-DD``. A time of day is dropped as it is written: no zone moves the day.

    ``left`` is the left side's own form (``%m/%d/%Y``) if it is not ISO.
    """

    rich: ClassVar[Rich] = "both"
    left: str = ""

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        moment = parse_time(x, formats=(self.left,) if self.left else ())
        return (moment.date() if isinstance(moment, datetime) else moment).isoformat()

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        if not self.left:
            return y
        day = self.forth(y, None, lookups)
        written = _written(date.fromisoformat(day), self.left)
        if self.forth(written, None, lookups) != day:
            # Two digits of a year, or a form without the day.
            refuse(f"this day cannot be written as {self.left}", "date")
        return written

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        own = (_written(date(2026, 9, 30), self.left),) if self.left else ()
        return ("2026-09-30T23:30:00-05:00", "2026-09-30", "soon", *own), ("2026-09-30", "2026-02-28T00:00:00Z")


def _written(day: date, pattern: str) -> str:
    # strftime drops the zeros of years before 1000 on some platforms.
    return day.strftime(pattern.replace("%Y", f"{day.year:04d}"))


@dataclass(frozen=True)
class DateTime(Codec):
    """A moment in RFC 3339, in UTC. ``left`` is ``unix`` where the left side counts seconds since 1970."""

    rich: ClassVar[Rich] = "both"
    left: Literal["", "unix"] = ""

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        moment = parse_time(x)
        if not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            refuse("this time is out of range", "date")
        return moment.replace(tzinfo=None).isoformat() + "Z"

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        if not self.left:
            return y
        return as_number(datetime.fromisoformat(self.forth(y, None, lookups)).timestamp())

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        left = ("2026-09-30T10:00:00+02:00", "2026-09-30", 1597996642, "later")
        return left, ("2026-09-30T08:00:00Z", "2026-09-30T08:00:00.250Z")
