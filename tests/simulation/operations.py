"""What users, administrators and bad luck do in a world: drawn up front, so that a failing world can be made smaller.

An operation names its targets by numbers that are taken modulo what is there when its time comes; dropping one leaves
the others meaningful.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.simulation.remote import Remote, Row, pick
from tests.simulation.rules import OBJECTS, STREAMS, TIERS, FieldSpec
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Operation:
    """``name`` at virtual second ``at``, with numbers to choose by."""

    at: float
    name: str
    dice: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.at:8.2f} {self.name} {self.dice}"


Act: TypeAlias = Callable[[World, tuple[int, ...]], bool]
"""True if there was something to do it to."""

ACTS: dict[str, Act] = {}
WEIGHTS: dict[str, float] = {}


def act(weight: float) -> Callable[[Act], Act]:
    def register(function: Act) -> Act:
        ACTS[function.__name__] = function
        WEIGHTS[function.__name__] = weight
        return function

    return register


def draw(rng: random.Random, count: int, *, span: float) -> list[Operation]:
    """``count`` operations over ``span`` seconds; some come in bursts, as people's edits do."""
    names, weights = list(WEIGHTS), list(WEIGHTS.values())
    found: list[Operation] = []
    at = 0.0
    while len(found) < count:
        burst = rng.choice((0.0, 0.0, 0.3, 3.0, 12.0))
        at += burst if burst else rng.uniform(5, 2 * span / count)
        dice = tuple(rng.randrange(1 << 16) for _ in range(5))
        found.append(Operation(round(at, 3), rng.choices(names, weights)[0], dice))
    return found


def perform(world: World, operation: Operation) -> None:
    done = ACTS[operation.name](world, operation.dice)
    world.counts[f"op {operation.name}" if done else f"idle {operation.name}"] += 1


# --- choosing ---


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


# --- users ---


@act(4)
def create(world: World, dice: tuple[int, ...]) -> bool:
    remote, stream = side_of(world, dice[0]), some_stream(dice[1])
    values = values_for_new(world, stream, remote.system, dice)
    if values is None:
        return False
    remote.create(OBJECTS[stream][remote.system], values)
    return True


@act(12)
def edit(world: World, dice: tuple[int, ...]) -> bool:
    remote = side_of(world, dice[0])
    stream = stream_with_rows(remote, dice[1])
    row = some_row(remote, stream, dice[2])
    if row is None:
        return False
    spec = editable(stream, remote.system, dice[3])
    return remote.edit(row.object, row.id, {spec.path(remote.system): value_for(world, spec, remote.system, row, dice)})


@act(2)
def edit_twice(world: World, dice: tuple[int, ...]) -> bool:
    """A person types, looks, and types again."""
    again = (*dice[:4], dice[4] + 1)
    if not edit(world, dice):
        return False
    world.after((dice[4] % 40) / 10, lambda: edit(world, again))
    return True


@act(4)
def edit_both(world: World, dice: tuple[int, ...]) -> bool:
    """Two people change the same field of the same thing on both sides, almost at once."""
    start = dice[1]
    tried = ((stream, both_ends(world, stream, dice[2])) for stream in map(some_stream, range(start, start + 4)))
    stream, found = next(((stream, ends) for stream, ends in tried if ends), ("", None))
    if found is None:
        return False
    spec = editable(stream, "crm", dice[3])
    if spec.to is not None:
        return False
    for side, row in found.items():
        remote = world.crm if side == "crm" else world.assembly
        value = value_for(world, spec, side, row, dice)
        first = (side == "crm") == bool(dice[0] % 2)
        delay = 0.0 if first else (0.0, 0.4, 4.0, 15.0)[dice[4] % 4]
        world.after(delay, lambda r=remote, w=row, v=value, s=side: r.edit(w.object, w.id, {spec.path(s): v}))  # type: ignore[misc]
    return True


@act(1)
def agree(world: World, dice: tuple[int, ...]) -> bool:
    """Both people type the same correction."""
    found = both_ends(world, "companies", dice[2])
    if found is None:
        return False
    text = fresh(world, "agreed")
    world.crm.edit("companies", found["crm"].id, {"industry": text})
    world.assembly.edit("accounts", found["assembly"].id, {"additional_properties.Industry": text})
    return True


@act(3)
def clear(world: World, dice: tuple[int, ...]) -> bool:
    remote = side_of(world, dice[0])
    stream = stream_with_rows(remote, dice[1])
    row = some_row(remote, stream, dice[2])
    if row is None:
        return False
    full = [
        spec
        for spec in STREAMS[stream]
        if spec.to != remote.system
        and not spec.required
        and spec.kind not in ("stage", "domain")
        and pick(row.raw or {}, spec.path(remote.system)) not in (None, "", [])
    ]
    if not full:
        return False
    spec = full[dice[3] % len(full)]
    empty: Any = [] if spec.kind == "phone" and remote.system == "assembly" else None
    return remote.edit(row.object, row.id, {spec.path(remote.system): empty})


@act(1)
def touch(world: World, dice: tuple[int, ...]) -> bool:
    """A save that changes nothing the mapping knows."""
    row = some_row(world.crm, "companies", dice[2])
    return row is not None and world.crm.edit("companies", row.id, {"address": fresh(world, "street")})


@act(2)
def delete(world: World, dice: tuple[int, ...]) -> bool:
    remote = side_of(world, dice[0])
    stream = ("contacts", "deals", "companies")[dice[1] % 3]
    row = some_row(remote, stream, dice[2])
    return row is not None and remote.delete(row.object, row.id)


@act(1)
def come_back(world: World, dice: tuple[int, ...]) -> bool:
    """A company is archived and active again after a while."""
    row = some_row(world.crm, "companies", dice[2])
    if row is None or not world.crm.edit("companies", row.id, {"status": "inactive"}):
        return False
    world.after((2.0, 20.0, 60.0)[dice[3] % 3], lambda: world.crm.edit("companies", row.id, {"status": "active"}))
    return True


@act(1)
def swap_emails(world: World, dice: tuple[int, ...]) -> bool:
    rows = sorted(world.crm.live("contacts"), key=lambda row: row.id)
    if len(rows) < 2:
        company = some_row(world.crm, "companies", dice[2])
        if company is None:
            return False
        for _ in range(2 - len(rows)):
            values = {"lastName": fresh(world, "name"), "email": fresh(world, "p").replace(" ", "") + "@x.org"}
            world.crm.create("contacts", values | {"companyId": company.id})
        world.after(20, lambda: swap_emails(world, dice))
        return True
    first, second = rows[dice[2] % len(rows)], rows[(dice[2] + 1) % len(rows)]
    one, two = (first.raw or {})["email"], (second.raw or {})["email"]
    world.crm.edit("contacts", first.id, {"email": two})
    world.after((dice[4] % 30) / 10, lambda: world.crm.edit("contacts", second.id, {"email": one}))
    return True


@act(2)
def move_child(world: World, dice: tuple[int, ...]) -> bool:
    """A contact or deal goes to another company."""
    remote, stream = side_of(world, dice[0]), ("contacts", "deals")[dice[1] % 2]
    row = some_row(remote, stream, dice[2])
    spec = next(spec for spec in STREAMS[stream] if spec.kind == "parent")
    if row is None or (remote.system == "assembly" and not remote.habits.shows_parent):
        return False
    company = parent_value(world, spec, remote.system, dice[4])
    return company is not None and remote.edit(row.object, row.id, {spec.path(remote.system): company})


@act(1)
def merge(world: World, dice: tuple[int, ...]) -> bool:
    rows = sorted(world.crm.live("companies"), key=lambda row: row.id)
    if len(rows) < 2:
        return False
    return world.crm.merge(rows[dice[2] % len(rows)].id, rows[(dice[2] + 1) % len(rows)].id)


@act(1)
def same_domain(world: World, dice: tuple[int, ...]) -> bool:
    """Somebody makes on one side what is there on the other already."""
    stream = ("companies", "contacts")[dice[1] % 2]
    remote = side_of(world, dice[0])
    source = world.assembly if remote is world.crm else world.crm
    row = some_row(source, stream, dice[2])
    spec = next(spec for spec in STREAMS[stream] if spec.kind in ("domain", "email"))
    value = pick(row.raw or {}, spec.path(source.system)) if row else None
    values = values_for_new(world, stream, remote.system, dice)
    if value is None or values is None:
        return False
    if remote.system == "assembly" and world.assembly.by_domain(OBJECTS[stream]["assembly"], value):
        return False
    remote.create(OBJECTS[stream][remote.system], values | {spec.path(remote.system): value})
    return True


# --- administrators ---


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
            world.after(
                1.5,
                lambda: world.assembly.edit("accounts", id, {"additional_properties.Industry": text}, "automation"),
            )

    world.listen(look)
    return True


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
