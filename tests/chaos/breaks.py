"""The product with one guard taken out, to see that a row misses it. Each works on the process it is called in, and on nothing else."""

# mypy: disable-error-code="method-assign, assignment, attr-defined, misc"

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

_BREAKS: dict[str, Callable[..., None]] = {}


def guard(taken: Callable[..., None]) -> Callable[..., None]:
    _BREAKS[taken.__name__] = taken
    return taken


def swap(owner: Any, name: str, instead: Any) -> None:
    """Replace what is there: a guard that was renamed or moved must not seem to be taken out."""
    getattr(owner, name)
    setattr(owner, name, instead)


def take_out(name: str) -> None:
    """``name`` of a function below, with its argument after an ``=``."""
    name, _, argument = name.partition("=")
    _BREAKS[name](*([argument] if argument else []))


def known() -> frozenset[str]:
    return frozenset(_BREAKS)


@guard
def acknowledge_early() -> None:
    """202 before the commit."""
    from bridge.web import receiver

    async def receive(self: Any, arrival: Any) -> str:
        self._queue.put(receiver._Waiting(arrival, asyncio.get_running_loop().create_future()))
        return "stored"

    swap(receiver.Receiver, "receive", receive)


@guard
def never_look_before_creating() -> None:
    """What is not linked is created: nobody looks for a twin, nor for what a create without an answer made."""
    from bridge.core.identity import Nobody
    from bridge.sync import binding

    def nobody(*_: object) -> Any:
        return Nobody()
        yield

    swap(binding, "find_twin", nobody)
    swap(binding, "find_created", nobody)


@guard
def rely_on_rings() -> None:
    """Neither the duty loop nor the sweep looks into SQL for work that nobody was rung for."""
    from bridge.runtime import patience

    swap(patience.Patience, "__call__", lambda self, connection: None)
    swap(import_module("bridge.bootstrap.working"), "sweep", lambda *_: 0)


@guard
def leases_never_end() -> None:
    """What a killed worker held stays with it."""
    from bridge.store import changes

    swap(changes.Changes, "expire", lambda self, now=None: 0)


@guard
def forget_intents() -> None:
    """A value that an unanswered write of ours put there passes for somebody's edit."""
    from bridge.sync import update

    swap(update, "ours", lambda *_: {})


@guard
def no_deduplication() -> None:
    from bridge.store import inbox

    swap(inbox.Inbox, "_known", lambda *_: set())


@guard
def believe_stale_reads() -> None:
    """Neither the reading that was asked for nor what it is merged with is held against the stamps that are remembered."""
    from bridge.sync import reconcile, update

    swap(reconcile, "_stale", lambda *_: None)
    swap(update, "suspicious", lambda *_: False)


@guard
def no_overlap() -> None:
    """The next poll begins at the newest stamp that was seen."""
    from datetime import timedelta

    from bridge.sync.poll import poll

    def without(*args: Any, overlap: object, **more: Any) -> Any:
        return poll(*args, overlap=timedelta(0), **more)

    swap(import_module("bridge.bootstrap.working"), "poll", without)


@guard
def every_process_its_own_limit() -> None:
    from bridge import transport
    from bridge.bootstrap import wiring

    swap(wiring, "_limiter", lambda name, rate, client, processes: transport.LocalLimiter(transport.Rate(int(rate))))


@guard
def no_patience() -> None:
    """Retry-After is read and not heeded; failures are tried again at once, each in place."""
    from bridge.sync.terms import Terms
    from bridge.transport import http, limiter, shared_limiter

    swap(limiter.LocalLimiter, "hold", lambda self, seconds: None)
    swap(shared_limiter.RedisLimiter, "hold", lambda self, seconds: None)
    swap(http, "retry_after", lambda *_: 0.05)
    swap(Terms, "backoff", lambda self, attempts: 0.05)


@guard
def one_lane() -> None:
    """What webhooks ask for stands in line behind a backfill."""
    from bridge.store import inbox
    from bridge.store.hinting import put_hints

    def low(*args: Any, lane: str, **more: Any) -> int:
        return put_hints(*args, lane="backfill", **more)

    swap(inbox, "put_hints", low)


@guard
def any_signature() -> None:
    from bridge.sync import intake

    swap(intake, "_any_equal", lambda expected, given: bool(given))


@guard
def no_body_limit() -> None:
    from bridge.web import webhooks

    async def read(request: Any, _most: int) -> bytes:
        return bytes(await request.body())

    swap(webhooks, "_read", read)


@guard
def no_gate() -> None:
    from bridge.web import auth

    async def call(self: Any, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    swap(auth.Gate, "__call__", call)


@guard
def talk_freely() -> None:
    """Log lines are not blotted, and say what was in hand."""
    from bridge.runtime import driver, logs

    swap(logs, "blot", lambda text: text)
    carry_out = driver.Driver.carry_out

    def telling(self: Any, effect: Any, terms: Any) -> Any:
        answer = carry_out(self, effect, terms)
        driver.log.info("carried out", effect=str(effect), answer=str(answer))
        return answer

    swap(driver.Driver, "carry_out", telling)


@guard
def follow_redirects() -> None:
    import httpx

    from bridge.transport import http

    swap(http.Http, "_new_way", lambda self: httpx.Client(follow_redirects=True))


# --- not guards: places to die at, and forced mistakes ------------------------------------------------------------


@guard
def die_at(point: str) -> None:
    """SIGKILL to itself at a named point of the worker's way (see ``crash_points.py``)."""
    from tests.chaos.crash_points import arm

    arm(point, lambda: os.kill(os.getpid(), signal.SIGKILL))


@guard
def rest_while(path: str) -> None:
    """Do nothing while there is such a file. Another beside it, with `` up`` to its name, says that this process is built."""
    from bridge.bootstrap.parts import Bridge
    from bridge.runtime.duties import DutyLoop

    drain, tick, run = Bridge.drain, DutyLoop.tick, DutyLoop.run

    def told(self: Any, *args: Any) -> None:
        open(f"{path} up", "w").close()
        run(self, *args)

    Bridge.drain = lambda self, *asked: None if os.path.exists(path) else drain(self, *asked)
    DutyLoop.tick = lambda self, stopping: None if os.path.exists(path) else tick(self, stopping)
    DutyLoop.run = told


@guard
def stumble() -> None:
    """Every fortieth effect ends in an exception that carries the record, and so does every third commit of webhooks."""
    from bridge.runtime import driver
    from bridge.store import inbox

    number = 0
    carry_out = driver.Driver.carry_out

    def stumbling(self: Any, effect: Any, terms: Any) -> Any:
        nonlocal number
        answer = carry_out(self, effect, terms)
        number += 1
        if number % 40 == 0:
            raise RuntimeError(f"forced: {answer!r} {effect!r}")
        return answer

    def losing(self: Any, operations: Sequence[Any]) -> Any:
        nonlocal number
        answers = list(commit(self, operations))
        for place, operation in enumerate(operations):
            number += 1
            if number % 40 == 0:
                answers[place] = RuntimeError(f"forced: {answers[place]!r} {operation!r}")
        return answers

    commit = driver.Driver.commit
    driver.Driver.carry_out, driver.Driver.commit = stumbling, losing
    known = inbox.Inbox._known
    times = 0

    def forced(self: Any, transaction: Any, events: Sequence[Any]) -> Any:
        nonlocal times
        times += 1
        if times % 3 == 0:
            raise ValueError(f"forced: {[event.body for event in events]!r}")
        return known(self, transaction, events)

    inbox.Inbox._known = forced
