"""What users of the two systems do: make, edit, clear, delete, move, merge."""

from __future__ import annotations

from typing import Any

from tests.simulation.operations_book import act
from tests.simulation.operations_choosing import (
    both_ends,
    editable,
    fresh,
    parent_value,
    side_of,
    some_row,
    some_stream,
    stream_with_rows,
    value_for,
    values_for_new,
)
from tests.simulation.remote import moment, pick
from tests.simulation.rules import OBJECTS, STREAMS
from tests.simulation.world import World


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
    world.later((dice[4] % 40) / 10, lambda: edit(world, again))
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
        world.later(delay, lambda r=remote, w=row, v=value, s=side: r.edit(w.object, w.id, {spec.path(s): v}))  # type: ignore[misc]
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
    listed = spec.kind == "tags" or (spec.kind == "phone" and remote.system == "assembly")
    empty: Any = [] if listed else None
    return remote.edit(row.object, row.id, {spec.path(remote.system): empty})


@act(2)
def log_activity(world: World, dice: tuple[int, ...]) -> bool:
    """A call or a meeting is noted in the CRM; some name who took part."""
    company = some_row(world.crm, "companies", dice[2])
    contact = some_row(world.crm, "contacts", dice[3])
    if company is None:
        return False
    email = (contact.raw or {}).get("email") if contact else None
    body = {"body": fresh(world, "body")} if dice[1] % 2 else {}
    values = {"subject": fresh(world, "call"), "occurredAt": moment(world.now).isoformat(), "companyId": company.id}
    world.crm.create("activities", values | body | {"participants": [email] if email and dice[4] % 3 == 0 else []})
    return True


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
def delete_and_restore(world: World, dice: tuple[int, ...]) -> bool:
    """Deleted by mistake, and brought back after a while."""
    remote, stream = side_of(world, dice[0]), ("contacts", "deals")[dice[1] % 2]
    row = some_row(remote, stream, dice[2])
    if row is None or not remote.delete(row.object, row.id):
        return False
    world.later((1.0, 15.0, 60.0)[dice[3] % 3], lambda: remote.restore(row.object, row.id))
    return True


@act(1)
def come_back(world: World, dice: tuple[int, ...]) -> bool:
    """A company is archived and active again after a while."""
    row = some_row(world.crm, "companies", dice[2])
    if row is None or not world.crm.edit("companies", row.id, {"status": "inactive"}):
        return False
    world.later((2.0, 20.0, 60.0)[dice[3] % 3], lambda: world.crm.edit("companies", row.id, {"status": "active"}))
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
        world.later(20, lambda: swap_emails(world, dice))
        return True
    first, second = rows[dice[2] % len(rows)], rows[(dice[2] + 1) % len(rows)]
    one, two = (first.raw or {})["email"], (second.raw or {})["email"]
    world.crm.edit("contacts", first.id, {"email": two})
    world.later((dice[4] % 30) / 10, lambda: world.crm.edit("contacts", second.id, {"email": one}))
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
