"""What administrators and bad luck do: names change, systems fail, automations fight."""

from __future__ import annotations

from tests.simulation.operations_book import act
from tests.simulation.operations_choosing import fresh, side_of, some_row
from tests.simulation.remote import pick
from tests.simulation.world import World


@act(1)
def rename_stage(world: World, dice: tuple[int, ...]) -> bool:
    stages = sorted(world.crm.names["stages"])
    world.crm.rename("stages", stages[dice[2] % len(stages)], fresh(world, "Stage"))
    return True


@act(0.5)
def rename_label(world: World, dice: tuple[int, ...]) -> bool:
    tiers = world.assembly.names["labels.Tier"]
    if len(tiers) < 2:
        return False
    world.assembly.rename("labels.Tier", sorted(tiers)[dice[2] % len(tiers)], fresh(world, "Tier"))
    return True


@act(0.5)
def delete_label(world: World, dice: tuple[int, ...]) -> bool:
    tiers = sorted(world.assembly.names["labels.Tier"])
    if len(tiers) < 2:
        return False
    world.assembly.delete_label("labels.Tier", tiers[dice[2] % len(tiers)])
    return True


@act(1)
def outage(world: World, dice: tuple[int, ...]) -> bool:
    """One system is down, refuses the key, or answers as if it were empty, for a while."""
    peer = world.peers[side_of(world, dice[0]).system]
    kinds = ("down", "wrong_key", "key_refused", "empty_list", "capped_list")
    peer.faults.outage = kinds[dice[2] % len(kinds)]  # type: ignore[assignment]
    world.counts[f"outage {peer.faults.outage}"] += 1
    world.met("fault", "outage")
    world.note("fault", side=peer.system, note=f"outage {peer.faults.outage}")

    def over() -> None:
        peer.faults.outage = ""
        world.note("fault", side=peer.system, note="outage over")

    world.after((5.0, 40.0, 120.0)[dice[3] % 3], over)
    return True


@act(0.5)
def automation(world: World, dice: tuple[int, ...]) -> bool:
    """From now on Assembly edits one company's industry back a moment after anybody changed it."""
    row = some_row(world.assembly, "companies", dice[2])
    if row is None or row.id in world.automations:
        return False
    world.automations.add(row.id)
    text = fresh(world, "automatic")
    world.assembly.edit("accounts", row.id, {"additional_properties.Industry": text}, note="automation")

    def look(object: str, id: str, kind: str) -> None:
        raw = row.raw
        if object == "accounts" and id == row.id and raw and pick(raw, "additional_properties.Industry") != text:
            world.later(
                1.5,
                lambda: world.assembly.edit("accounts", id, {"additional_properties.Industry": text}, "automation"),
            )

    world.listen(look)
    return True
