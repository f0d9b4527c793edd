"""Saved positions of polls, and the mapping sources that were in force."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite

from bridge.core.ports import Clock
from bridge.core.records import Json
from bridge.store.database import Database
from bridge.store.tables import checkpoints, mapping_versions


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


class MappingVersions:
    """The text of every mapping that was ever in force, so that history's lines can be read later."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def remember(self, connection: str, stream: str, version: str, source: str) -> bool:
        """Keep a version that came into force; ``False`` if it is known already."""
        key = {"connection": connection, "stream": stream, "version": version}
        with self._database.write() as transaction:
            here = [mapping_versions.c[name] == value for name, value in key.items()]
            if transaction.execute(select(mapping_versions.c.version).where(*here)).first() is not None:
                return False
            transaction.execute(
                insert(mapping_versions).values(key | {"source": source, "loaded_at": self._clock.now()})
            )
            return True

    def source(self, connection: str, stream: str, version: str) -> str | None:
        query = select(mapping_versions.c.source).where(
            mapping_versions.c.connection == connection,
            mapping_versions.c.stream == stream,
            mapping_versions.c.version == version,
        )
        with self._database.read() as transaction:
            return transaction.execute(query).scalar()
