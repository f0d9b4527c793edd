"""Leasing due changes with all that is remembered about their records, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from bridge.core.effects import Claim, Revert, Undo
from bridge.core.records import LANES, Change, Lane, Link, Reference
from bridge.store import leasing
from bridge.store.linking import links_by_end
from bridge.store.pausing import await_trial, resume, standing
from bridge.store.remembered import decisions, ends_of, open_fields, recent_writes, remember
from bridge.store.sql import AnyRow, among, chunks
from bridge.store.tables import changes, held_changes, holds, run_items

BUSY_SECONDS = 0.5
"""A change whose record somebody else holds comes back after this; it is never waited for."""
MAX_ROUNDS = 5
RELEASED_FOR = timedelta(hours=1)
"""How long a released hold lets its changes pass: as long as the brake counts."""

_DUE = (
    select(changes)
    .where(
        changes.c.connection == bindparam("conn"),
        changes.c.state == "pending",
        changes.c.lane == bindparam("lane"),
        changes.c.due_at <= bindparam("now"),
    )
    .order_by(changes.c.due_at, changes.c.id)
    .limit(bindparam("n"))
)
_DUE_IN_STREAMS = _DUE.where(among(changes.c.stream, "streams"))
_LEASE = (
    update(changes)
    .where(changes.c.id == bindparam("change"))
    .values(
        state="leased",
        leased_generation=changes.c.generation,
        token=bindparam("new_token"),
        lease_until=bindparam("until"),
        updated_at=bindparam("now"),
    )
)
_HELD = select(changes.c.id, changes.c.token).where(
    among(changes.c.id, "ids"), changes.c.state == "leased", changes.c.lease_until > bindparam("now")
)
_RENEW = update(changes).where(among(changes.c.id, "ids")).values(lease_until=bindparam("until"))
_POSTPONE = (
    update(changes).where(among(changes.c.id, "ids")).values(due_at=bindparam("later"), updated_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class Lessor:
    """The terms of one claim call."""

    name: str
    now: datetime
    until: datetime
    objects: leasing.Objects

    def key(self, record: Reference) -> str:
        return self.objects.key(record)


def claim(
    connection: Connection, lessor: Lessor, limit: int, streams: Collection[str] | None, lanes: Sequence[Lane]
) -> list[Claim]:
    """Up to ``limit`` claims, lane after lane, in each in the order they fell due; one after a pause, until it went well."""
    match standing(connection, lessor.name, lessor.now):
        case "live":
            return _claim(connection, lessor, limit, streams, lanes)
        case "on trial":
            claims = _claim(connection, lessor, 1, streams, LANES)
            if claims:
                await_trial(connection, lessor.name, lessor.until)
            else:
                resume(connection, lessor.name)
            return [replace(claim, trial=True) for claim in claims]
        case "halted":
            return []


def _claim(
    connection: Connection, lessor: Lessor, limit: int, streams: Collection[str] | None, lanes: Sequence[Lane]
) -> list[Claim]:
    claims: list[Claim] = []
    for lane in lanes:
        for _ in range(MAX_ROUNDS):
            wanted = limit - len(claims)
            rows = _due(connection, lessor, lane, wanted, streams) if wanted > 0 else []
            if not rows:
                break
            claims.extend(_lease(connection, lessor, rows))
    return claims


def renew(connection: Connection, claims: Collection[Claim], now: datetime, until: datetime) -> set[int]:
    """The tokens of those that hold their changes until ``until`` now: whose leases have not run out."""
    owners = {claim.change.id: claim.token for claim in claims}
    held: dict[int, int] = {}
    for chunk in chunks(owners):
        rows = connection.execute(_HELD, {"ids": chunk, "now": now})
        held |= {change: token for change, token in rows if owners[change] == token}
    leasing.renew(connection, held.values(), now, until)
    for chunk in chunks(held):
        connection.execute(_RENEW, {"ids": chunk, "until": until})
    return set(held.values())


def _due(
    connection: Connection, lessor: Lessor, lane: str, wanted: int, streams: Collection[str] | None
) -> Sequence[AnyRow]:
    values: dict[str, Any] = {"conn": lessor.name, "lane": lane, "now": lessor.now, "n": wanted}
    if streams is None:
        return connection.execute(_DUE, values).all()
    return connection.execute(_DUE_IN_STREAMS, values | {"streams": list(streams)}).all()


def _lease(connection: Connection, lessor: Lessor, rows: Sequence[AnyRow]) -> list[Claim]:
    links = links_by_end(connection, lessor.name, (_record(row) for row in rows))
    keys = {row.id: _keys(lessor, row, links.get(_record(row))) for row in rows}
    held = leasing.holders(connection, lessor.name, set().union(*keys.values()))
    taken: set[str] = set()
    over: set[int] = set()
    free: list[AnyRow] = []
    busy: list[int] = []
    for row in rows:
        mine = keys[row.id]
        if taken & mine or any(key in held and held[key][1] > lessor.now for key in mine):
            busy.append(row.id)
            continue
        free.append(row)
        taken |= mine
        over |= {held[key][0] for key in mine if key in held}
    _postpone(connection, lessor.now, busy)
    if not free:
        return []
    owners = dict(zip((row.id for row in free), leasing.next_tokens(connection, len(free)), strict=True))
    wanted = {key: (owners[row.id], lessor.until) for row in free for key in keys[row.id]}
    leasing.take(connection, lessor.name, wanted, over)
    connection.execute(
        _LEASE,
        [
            {"change": change, "new_token": token, "until": lessor.until, "now": lessor.now}
            for change, token in owners.items()
        ],
    )
    return _claims(connection, lessor, free, owners, links)


def _claims(
    connection: Connection,
    lessor: Lessor,
    rows: Sequence[AnyRow],
    owners: Mapping[int, int],
    links: Mapping[Reference, Link],
) -> list[Claim]:
    records = {row.id: _record(row) for row in rows}
    mine = {change: links.get(record) for change, record in records.items()}
    known = remember(
        connection,
        lessor.name,
        links={link.id for link in mine.values() if link},
        changes=set(owners),
        records=set(records.values()),
        now=lessor.now,
        ends={end for link in mine.values() for end in ends_of(link)},
    )
    items = _items(connection, {row.item_id for row in rows if row.item_id})
    released = released_classes(connection, lessor.name, set(owners), lessor.now)
    recent = recent_writes(connection, {link.id for link in mine.values() if link}, lessor.now)
    claims = []
    for row in rows:
        link = mine[row.id]
        ids = [link.id] if link else []
        open_rows = known.attention(ids, [records[row.id]])
        item = items.get(row.item_id)
        claims.append(
            Claim(
                change=to_change(row),
                token=owners[row.id],
                now=lessor.now,
                lease_until=lessor.until,
                link=link,
                intents=known.intents(ids, [row.id], ends_of(link)),
                decisions=decisions(open_rows),
                open_fields=open_fields(open_rows),
                seed=item.seed or {} if item is not None else {},
                released=released.get(row.id, frozenset()),
                recent=recent.get(link.id, ()) if link else (),
                undo=_undo(item) if item is not None else None,
            )
        )
    return claims


def _keys(lessor: Lessor, row: AnyRow, link: Link | None) -> set[str]:
    keys = {lessor.key(_record(row))}
    if link is not None:
        keys |= {lessor.key(Reference(row.stream, end.side, end.record_id)) for end in link.ends.values()}
    return keys


def _postpone(connection: Connection, now: datetime, ids: Collection[int]) -> None:
    later = now + timedelta(seconds=BUSY_SECONDS)
    for chunk in chunks(ids):
        connection.execute(_POSTPONE, {"ids": chunk, "later": later, "now": now})


def _items(connection: Connection, items: Collection[int]) -> dict[int | None, AnyRow]:
    columns = (run_items.c.id, run_items.c.action, run_items.c.side, run_items.c.detail, run_items.c.seed)
    found: dict[int | None, AnyRow] = {}
    for chunk in chunks(items):
        found.update({row.id: row for row in connection.execute(select(*columns).where(run_items.c.id.in_(chunk)))})
    return found


def _undo(item: AnyRow) -> Undo | None:
    """What an undo's item wants taken back; one whose values were erased meanwhile wants nothing any more."""
    if item.action not in {"revert", "uncreate"}:
        return None
    detail = item.detail or {}
    reverts = tuple(Revert(each["side"], each["field"], each["old"], each["new"]) for each in detail.get("fields", ()))
    if item.action == "revert":
        return Undo(reverts)
    written_at = detail.get("written_at")
    return Undo(reverts, item.side, datetime.fromisoformat(written_at) if written_at else None)


def released_classes(
    connection: Connection, name: str, changes: Collection[int], now: datetime
) -> dict[int, frozenset[str]]:
    """Change to the brake classes that a person released for it within the last hour."""
    query = (
        select(held_changes.c.change_id, holds.c.klass)
        .join(holds, holds.c.id == held_changes.c.hold_id)
        .where(holds.c.connection == name, holds.c.state == "released", holds.c.decided_at > now - RELEASED_FOR)
    )
    found: dict[int, set[str]] = {}
    for chunk in chunks(changes):
        for change, klass in connection.execute(query.where(held_changes.c.change_id.in_(chunk))):
            found.setdefault(change, set()).add(klass)
    return {change: frozenset(classes) for change, classes in found.items()}


def _record(row: AnyRow) -> Reference:
    return Reference(row.stream, row.side, row.record_id)


def to_change(row: AnyRow) -> Change:
    return Change(
        id=row.id,
        connection=row.connection,
        stream=row.stream,
        side=row.side,
        record_id=row.record_id,
        generation=row.generation,
        lane=row.lane,
        attempts=row.attempts,
        cause=row.cause,
        item=row.item_id,
        looked_again=row.looked_again,
    )
