"""Poll a system that has no webhooks for what changed, and list both systems now and then for what nothing told.

A poll's next checkpoint is min(newest ``updated_at`` seen, the remote's clock when the scan began) − overlap; never our clock. Pages
shift while people edit, so a scan of several pages is repeated until its set of ids is stable. The checkpoint moves only
after the hints are stored.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

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
class _Scan:
    """What one pass over the pages saw."""

    ids: set[str]
    pages: int = 0
    newest: datetime | None = None
    began: datetime | None = None

    def take(self, page: Page) -> None:
        self.pages += 1
        if self.began is None:
            self.began = page.server_date
        for record in page.records:
            self.ids.add(record.ref.id)
            if record.updated_at is not None and (self.newest is None or record.updated_at > self.newest):
                self.newest = record.updated_at


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
    saved = store.checkpoints.get(connection, name) or {}
    since = datetime.fromisoformat(saved["at"]) if "at" in saved else None
    connector = terms.connectors[side]
    if since is None:
        return Polled()
    known: dict[str, str] = saved.get("seen", {})
    rows = hinted = 0
    seen: dict[str, tuple[datetime | None, str]] = {}
    previous: set[str] | None = None
    began = newest = None
    stable = False
    for _ in range(MAX_SCANS):
        scan = _Scan(set())
        for page in connector.pages(kind, updated_after=since):
            scan.take(page)
            fresh = []
            for record in page.records:
                mark = digest(record)
                if seen.get(record.ref.id, (None, ""))[1] != mark and known.get(record.ref.id) != mark:
                    fresh.append(record)
                seen[record.ref.id] = (record.updated_at, mark)
            rows += len(page.records)
            hinted += _hint(store, connection, terms, streams, side, fresh)
        began = began or scan.began
        newest = max(filter(None, (newest, scan.newest)), default=None)
        stable = scan.pages <= 1 or scan.ids == previous
        if stable:
            break
        previous = scan.ids
    if stable and began is not None:
        at = max(since, min(began, newest or began) - overlap)
        boundary = {key: mark for key, (stamp, mark) in seen.items() if stamp is None or stamp >= at}
        store.checkpoints.set(connection, name, {"at": at.isoformat(), "seen": boundary})
    return Polled(rows, hinted)


def _remote_now(connector: Connector, kind: str) -> datetime | None:
    """The remote's own clock, from the first page of its listing."""
    for page in connector.pages(kind):
        return page.server_date
    return None


def _hint(
    store: Store, connection: str, terms: Terms, streams: tuple[Stream, ...], side: str, records: list[Record]
) -> int:
    if not records:
        return 0
    offset = terms.offsets().get(side, timedelta())
    hints: list[Hint] = []
    for stream in streams:
        hints.extend(compare(store, connection, stream, side, records, offset).hints)
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
            total += Polled(len(page.records), _hint(store, connection, terms, (stream,), side, list(page.records)))
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
