"""What the person does who looks after the bridge: reads plans and carries them out, and edits the mappings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.simulation import engine_runs
from tests.simulation.engine import Bridge
from tests.simulation.mapping_text import OPTIONAL
from tests.simulation.operations_book import act
from tests.simulation.rules import STREAMS, Rules
from tests.simulation.world import CONNECTION, World

COMES_TO_REST = 12.0
"""Seconds in which what is in flight ends and no replica is behind any more."""


def bridge_of(world: World) -> Bridge:
    assert isinstance(world.engine, Bridge)
    return world.engine


@act(0.5)
def plan_and_apply(world: World, dice: tuple[int, ...]) -> bool:
    """The connection observes for a while, or goes on; then a plan is read, and carried out before anybody edits again."""
    bridge = bridge_of(world)
    if engine_runs.at_work(bridge):
        return False
    if dice[0] % 3 == 0:
        _read_and_apply(world)
        return True
    bridge.store.connections.set_mode(CONNECTION, "observing")
    world.later(10 + dice[1] % 40, lambda: _read_and_apply(world))
    return True


def _read_and_apply(world: World) -> None:
    bridge = bridge_of(world)
    with world.still():
        before = -1
        while before != (before := world.journal.count("landing", "removal")):
            world.run(world.now + COMES_TO_REST)
        bridge.store.connections.resume(CONNECTION)
        if not engine_runs.at_work(bridge):
            world.note("resolved", note="backfill", values={"way": "backfill"})
            world.plans.append(engine_runs.plan_and_apply(bridge))
            world.counts["plan applied"] += 1
            world.counts["plan line"] += sum(item.writes is not None for item in world.plans[-1].items)


@act(1)
def start_backfill(world: World, dice: tuple[int, ...]) -> bool:
    """Somebody starts a backfill in the middle of everything."""
    bridge = bridge_of(world)
    if engine_runs.at_work(bridge):
        return False
    engine_runs.start(bridge)
    world.note("resolved", note="backfill", values={"way": "backfill"})
    return True


# --- mappings ---


@act(1)
def map_field(world: World, dice: tuple[int, ...]) -> bool:
    """A field that was left out is mapped; if none was, one is left out."""
    rules = bridge_of(world).rules
    missing = [(stream, name) for stream, name in OPTIONAL if name not in _names(rules, stream)]
    stream, name = (missing or OPTIONAL)[dice[1] % len(missing or OPTIONAL)]
    if missing:
        spec = next(spec for spec in STREAMS[stream] if spec.name == name)
        _save(world, rules.mapping(stream, spec), stream, name, "added")
    else:
        _save(world, rules.without(stream, name), stream, name, "removed")
    return True


@act(0.5)
def turn_direction(world: World, dice: tuple[int, ...]) -> bool:
    """A field that flowed both ways flows one way from now on, or the other way round."""
    rules = bridge_of(world).rules
    spec = next(spec for spec in rules.fields("companies") if spec.name == "industry")
    to = [side for side in (None, "assembly", "crm") if side != spec.to][dice[1] % 2]
    _save(world, rules.mapping("companies", replace(spec, to=to)), "companies", "industry", "turned")
    return True


@act(1)
def change_rule(world: World, dice: tuple[int, ...]) -> bool:
    rules = bridge_of(world).rules
    key, values = (
        ("conflict", ("newest", "crm", "assembly", "ask")),
        ("on_bind", ("crm", "assembly", "newest", "ask")),
        ("wrong_side", ("revert", "keep", "report")),
    )[dice[1] % 3]
    chosen = [value for value in values if value != getattr(rules, key)]
    changed: dict[str, Any] = {key: chosen[dice[2] % len(chosen)]}
    _save(world, replace(rules, **changed), "", "", "rules")
    return True


def _names(rules: Rules, stream: str) -> set[str]:
    return {spec.name for spec in rules.fields(stream)}


def _save(world: World, rules: Rules, stream: str, name: str, what: str) -> None:
    bridge = bridge_of(world)
    told = {"conflict": rules.conflict, "on_bind": rules.on_bind, "wrong_side": rules.wrong_side}
    before = {"wrong_side before": bridge.rules.wrong_side}
    world.note("mapping", object=stream, id=name, note=what, values=told | before)
    bridge.save_mappings(rules)
