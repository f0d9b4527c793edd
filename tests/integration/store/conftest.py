"""Every test of the store runs on a real SQLite file and on a real PostgreSQL database."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.postgres import database, empty
from support.stores import OBJECTS, HandClock, SetBrake

from bridge.store import Store


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def brake() -> SetBrake:
    return SetBrake()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "bridge.db"
    store = Store(f"sqlite:///{path}", HandClock(), SetBrake())
    store.migrate()
    store.close()
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> Iterator[str]:
    with database(postgres_url) as url:
        store = Store(url, HandClock(), SetBrake())
        store.migrate()
        store.close()
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database without tables."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with database(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture
def url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A migrated database with nothing in it."""
    if dialect == "sqlite":
        path = tmp_path / "bridge.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        return f"sqlite:///{path}"
    url = str(request.getfixturevalue("migrated_postgres"))
    empty(url)
    return url


@pytest.fixture
def open_store(url: str, clock: HandClock, brake: SetBrake) -> Iterator[Callable[[], Store]]:
    """Opens the same database as often as asked: each call is another process's view of it."""
    with ExitStack() as stack:

        def make() -> Store:
            store = Store(url, clock, brake)
            store.set_objects(OBJECTS)
            stack.callback(store.close)
            return store

        yield make


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    store = open_store()
    store.connections.ensure("default", "live")
    return store
