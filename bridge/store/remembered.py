"""What the store remembers about records: open intents, people's decisions, fields with open attention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, or_, select

from bridge.core.effects import Decision, OpenCreates, Past
from bridge.core.records import YOUNG, Intent, Link, Reference
from bridge.store.linking import by_side
from bridge.store.sql import AnyRow, among, chunks
from bridge.store.tables import attention, history, intents
from bridge.store.types import load_step

RECENT = timedelta(hours=1)
"""How far back writes are handed to a reconcile, which looks for writers that undo each other."""

_FRESH = or_(
    intents.c.state == "open",
    (intents.c.state == "answered") & (intents.c.answered_at > bindparam("young")),
)
_INTENTS_BY_LINK = select(intents).where(among(intents.c.link_id, "ids"), _FRESH).order_by(intents.c.id)
_INTENTS_BY_CHANGE = select(intents).where(among(intents.c.change_id, "ids"), _FRESH).order_by(intents.c.id)


_RECENT = (
    select(history.c.link_id, history.c.side, history.c.field, history.c.old, history.c.new, history.c.cause)
    .where(
        among(history.c.link_id, "ids"),
        history.c.at > bindparam("since"),
        history.c.field != "",
    )
    .order_by(history.c.id)
)


_OPEN_BY_END = select(intents).where(
    intents.c.connection == bindparam("conn"),
    intents.c.state == "open",
    intents.c.stream == bindparam("stream"),
    intents.c.side == bindparam("side"),
    among(intents.c.record_id, "ids"),
)


def _attention(*where: ColumnElement[bool]) -> Any:
    return select(attention).where(attention.c.state != "closed", *where).order_by(attention.c.id)


_ATTENTION_BY_LINK = _attention(among(attention.c.link_id, "ids"))
_ATTENTION_BY_RECORD = _attention(
    attention.c.connection == bindparam("conn"),
    attention.c.stream == bindparam("stream"),
    attention.c.side == bindparam("side"),
    among(attention.c.record_id, "ids"),
)


@dataclass(slots=True)
class Remembered:
    """All that is open about some records, by link, change and record."""

    by_link: dict[int, list[Intent]] = field(default_factory=lambda: defaultdict(list))
    by_change: dict[int, list[Intent]] = field(default_factory=lambda: defaultdict(list))
    by_end: dict[Reference, list[Intent]] = field(default_factory=lambda: defaultdict(list))
    """Unanswered writes to a record, whatever they were made for: a bind that never was may land on it late."""
    rows_by_link: dict[int, list[AnyRow]] = field(default_factory=lambda: defaultdict(list))
    rows_by_record: dict[Reference, list[AnyRow]] = field(default_factory=lambda: defaultdict(list))

    def intents(
        self, links: Iterable[int], changes: Iterable[int], ends: Iterable[Reference] = ()
    ) -> tuple[Intent, ...]:
        found = {intent.id: intent for end in ends for intent in self.by_end.get(end, ())}
        found |= {intent.id: intent for link in links for intent in self.by_link.get(link, ())}
        found.update({intent.id: intent for change in changes for intent in self.by_change.get(change, ())})
        return tuple(found[key] for key in sorted(found))

    def attention(self, links: Iterable[int], records: Iterable[Reference]) -> list[AnyRow]:
        found = {row.id: row for link in links for row in self.rows_by_link.get(link, ())}
        found.update({row.id: row for record in records for row in self.rows_by_record.get(record, ())})
        return [found[key] for key in sorted(found)]


def remember(
    connection: Connection,
    name: str,
    *,
    links: Collection[int],
    changes: Collection[int],
    records: Collection[Reference],
    now: datetime,
    ends: Collection[Reference] = (),
) -> Remembered:
    """``ends`` are the ends of the links, ``records`` those that are asked about, linked or not."""
    found = Remembered()
    for (stream, side), ids in by_side(ends).items():
        for some in chunks(ids):
            where = {"conn": name, "stream": stream, "side": side, "ids": some}
            for row in connection.execute(_OPEN_BY_END, where):
                found.by_end[Reference(stream, side, row.record_id)].append(to_intent(row))
    for link, written in intents_by_link(connection, links, now).items():
        found.by_link[link].extend(written)
    young = now - YOUNG
    for chunk in chunks(links):
        for row in connection.execute(_ATTENTION_BY_LINK, {"ids": chunk}):
            found.rows_by_link[row.link_id].append(row)
    for chunk in chunks(changes):
        for row in connection.execute(_INTENTS_BY_CHANGE, {"ids": chunk, "young": young}):
            found.by_change[row.change_id].append(to_intent(row))
    for row in attention_of(connection, name, records):
        found.rows_by_record[Reference(row.stream, row.side, row.record_id)].append(row)
    return found


def intents_by_link(connection: Connection, links: Collection[int], now: datetime) -> dict[int, tuple[Intent, ...]]:
    """Link to its unanswered and its young intents, oldest first."""
    found: dict[int, list[Intent]] = defaultdict(list)
    for chunk in chunks(links):
        for row in connection.execute(_INTENTS_BY_LINK, {"ids": chunk, "young": now - YOUNG}):
            found[row.link_id].append(to_intent(row))
    return {link: tuple(intents) for link, intents in found.items()}


def attention_of(connection: Connection, name: str, records: Iterable[Reference]) -> list[AnyRow]:
    rows: list[AnyRow] = []
    for (stream, side), ids in by_side(records).items():
        for chunk in chunks(ids):
            rows.extend(
                connection.execute(_ATTENTION_BY_RECORD, {"conn": name, "stream": stream, "side": side, "ids": chunk})
            )
    return rows


def ends_of(link: Link | None) -> tuple[Reference, ...]:
    return () if link is None else tuple(Reference(link.stream, end.side, end.record_id) for end in link.ends.values())


def recent_writes(connection: Connection, links: Collection[int], now: datetime) -> dict[int, tuple[Past, ...]]:
    """Link to what was written to it lately, oldest first."""
    found: dict[int, list[Past]] = defaultdict(list)
    for chunk in chunks(links):
        for link, *past in connection.execute(_RECENT, {"ids": chunk, "since": now - RECENT}):
            found[link].append(Past(*past))
    return {link: tuple(writes) for link, writes in found.items()}


LATE = timedelta(days=1)
"""How long a create that was given up is remembered: the worker that was to send it may only have been stopped."""


_OPEN_CREATES = (
    select(intents)
    .where(
        intents.c.connection == bindparam("conn"),
        intents.c.state.in_(("open", "lapsed")),
        or_(intents.c.state == "open", intents.c.created_at > bindparam("late")),
        intents.c.stream == bindparam("stream"),
        intents.c.side == bindparam("side"),
        intents.c.record_id.is_(None),
    )
    .order_by(intents.c.id)
)


def open_creates(connection: Connection, asked: OpenCreates, now: datetime) -> tuple[Intent, ...]:
    """Creates on one side of a stream that nobody has heard of again."""
    where = {"conn": asked.connection, "stream": asked.stream, "side": asked.side, "late": now - LATE}
    rows = connection.execute(_OPEN_CREATES, where)
    return tuple(intent for intent in map(to_intent, rows) if intent.step.verb == "create")


def to_intent(row: AnyRow) -> Intent:
    return Intent(
        id=row.id,
        link_id=row.link_id,
        change_id=row.change_id,
        side=row.side,
        step=load_step(row.step),
        token=row.token,
        created_at=row.created_at,
        state=row.state,
        snapshot=tuple(row.snapshot),
        answered_at=row.answered_at,
    )


def decisions(rows: Iterable[AnyRow]) -> tuple[Decision, ...]:
    return tuple(_decision(row) for row in rows if row.state == "decided")


def _decision(row: AnyRow) -> Decision:
    decided: Mapping[str, Any] = row.decision
    way, seen = decided["way"], row._mapping["values"]
    if way == "discard":
        return Decision(row.id, row.field, None, seen=seen, discard=True)
    return Decision(row.id, row.field, None if way == "value" else way, decided["value"], seen=seen)


def open_fields(rows: Iterable[AnyRow]) -> dict[str, str]:
    return {row.field: row.cause for row in rows if row.state == "open"}
