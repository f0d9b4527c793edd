"""Intents before writes, and the brake that may hold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bridge.core.effects import Claim, Declare, Declared, Fenced, Held
from bridge.core.records import Step
from bridge.store import leasing
from bridge.store.claiming import RELEASED_FOR
from bridge.store.sql import among, chunks, counted, insert_row, insert_rows
from bridge.store.tables import brake_counts, held_changes, holds, intents, links
from bridge.store.types import dump_step

PLANNED = frozenset({"create", "update"})
"""Classes that a person saw in a plan before the backfill's items came: those items neither wait for the brake nor use it up."""


class Brake(Protocol):
    """How many steps of a class an hour are still ordinary."""

    def ceiling(self, klass: str, live_links: int) -> int | None:
        """The most steps of ``klass`` in one stream and hour, given its live links; ``None``: no limit.

        Never falls as the links grow, and is without limit for all numbers of links or for none.
        """


_LIVE_LINKS = (
    select(func.count())
    .select_from(links)
    .where(links.c.connection == bindparam("conn"), links.c.stream == bindparam("stream"), links.c.state == "live")
)
_COUNTS = (
    select(brake_counts.c.klass, func.sum(brake_counts.c.steps))
    .where(
        brake_counts.c.connection == bindparam("conn"),
        brake_counts.c.stream == bindparam("stream"),
        brake_counts.c.minute > bindparam("since"),
    )
    .group_by(brake_counts.c.klass)
)


def _adding(dialect: Any) -> Any:
    statement = dialect.insert(brake_counts).values(
        connection=bindparam("conn"),
        stream=bindparam("stream"),
        klass=bindparam("klass"),
        minute=bindparam("minute"),
        steps=bindparam("steps"),
    )
    return statement.on_conflict_do_update(
        index_elements=["connection", "stream", "klass", "minute"],
        set_={"steps": brake_counts.c.steps + statement.excluded.steps},
    )


_HELD = (
    select(held_changes.c.change_id, holds.c.klass, holds.c.ceiling)
    .join_from(holds, held_changes, held_changes.c.hold_id == holds.c.id)
    .where(holds.c.state == "held", among(held_changes.c.change_id, "changes"))
)
_COUNT = {"sqlite": _adding(sqlite), "postgresql": _adding(postgresql)}


def declare(
    connection: Connection, operations: Sequence[Declare], brake: Brake, now: datetime
) -> list[Declared | Held | Fenced]:
    """``operations`` of different claims of one connection, each fenced by itself; the brake counts them in their order."""
    owned = leasing.owned(connection, [operation.claim.token for operation in operations])
    counter = _Counter(connection, operations[0].claim.change.connection, brake, now)
    steps = [_braked(operation) for operation in operations]
    waiting = _held(
        connection, [each.claim.change.id for each, braked in zip(operations, steps, strict=True) if braked]
    )
    answers: list[Declared | Held | Fenced | None] = []
    for operation, braked in zip(operations, steps, strict=True):
        if operation.claim.token not in owned:
            answers.append(Fenced())
            continue
        over = counter.over(operation.claim.change.stream, braked)
        # What is held stays held, also when the hour that brought too much is over: a person decides.
        over |= {klass: ceiling for klass, ceiling in waiting.get(operation.claim.change.id, ()) if klass in braked}
        if over:
            answers.append(_hold(connection, operation, over, now))
        else:
            counter.count(operation.claim.change.stream, braked)
            answers.append(None)
    counter.write()
    passed = [operation for operation, answer in zip(operations, answers, strict=True) if answer is None]
    declared = iter(_write_down(connection, passed, now))
    return [answer or next(declared) for answer in answers]


def _held(connection: Connection, changes: Sequence[int]) -> dict[int, list[tuple[str, int]]]:
    """Change to the classes (with their ceilings) that open holds keep it for."""
    found: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for chunk in chunks(changes):
        for change, klass, ceiling in connection.execute(_HELD, {"changes": chunk}):
            found[change].append((klass, ceiling))
    return found


def _braked(operation: Declare) -> dict[str, int]:
    """What of an operation counts for the brake, by class."""
    return {
        klass: count for klass, count in operation.classes.items() if count and not _approved(operation.claim, klass)
    }


def _approved(claim: Claim, klass: str) -> bool:
    """Whether a person agreed to just this: they released it, saw it in a backfill's plan, or asked for the undo."""
    if klass in claim.released or claim.undo is not None:
        return True
    return claim.change.item is not None and klass in PLANNED


class _Counter:
    """What passes the brake within one transaction, written at once."""

    def __init__(self, connection: Connection, name: str, brake: Brake, now: datetime) -> None:
        self._connection = connection
        self._name = name
        self._brake = brake
        self._now = now
        self._spent: dict[str, dict[str, int]] = {}
        self._passed: dict[tuple[str, str], int] = {}

    def over(self, stream: str, braked: Mapping[str, int]) -> dict[str, int]:
        """Class to ceiling, of those that these steps would exceed."""
        limits = {klass: limit for klass in braked if (limit := self._brake.ceiling(klass, 0)) is not None}
        if not limits:
            return {}
        spent = self._spent_in(stream)
        if all(spent.get(klass, 0) + braked[klass] <= limit for klass, limit in limits.items()):
            return {}
        # Only now the stream's links are counted: that costs more the more there are.
        live = self._connection.execute(_LIVE_LINKS, {"conn": self._name, "stream": stream}).scalar_one()
        return {
            klass: limit
            for klass in limits
            if (limit := self._brake.ceiling(klass, live)) is not None and spent.get(klass, 0) + braked[klass] > limit
        }

    def _spent_in(self, stream: str) -> Mapping[str, int]:
        if stream not in self._spent:
            # Counted by whole minutes: a step leaves the hour up to a minute early.
            since = _minute(self._now - RELEASED_FOR)
            where = {"conn": self._name, "stream": stream, "since": since}
            self._spent[stream] = counted(self._connection.execute(_COUNTS, where))
        spent = self._spent[stream]
        mine = {klass: steps for (of_stream, klass), steps in self._passed.items() if of_stream == stream}
        return {klass: spent.get(klass, 0) + mine.get(klass, 0) for klass in spent.keys() | mine.keys()}

    def count(self, stream: str, braked: Mapping[str, int]) -> None:
        for klass, steps in braked.items():
            self._passed[stream, klass] = self._passed.get((stream, klass), 0) + steps

    def write(self) -> None:
        minute = _minute(self._now)
        rows = [
            {"conn": self._name, "stream": stream, "klass": klass, "minute": minute, "steps": steps}
            for (stream, klass), steps in self._passed.items()
        ]
        if rows:
            self._connection.execute(_COUNT[self._connection.dialect.name], rows)


def _hold(connection: Connection, operation: Declare, over: Mapping[str, int], now: datetime) -> Held:
    change = operation.claim.change
    ids = []
    for klass, ceiling in sorted(over.items()):
        mine = (
            holds.c.connection == change.connection,
            holds.c.stream == change.stream,
            holds.c.klass == klass,
            holds.c.state == "held",
        )
        hold = connection.execute(select(holds.c.id).where(*mine)).scalar()
        if hold is None:
            values = {
                "connection": change.connection,
                "stream": change.stream,
                "klass": klass,
                "state": "held",
                "ceiling": ceiling,
                "waiting": 0,
                "created_at": now,
            }
            hold = insert_row(connection, insert(holds), values)
        _wait_on(connection, hold, change.id)
        ids.append(hold)
    return Held(frozenset(over), ids[0])


def _wait_on(connection: Connection, hold: int, change: int) -> None:
    known = connection.execute(
        select(held_changes.c.hold_id).where(held_changes.c.hold_id == hold, held_changes.c.change_id == change)
    ).first()
    if known is None:
        connection.execute(insert(held_changes).values(hold_id=hold, change_id=change))
        connection.execute(update(holds).where(holds.c.id == hold).values(waiting=holds.c.waiting + 1))


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _write_down(connection: Connection, operations: Sequence[Declare], now: datetime) -> list[Declared]:
    rows = [_intent(operation, side, step, now) for operation in operations for side, step in operation.side_steps]
    ids = iter(insert_rows(connection, intents, rows))
    return [Declared(tuple(islice(ids, len(operation.side_steps)))) for operation in operations]


def _intent(operation: Declare, side: str, step: Step, now: datetime) -> dict[str, Any]:
    claim = operation.claim
    return {
        "connection": claim.change.connection,
        "stream": claim.change.stream,
        "link_id": claim.link.id if claim.link else None,
        "change_id": claim.change.id,
        "side": side,
        "record_id": step.record_id,
        "step": dump_step(step),
        "classes": ",".join(sorted(operation.classes)),
        "token": claim.token,
        "snapshot": list(operation.snapshot),
        "state": "open",
        "run_item_id": claim.change.item,
        "created_at": now,
        "answered_at": None,
    }


def forget_counts(connection: Connection, now: datetime) -> None:
    """Drop what the brake no longer counts."""
    before = _minute(now - RELEASED_FOR - timedelta(minutes=1))
    connection.execute(brake_counts.delete().where(brake_counts.c.minute < before))
