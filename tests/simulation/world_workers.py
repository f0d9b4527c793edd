"""The workers of a simulated world: each drives the real reconciles one effect at a time, and may die between any two."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridge.core.effects import (
    Advance,
    Claim,
    Commit,
    Done,
    Effect,
    Finish,
    Finished,
    Read,
    Wait,
    Write,
)
from bridge.core.errors import LeaseLost, RemoteError
from bridge.core.records import Link
from tests.simulation.chances import HTTP_TIMEOUT
from tests.simulation.peers import Sender
from tests.simulation.telling import tell

if TYPE_CHECKING:
    from tests.simulation.world import World

BATCH = 3
RISKY = ("write", "commit Declare", "commit Advance", "commit Finish")
HEAVY = 6.0
"""How many times likelier a worker dies around a write than elsewhere."""


class Worker:
    """One process: it leases changes and drives their reconciles; when it dies, all of them are gone at once."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.alive = True
        self.stopped_until = 0.0
        self.jobs: set[Job] = set()
        self.lives = 0

    def drain(self) -> None:
        world = self.world
        if not self.alive or world.now < self.stopped_until:
            return
        free = BATCH - len(self.jobs)
        if free <= 0:
            return
        assert world.engine is not None
        due = world.engine.next_due()
        if due is None or due > world.clock():
            return
        for claim in world.engine.claim(f"{self.name}.{self.lives}", free):
            job = Job(self, claim)
            self.jobs.add(job)
            job.proceed(lambda job=job: next(job.flow))  # type: ignore[misc]
        world.wake()

    def die(self, why: str) -> None:
        world = self.world
        world.counts["kill"] += 1
        world.counts[f"kill before {why}"] += 1
        world.met("crash", why.split(maxsplit=1)[0])
        world.note("kill", by=self.name, note=f"before {why}")
        self.alive = False
        for job in self.jobs:
            job.dead = True
        self.jobs = set()
        world.after(world.rng.choice((0.2, 3.0, 40.0)), self._restart)

    def _restart(self) -> None:
        self.alive = True
        self.lives += 1
        self.drain()
        self.world.wake()


class Job:
    """One reconcile in flight."""

    def __init__(self, worker: Worker, claim: Claim) -> None:
        assert worker.world.engine is not None
        self.worker = worker
        self.world = worker.world
        self.claim = claim
        self.flow = worker.world.engine.reconcile(worker.name, claim)
        self.dead = False
        self.sender = Sender(f"{worker.name}.{worker.lives}/{claim.token}")

    def proceed(self, move: Callable[[], Effect]) -> None:
        """Let the generator run to its next effect."""
        if self.dead:
            return
        try:
            effect = move()
        except StopIteration:
            self._end()
            return
        except Exception:
            self.world.bugs.append(traceback.format_exc())
            self._end()
            return
        self._perform(effect)

    def _end(self) -> None:
        self.dead = True
        self.worker.jobs.discard(self)
        self.worker.drain()
        self.world.wake()

    def _perform(self, effect: Effect) -> None:
        world = self.world
        world.effects += 1
        name = name_of(effect)
        if world.trace:
            world.note(
                "effect",
                by=self.sender.by,
                note=f"#{world.effects} {self.claim.change.side}:{self.claim.change.record_id} {tell(effect)}",
            )
        if self._dies(name):
            return
        if isinstance(effect, Wait):
            world.after(effect.seconds, lambda: self._answer(None))
            return
        delay = (
            world.rng.uniform(0.001, 0.01)
            if isinstance(effect, Commit)
            else world.rng.uniform(0.2, 1.0) * world.chances.latency
        )
        if isinstance(effect, Write):
            left = (self.claim.lease_until - world.clock()).total_seconds()
            if left < HTTP_TIMEOUT:
                world.counts["lease too short"] += 1
                self._throw(LeaseLost("the lease is about to run out"))
                return
            chosen = world.stop_at.pop(name, None)
            if chosen or (world.rough and world.rng.random() < world.chances.stall):
                # SIGSTOP between the look at the lease and the send.
                delay = chosen or world.rng.choice((5.0, 15.0, 28.0))
                self.worker.stopped_until = world.now + delay
                world.counts["stall"] += 1
                world.met("crash", "stall")
        world.after(delay, lambda: self._do(effect))

    def _dies(self, name: str) -> bool:
        world = self.world
        chosen = world.effects in world.crash_at
        if name in world.kill_before:
            world.kill_before.remove(name)
            chosen = True
        odds = world.chances.kill * (HEAVY if name.startswith(RISKY) else 1)
        if chosen or (world.rough and world.rng.random() < odds):
            self.worker.die(name)
            return True
        return False

    def _do(self, effect: Effect) -> None:
        world = self.world
        if self.dead and not isinstance(effect, Write):
            return
        if world.now < self.worker.stopped_until:
            world.after(self.worker.stopped_until - world.now, lambda: self._do(effect))
            return
        for peer in world.peers.values():
            peer.sender = self.sender
        try:
            answer = self._carry_out(effect)
        except RemoteError as error:
            self._later(lambda error=error: self._throw(error))  # type: ignore[misc]
        except Exception:
            world.bugs.append(traceback.format_exc())
            self._end()
        else:
            self._later(lambda: self._answer(answer))

    def _carry_out(self, effect: Effect) -> Any:
        world = self.world
        match effect:
            case Read():
                assert world.engine is not None
                return world.engine.read(self.worker.name, effect)
            case Write(_, _, step):
                return world.peers[step.system].send(step)
            case Commit(operation):
                assert world.engine is not None
                answer = world.engine.commit(operation)
                self._remembered(operation, answer)
                return answer
        raise AssertionError(effect)

    def _remembered(self, operation: Any, answer: Any) -> None:
        link = answer.link if isinstance(answer, Finished) else answer if isinstance(answer, Link) else None
        if isinstance(operation, Finish | Advance) and link is not None:
            # Without an answer the fields keep their base: nothing new is known of what was sent.
            settled = isinstance(operation, Advance) or isinstance(operation.outcome, Done)
            self.world.remember(link, self.sender.by, settled=settled)

    def _later(self, act: Callable[[], None]) -> None:
        self.world.after(self.world.rng.uniform(0.001, 0.3) * self.world.chances.latency, act)

    def _answer(self, value: Any) -> None:
        self.proceed(lambda: self.flow.send(value))

    def _throw(self, error: Exception) -> None:
        self.proceed(lambda: self.flow.throw(error))


def name_of(effect: Effect) -> str:
    match effect:
        case Read(ask):
            return f"read {type(ask).__name__}"
        case Commit(operation):
            return f"commit {type(operation).__name__}"
        case Write(_, _, step):
            return f"write {step.verb}"
    return "wait"
