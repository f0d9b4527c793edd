"""The real bridge inside a simulated world: engine, mappings and store, with the world's clock, dice and doorbell."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import PoolProxiedConnection, select

from bridge.core.effects import Claim, Effect, Operation
from bridge.core.guards import Brake
from bridge.core.mapping.loader import load
from bridge.core.mapping.model import Mappings
from bridge.store import ChangeFilter, Hint, InboxEvent, Store, tables
from bridge.sync.poll import list_side, poll
from bridge.sync.reconcile import reconcile
from bridge.sync.sweep import sweep
from bridge.sync.terms import Terms, Timings
from tests.simulation.chances import HTTP_TIMEOUT, REMOTE_LAG
from tests.simulation.mapping_text import Style, mapping_files
from tests.simulation.oracle import LinkView, Shown
from tests.simulation.rules import Rules
from tests.simulation.world import CONNECTION, World

TIMINGS = Timings(lag=REMOTE_LAG, http_timeout=HTTP_TIMEOUT)
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
_empty: list[bytes] = []
"""The tables as the migrations make them."""


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
        _empty.append(memory.driver.serialize())
    memory.driver.deserialize(_empty[0])
    memory.clock.world = world
    return memory


@cache
def compiled(files: tuple[tuple[str, str], ...]) -> Mappings:
    return load(dict(files))


_DUE = """
    SELECT mode, mode_before, paused_until, (SELECT min(due_at) FROM changes WHERE state = 'pending')
    FROM connections WHERE name = ?
"""
_OPEN = "SELECT count(*) FROM changes WHERE state IN ('pending', 'leased')"


class Bridge:
    """What the scheduler drives (``world.Engine``), and what the oracle is told at the end."""

    def __init__(self, world: World, rules: Rules, style: Style, *, brake: Brake = NO_BRAKE) -> None:
        self.world = world
        self._memory = borrow(world)
        self._driver = self._memory.driver
        self.store = self._memory.store
        self.store._brake = brake
        self.store.connections.ensure(CONNECTION, "live")
        self.use(rules, style)

    def use(self, rules: Rules, style: Style) -> None:
        """Put mapping files in force, as a saved edit would."""
        self.mappings = compiled(tuple(sorted(mapping_files(rules, style).items())))
        self.terms = Terms(self.world.peers, self.mappings, TIMINGS, self.world.rng)
        self.store.set_objects(
            {(stream.name, side): stream.object(side) for stream in self.mappings.streams for side in stream.sides}
        )

    # --- for the scheduler ---

    def claim(self, worker: str, limit: int) -> list[Claim]:
        return self.store.changes.claim(CONNECTION, limit, TIMINGS.lease)

    def reconcile(self, claim: Claim) -> Generator[Effect, Any, None]:
        return reconcile(claim, self.terms)

    def commit(self, operation: Operation) -> Any:
        (answer,) = self.store.apply([operation])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def hint(self, event_id: str | None, object: str, id: str, kind: str) -> None:
        event = InboxEvent(CONNECTION, event_id, f"{object}.{kind}", object, id, b"{}", self.world.clock())
        hints = [Hint(stream.name, "crm", id) for stream in self.mappings.on_object("crm", object)]
        self.store.inbox.receive([event], [hints])

    def duty(self, name: str) -> None:
        duties: dict[str, Callable[[], object]] = {
            "poll": lambda: poll(self.store, CONNECTION, self.terms, overlap=OVERLAP),
            "list": self._list,
            "sweep": lambda: sweep(self.store, CONNECTION, WorldDoorbell(self.world)),
        }
        duties[name]()

    def _list(self) -> None:
        for side in self.world.peers:
            list_side(self.store, CONNECTION, self.terms, side)

    def next_due(self) -> datetime | None:
        """As ``Changes.due`` answers; asked so often that it goes past SQLAlchemy."""
        mode, before, until, first = self._driver.execute(_DUE, (CONNECTION,)).fetchone()
        if first is None or "live" not in (mode, before):
            return None
        due = datetime.fromisoformat(first).replace(tzinfo=UTC)
        if mode == "paused":
            if until is None:
                return None
            due = max(due, datetime.fromisoformat(until).replace(tzinfo=UTC))
        return due

    def at_work(self) -> bool:
        """Whether anything is due or in flight."""
        (count,) = self._driver.execute(_OPEN).fetchone()
        return bool(count)

    # --- a person ---

    def help(self) -> None:
        """What somebody does once the trouble is over: resume, and try again what was parked."""
        self.store.connections.resume(CONNECTION)
        self.world.note("resolved", note="resumed, parked changes tried again")
        self.store.changes.replay(ChangeFilter(CONNECTION, state="parked"))
        self.world.wake()

    # --- for the oracle ---

    def links(self) -> list[LinkView]:
        found: list[LinkView] = []
        for stream in self.mappings.streams:
            cursor: str | None = None
            while True:
                page = self.store.links.page(CONNECTION, stream.name, cursor)
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

    def shown(self) -> list[Shown]:
        items, parked = tables.attention.c, tables.changes.c
        with self.store._database.read() as transaction:
            told = [
                Shown(row.stream, row.side, row.record_id, row.field, row.cause)
                for row in transaction.execute(select(tables.attention).where(items.state != "closed"))
            ]
            told += [
                Shown(row.stream, row.side, row.record_id, "", f"parked: {row.cause}")
                for row in transaction.execute(select(tables.changes).where(parked.state.in_(("parked", "waiting"))))
            ]
        return told

    def close(self) -> None:
        self._memory.clock.world = None
        _free.append(self._memory)
