"""Codecs for text: trimming, case, domains, emails, phones, names, templates, cutting."""

# ruff: noqa: ARG002  (codecs share one signature; few need all of it)

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from bridge.core.mapping.codecs.base import Codec, Normaliser, Rich, refuse
from bridge.core.mapping.values import is_empty, kind_of
from bridge.core.records import Json, Lookups

INVALID = ".invalid"
"""The top-level domain that RFC 2606 reserves for names that must not exist: our made-up domains."""

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+")


def text_of(value: Json, what: str) -> str:
    if not isinstance(value, str):
        refuse(f"{kind_of(value)} stands where {what} was expected")
    return value


@dataclass(frozen=True)
class Trim(Normaliser):
    def norm(self, value: Json) -> Json:
        return value.strip() if isinstance(value, str) else value


@dataclass(frozen=True)
class Lower(Normaliser):
    def norm(self, value: Json) -> Json:
        return value.lower() if isinstance(value, str) else value


def bare_domain(text: str) -> str | None:
    """The host of a URL or a bare domain, lower case, without ``www.``, in its ASCII form; ``None`` if it is neither."""
    text = text.strip()
    if "://" not in text:
        if "@" in text:
            return None
        text = "//" + text.lstrip("/")
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").rstrip(".")
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("", "http", "https"):
        return None
    try:
        host = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        return None
    host = host.lower()
    while host.startswith("www.") and host.count(".") > 1:
        host = host[4:]
    labels = host.split(".")
    fits = len(labels) > 1 and len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
    return host if fits and not labels[-1].isdigit() else None


@dataclass(frozen=True)
class Domain(Normaliser):
    """``scheme`` is put before a domain that is written to the left side for the first time."""

    scheme: str = ""

    def norm(self, value: Json) -> Json:
        host = bare_domain(text_of(value, "a website or domain"))
        if host is None:
            refuse("this is no website or domain", "domain")
        return None if host.endswith(INVALID) else host

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        return f"{self.scheme}://{y}" if self.scheme else y

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        urls = ("https://www.Example.com/about?x=1", "example.org:8080", "http://user@shop.example.co.uk", "n/a")
        return urls, ("example.com", "EXAMPLE.com", "497f6eca.invalid")


@dataclass(frozen=True)
class Email(Normaliser):
    def norm(self, value: Json) -> Json:
        address = text_of(value, "an email address").strip()
        if not _EMAIL.fullmatch(address):
            refuse("this is no single email address", "email")
        return address.lower()

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return (" Ada@Example.com", "a@b.co, c@d.co"), ("ada@example.com", "ADA@EXAMPLE.COM ")


def phone_form(text: str) -> str | None:
    """Digits with a leading plus where the country is given; ``None`` when there is no digit."""
    number, _, extension = re.sub(r"(?i)\s*(?:;ext=|ext\.?|#|x)\s*(\d+)\s*$", r"\0\1", text).partition("\0")
    digits = "".join(str(int(letter)) for letter in number if letter.isdecimal())
    if not digits:
        return None
    stripped = number.strip().lstrip("(")
    if stripped.startswith(("+", "＋")):
        digits = "+" + digits
    elif digits.startswith("00") and len(digits) > 4:
        digits = "+" + digits[2:]
    inner = "".join(str(int(letter)) for letter in extension if letter.isdecimal())
    return f"{digits};ext={inner}" if inner else digits


@dataclass(frozen=True)
class Phone(Normaliser):
    def norm(self, value: Json) -> Json:
        form = phone_form(
            str(value) if isinstance(value, int) and not isinstance(value, bool) else text_of(value, "a phone")
        )
        if form is None:
            refuse("this phone number has no digits", "phone")
        return form

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return ("+1 (555) 010-9999", "0049 30 1234 ext. 5", "555.0100", "call me"), ("+15550109999", "5550100")


@dataclass(frozen=True)
class Cut(Codec):
    """The right side holds at most ``length`` characters; the left side's longer text is left alone."""

    rich: ClassVar[Rich] = "both"
    length: int = 100

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        if not isinstance(x, str) or len(x) <= self.length:
            return x
        # Without the space it may end in: a trimmed value must stay one after the cut.
        return x[: self.length].rstrip()

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return ("x" * (self.length + 1), "y" * (self.length - 1) + " z", "y" * self.length), (
            "x" * self.length,
            "z" * (self.length + 5),
        )


@dataclass(frozen=True)
class Template(Codec):
    """``{}`` in the pattern is the left value: ``crm-{}``."""

    before: str = ""
    after: str = ""

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        return f"{self.before}{text_of(x, 'text')}{self.after}"

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        text = text_of(y, "text")
        whole = len(text) > len(self.before) + len(self.after)
        if not (whole and text.startswith(self.before) and text.endswith(self.after)):
            refuse(f"this does not look like {self.before}…{self.after}", "template")
        return text[len(self.before) : len(text) - len(self.after)]

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        return (f"{self.before}x{self.after}",), (f"{self.before}x{self.after}", self.before + self.after)


@dataclass(frozen=True)
class Name(Codec):
    """Several left values spell one right text (first and last name). The left values are a list, one a path."""

    rich: ClassVar[Rich] = "left"
    separator: str = " "
    count: int = 2

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        return self.separator.join(words) if (words := self._words(x)) else None

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        words = _split(text_of(y, "a name"), self.separator)
        return _kept(words, now, self.count, self.separator) or _spread(words, self.count, self.separator)

    def back_empty(self, now: Json) -> Json:
        return [None] * self.count

    def _words(self, x: Json) -> list[str]:
        parts = x if isinstance(x, list) else [x]
        texts = [part for part in parts if not is_empty(part)]
        return [word for part in texts for word in _split(text_of(part, "a name"), self.separator)]

    @property
    def samples(self) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
        blank: list[Json] = [None] * (self.count - 2)
        left = (["Ada", *blank, "Lovelace"], ["Ludwig", *blank, "van Beethoven"], ["Plato", *blank, None])
        return left, ("Ada Lovelace", "Ludwig  van Beethoven ", "Plato")


@dataclass(frozen=True)
class Words(Normaliser):
    """Space around the words of a name is no difference."""

    separator: str = " "

    def norm(self, value: Json) -> Json:
        return self.separator.join(_split(text_of(value, "a name"), self.separator)) or None


def _split(text: str, separator: str) -> list[str]:
    """Words of a text; parts that are only space do not count."""
    pieces = text.split() if separator.isspace() else text.split(separator.strip())
    return [word for piece in pieces if (word := piece.strip())]


def _kept(words: Sequence[str], now: Json, count: int, separator: str) -> list[Json] | None:
    """If only one part changed, change only that one: ``van Beethoven`` stays a last name."""
    if not isinstance(now, list) or len(now) != count:
        return None
    parts = [_split(part, separator) if isinstance(part, str) else [] for part in now]
    if not all(parts):
        return None
    for index in range(count):
        ahead = [word for part in parts[:index] for word in part]
        behind = [word for part in parts[index + 1 :] for word in part]
        middle = len(words) - len(ahead) - len(behind)
        if middle > 0 and list(words[: len(ahead)]) == ahead and list(words[len(ahead) + middle :]) == behind:
            changed: list[Json] = list(now)
            changed[index] = separator.join(words[len(ahead) : len(ahead) + middle])
            return changed
    return None


def _spread(words: Sequence[str], count: int, separator: str) -> list[Json]:
    """Two parts: the last word is the last part. More: first word, last word, and the rest between them."""
    if len(words) == 1:
        return [words[0], *[None] * (count - 1)]
    if count == 2:
        return [separator.join(words[:-1]), words[-1]]
    inner = words[1:-1]
    middle: list[Json] = [*inner[: count - 3], separator.join(inner[count - 3 :]) or None]
    return [words[0], *middle, *[None] * (count - 2 - len(middle)), words[-1]]
