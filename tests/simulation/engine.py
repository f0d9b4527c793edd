"""The real bridge inside a simulated world: engine, mappings and store, with the world's clock, dice and doorbell."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from bridge.core.effects import Claim, Effect, Operation, Read
from bridge.core.guards import Brake
from bridge.core.mapping.loader import load
from bridge.core.mapping.model import Mappings
from bridge.runtime.driver import Driver
from bridge.store import ChangeFilter
from bridge.sync.intake import arrive, verify
from bridge.sync.poll import list_side, poll
from bridge.sync.reconcile import reconcile
from bridge.sync.sweep import sweep
from bridge.sync.terms import Terms, Timings
from tests.simulation import engine_runs
from tests.simulation.chances import HTTP_TIMEOUT, REMOTE_LAG
from tests.simulation.engine_hooks import ENTITY, SECRET, WEBHOOKS, webhook
from tests.simulation.engine_store import (
    NO_BRAKE,
    OVERLAP,
    WorldClock,
    WorldDoorbell,
    borrow,
    give_back,
    links_of,
    shown_by,
)
from tests.simulation.mapping_text import Style, mapping_files
from tests.simulation.oracle_terms import LinkView, Shown
from tests.simulation.rules import Rules
from tests.simulation.world import CONNECTION, World

DUTIES = "duties"
"""The process that runs them."""
TIMINGS = Timings(lag=REMOTE_LAG, http_timeout=HTTP_TIMEOUT)


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
        self.store._brake = self.brake = brake
        self.store.connections.ensure(CONNECTION, "live")
        self._running: dict[str, Terms] = {}
        self._drivers = Driver(self.store, lambda _: self.terms, self.clock, sleep=world.run)
        self._set(rules, style)

    def _set(self, rules: Rules, style: Style) -> None:
        self.rules, self.style = rules, style
        self.mappings = compiled(tuple(sorted(mapping_files(rules, style).items())))
        self.terms = Terms(self.world.peers, self.mappings, TIMINGS, self.world.rng)
        """What the files say; a process that has not looked since they were saved goes by those before."""
        self.store.set_objects(self.objects())

    def save_mappings(self, rules: Rules) -> None:
        """A person saves other mapping files: each process takes them up when it looks at them next."""
        before = self.terms
        self._set(rules, self.style)
        for process in (DUTIES, "web", *(worker.name for worker in self.world.workers)):
            self._running.setdefault(process, before)
            self.world.after(self.world.rng.uniform(0, 2), lambda process=process: self._running.pop(process, None))  # type: ignore[misc]

    def terms_of(self, process: str) -> Terms:
        return self._running.get(process, self.terms)

    @property
    def clock(self) -> WorldClock:
        return self._memory.clock

    def objects(self) -> dict[tuple[str, str], str]:
        """(stream, side) → the remote object's name."""
        return {(stream.name, side): stream.object(side) for stream in self.mappings.streams for side in stream.sides}

    # --- for the scheduler ---

    def claim(self, worker: str, limit: int) -> list[Claim]:
        return self._drivers.claim(CONNECTION, self.terms_of(worker.partition(".")[0]), limit)

    def reconcile(self, worker: str, claim: Claim) -> Generator[Effect, Any, None]:
        return reconcile(claim, self.terms_of(worker))

    def read(self, worker: str, effect: Read) -> Any:
        """As the real driver asks a remote."""
        return self._drivers.carry_out(effect, self.terms_of(worker))

    def commit(self, operation: Operation) -> Any:
        (answer,) = self.store.apply([operation])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def hint(self, event_id: str | None, object: str, id: str, kind: str) -> None:
        """A webhook of the CRM, as its receiver takes it in: verified, read, stored with its hints."""
        now = self.world.clock()
        headers, body = webhook(event_id, object, id, kind, now)
        delivery = verify(headers, body, [SECRET], now=now, tolerance_seconds=300)
        mappings = self.terms_of("web").mappings
        arrival = arrive(delivery, WEBHOOKS, mappings, connection=CONNECTION, entity_id=ENTITY)
        self.store.inbox.receive([arrival.event], [arrival.hints])

    def duty(self, name: str) -> None:
        duties: dict[str, Callable[[], object]] = {
            "poll": lambda: poll(self.store, CONNECTION, self.terms_of(DUTIES), overlap=OVERLAP),
            "list": self._list,
            "backfill": lambda: engine_runs.go_on(self),
            "sweep": lambda: sweep(self.store, CONNECTION, WorldDoorbell(self.world)),
        }
        duties[name]()

    def _list(self) -> None:
        for side in self.world.peers:
            list_side(self.store, CONNECTION, self.terms_of(DUTIES), side)

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
        self.store.connections.set_mode(CONNECTION, "live")
        self.world.note("resolved", note="resumed, parked changes tried again")
        self.store.changes.replay(ChangeFilter(CONNECTION, state="parked"))
        self.world.wake()

    # --- for the oracle ---

    def links(self) -> list[LinkView]:
        return links_of(self.store, self.mappings)

    def shown(self) -> list[Shown]:
        return shown_by(self.store)

    def everything_kept(self) -> bytes:
        """The database as it lies on the disk."""
        return bytes(self._driver.serialize())

    def close(self) -> None:
        give_back(self._memory)
