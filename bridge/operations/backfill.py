"""A backfill from its start to its end: plan, go live, apply in dependency order, finish.

State lives in the run's row; whoever holds the duty goes on where the last one stopped. Applying means: every item becomes a change
on the backfill lane, reconciled like any other, so a live edit overtakes it and nothing is written from an old listing
but creates.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bridge.core.errors import RemoteError, UsageError
from bridge.core.mapping.model import Mappings
from bridge.core.ports import Clock, Doorbell
from bridge.operations.planning import PAGE, PageResult, Planner
from bridge.store import RunRow, Store
from bridge.store.runs import ACTIVE
from bridge.sync.poll import begin
from bridge.sync.terms import Terms

QUEUED_AT_ONCE = 400
"""Items that are changes at the same time: enough to keep workers busy, few enough to cancel quickly."""


def start(
    store: Store,
    mappings: Mappings,
    connection: str,
    streams: Sequence[str] = (),
    *,
    dry_run: bool = False,
    key: str | None = None,
) -> RunRow:
    """A new run, or the one that this idempotency key started before. Raises ``UsageError`` for a stream that does not exist or
    while another run of the connection is active."""
    unknown = [name for name in streams if name not in mappings]
    if unknown:
        known = ", ".join(stream.name for stream in mappings.streams)
        raise UsageError(f"there is no stream called {unknown[0]}; there are {known}", status=422)
    chosen = [stream.name for stream in mappings.streams if not streams or stream.name in streams]
    return store.runs.create(connection, chosen, dry_run=dry_run, idempotency_key=key)


def cancel(store: Store, run_id: str) -> RunRow:
    """Stop a run; what was written stays written."""
    run = _get(store, run_id)
    if run.state not in ACTIVE:
        raise UsageError(f"the {run.kind} is {run.state} already", status=409)
    store.runs.cancel(run_id)
    return _get(store, run_id)


def resume(store: Store, run_id: str) -> RunRow:
    """Go on with a failed or cancelled run from where it stopped."""
    run = _get(store, run_id)
    if run.state not in {"failed", "cancelled"}:
        raise UsageError(f"the {run.kind} is {run.state}; only a failed or cancelled one can be resumed", status=409)
    store.runs.resume(run_id)
    return _get(store, run_id)


def active(store: Store, connection: str) -> RunRow | None:
    """The run that a duty should bring forward."""
    return store.runs.active(connection)


def _get(store: Store, run_id: str) -> RunRow:
    run = store.runs.get(run_id)
    if run is None:
        raise UsageError(f"there is no run {run_id}", status=404)
    return run


@dataclass(frozen=True, slots=True)
class Backfill:
    """Brings the active run of a connection forward. ``rate`` is the remote calls a second that the limit allows."""

    store: Store
    terms: Callable[[str], Terms]
    doorbell: Doorbell
    clock: Clock
    rate: Callable[[str], float]
    overlap: timedelta
    pause: float = 0.2

    def run(self, connection: str, stopping: threading.Event) -> None:
        """Until the run ends, is cancelled, or this process is told to stop. A remote that fails leaves it for the next round."""
        run = active(self.store, connection)
        if run is None:
            return
        try:
            if run.state in {"queued", "planning"}:
                if not self._plan(run, stopping):
                    return
                run = _get(self.store, run.id)
            if run.state == "applying":
                self._apply(run, stopping)
        except RemoteError as error:
            # A listing that fails is tried again by the next round: nothing was written on its strength.
            self.store.runs.update(run.id, error=str(error))

    def _plan(self, run: RunRow, stopping: threading.Event) -> bool:
        if run.state == "queued":
            self.store.runs.update(run.id, state="planning", started_at=self.clock.now())
        terms = self.terms(run.connection)
        begin(self.store, run.connection, terms, overlap=self.overlap)
        phase = dict(run.phase or {})
        for name in run.streams:
            if name in phase.get("planned", []):
                continue
            planner = Planner(self.store, run.connection, run.id, terms.mappings[name], terms)
            if not self._plan_stream(run, terms, name, planner, phase, stopping):
                return False
            versions = {**phase.get("mappings", {}), name: terms.mappings[name].version}
            phase = {"planned": [*phase.get("planned", []), name], "mappings": versions}
            self.store.runs.update(run.id, phase=phase)
            self.store.scans.clear(run.id, name)
        if run.dry_run:
            self.store.runs.update(run.id, state="done", finished_at=self.clock.now(), eta_seconds=0, error="")
            return False
        # Starting a real backfill is the word that lets a connection write.
        self.store.connections.set_mode(run.connection, "live")
        self.store.runs.update(
            run.id, state="applying", phase={**phase, "total": self.store.runs.planned_calls(run.id)}, error=""
        )
        return True

    def _plan_stream(
        self, run: RunRow, terms: Terms, name: str, planner: Planner, phase: dict[str, Any], stopping: threading.Event
    ) -> bool:
        left, right = terms.mappings[name].sides
        for side in (left, right):
            if side in phase.get("listed", []):
                continue
            rows = planner.list_side(side, stopping)
            if rows is None or self._cancelled(run):
                return False
            phase["listed"] = [*phase.get("listed", []), side]
            phase["rows"] = {**phase.get("rows", {}), f"{name}/{side}": rows}
            phase["stream"] = name
            self.store.runs.update(run.id, phase=phase)
        done = self._compare(run, name, left, planner.compare_left, phase, "left", stopping)
        return done and self._compare(run, name, right, planner.compare_right, phase, "right", stopping)

    def _compare(
        self,
        run: RunRow,
        name: str,
        side: str,
        compare: Callable[[Any], PageResult],
        phase: dict[str, Any],
        cursor_name: str,
        stopping: threading.Event,
    ) -> bool:
        right = cursor_name == "right"
        while not phase.get(f"{cursor_name}_done"):
            if stopping.is_set() or self._cancelled(run):
                return False
            after = phase.get(cursor_name)
            page = self.store.scans.unpaired_page if right else self.store.scans.page
            rows = page(run.id, name, side, after, PAGE)
            if rows:
                result = compare(rows)
                phase[cursor_name] = rows[-1].record_id
                self._keep(run, name, side, result, phase)
            else:
                phase[f"{cursor_name}_done"] = True
                self.store.runs.update(run.id, phase=phase)
        return True

    def _keep(self, run: RunRow, name: str, side: str, result: PageResult, phase: dict[str, Any]) -> None:
        if result.binds:
            self.store.links.bind(run.connection, result.binds)
        if result.paired:
            other = self.terms(run.connection).mappings[name].other(side)
            self.store.scans.mark_paired(run.id, name, other, list(result.paired))
        fresh = sum(1 for draft in result.binds if draft.id is None)
        counts = {"unchanged": result.unchanged} | ({"bound": fresh} if fresh else {})
        self.store.runs.add_items(run.id, result.items, counts=counts, phase=phase)

    def _cancelled(self, run: RunRow) -> bool:
        return _get(self.store, run.id).state not in ACTIVE

    def _apply(self, run: RunRow, stopping: threading.Event) -> None:
        for name in run.streams:
            while True:
                current = _get(self.store, run.id)
                if stopping.is_set() or current.state != "applying":
                    return
                open_items = self.store.runs.open_items(run.id, name)
                queued = open_items.get("queued", 0)
                planned = open_items.get("planned", 0)
                if queued < QUEUED_AT_ONCE // 2 and planned:
                    self.store.runs.enqueue_items(run.id, name, QUEUED_AT_ONCE - queued)
                    self.doorbell.ring(run.connection)
                elif not queued and not planned:
                    break
                self.store.runs.update(run.id, eta_seconds=self._eta(run))
                stopping.wait(self.pause)
        self.store.runs.update(run.id, state="done", finished_at=self.clock.now(), eta_seconds=0, error="")

    def _eta(self, run: RunRow) -> int:
        """Seconds, by the calls that are left and the rate limit."""
        left = self.store.runs.open_calls(run.id)
        return math.ceil(left / self.rate(run.connection))
