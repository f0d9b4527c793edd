"""Intents before writes, and the brake that may hold them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bridge.core.effects import Claim, Declare, Declared, Fenced, Held
from bridge.core.records import Step
from bridge.store import leasing
from bridge.store.claiming import RELEASED_FOR
from bridge.store.sql import counted, insert_row
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
_INSERT_INTENT = insert(intents)


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


_COUNT = {"sqlite": _adding(sqlite), "postgresql": _adding(postgresql)}


def declare(connection: Connection, operation: Declare, brake: Brake, now: datetime) -> Declared | Held | Fenced:
    claim = operation.claim
    if not leasing.owns(connection, claim.token):
        return Fenced()
    braked = {klass: steps for klass, steps in operation.classes.items() if steps and not _approved(claim, klass)}
    over = _over(connection, operation, braked, brake, now)
    if over:
        return _hold(connection, operation, over, now)
    _count(connection, operation, braked, now)
    ids = tuple(_write_down(connection, operation, side, step, now) for side, step in operation.side_steps)
    return Declared(ids)


def _approved(claim: Claim, klass: str) -> bool:
    """Whether a person agreed to just this: they released it, saw it in a backfill's plan, or asked for the undo."""
    if klass in claim.released or claim.undo is not None:
        return True
    return claim.change.item is not None and klass in PLANNED


def _over(
    connection: Connection, operation: Declare, braked: Mapping[str, int], brake: Brake, now: datetime
) -> dict[str, int]:
    """Class to ceiling, of those that these steps would exceed."""
    change = operation.claim.change
    where = {"conn": change.connection, "stream": change.stream}
    limits = {klass: limit for klass in braked if (limit := brake.ceiling(klass, 0)) is not None}
    if not limits:
        return {}
    # Counted by whole minutes: a step leaves the hour up to a minute early.
    since = _minute(now - RELEASED_FOR)
    spent = counted(connection.execute(_COUNTS, where | {"since": since}))
    if all(spent.get(klass, 0) + braked[klass] <= limit for klass, limit in limits.items()):
        return {}
    # Only now the stream's links are counted: that costs more the more there are.
    live = connection.execute(_LIVE_LINKS, where).scalar_one()
    return {
        klass: limit
        for klass in limits
        if (limit := brake.ceiling(klass, live)) is not None and spent.get(klass, 0) + braked[klass] > limit
    }


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


def _count(connection: Connection, operation: Declare, braked: Mapping[str, int], now: datetime) -> None:
    change = operation.claim.change
    rows = [
        {
            "conn": change.connection,
            "stream": change.stream,
            "klass": klass,
            "minute": _minute(now),
            "steps": steps,
        }
        for klass, steps in braked.items()
    ]
    if rows:
        connection.execute(_COUNT[connection.dialect.name], rows)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _write_down(connection: Connection, operation: Declare, side: str, step: Step, now: datetime) -> int:
    claim = operation.claim
    values = {
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
    return insert_row(connection, _INSERT_INTENT, values)


def forget_counts(connection: Connection, now: datetime) -> None:
    """Drop what the brake no longer counts."""
    before = _minute(now - RELEASED_FOR - timedelta(minutes=1))
    connection.execute(brake_counts.delete().where(brake_counts.c.minute < before))
