"""Transactions on SQLite or PostgreSQL, with one promise on both: write transactions run one after another.

SQLite: WAL, ``synchronous=FULL`` (a committed webhook is a promise), ``BEGIN IMMEDIATE`` (a deferred read-then-write
ends in busy errors), one writer at a time per process so that threads queue fairly instead of polling the file lock.
PostgreSQL: every write transaction starts with one advisory lock. The bridge writes little and in groups, so a queue
costs less than the races it rules out: a check made inside a write transaction stays true until it commits.
A stopped process cannot hold that queue for long: the server ends sessions that idle inside a transaction.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from bridge.core.errors import SettingsError

_WRITER_LOCK = text("SELECT pg_advisory_xact_lock(7230181)")
_BUSY_SECONDS = 30
_IDLE_SECONDS = 15
_WRITES = "bridge_writes"


class Database:
    """Hands out transactions. Safe to share between threads, and to use again after a fork."""

    def __init__(self, url: str) -> None:
        self.url = _parse(url)
        self.dialect = self.url.get_backend_name()
        self._in_memory = self.dialect == "sqlite" and self.url.database in {None, "", ":memory:"}
        self._pid = os.getpid()
        self._writer = threading.RLock()
        self._engine = self._create()

    @property
    def name(self) -> str:
        """What to call it in a message: without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One write transaction: committed at the end, rolled back on any error."""
        engine = self._own_engine()
        if self.dialect == "postgresql":
            with engine.begin() as connection:
                connection.execute(_WRITER_LOCK)
                yield connection
            return
        with self._writer, engine.connect() as connection:
            connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        engine = self._own_engine()
        if self._in_memory:
            # All threads share the one connection that holds the data.
            with self._writer, engine.connect() as connection:
                yield connection
            return
        with engine.connect() as connection:
            yield connection

    def compact(self) -> None:
        """Rewrite the file, so that erased values are gone from its free pages and its log too. Takes as long as a copy of it.

        PostgreSQL's own vacuum does that in its time.
        """
        if self.dialect != "sqlite" or self._in_memory:
            return
        with self._writer, self._own_engine().connect() as connection:
            # Past SQLAlchemy's own BEGIN: VACUUM runs outside a transaction.
            driver = connection.connection.driver_connection
            if driver is not None:
                driver.execute("VACUUM")
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._own_engine().dispose()

    def _own_engine(self) -> Engine:
        if self._pid != os.getpid():
            # A forked worker must not talk on its parent's sockets and file handles, nor wait for a lock that a
            # thread of the parent held at the fork.
            self._pid = os.getpid()
            self._writer = threading.RLock()
            self._engine.dispose(close=False)
        return self._engine

    def _create(self) -> Engine:
        # Errors may reach logs, their parameters are people's data.
        options: dict[str, Any] = {"pool_pre_ping": self.dialect == "postgresql", "hide_parameters": True}
        if self._in_memory:
            options |= {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        else:
            options |= {"pool_size": 8, "max_overflow": 24}
        engine = create_engine(self.url, **options)
        if self.dialect == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            event.listen(engine, "connect", _prepare_postgres)
        return engine


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The text itself stays out of the message: it may hold a password.
        raise SettingsError("DATABASE_URL is not a URL such as sqlite:///bridge.db or postgresql://host/name") from None
    if parsed.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return parsed.set(drivername="sqlite")
    raise SettingsError(f"DATABASE_URL asks for {parsed.drivername!r}: use sqlite or postgresql")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver must not open transactions of its own
    for pragma in (f"busy_timeout={_BUSY_SECONDS * 1000}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgres(connection: Any, _record: object) -> None:
    autocommit, connection.autocommit = connection.autocommit, True
    with connection.cursor() as cursor:
        cursor.execute("SET timezone = 'UTC'")
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{_IDLE_SECONDS}s'")
        cursor.execute(f"SET lock_timeout = '{_BUSY_SECONDS}s'")
        # A plan made while a table was empty reads all of it for as long as it is kept: in a burst until the next ANALYZE.
        cursor.execute("SET plan_cache_mode = force_custom_plan")
    connection.autocommit = autocommit
