"""A bridge at work: its duties, its ear for rings, and the worker process."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from types import FrameType
from typing import Final

from bridge import jobs
from bridge.bootstrap.parts import Bridge
from bridge.bootstrap.wiring import build, load_settings
from bridge.core.errors import BridgeError, KeyRefused
from bridge.operations import rebuild, undo
from bridge.operations.backfill import Backfill, active
from bridge.runtime import heap, logs, worker
from bridge.runtime.duties import Duty, DutyLoop
from bridge.runtime.patience import Patience
from bridge.sync.poll import list_side, poll
from bridge.sync.sweep import sweep

BACKFILL_SECONDS: Final = 0.5
"""How soon a run is taken up."""
PRUNE_SECONDS: Final = 3600.0
RETRY_SECONDS: Final = 3.0
"""After a backfill met a remote that fails."""


@cache
def current() -> Bridge:
    """The bridge of this process, built once from the environment; jobs find it here."""
    return build(load_settings())


def duties(bridge: Bridge, owner: str) -> DutyLoop:
    """The duties of every connection, to be run under the name ``owner``."""
    settings, store = bridge.settings, bridge.store
    overlap = timedelta(seconds=settings.poll_overlap_seconds)
    backfill = Backfill(
        store,
        bridge.terms,
        bridge.doorbell,
        bridge.clock,
        rate=lambda name: bridge.connections[name].settings.assembly_rate_limit,
        overlap=overlap,
    )

    kept = timedelta(days=settings.retention_days)
    undoing = undo.Undoing(store, bridge.terms, bridge.doorbell, bridge.clock)
    rebuilding = rebuild.Rebuilding(store, bridge.terms, bridge.clock)

    def poll_round(name: str, stopping: threading.Event) -> None:
        with _key_checked(bridge, name):
            if poll(store, name, bridge.terms(name), overlap=overlap, stopping=stopping).hinted:
                bridge.doorbell.ring(name)

    def list_round(name: str, stopping: threading.Event) -> None:
        terms = bridge.terms(name)
        for side in terms.connectors:
            with _key_checked(bridge, name):
                if list_side(store, name, terms, side, stopping=stopping).hinted:
                    bridge.doorbell.ring(name)

    def backfill_round(name: str, stopping: threading.Event) -> None:
        backfill.run(name, stopping)
        run = active(store, name)
        if run is not None and run.error and not stopping.is_set():
            # It goes on when the remote does; a refused key is for a person, whichever system it is.
            for connector in bridge.connections[name].connectors.values():
                with _key_checked(bridge, name):
                    connector.probe()
            stopping.wait(RETRY_SECONDS)

    def polled(name: str) -> bool:
        row = store.connections.get(name)
        return row is not None and row.mode != "paused"

    def listed(name: str) -> bool:
        """Not while a backfill compares both sides anyway: a listing would turn its items into live changes, and what an
        observing connection has not bound yet is the first backfill's to plan."""
        row = store.connections.get(name)
        return row is not None and row.mode == "live" and active(store, name) is None

    return DutyLoop(
        duties=(
            Duty("poll", settings.poll_interval_seconds, poll_round, wanted=polled),
            Duty("list", settings.crm_list_interval_seconds, list_round, wanted=listed),
            Duty("sweep", settings.sweep_interval_seconds, lambda name, _: _sweep(bridge, name)),
            Duty("prune", PRUNE_SECONDS, lambda _name, _stopping: _prune(bridge, kept)),
            Duty(
                "backfill",
                BACKFILL_SECONDS,
                backfill_round,
                wanted=lambda name: active(store, name) is not None and polled(name),
            ),
            Duty("undo", BACKFILL_SECONDS, undoing.run, wanted=lambda name: undo.active(store, name) is not None),
            Duty(
                "rebuild", BACKFILL_SECONDS, rebuilding.run, wanted=lambda name: rebuild.active(store, name) is not None
            ),
        ),
        connections=lambda: tuple(bridge.connections),
        leases=store.duties,
        owner=owner,
        look=Patience(due=store.changes.due, ring=bridge.doorbell.try_ring, drain=bridge.drain),
        # A killed worker's sweep must not stay undone for longer than its leases: what it held comes back within lease + sweep.
        lease_seconds=settings.lease_seconds,
    )


def _sweep(bridge: Bridge, name: str) -> None:
    sweep(bridge.store, name, bridge.doorbell)


def _prune(bridge: Bridge, kept: timedelta) -> None:
    bridge.store.prune(kept)


@contextlib.contextmanager
def _key_checked(bridge: Bridge, name: str) -> Iterator[None]:
    """A key that a poll finds refused pauses the connection, as one that a reconcile finds refused does."""
    try:
        yield
    except KeyRefused as refused:
        bridge.store.connections.pause(name, "key", None, str(refused))
        raise


@contextlib.contextmanager
def working(bridge: Bridge) -> Iterator[None]:
    """Work in this process for a while: for commands where no worker listens."""
    stopping = threading.Event()
    loop = duties(bridge, jobs.new_worker_name())
    thread = threading.Thread(target=loop.run, args=(stopping,), name="duties", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        bridge.stopping.set()
        worker.wait_for_last_words(thread, lambda: bridge.drains.idle)
        bridge.stopping.clear()


def run_worker() -> int:
    """The life of a worker process, until SIGTERM or Ctrl-C. Answers its exit status."""
    try:
        bridge = current()
    except BridgeError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    logs.configure(level=bridge.settings.log_level, fmt=bridge.settings.log_format, process="worker")

    def stop(_number: int, _frame: FrameType | None) -> None:
        bridge.stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    name = jobs.new_worker_name()
    listener = worker.Listener(bridge.redis_url, name) if bridge.redis_url else None
    heap.settle()
    finished = worker.run(duties(bridge, name), listener, bridge.stopping, lambda: bridge.drains.idle)
    if not finished:
        # A call that hangs is not waited for: whoever takes its record over finds out what became of it.
        os._exit(0)
    bridge.close()
    return 0
