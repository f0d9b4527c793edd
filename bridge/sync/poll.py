"""Poll a system that has no webhooks for what changed, and list both systems now and then for what nothing told.

A poll's next checkpoint is min(newest ``updated_at`` seen, the remote's clock when the scan began) − overlap; never our clock. Pages
shift while people edit, so a scan of several pages is repeated until it shows no row that an earlier one missed. The checkpoint moves only
after the hints are stored.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bridge.core.mapping.model import Stream
from bridge.core.ports import Connector, Page
from bridge.core.records import Record
from bridge.store import Hint, Store
from bridge.sync.compare import compare, digest
from bridge.sync.terms import Terms

MAX_SCANS = 5
"""A set of ids that is still moving after this many scans is left to the next poll, from the same checkpoint."""


@dataclass(frozen=True, slots=True)
class Polled:
    """Rows read and changes made by one round."""

    rows: int = 0
    hinted: int = 0

    def __add__(self, other: Polled) -> Polled:
        return Polled(self.rows + other.rows, self.hinted + other.hinted)


@dataclass(slots=True)
class _Seen:
    """What the scans of one round saw. ``marks`` holds each row's stamp and digest."""

    since: datetime
    known: dict[str, str]
    """Digests of the rows that the last round saw at its edge: they come again, and need no second look."""
    marks: dict[str, tuple[datetime | None, str]] = field(default_factory=dict)
    began: datetime | None = None
    newest: datetime | None = None
    settled: set[str] = field(default_factory=set)
    """Ids of rows that were last changed before the round began."""

    def fresh(self, page: Page) -> list[Record]:
        """The rows of a page that nobody has looked at as they are now."""
        if self.began is None:
            self.began = page.server_date
        found = []
        for record in page.records:
            key, mark, stamp = record.ref.id, digest(record), record.updated_at
            if self.known.get(key) != mark and self.marks.get(key, (None, ""))[1] != mark:
                found.append(record)
            self.marks[key] = (stamp, mark)
            if stamp is not None:
                self.newest = stamp if self.newest is None else max(self.newest, stamp)
        return found

    def settle(self) -> bool:
        """After a scan: whether it showed no row that an earlier one missed. Rows changed since the round began do not count:
        the checkpoint stays behind them, so the next round reads them anyway."""
        old = {
            key
            for key, (stamp, _mark) in self.marks.items()
            if self.began is None or stamp is None or stamp < self.began
        }
        news, self.settled = old - self.settled, self.settled | old
        return not news

    def checkpoint(self, overlap: timedelta) -> dict[str, Any] | None:
        """Where the next round starts, with the digests of the rows it will see again."""
        if self.began is None:
            return None
        at = max(self.since, min(self.began, self.newest or self.began) - overlap)
        edge = {key: mark for key, (stamp, mark) in self.marks.items() if stamp is None or stamp >= at}
        return {"at": at.isoformat(), "seen": edge}


def poll(
    store: Store, connection: str, terms: Terms, *, overlap: timedelta, stopping: threading.Event | None = None
) -> Polled:
    """One round over every object whose listing knows ``updated_after``. What was there before polling began is a backfill's
    business."""
    begin(store, connection, terms, overlap=overlap)
    total = Polled()
    for side, kind, streams in _polled(terms):
        if stopping is not None and stopping.is_set():
            break
        total += _poll_object(store, connection, terms, side, kind, streams, overlap)
    return total


def begin(store: Store, connection: str, terms: Terms, *, overlap: timedelta) -> None:
    """Note where polling starts, for every object that has no checkpoint yet. To be called before a first listing, so that what
    changes between the listing and the first poll is not missed."""
    for side, kind, _streams in _polled(terms):
        name = _checkpoint(side, kind)
        if store.checkpoints.get(connection, name) is None:
            began = _remote_now(terms.connectors[side], kind)
            if began is not None:
                store.checkpoints.set(connection, name, {"at": (began - overlap).isoformat(), "seen": {}})


def _checkpoint(side: str, kind: str) -> str:
    return f"poll/{side}/{kind}"


def _polled(terms: Terms) -> Iterator[tuple[str, str, tuple[Stream, ...]]]:
    seen: set[tuple[str, str]] = set()
    for stream in terms.mappings.streams:
        for side in stream.sides:
            kind = stream.object(side)
            traits = terms.traits(side, kind)
            if (side, kind) not in seen and traits.readable and traits.updated_after:
                seen.add((side, kind))
                yield side, kind, terms.mappings.on_object(side, kind)


def _poll_object(
    store: Store, connection: str, terms: Terms, side: str, kind: str, streams: tuple[Stream, ...], overlap: timedelta
) -> Polled:
    name = _checkpoint(side, kind)
    saved = store.checkpoints.get(connection, name)
    if saved is None:
        return Polled()
    seen = _Seen(datetime.fromisoformat(saved["at"]), saved.get("seen", {}))
    rows = hinted = 0
    for _ in range(MAX_SCANS):
        pages = 0
        for page in terms.connectors[side].pages(kind, updated_after=seen.since):
            pages += 1
            rows += len(page.records)
            hinted += _hint(store, connection, streams, side, seen.fresh(page))
        if seen.settle() or pages <= 1:
            if (checkpoint := seen.checkpoint(overlap)) is not None:
                store.checkpoints.set(connection, name, checkpoint)
            break
    return Polled(rows, hinted)


def _remote_now(connector: Connector, kind: str) -> datetime | None:
    """The remote's own clock, from the first page of its listing."""
    for page in connector.pages(kind):
        return page.server_date
    return None


def _hint(store: Store, connection: str, streams: tuple[Stream, ...], side: str, records: list[Record]) -> int:
    if not records:
        return 0
    hints: list[Hint] = []
    for stream in streams:
        hints.extend(compare(store, connection, stream, side, records).hints)
    if hints:
        store.changes.hint(connection, hints)
    return len(hints)


def list_side(
    store: Store, connection: str, terms: Terms, side: str, *, stopping: threading.Event | None = None
) -> Polled:
    """The safety net: the full listing of every object on one side, compared page by page.

    Finds edits that no webhook told, properties that do not move ``updated_at``, and gaps: a linked record that the listing does
    not show is looked at by itself, because a gap proves nothing.
    """
    total = Polled()
    for stream in terms.mappings.streams:
        if side not in stream.sides or not terms.traits(side, stream.object(side)).readable:
            continue
        ids: set[str] = set()
        for page in terms.connectors[side].pages(stream.object(side), lane="backfill"):
            if stopping is not None and stopping.is_set():
                return total
            ids.update(record.ref.id for record in page.records)
            total += Polled(len(page.records), _hint(store, connection, (stream,), side, list(page.records)))
        total += Polled(0, _gaps(store, connection, stream, side, ids))
    return total


def _gaps(store: Store, connection: str, stream: Stream, side: str, ids: set[str]) -> int:
    after = ""
    missing = 0
    while rows := store.links.ends_page(connection, stream.name, side, after):
        after = rows[-1].record_id
        hints = [
            Hint(stream.name, side, row.record_id)
            for row in rows
            if row.state in {"live", "half"} and row.record_id not in ids
        ]
        if hints:
            store.changes.hint(connection, hints)
            missing += len(hints)
    return missing
