"""From a remote's answer, or its silence, to the error that names what to do next (``bridge.core.errors``).

A read that failed may be repeated; a write that left this machine and got no clear answer may have been applied:
``OutcomeUnknown``. Statuses that a server gives before it acts (4xx) are clear answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.core.errors import (
    AlreadyThere,
    BrokenRemote,
    KeyRefused,
    NotThere,
    OutcomeUnknown,
    ParentNotThere,
    Rejected,
    RemoteError,
    Throttled,
    Transient,
)
from bridge.core.records import Json
from bridge.transport.redact import redact
from bridge.transport.remote_clock import http_date

DEFAULT_RETRY_AFTER = 1.0
LONGEST_RETRY_AFTER = 3600.0
"""A remote that asks for more is asked again after an hour all the same: a typo there must not stop a day's work."""

# What "duplicate" and "no such parent" look like is open in all four documents (TRAPS 7): the words decide.
_PARENT = re.compile(
    r"(?:compan(?:y|ies)|account|parent|contact|lead|campaign|client|domain)\w*\b[^.;]{0,60}?"
    r"(?:not\s+(?:be\s+)?(?:found|exist|match|registered|correspond)|does\s*n[o']t\s+(?:exist|match|correspond)|is\s+unknown|not\s+exist)"
    r"|no\s+such\s+(?:company|account|parent|contact|lead|campaign|client)"
    r"|(?:unknown|no|invalid|missing)\s+(?:company|account|parent)\b"
    r"|does\s*n[o']t\s+correspond|does\s+not\s+correspond",
    re.IGNORECASE,
)
_DUPLICATE = re.compile(
    r"duplicat|already\s+(?:exist|taken|in\s+use|linked|been|used|registered)|\balready\b|\bexists\b|\btaken\b|not\s+unique|must\s+be\s+unique|unique\s+constraint",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Which call failed: ``operation`` is its method and path template, never the path with its ids."""

    system: str
    operation: str
    write: bool


def error_text(body: Json, sent: Iterable[str] = ()) -> str:
    """The remote's own short words, redacted; empty if it gave none."""
    return redact(_words(body), sent)


def _words(body: Json) -> str:
    if isinstance(body, str):
        return body
    if isinstance(body, dict):
        told = [_words(body[key]) for key in ("error", "message", "detail", "title") if body.get(key)]
        fields = body.get("errors")
        # Some say only "invalid data" above and what is wrong per field: {"errors": {"email": ["is taken"]}}.
        told += [_words(part) for part in (fields.values() if isinstance(fields, dict) else [fields])]
        return "; ".join(filter(None, told))
    if isinstance(body, list):
        return "; ".join(filter(None, (_words(part) for part in body[:3])))
    return ""


def retry_after(header: str | None, server_date: datetime | None, now: datetime) -> float | None:
    """Seconds to wait: RFC 9110 allows a number of seconds or a date, which is the remote's clock, not ours."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        date = http_date(header)
        if date is None:
            return None
        seconds = (date - (server_date or now.astimezone(UTC))).total_seconds()
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def refusal(
    place: Place, status: int, body: Json, *, wait: float | None = None, sent: Iterable[str] = ()
) -> RemoteError:
    """The error for an answer that is no success. ``body`` is the parsed JSON, or a short text."""
    words = error_text(body, sent)
    message = f"{place.operation} answered {status}" + (f": {words}" if words else "")
    if status == 429:
        wait = DEFAULT_RETRY_AFTER if wait is None else wait
        return Throttled(message, retry_after=wait, system=place.system, operation=place.operation)
    kind = _kind(place, status, _words(body))
    return kind(message, system=place.system, operation=place.operation, status=status)


def _kind(place: Place, status: int, words: str) -> type[RemoteError]:
    if status in {401, 403}:
        return KeyRefused
    if status == 404:
        return NotThere
    if status == 412:
        return ParentNotThere
    if status in {400, 409, 422}:
        return _refused_write(status, words)
    if status in {408, 425}:
        # The server gave up on the request before acting on it (RFC 9110, RFC 8470).
        return Transient
    if 400 <= status < 500:
        return Rejected
    if status >= 500:
        return OutcomeUnknown if place.write else Transient
    return OutcomeUnknown if place.write else BrokenRemote


def _refused_write(status: int, words: str) -> type[RemoteError]:
    if _PARENT.search(words):
        return ParentNotThere
    if _DUPLICATE.search(words) or (status == 409 and (not words or words.strip().casefold() == "conflict")):
        return AlreadyThere
    return Rejected
