"""What a person starts at the bridge, in a simulated world: backfills and their plans, links rebuilt."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bridge.operations import backfill, rebuild, undo
from bridge.operations.backfill import Backfill
from bridge.operations.rebuild import Rebuilding
from bridge.operations.undo import Undoing
from bridge.store import ItemRow, RunRow
from tests.simulation.engine_store import OVERLAP, WorldDoorbell, lent, links_of, overtaken_of, shown_by, unanswered_of
from tests.simulation.oracle_terms import PlannedItem, PlanView, Rebuilt
from tests.simulation.rules import STREAMS
from tests.simulation.world import CONNECTION, World

if TYPE_CHECKING:
    from tests.simulation.engine import Bridge

PATIENCE = 900.0
"""Virtual seconds that one round of a run may take."""
RATE = 30.0
ROUNDS = 4


class WorldTime(threading.Event):
    """The event by which a run is told to stop: whoever waits for it lets the world go on."""

    def __init__(self, world: World, seconds: float = PATIENCE) -> None:
        super().__init__()
        self._world = world
        self._until = world.now + seconds

    def is_set(self) -> bool:
        return self._world.now >= self._until

    def wait(self, timeout: float | None = None) -> bool:
        self._world.run(self._world.now + (timeout or 0))
        return self.is_set()


def start(bridge: Bridge) -> None:
    """A backfill that its duty brings forward."""
    backfill.start(bridge.store, bridge.mappings, CONNECTION)


def at_work(bridge: Bridge) -> bool:
    """Whether anything that a person started goes on."""
    return any(module.active(bridge.store, CONNECTION) is not None for module in (backfill, undo))


def go_on(bridge: Bridge) -> None:
    """One round of the duty that brings a backfill or an undo forward."""
    if backfill.active(bridge.store, CONNECTION) is not None:
        _backfill(bridge).run(CONNECTION, WorldTime(bridge.world))
    elif undo.active(bridge.store, CONNECTION) is not None:
        _undoing(bridge).run(CONNECTION, WorldTime(bridge.world))


def _backfill(bridge: Bridge) -> Backfill:
    return Backfill(
        bridge.store,
        lambda _: bridge.terms_of("duties"),
        WorldDoorbell(bridge.world),
        bridge.clock,
        lambda _: RATE,
        OVERLAP,
        pause=2.0,
    )


def _undoing(bridge: Bridge) -> Undoing:
    return Undoing(
        bridge.store, lambda _: bridge.terms_of("duties"), WorldDoorbell(bridge.world), bridge.clock, pause=2.0
    )


def read_plan(bridge: Bridge) -> list[PlannedItem]:
    """A dry run's items. Nothing may fail or move meanwhile."""
    run = backfill.start(bridge.store, bridge.mappings, CONNECTION, dry_run=True)
    go_on(bridge)
    return [_planned(item) for item in _items(bridge, run.id)]


def plan_and_apply(bridge: Bridge) -> PlanView:
    """Read a plan, carry it out with nobody editing in between, and tell both."""
    world = bridge.world
    items, unanswered, since = read_plan(bridge), unanswered_of(bridge.store), world.now
    overtaken = overtaken_of(bridge.store)
    run = backfill.start(bridge.store, bridge.mappings, CONNECTION)
    go_on(bridge)
    for _ in range(ROUNDS):
        # What a worker that died had leased, children whose parents were made meanwhile, second looks.
        world.perform_duty("sweep")
        world.run(world.now + 20)
        if not bridge.at_work():
            break
    done = bridge.store.runs.get(run.id)
    assert done is not None
    return PlanView(
        since,
        world.now,
        items,
        bridge.links(),
        bridge.shown(),
        unanswered,
        overtaken,
        int(done.counts.get("drifted", 0)),
    )


def _items(bridge: Bridge, run_id: str) -> Iterator[ItemRow]:
    cursor: str | None = None
    while True:
        page = bridge.store.runs.items_page(run_id, cursor=cursor, limit=200)
        yield from page.items
        if (cursor := page.next) is None:
            return


def _planned(item: ItemRow) -> PlannedItem:
    ends = {side: id for side, id in (("crm", item.left_id), ("assembly", item.right_id)) if id is not None}
    specs = {spec.name: spec for spec in STREAMS.get(item.stream, ())}
    told = item.detail.get("fields") if item.detail else None
    if told is None or not specs or item.action not in ("create", "update"):
        return PlannedItem(item.stream, ends, None)
    return PlannedItem(
        item.stream, ends, {(one["side"], specs[one["field"]].path(one["side"])): one["new"] for one in told}
    )


def rebuild_elsewhere(bridge: Bridge) -> Rebuilt:
    """Lose the database, and rebuild the links in an empty one."""
    world = bridge.world
    before = world.journal.count("landing", "removal")
    with lent(world) as store:
        store.connections.ensure(CONNECTION, "observing")
        store.set_objects(bridge.objects())
        run = rebuild.start(store, bridge.mappings, CONNECTION)
        Rebuilding(store, lambda _: bridge.terms, bridge.clock).run(CONNECTION, WorldTime(world))
        _check_done(store.runs.get(run.id))
        after = world.journal.count("landing", "removal")
        return Rebuilt(links_of(store, bridge.mappings), shown_by(store), after - before)


def _check_done(run: RunRow | None) -> None:
    assert run is not None
    assert run.state == "done", run
