"""The store of a simulated bridge: in memory, used by one world after another; and the world's clock and doorbell."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import PoolProxiedConnection, select

from bridge.core.guards import Brake
from bridge.core.mapping.model import Mappings
from bridge.store import Store, tables
from tests.simulation.oracle_terms import LinkView, Shown
from tests.simulation.world import CONNECTION, World

OVERLAP = timedelta(seconds=5)
NO_BRAKE = Brake({}, {})


@dataclass(slots=True)
class WorldClock:
    """The clock of whichever world uses the store now."""

    world: World | None = None

    def now(self) -> datetime:
        assert self.world is not None
        return self.world.clock()

    def monotonic(self) -> float:
        assert self.world is not None
        return self.world.now


@dataclass(frozen=True, slots=True)
class WorldDoorbell:
    world: World

    def ring(self, connection: str) -> None:
        self.world.ring(connection)


@dataclass(slots=True)
class Memory:
    """An in-memory store that worlds use one after another, so that statements are compiled once a process."""

    clock: WorldClock
    store: Store
    pooled: PoolProxiedConnection

    @property
    def driver(self) -> sqlite3.Connection:
        connection = self.pooled.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        return connection


_free: list[Memory] = []
_empty: list[sqlite3.Connection] = []
"""The tables as the migrations make them."""


def give_back(memory: Memory) -> None:
    memory.clock.world = None
    _free.append(memory)


@contextmanager
def lent(world: World) -> Iterator[Store]:
    """A store with empty tables, for a while."""
    memory = borrow(world)
    try:
        yield memory.store
    finally:
        give_back(memory)


def borrow(world: World) -> Memory:
    """A store with empty tables."""
    if _free:
        memory = _free.pop()
    else:
        clock = WorldClock()
        store = Store("sqlite://", clock, NO_BRAKE)
        memory = Memory(clock, store, store._database._engine.raw_connection())
    if not _empty:
        memory.store.migrate()
        # What a process needs for all its worlds is made by now: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        _empty.append(sqlite3.connect(":memory:"))
        memory.driver.backup(_empty[0])
    # Page by page: with ``deserialize`` SQLite 3.40 is left with a schema of ``json_each`` that is gone, and crashes.
    _empty[0].backup(memory.driver)
    memory.clock.world = world
    return memory


def links_of(store: Store, mappings: Mappings) -> list[LinkView]:
    found: list[LinkView] = []
    for stream in mappings.streams:
        cursor: str | None = None
        while True:
            page = store.links.page(CONNECTION, stream.name, cursor)
            found += [
                LinkView(
                    link.stream,
                    link.state,
                    {side: end.record_id for side, end in link.ends.items()},
                    frozenset(link.pinned),
                )
                for link in page.items
            ]
            if page.next is None:
                break
            cursor = page.next
    return found


def shown_by(store: Store) -> list[Shown]:
    """What waits for a person, and what waits for a parent."""
    items, parked = tables.attention.c, tables.changes.c
    with store._database.read() as transaction:
        told = [
            Shown(row.stream, row.side, row.record_id, row.field, row.cause)
            for row in transaction.execute(select(tables.attention).where(items.state != "closed"))
        ]
        told += [
            Shown(row.stream, row.side, row.record_id, "", f"parked: {row.cause}")
            for row in transaction.execute(select(tables.changes).where(parked.state.in_(("parked", "waiting"))))
        ]
    return told


def unanswered_of(store: Store) -> frozenset[tuple[str, str, str]]:
    """(stream, side, id) of what was hinted when a write was declared that nobody answered."""
    intents, changes = tables.intents, tables.changes
    query = (
        select(changes.c.stream, changes.c.side, changes.c.record_id)
        .join(intents, intents.c.change_id == changes.c.id)
        .where(intents.c.state == "open")
    )
    with store._database.read() as transaction:
        return frozenset((row.stream, row.side, row.record_id) for row in transaction.execute(query))


def overtaken_of(store: Store) -> frozenset[tuple[str, str, str]]:
    """(stream, side, id) of the live changes that nobody has finished."""
    changes = tables.changes
    query = select(changes.c.stream, changes.c.side, changes.c.record_id).where(
        changes.c.lane == "live", changes.c.state.in_(("pending", "leased"))
    )
    with store._database.read() as transaction:
        return frozenset((row.stream, row.side, row.record_id) for row in transaction.execute(query))
