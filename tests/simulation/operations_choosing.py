"""How operations choose their targets and what people type."""

from __future__ import annotations

from typing import Any

from tests.simulation.remote import Remote, Row
from tests.simulation.rules import OBJECTS, STREAMS, TIERS, FieldSpec
from tests.simulation.world import World


def side_of(world: World, number: int) -> Remote:
    return world.crm if number % 2 else world.assembly


def some_row(remote: Remote, stream: str, number: int) -> Row | None:
    rows = sorted(remote.live(OBJECTS[stream][remote.system]), key=lambda row: row.id)
    return rows[number % len(rows)] if rows else None


def some_stream(number: int) -> str:
    """Companies twice as often: they carry the most."""
    return ("companies", "companies", "contacts", "deals")[number % 4]


def stream_with_rows(remote: Remote, number: int) -> str:
    """As ``some_stream``, among those that have records."""
    names = [some_stream(choice) for choice in range(4)]
    there = [name for name in names if some_row(remote, name, 0) is not None]
    return there[number % len(there)] if there else "companies"


def fresh(world: World, word: str) -> str:
    """A text nobody used before, so that a final value tells who wrote it."""
    world.serial += 1
    return f"{word} {world.serial}"


def value_for(world: World, spec: FieldSpec, side: str, row: Row | None, dice: tuple[int, ...]) -> Any:
    number = dice[4]
    match spec.kind:
        case "domain":
            host = fresh(world, "d").replace(" ", "") + ".com"
            return (host, f"https://www.{host.upper()}/about", f"http://{host}")[number % 3] if side == "crm" else host
        case "email":
            return (fresh(world, "Pat.Doe").replace(" ", "") + "@Example.com", f"p{world.serial}@x.org")[number % 2]
        case "phone":
            phone = f"+1 555 {world.serial:04d}{number % 97:02d}"
            world.serial += 1
            kept = list((row.raw or {}).get("phone") or ())[1:] if row else []
            return phone if side == "crm" else [phone, *kept]
        case "label":
            tiers = world.assembly.names["labels.Tier"]
            return (
                sorted(TIERS)[number % len(TIERS)]
                if side == "crm"
                else (sorted(tiers)[number % len(tiers)] if tiers else None)
            )
        case "stage":
            stages = world.crm.names["stages"]
            return (
                sorted(stages)[number % len(stages)] if side == "crm" else sorted(stages.values())[number % len(stages)]
            )
        case "money":
            world.serial += 1
            return float(world.serial) + (number % 1000) / 1000
        case "parent":
            return parent_value(world, spec, side, number)
        case "tags":
            kept = list((row.raw or {}).get("tags") or ()) if row else []
            if kept and number % 3 == 0:
                return [tag for tag in kept if tag != kept[number % len(kept)]]
            return [*kept, fresh(world, "tag")]
        case "owner":
            return f"u{number % 5}"
    if spec.kind == "date":
        return f"2026-{1 + number % 12:02d}-{1 + world.serial % 28:02d}"
    text = fresh(world, spec.name)
    return (text, f" {text} ", text + "x" * 110 if spec.cut and side == "crm" else text, text)[number % 4]


def parent_value(world: World, spec: FieldSpec, side: str, number: int) -> Any:
    if spec.path(side) == "account_source_specific_id":
        rows = [row for row in world.assembly.live("accounts") if row.raw and row.raw["source_specific_ids"]]
        return rows[number % len(rows)].raw["source_specific_ids"][0] if rows else None  # type: ignore[index]
    row = some_row(world.crm if side == "crm" else world.assembly, "companies", number)
    return row.id if row else None


def values_for_new(world: World, stream: str, side: str, dice: tuple[int, ...]) -> dict[str, Any] | None:
    """A new record with its required fields and some others; ``None`` if a parent is needed and there is none."""
    values: dict[str, Any] = {}
    for position, spec in enumerate(STREAMS[stream]):
        needed = spec.required or (spec.kind == "parent" and side == "assembly")
        if side == "assembly" and spec.path(side) == "domain":
            needed = True
        if spec.to == side or not (needed or (dice[3] >> position) % 2):
            continue
        value = value_for(world, spec, side, None, (*dice[:4], dice[4] + position))
        if value is None and needed:
            return None
        if value is not None:
            values[spec.path(side)] = value
    return values


def editable(stream: str, side: str, number: int, *, parents: bool = False) -> FieldSpec:
    specs = [spec for spec in STREAMS[stream] if spec.to != side and (parents or spec.kind != "parent")]
    return specs[number % len(specs)]


def both_ends(world: World, stream: str, number: int) -> dict[str, Row] | None:
    """Two rows that are known to be the same thing, by what was remembered last."""
    pairs = {
        event.id: event for event in world.journal.of("remembered") if event.object == stream and len(event.values) == 2
    }
    if not pairs:
        return None
    event = pairs[sorted(pairs)[number % len(pairs)]]
    found = {side: world.peers[side].remote.row(OBJECTS[stream][side], id) for side, id in event.values.items()}
    rows = {side: row for side, row in found.items() if row is not None}
    return rows if len(rows) == 2 else None
