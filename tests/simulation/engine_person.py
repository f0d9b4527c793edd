"""What a person does with what the bridge shows them: answers, releases, takes back, forgets. Each word of theirs is noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import select

from bridge.core.errors import RemoteError, UsageError
from bridge.core.records import ABSENT
from bridge.operations import undo
from bridge.operations.forget import forget
from bridge.store import AttentionRow, HoldRow, Writes, tables
from tests.simulation.world import CONNECTION

if TYPE_CHECKING:
    from tests.simulation.engine import Bridge

Type: TypeAlias = Callable[[str, str, str], Any]
"""(stream, field, record id) → the value that the person types instead of picking a side."""


def open_questions(bridge: Bridge) -> list[AttentionRow]:
    return list(bridge.store.attention.page(connection=CONNECTION, limit=500).items)


def answer(bridge: Bridge, row: AttentionRow, number: int, typed: Type) -> bool:
    """One of the answers that the question offers, for the values that are shown with it."""
    if not row.ways:
        return False
    way = row.ways[number % len(row.ways)]
    value = typed(row.stream, row.field, row.record_id) if way == "value" else None
    held = _held_with(bridge, row.change_id) if way in ("release", "discard") else []
    try:
        bridge.store.attention.decide(row.id, {"way": way, "value": value}, row.values)
    except UsageError:
        return False
    _note(bridge, row, way, value)
    _note_held(bridge, held, way)
    return True


def answer_group(bridge: Bridge, number: int) -> bool:
    """One answer for all questions of one group."""
    groups = [group for group in bridge.store.attention.groups(CONNECTION) if group.group and group.ways]
    if not groups:
        return False
    group = groups[number % len(groups)]
    ways = [way for way in group.ways if way != "value"]
    if not ways:
        return False
    way = ways[number // 7 % len(ways)]
    rows = [row for row in open_questions(bridge) if row.group == group.group]
    held = [one for row in rows for one in _held_with(bridge, row.change_id)] if way in ("release", "discard") else []
    try:
        bridge.store.attention.decide_group(CONNECTION, group.group, {"way": way, "value": None})
    except UsageError:
        return False
    for row in rows:
        _note(bridge, row, way, None)
    _note_held(bridge, held, way)
    return True


def _note(bridge: Bridge, row: AttentionRow, way: str, value: Any) -> None:
    seen = {f"seen {side}": None if raw is ABSENT else raw for side, raw in row.values.items()}
    words = {"field": row.field, "way": way, "value": value} | seen
    bridge.world.note("resolved", side=row.side, object=row.stream, id=row.record_id, values=words, note=row.cause)
    bridge.world.counts[f"answer {way}"] += 1
    bridge.world.wake()


def open_holds(bridge: Bridge) -> list[HoldRow]:
    return list(bridge.store.holds.page(connection=CONNECTION, state="held", limit=100).items)


def decide_hold(bridge: Bridge, hold: HoldRow, *, release: bool) -> None:
    waiting = _waiting(bridge, hold.id)
    (bridge.store.holds.release if release else bridge.store.holds.discard)(hold.id)
    way = "release" if release else "discard"
    _note_held(bridge, waiting, way)
    bridge.world.counts[f"hold {way}"] += 1
    bridge.world.wake()


def _note_held(bridge: Bridge, waiting: Sequence[tuple[str, str, str]], way: str) -> None:
    """A word about a hold is about everything that waits in it."""
    for stream, side, id in waiting:
        bridge.world.note("resolved", side=side, object=stream, id=id, values={"field": "", "way": way}, note="hold")


def _held_with(bridge: Bridge, change: int | None) -> list[tuple[str, str, str]]:
    """What waits in the holds that one change waits in."""
    held = tables.held_changes
    with bridge.store._database.read() as transaction:
        mine = transaction.execute(select(held.c.hold_id).where(held.c.change_id == change)).scalars().all()
    return [one for hold in mine for one in _waiting(bridge, hold)]


def _waiting(bridge: Bridge, hold: int) -> list[tuple[str, str, str]]:
    held, changes = tables.held_changes, tables.changes
    query = select(changes.c.stream, changes.c.side, changes.c.record_id).join(held, held.c.change_id == changes.c.id)
    with bridge.store._database.read() as transaction:
        return [
            (row.stream, row.side, row.record_id) for row in transaction.execute(query.where(held.c.hold_id == hold))
        ]


def undo_run(bridge: Bridge, number: int) -> bool:
    """Take back what one of the backfills wrote."""
    runs = [
        run
        for run in bridge.store.runs.page(connection=CONNECTION, kind="backfill", state="done", limit=100).items
        if not run.dry_run
    ]
    if not runs:
        return False
    return _undo(bridge, Writes(CONNECTION, run_id=runs[number % len(runs)].id))


def undo_record(bridge: Bridge, stream: str, side: str, id: str) -> bool:
    """Take back all that was ever written to one record and its partner."""
    try:
        which = undo.of_record(bridge.store, CONNECTION, stream, side, id)
    except UsageError:
        return False
    return _undo(bridge, which)


def _undo(bridge: Bridge, which: Writes) -> bool:
    try:
        undo.start(bridge.store, bridge.mappings, which)
    except UsageError:
        return False
    bridge.world.note("resolved", note="undo", values={"way": "undo", "stream": which.stream, "link": which.link_id})
    return True


def forget_person(bridge: Bridge, address: str) -> bool:
    """Erase somebody by their address; a system that cannot be asked makes it fail as a whole."""
    try:
        done = forget(bridge.store, CONNECTION, bridge.terms, address)
    except (RemoteError, UsageError):
        return False
    bridge.world.note("forgotten", values={"address": address})
    for record in done.records:
        bridge.world.note("forgotten", side=record.side, object=record.stream, id=record.record_id)
    bridge.world.counts["forgotten records"] += len(done.records)
    return True
