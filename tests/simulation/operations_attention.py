"""What the person does who answers the bridge's questions."""

from __future__ import annotations

from typing import Any

from tests.simulation import engine_person
from tests.simulation.engine import Bridge
from tests.simulation.operations_book import act
from tests.simulation.operations_choosing import some_row, value_for
from tests.simulation.operations_people import bridge_of
from tests.simulation.remote import pick
from tests.simulation.rules import STREAMS
from tests.simulation.world import World


@act(3)
def answer(world: World, dice: tuple[int, ...]) -> bool:
    """One question, any of its answers: a side, a value of one's own, again, never mind."""
    bridge = bridge_of(world)
    rows = engine_person.open_questions(bridge)
    if not rows:
        return False
    return engine_person.answer(bridge, rows[dice[1] % len(rows)], dice[2], typing(world, dice))


@act(1)
def answer_group(world: World, dice: tuple[int, ...]) -> bool:
    return engine_person.answer_group(bridge_of(world), dice[1])


@act(1)
def decide_hold(world: World, dice: tuple[int, ...]) -> bool:
    """What the brake holds is released or dropped."""
    bridge = bridge_of(world)
    holds = engine_person.open_holds(bridge)
    if not holds:
        return False
    engine_person.decide_hold(bridge, holds[dice[1] % len(holds)], release=bool(dice[2] % 2))
    return True


@act(1)
def undo(world: World, dice: tuple[int, ...]) -> bool:
    """A backfill, or all that was written to one record, is taken back."""
    bridge = bridge_of(world)
    if dice[0] % 2 and engine_person.undo_run(bridge, dice[1]):
        return True
    stream = ("companies", "contacts", "deals")[dice[2] % 3]
    row = some_row(world.assembly, stream, dice[3])
    return row is not None and engine_person.undo_record(bridge, stream, "assembly", row.id)


@act(0.5)
def forget(world: World, dice: tuple[int, ...]) -> bool:
    row = some_row(world.crm, "contacts", dice[1])
    address = pick(row.raw or {}, "email") if row else None
    return bool(address) and engine_person.forget_person(bridge_of(world), str(address))


def answer_everything(world: World, bridge: Bridge, number: int) -> None:
    """In the end somebody goes through all that waits for one."""
    for hold in engine_person.open_holds(bridge):
        engine_person.decide_hold(bridge, hold, release=True)
    for place, row in enumerate(engine_person.open_questions(bridge)):
        engine_person.answer(bridge, row, number + place, typing(world, (number, place, place, place, place)))


def typing(world: World, dice: tuple[int, ...]) -> engine_person.Type:
    """A value of their own, as one types it on the CRM's side."""

    def typed(stream: str, name: str, _id: str) -> Any:
        spec = next((spec for spec in STREAMS.get(stream, ()) if spec.name == name), None)
        return value_for(world, spec, "crm", None, dice) if spec else None

    return typed
