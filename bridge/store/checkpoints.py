"""Saved positions of polls."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from bridge.core.ports import Clock
from bridge.core.records import Json
from bridge.store.database import Database
from bridge.store.tables import checkpoints


class Checkpoints:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, connection: str, name: str) -> Json | None:
        query = select(checkpoints.c.value).where(checkpoints.c.connection == connection, checkpoints.c.name == name)
        with self._database.read() as transaction:
            return transaction.execute(query).scalar()

    def set(self, connection: str, name: str, value: Json) -> None:
        values = {"connection": connection, "name": name, "value": value, "updated_at": self._clock.now()}
        with self._database.write() as transaction:
            dialect = postgresql if transaction.dialect.name == "postgresql" else sqlite
            new = dialect.insert(checkpoints).values(values)
            transaction.execute(
                new.on_conflict_do_update(
                    index_elements=["connection", "name"],
                    set_={"value": new.excluded.value, "updated_at": new.excluded.updated_at},
                )
            )

    def all(self, connection: str) -> dict[str, tuple[Json, datetime]]:
        """Name to (value, when it was saved)."""
        query = select(checkpoints).where(checkpoints.c.connection == connection).order_by(checkpoints.c.name)
        with self._database.read() as transaction:
            return {row.name: (row.value, row.updated_at) for row in transaction.execute(query)}
