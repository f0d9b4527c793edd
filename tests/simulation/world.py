"""One simulated world: a seeded scheduler that owns clock, network, doorbell, workers and crash points.

Everything that happens is an entry of one heap ordered by virtual time; equal seeds give equal worlds. Workers run the
real engine's generators one effect at a time, so that anything may happen, and any worker die, between two effects.
"""

from __future__ import annotations

import heapq
import random
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from bridge.core.effects import Claim, Effect, Read
from bridge.core.errors import RemoteError
from bridge.core.records import Link
from tests.simulation.assembly import AssemblyData, SimAssembly
from tests.simulation.chances import Chances, draw_assembly, draw_chances, draw_crm, draw_faults
from tests.simulation.crm import CrmData, SimCrm
from tests.simulation.faults import Faults
from tests.simulation.journal import Event, Journal
from tests.simulation.oracle_terms import PlanView
from tests.simulation.peers import Peer, Sender
from tests.simulation.remote import Habits, moment
from tests.simulation.world_workers import Worker

CONNECTION = "default"
DUTIES = {"poll": 45.0, "list": 110.0, "sweep": 80.0, "backfill": 15.0}
QUICK = frozenset({"poll", "list", "sweep"})
"""Duties that no other duty of this process begins beside; a backfill goes on among them."""


Meeting: TypeAlias = Literal["operation", "fault", "crash"]


class Killed(BaseException):
    """The process is gone. Not an ``Exception``: nothing may catch it on the way."""


class Engine(Protocol):
    """The bridge, as the scheduler drives it."""

    def claim(self, worker: str, limit: int) -> list[Claim]: ...
    def reconcile(self, worker: str, claim: Claim) -> Generator[Effect, Any, None]: ...
    def read(self, worker: str, effect: Read) -> Any: ...
    def commit(self, operation: Any) -> Any: ...
    def hint(self, event_id: str | None, object: str, id: str, kind: str) -> None: ...
    def duty(self, name: str) -> None: ...
    def next_due(self) -> datetime | None:
        """When the next change may be leased; ``None`` if nothing is open."""


class World:
    def __init__(
        self,
        seed: int,
        *,
        chances: Chances | None = None,
        habits: tuple[Habits, Habits] | None = None,
        faults: tuple[Faults, Faults] | None = None,
    ) -> None:
        self.seed = seed
        root = random.Random(seed)
        self.rng = random.Random(root.random())
        dice = random.Random(root.random())
        self.chances = chances or draw_chances(dice)
        crm_habits, assembly_habits = habits or (draw_crm(dice), draw_assembly(dice))
        crm_faults, assembly_faults = faults or (draw_faults(dice), draw_faults(dice))
        self.now = 0.0
        self.journal = Journal()
        self.counts: Counter[str] = Counter()
        self.meetings: list[tuple[float, Meeting, str]] = []
        self.bugs: list[str] = []
        self.trace = False
        self.effects = 0
        self.crash_at: frozenset[int] = frozenset()
        """Kill the worker that is about to perform the effect of this number."""
        self.kill_before: list[str] = []
        """Kill once each before the next effect of that name."""
        self.stop_at: dict[str, float] = {}
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._sequence = 0
        self.crm = CrmData("crm", crm_habits, lambda: self.now, random.Random(root.random()), self.journal)
        for id, name in {"s1": "New", "s2": "Qualified", "s3": "Won"}.items():
            self.crm.rename("stages", id, name)
        self.assembly = AssemblyData(
            "assembly", assembly_habits, lambda: self.now, random.Random(root.random()), self.journal
        )
        for id, name in {"t1": "Customer", "t2": "Prospect", "t3": "Vendor", "t4": "Partner"}.items():
            self.assembly.rename("labels.Tier", id, name)
        self.peers: dict[str, Peer] = {
            "crm": SimCrm(self.crm, crm_faults, self.after, self.between),
            "assembly": SimAssembly(self.assembly, assembly_faults, self.after, self.between),
        }
        self.crm.watch = self._webhook
        for peer in self.peers.values():
            peer.faults.heard = lambda name: self.met("fault", name)
        self.engine: Engine | None = None
        self.workers: list[Worker] = []
        self.calm = False
        """All trouble is over for good."""
        self._still = 0
        self._postponed: list[Callable[[], object]] = []
        self.plans: list[PlanView] = []
        self.duties: dict[str, float] = dict(DUTIES)
        self._busy_duties: set[str] = set()
        self._wake: float | None = None
        self._events = 0
        self.serial = 0
        """Numbers the values that users type."""
        self.automations: set[str] = set()

    # --- time ---

    def clock(self) -> datetime:
        return moment(self.now)

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (self.now + seconds, self._sequence, act))

    def run(self, until: float) -> None:
        while self._heap and self._heap[0][0] <= until:
            at, _, act = heapq.heappop(self._heap)
            self.now = max(self.now, at)
            act()
        self.now = max(self.now, until)

    def between(self) -> None:
        """Time passes inside a duty's call: others act, and the duty's own process may die."""
        if not self.rough:
            return
        if self._busy_duties and self.rng.random() < self.chances.duty_kill:
            self.note("kill", note="a duty")
            self.counts["kill in duty"] += 1
            self.met("crash", "duty")
            raise Killed
        self.run(self.now + self.rng.uniform(0, 2 * self.chances.latency))

    # --- trouble ---

    @property
    def rough(self) -> bool:
        """Whether things may go wrong now."""
        return not (self.calm or self._still)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Nobody edits and nothing goes wrong for a while; what is on its way goes on."""
        self._still += 1
        for peer in self.peers.values():
            peer.faults.still = True
        try:
            yield
        finally:
            self._still -= 1
            if not self._still:
                for peer in self.peers.values():
                    peer.faults.still = False
                waiting, self._postponed = self._postponed, []
                for act in waiting:
                    self.after(self.rng.uniform(0, 1), act)

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """A person's next act; it waits while the world is still."""
        self.after(seconds, lambda: self._postponed.append(act) if self._still else act())

    # --- life ---

    def start(self, engine: Engine) -> None:
        self.engine = engine
        for number in range(self.chances.workers):
            self.workers.append(Worker(self, f"w{number}"))
        for name in self.duties:
            self._plan_duty(name, self.rng.uniform(0, 5))

    def _plan_duty(self, name: str, seconds: float) -> None:
        self.after(seconds, lambda: self._run_duty(name))

    def _run_duty(self, name: str) -> None:
        if self.calm:
            return
        self.perform_duty(name)
        self._plan_duty(name, self.duties[name] * self.rng.uniform(0.9, 1.1))

    def perform_duty(self, name: str) -> None:
        assert self.engine is not None
        if name in self._busy_duties or self._busy_duties & QUICK:
            return
        self._busy_duties.add(name)
        self.counts[f"duty {name}"] += 1
        before = [(peer, peer.sender) for peer in self.peers.values()]
        for peer, _ in before:
            peer.sender = Sender(f"duty {name}")
        try:
            self.engine.duty(name)
        except Killed:
            pass
        except RemoteError as error:
            self.note("fault", note=f"{name}: {error}")
        except Exception:
            self.bugs.append(traceback.format_exc())
        finally:
            self._busy_duties.discard(name)
            for peer, sender in before:
                peer.sender = sender
        self.wake()

    def ring(self, connection: str = CONNECTION) -> None:
        """The doorbell; may be lost."""
        if self.rough and self.rng.random() < self.chances.ring_lost:
            self.counts["ring lost"] += 1
            self.met("fault", "ring lost")
            return
        worker = self.rng.choice(self.workers) if self.workers else None
        if worker is not None:
            self.after(self.rng.uniform(0.001, 0.02), worker.drain)

    def wake(self) -> None:
        """Someone looks every second at what is due: jump to when that finds something."""
        assert self.engine is not None
        due = self.engine.next_due()
        if due is None:
            return
        at = max((due - moment(0)).total_seconds(), self.now)
        if self._wake is not None and self._wake <= at + 1.0:
            return
        self._wake = mine = at + self.rng.uniform(0.05, 1.0)
        self.after(mine - self.now, lambda: self._look(mine))

    def _look(self, mine: float) -> None:
        if self._wake != mine:
            return
        self._wake = None
        alive = [worker for worker in self.workers if worker.alive]
        if alive:
            self.rng.choice(alive).drain()
        self.wake()

    def listen(self, heard: Callable[[str, str, str], None]) -> None:
        """Tell an automation of every change in Assembly."""
        before = self.assembly.watch

        def both(object: str, id: str, kind: str) -> None:
            before(object, id, kind)
            heard(object, id, kind)

        self.assembly.watch = both

    def stop_before(self, name: str, seconds: float) -> None:
        """The worker that performs the next effect of that name stops for so long between its look at the lease and the send."""
        self.stop_at[name] = seconds

    # --- webhooks ---

    def _webhook(self, object: str, id: str, kind: str) -> None:
        self._events += 1
        event_id = f"e{self._events}" if self.crm.habits.event_ids else None
        if self.rough and self.rng.random() < self.chances.hook_lost:
            self.counts["hook lost"] += 1
            self.met("fault", "hook lost")
            return
        times = 1 if not self.rough or self.rng.random() >= self.chances.hook_twice else 2
        if times > 1:
            self.counts["hook twice"] += 1
            self.met("fault", "hook twice")
        for _ in range(times):
            late = self.rough and self.rng.random() < self.chances.hook_late
            if late:
                self.counts["hook late"] += 1
                self.met("fault", "hook late")
            delay = self.rng.uniform(5, 200) if late else self.rng.uniform(0.01, 1.5)
            self.after(delay, lambda: self._deliver(event_id, object, id, kind))

    def _deliver(self, event_id: str | None, object: str, id: str, kind: str) -> None:
        assert self.engine is not None
        self.engine.hint(event_id, object, id, kind)
        self.ring()
        self.wake()

    # --- telling ---

    def met(self, kind: Meeting, name: str) -> None:
        """Note for the proof of coverage that an operation, a fault or a crash happened now."""
        self.meetings.append((self.now, kind, name))

    def note(self, kind: Any, **values: Any) -> None:
        self.journal.add(Event(self.now, kind, **values))

    def remember(self, link: Link, by: str, *, settled: bool) -> None:
        ends = {side: end.record_id for side, end in link.ends.items()}
        self.journal.add(
            Event(
                self.now,
                "remembered",
                object=link.stream,
                id=str(link.id),
                values=ends,
                by=by,
                note=link.state if settled else "open",
            )
        )
