from __future__ import annotations

import threading
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from support.stores import HandClock, SetBrake

from bridge.core.errors import SettingsError
from bridge.store import Hint, InboxEvent, Store
from bridge.store.tables import metadata


def open_at(url: str) -> Store:
    return Store(url, HandClock(), SetBrake())


def types_differ(context: MigrationContext, _column: Any, _wanted: Any, found: Any, wanted: Any) -> bool:
    # Alembic's own comparison stumbles over types that differ by dialect.
    return found.compile(context.dialect) != wanted.compile(context.dialect)


def test_the_tables_and_the_migrations_say_the_same(empty_url: str) -> None:
    store = open_at(empty_url)
    store.migrate()
    with store._database.read() as connection:
        options = {"compare_type": types_differ, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        migrated = describe(connection)
    # Alembic compares neither the conditions of partial indexes nor collations: compare what a fresh creation gives.
    with store._database.write() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
        metadata.drop_all(connection)
        metadata.create_all(connection)
        assert describe(connection) == migrated
    store.close()


def describe(connection: Connection) -> dict[str, object]:
    inspector = inspect(connection)
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%'"))
        # The order of a table's constraints says nothing.
        return {
            name: sorted(part.strip(" )") for part in " ".join((sql or "").split()).split(", ")) for name, sql in rows
        }
    described: dict[str, object] = {}
    for table in inspector.get_table_names():
        if table == "alembic_version":
            continue
        columns = connection.execute(
            text(
                "SELECT column_name, data_type, collation_name, is_nullable, column_default "
                "FROM information_schema.columns WHERE table_name = :t ORDER BY column_name"
            ),
            {"t": table},
        ).all()
        indexes = connection.execute(
            text("SELECT indexdef FROM pg_indexes WHERE tablename = :t ORDER BY indexname"), {"t": table}
        ).all()
        described[table] = (columns, indexes, inspector.get_foreign_keys(table))
    return described


def test_migrating_twice_changes_nothing(store: Store) -> None:
    store.connections.ensure("kept")
    store.migrate()
    assert store.connections.get("kept") is not None


def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    stores = [open_at(empty_url) for _ in range(4)]
    failures: list[BaseException] = []

    def run(store: Store) -> None:
        try:
            store.migrate()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    stores[0].connections.ensure("default")
    for store in stores:
        store.close()


def test_the_migrations_travel_with_the_package() -> None:
    folder = files("bridge.store.migrations")
    assert {"env.py", "script.py.mako"} <= {entry.name for entry in folder.iterdir()}
    assert [entry.name for entry in (folder / "versions").iterdir() if entry.name.startswith("0001")]


def test_sqlite_keeps_its_promises(store: Store, dialect: str) -> None:
    if dialect != "sqlite":
        return
    with store._database.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}


def test_postgresql_keeps_no_plan_from_when_a_table_was_empty(open_store: Callable[[], Store], dialect: str) -> None:
    """Such a plan reads the whole table: 25 ms instead of 3 for one look into an inbox of 10,000 rows that came in one burst."""
    if dialect != "postgresql":
        return
    store = open_store()
    for number in range(30):
        event = InboxEvent("default", f"e{number}", "company.updated", "companies", "c1", b"{}")
        store.inbox.receive([event], [(Hint("companies", "crm", "c1"),)])
    with store._database.read() as session:
        # Those without parameters are planned once in any case.
        kept = text("SELECT generic_plans FROM pg_prepared_statements WHERE cardinality(parameter_types) > 0")
        assert set(session.execute(kept).scalars()) == {0}


def test_postgresql_frees_what_a_stopped_process_holds(open_store: Callable[[], Store], dialect: str) -> None:
    if dialect != "postgresql":
        return
    with open_store()._database.read() as connection:
        names = ("idle_in_transaction_session_timeout", "lock_timeout", "timezone")
        assert [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names] == ["15s", "30s", "UTC"]


@pytest.mark.parametrize("url", ["mysql://user:hunter2@host/db", "::hunter2::"])
def test_a_database_we_cannot_use_is_named_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Store(url, HandClock(), SetBrake())
    assert "hunter2" not in str(refused.value)


def test_an_error_does_not_show_what_was_stored(store: Store) -> None:
    with pytest.raises(SQLAlchemyError) as failed, store._database.write() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:email)"), {"email": "ann@example.com"})
    assert "ann@example.com" not in str(failed.value)


def test_a_database_in_memory_serves_all_threads() -> None:
    store = open_at("sqlite://")
    store.migrate()
    threads = [threading.Thread(target=store.connections.ensure, args=(f"c{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.connections.all()) == 8
    store.close()


def test_a_database_of_a_newer_version_is_left_alone(store: Store) -> None:
    with store._database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match="newer version"):
        store.migrate()
    with store._database.write() as connection:
        # Other tests share this database.
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all/bridge.db", "postgresql://ann:hunter2@127.0.0.1:1/bridge"])
def test_a_database_that_cannot_be_opened_is_a_setting_to_mend(url: str) -> None:
    store = open_at(url)
    with pytest.raises(SettingsError, match="DATABASE_URL") as refused:
        store.migrate()
    assert "hunter2" not in str(refused.value)
    store.close()
