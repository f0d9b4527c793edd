"""Changes: hinted, claimed, listed, replayed, discarded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields as fields_of
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, select, update

from bridge.core.effects import Claim
from bridge.core.errors import UsageError
from bridge.core.ports import Clock
from bridge.core.records import LANES, Lane, Reference
from bridge.store import leasing
from bridge.store.claiming import Lessor, claim, renew
from bridge.store.database import Database
from bridge.store.declaring import forget_counts
from bridge.store.discarding import give_up
from bridge.store.hinting import put_hints
from bridge.store.paging import page_by
from bridge.store.rows import ChangeFilter, ChangeRow, Hint, Listing
from bridge.store.sql import AnyRow, chunks, counted
from bridge.store.tables import changes, connections
from bridge.store.waiting import release_children

_ALL = ChangeFilter()
_FORGET_LEASES_AFTER = timedelta(hours=1)


class Changes:
    def __init__(self, database: Database, clock: Clock, objects: leasing.Objects) -> None:
        self._database = database
        self._clock = clock
        self._objects = objects

    def hint(
        self,
        connection: str,
        hints: Iterable[Hint],
        lane: Lane = "live",
        item_ids: Sequence[int] | None = None,
        delay: float = 0,
    ) -> int:
        """Note that these records may have changed; ``item_ids`` are the backfill items that ask, in the hints' order.

        Answers how many distinct records were noted. ``delay`` (seconds) is for what cannot be read back at once.
        """
        listed = list(hints)
        items: Sequence[int | None] = [None] * len(listed) if item_ids is None else item_ids
        now = self._clock.now()
        wanted = dict(zip(listed, items, strict=True))
        with self._database.write() as transaction:
            return put_hints(transaction, connection, wanted, lane=lane, due_at=now + timedelta(seconds=delay), now=now)

    def claim(
        self,
        connection: str,
        limit: int,
        lease_seconds: float,
        streams: Collection[str] | None = None,
        lanes: Sequence[Lane] = LANES,
    ) -> list[Claim]:
        """Lease up to ``limit`` due changes, in the order of ``lanes``. Nothing unless the connection is live and not paused.

        When the time of a pause is over, a single one of any lane: a remote that is still away is asked once a pause, however many wait.
        """
        now = self._clock.now()
        lessor = Lessor(connection, now, now + timedelta(seconds=lease_seconds), self._objects)
        with self._database.write() as transaction:
            return claim(transaction, lessor, limit, streams, lanes)

    def renew(self, claims: Collection[Claim], lease_seconds: float) -> tuple[set[int], datetime]:
        """Lease again, from now on, what these claims hold. Answers the tokens of those for whom that was in time, and until when."""
        now = self._clock.now()
        until = now + timedelta(seconds=lease_seconds)
        with self._database.write() as transaction:
            return renew(transaction, claims, now, until), until

    def due(self, connection: str) -> float | None:
        """Seconds until the next change may be claimed (0 for now), ``None`` if nothing will come due by itself."""
        now = self._clock.now()
        with self._database.read() as transaction:
            row = transaction.execute(select(connections).where(connections.c.name == connection)).first()
            first = _first_due(transaction, connection)
        if row is None or first is None:
            return None
        if row.mode == "paused":
            if row.paused_until is None or row.mode_before != "live":
                return None
            first = max(first, row.paused_until)
        elif row.mode != "live":
            return None
        return max(0.0, (first - now).total_seconds())

    def expire(self, now: datetime | None = None) -> int:
        """Make leased changes whose lease ran out pending again, and drop what nobody counts or owns any more.

        Their leases stay until somebody takes them over: a slow worker that is still alive may finish.
        """
        now = now or self._clock.now()
        with self._database.write() as transaction:
            found = transaction.execute(
                update(changes)
                .where(changes.c.state == "leased", changes.c.lease_until <= now)
                .values(
                    state="pending", due_at=now, token=None, lease_until=None, leased_generation=None, updated_at=now
                )
            )
            leasing.purge(transaction, now - _FORGET_LEASES_AFTER)
            forget_counts(transaction, now)
            return found.rowcount

    def page(self, filters: ChangeFilter = _ALL, cursor: str | None = None, limit: int = 50) -> Listing[ChangeRow]:
        with self._database.read() as transaction:
            query = select(changes).where(*_where(filters))
            return page_by(transaction, query, changes.c.id, to_row, cursor=cursor, limit=limit)

    def get(self, id: int) -> ChangeRow | None:
        with self._database.read() as transaction:
            row = transaction.execute(select(changes).where(changes.c.id == id)).first()
        return None if row is None else to_row(row)

    def of_record(self, connection: str, stream: str, side: str, record_id: str) -> ChangeRow | None:
        listing = self.page(ChangeFilter(connection, stream, side, record_id), limit=1)
        return listing.items[0] if listing.items else None

    def seen(self, connection: str, stream: str, side: str, ids: Collection[str]) -> dict[str, str]:
        """What the last finished look at each unlinked record saw, as its fingerprint; records never looked at are left out."""
        found: dict[str, str] = {}
        with self._database.read() as transaction:
            for chunk in chunks(ids):
                rows = transaction.execute(
                    select(changes.c.record_id, changes.c.seen).where(
                        changes.c.connection == connection,
                        changes.c.stream == stream,
                        changes.c.side == side,
                        changes.c.record_id.in_(chunk),
                        changes.c.state.in_(("parked", "waiting", "done")),
                        changes.c.seen.is_not(None),
                    )
                )
                found.update({row.record_id: row.seen for row in rows})
        return found

    def replay(self, which: Collection[int] | ChangeFilter) -> int:
        """Look at these again, now, in the live lane; a filter without a state means the parked ones.

        Children that wait for them or were parked with them are looked at again too.
        """
        now = self._clock.now()
        with self._database.write() as transaction:
            rows = _pick(transaction, which)
            by_connection: dict[str, list[Reference]] = {}
            for row in rows:
                by_connection.setdefault(row.connection, []).append(_reference(row))
            for name, records in by_connection.items():
                hints = {Hint(record.stream, record.side, record.record_id): None for record in records}
                put_hints(transaction, name, hints, lane="live", due_at=now, now=now)
                release_children(transaction, name, records, now)
            for chunk in chunks([row.id for row in rows]):
                # A person asked: no back-off of earlier failures, and the whole number of tries again.
                transaction.execute(
                    update(changes)
                    .where(changes.c.id.in_(chunk), changes.c.state == "pending")
                    .values(attempts=0, due_at=now)
                )
            return len(rows)

    def discard(self, which: Collection[int] | ChangeFilter) -> int:
        """Give these up until their next hint; leased ones are left alone. Their children are parked.

        A filter without a state means the parked ones.
        """
        now = self._clock.now()
        with self._database.write() as transaction:
            rows = [row for row in _pick(transaction, which) if row.state not in {"leased", "done"}]
            for row in rows:
                give_up(transaction, row, now)
            return len(rows)

    def parked(
        self, connection: str, stream: str, side: str, ids: Collection[str], causes: Collection[str]
    ) -> set[str]:
        """Those of ``ids`` that are parked under one of these causes."""
        here = (changes.c.connection == connection, changes.c.stream == stream, changes.c.side == side)
        resting = (changes.c.state == "parked", changes.c.cause.in_(causes))
        found: set[str] = set()
        with self._database.read() as transaction:
            for chunk in chunks(ids):
                query = select(changes.c.record_id).where(*here, changes.c.record_id.in_(chunk), *resting)
                found |= set(transaction.execute(query).scalars())
        return found

    def counts(self, connection: str) -> dict[str, int]:
        """State to how many."""
        query = select(changes.c.state, func.count()).where(changes.c.connection == connection)
        with self._database.read() as transaction:
            return counted(transaction.execute(query.group_by(changes.c.state)))

    def causes(self, connection: str) -> dict[tuple[str, str, str], int]:
        """(stream, state, cause) to how many, of those that wait or are parked."""
        columns = (changes.c.stream, changes.c.state, changes.c.cause)
        query = select(*columns, func.count()).where(
            changes.c.connection == connection, changes.c.state.in_(("waiting", "parked"))
        )
        with self._database.read() as transaction:
            rows = transaction.execute(query.group_by(*columns))
            return {(stream, state, cause): count for stream, state, cause, count in rows}

    def oldest(self, connection: str) -> float | None:
        """Seconds since the longest due change fell due, ``None`` if none is: how far behind the connection is."""
        now = self._clock.now()
        with self._database.read() as transaction:
            first = _first_due(transaction, connection)
        return None if first is None or first > now else (now - first).total_seconds()


def _first_due(transaction: Connection, connection: str) -> datetime | None:
    # Lane by lane: each is one step into the index, where both together would be a walk over all that is pending.
    dues = [
        transaction.execute(
            select(changes.c.due_at)
            .where(changes.c.connection == connection, changes.c.state == "pending", changes.c.lane == lane)
            .order_by(changes.c.due_at)
            .limit(1)
        ).scalar()
        for lane in LANES
    ]
    return min((due for due in dues if due is not None), default=None)


def _where(filters: ChangeFilter) -> list[ColumnElement[bool]]:
    wanted = {field.name: getattr(filters, field.name) for field in fields_of(filters)}
    return [changes.c[name] == value for name, value in wanted.items() if value is not None]


def _pick(connection: Connection, which: Collection[int] | ChangeFilter) -> Sequence[AnyRow]:
    if isinstance(which, ChangeFilter):
        if which == _ALL:
            raise UsageError("say which changes: a filter without any column means all of them")
        where = _where(which) if which.state else [*_where(which), changes.c.state == "parked"]
        return connection.execute(select(changes).where(*where).order_by(changes.c.id)).all()
    rows: list[AnyRow] = []
    for chunk in chunks(sorted(set(which))):
        rows.extend(connection.execute(select(changes).where(changes.c.id.in_(chunk)).order_by(changes.c.id)))
    return rows


def _reference(row: AnyRow) -> Reference:
    return Reference(row.stream, row.side, row.record_id)


def to_row(row: AnyRow) -> ChangeRow:
    waits = None
    if row.waits_record_id is not None:
        waits = Reference(row.waits_stream, row.waits_side, row.waits_record_id)
    return ChangeRow(
        id=row.id,
        connection=row.connection,
        stream=row.stream,
        side=row.side,
        record_id=row.record_id,
        generation=row.generation,
        state=row.state,
        lane=row.lane,
        attempts=row.attempts,
        due_at=row.due_at,
        cause=row.cause,
        detail=row.detail,
        waits_for=waits,
        item=row.item_id,
        looked_again=row.looked_again,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
