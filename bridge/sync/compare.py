"""Rows of a poll or a listing against what is remembered: only what differs becomes a change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from bridge.core.errors import Undecodable
from bridge.core.mapping.model import Stream
from bridge.core.plan import unmoved
from bridge.core.records import ABSENT, Link, Record, Value
from bridge.store import Hint, Store

SEEMED_GONE = ("brake:delete", "deletion unconfirmed", "side looks empty", "has live children")
"""Causes that a change is parked under while its record is taken for deleted."""


@dataclass(frozen=True, slots=True)
class Compared:
    """How many rows were seen, and which records have to be looked at."""

    rows: int
    hints: tuple[Hint, ...]


def compare(store: Store, connection: str, stream: Stream, side: str, records: Sequence[Record]) -> Compared:
    """Hints for the records of one page that differ from their shadow, or have no link yet.

    An unlinked record that looks as it did when it was looked at is left alone: it waits for a person or is none of ours.
    """
    ids = [record.ref.id for record in records]
    links = store.links.by_end(connection, stream.name, side, ids)
    seen = store.changes.seen(connection, stream.name, side, [one for one in ids if one not in links])
    # A deletion that waits for a person, of a record that is there after all: to be looked at, and withdrawn.
    back = store.changes.parked(connection, stream.name, side, list(links), SEEMED_GONE)
    news = [
        record
        for record in records
        if record.ref.id in back or not _known(stream, side, record, links.get(record.ref.id), seen.get(record.ref.id))
    ]
    moved = {record.ref.id: link.id for record in news if (link := links.get(record.ref.id)) and link.state == "live"}
    asked = store.attention.asked(list(moved.values())) if moved else {}
    hints = [
        Hint(stream.name, side, record.ref.id)
        for record in news
        if record.ref.id in back
        or not _asked_about(stream, side, record, links.get(record.ref.id), asked.get(moved.get(record.ref.id, -1), {}))
    ]
    return Compared(len(records), tuple(hints))


def _asked_about(
    stream: Stream, side: str, record: Record, link: Link | None, asked: Mapping[str, Mapping[str, Value]]
) -> bool:
    """Whether all that is new in a record waits for a person already, with just these values: a held field would bring two reads
    with every poll that shows its record."""
    if link is None or not asked:
        return False
    shadow = link.ends[side].shadow
    held = {
        rule.key(side): asked[rule.name][side]
        for rule in stream.fields
        if rule.name in asked and rule.has(side) and side in asked[rule.name]
    }
    return unmoved(stream, side, record, replace(shadow, values={**shadow.values, **held}))


def _known(stream: Stream, side: str, record: Record, link: Link | None, seen: str | None) -> bool:
    if link is None:
        return seen == fingerprint(stream, side, record)
    try:
        scoped = stream.in_scope(side, record.raw)
    except Undecodable:
        # The reconcile tells a person, with the reason.
        return False
    match link.state:
        case "dead":
            return True
        case "suspended":
            return not scoped
        case "half":
            return False
        case "live":
            return scoped and unmoved(stream, side, record, link.ends[side].shadow)


def fingerprint(stream: Stream, side: str, record: Record) -> str:
    """A short fingerprint of what a stream makes of a record; no clock has a say in it, for a read may be stale."""
    try:
        scoped: bool | None = stream.in_scope(side, record.raw)
    except Undecodable:
        scoped = None
    values = [rule.observe(side, record.raw) for rule in stream.fields if rule.has(side)]
    told = [stream.version, scoped, *("absent" if value is ABSENT else [value] for value in values)]
    return hashlib.blake2b(orjson.dumps(told, option=orjson.OPT_SORT_KEYS), digest_size=9).hexdigest()


def digest(record: Record) -> str:
    """A short fingerprint of a row as it was read; no personal data can be read from it."""
    return hashlib.blake2b(orjson.dumps(record.raw, option=orjson.OPT_SORT_KEYS), digest_size=9).hexdigest()
