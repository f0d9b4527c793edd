"""Duties: poll, list, sweep, backfill. One runner per connection and duty, among all processes."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, select, update

from bridge.core.ports import Clock
from bridge.store.database import Database
from bridge.store.tables import duties


class Duties:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def acquire(self, connection: str, name: str, owner: str, seconds: float, every: float) -> bool:
        """Whether ``owner`` may run the duty for ``seconds``: it is due (``every`` seconds since its last start) and
        nobody else holds it. The owner that holds it renews its lease and is told yes; its next start stays."""
        now = self._clock.now()
        until, following = now + timedelta(seconds=seconds), now + timedelta(seconds=every)
        here = (duties.c.connection == connection, duties.c.name == name)
        with self._database.write() as transaction:
            row = transaction.execute(select(duties).where(*here)).first()
            if row is None:
                values = {"connection": connection, "name": name, "owner": owner}
                transaction.execute(insert(duties), values | {"expires_at": until, "next_at": following})
                return True
            if row.expires_at > now:
                if row.owner == owner:
                    transaction.execute(update(duties).where(*here).values(expires_at=until))
                return bool(row.owner == owner)
            if row.next_at > now:
                return False
            transaction.execute(update(duties).where(*here).values(owner=owner, expires_at=until, next_at=following))
            return True

    def release(self, connection: str, name: str, owner: str) -> None:
        """Hand the duty back; it is due again when its time comes."""
        now = self._clock.now()
        with self._database.write() as transaction:
            transaction.execute(
                update(duties)
                .where(duties.c.connection == connection, duties.c.name == name, duties.c.owner == owner)
                .values(expires_at=now)
            )

    def next(self, connection: str, name: str) -> float | None:
        """Seconds until the duty is due (0: now), ``None`` if it never ran."""
        query = select(duties.c.next_at).where(duties.c.connection == connection, duties.c.name == name)
        with self._database.read() as transaction:
            at = transaction.execute(query).scalar()
        return None if at is None else max(0.0, (at - self._clock.now()).total_seconds())
