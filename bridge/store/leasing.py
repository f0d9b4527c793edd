"""Leases of remote objects under a fencing token.

A token stands for one whole reconcile. A lease past its expiry still belongs to its token until somebody takes it
over; a taker removes *all* leases of that token, so "does the token still own a lease?" answers for every key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from bridge.core.effects import lease_key
from bridge.core.records import Ref, Reference
from bridge.store.sql import among, chunks
from bridge.store.tables import leases, tokens


@dataclass(slots=True)
class Objects:
    """(stream, side) to the remote object's name, replaced as a whole when the mappings change."""

    names: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def of(self, record: Reference) -> str:
        # A stream that no mapping knows any more still excludes itself.
        return self.names.get((record.stream, record.side), record.stream)

    def key(self, record: Reference) -> str:
        return lease_key(Ref(record.side, self.of(record), record.record_id))


@dataclass(frozen=True, slots=True)
class Wish:
    """More leases for a token, until the same time as those it has."""

    token: int
    keys: frozenset[str]
    until: datetime


_OWNED = select(leases.c.token).where(among(leases.c.token, "tokens")).distinct()
_HOLDERS = select(leases.c.key, leases.c.token, leases.c.expires_at).where(
    leases.c.connection == bindparam("conn"), among(leases.c.key, "keys")
)
_TAKE = insert(leases)
_RENEW = (
    update(leases)
    .where(among(leases.c.token, "tokens"), leases.c.expires_at > bindparam("now"))
    .values(expires_at=bindparam("until"))
)
_RELEASE = delete(leases).where(among(leases.c.token, "tokens"))
_NEXT_TOKEN = (
    update(tokens).where(tokens.c.name == "fence").values(last=tokens.c.last + bindparam("n")).returning(tokens.c.last)
)


def owned(connection: Connection, owners: Iterable[int]) -> set[int]:
    """Those of the tokens that still own their leases."""
    found: set[int] = set()
    for chunk in chunks(owners):
        found |= set(connection.execute(_OWNED, {"tokens": chunk}).scalars())
    return found


def holders(connection: Connection, name: str, keys: Collection[str]) -> dict[str, tuple[int, datetime]]:
    """Key to (token, expiry) of those that are leased at all."""
    found: dict[str, tuple[int, datetime]] = {}
    for chunk in chunks(keys):
        rows = connection.execute(_HOLDERS, {"conn": name, "keys": chunk})
        found.update({key: (token, expires_at) for key, token, expires_at in rows})
    return found


def take(connection: Connection, name: str, wanted: Mapping[str, tuple[int, datetime]], over: Collection[int]) -> None:
    """Lease each key of ``wanted`` for its (token, expiry); ``over`` are the expired tokens that are thereby taken over."""
    if over:
        release(connection, over)
    rows = [
        {"connection": name, "key": key, "token": token, "expires_at": expires_at}
        for key, (token, expires_at) in wanted.items()
    ]
    if rows:
        connection.execute(_TAKE, rows)


def extend(connection: Connection, name: str, wishes: Sequence[Wish], now: datetime) -> list[bool | None]:
    """Lease all keys of each wish for its token, or none of them: ``False`` when one is somebody else's, ``None`` when the
    token owns nothing any more."""
    mine = owned(connection, (wish.token for wish in wishes))
    held = holders(connection, name, set().union(*(wish.keys for wish in wishes)))
    wanted: dict[str, tuple[int, datetime]] = {}
    over: set[int] = set()
    answers: list[bool | None] = []
    for wish in wishes:
        if wish.token not in mine:
            answers.append(None)
            continue
        others = {key: held[key] for key in wish.keys if key in held and held[key][0] != wish.token}
        if any(expires_at > now for _, expires_at in others.values()):
            answers.append(False)
            continue
        lost = {token for token, _ in others.values()}
        over |= lost
        mine -= lost
        held = {key: lease for key, lease in held.items() if lease[0] not in lost}
        fresh = dict.fromkeys((key for key in sorted(wish.keys) if key not in held), (wish.token, wish.until))
        held |= fresh
        wanted = {key: lease for key, lease in wanted.items() if lease[0] not in lost} | fresh
        answers.append(True)
    take(connection, name, wanted, over)
    return answers


def renew(connection: Connection, owners: Iterable[int], now: datetime, until: datetime) -> None:
    """Leases that have not run out last until ``until``: nobody can have taken them over."""
    for chunk in chunks(owners):
        connection.execute(_RENEW, {"tokens": chunk, "now": now, "until": until})


def release(connection: Connection, owners: Iterable[int]) -> None:
    for chunk in chunks(owners):
        connection.execute(_RELEASE, {"tokens": chunk})


def next_tokens(connection: Connection, count: int) -> range:
    """``count`` fencing tokens, each greater than every earlier one."""
    last = connection.execute(_NEXT_TOKEN, {"n": count}).scalar()
    if last is None:
        connection.execute(insert(tokens).values(name="fence", last=count))
        last = count
    return range(last - count + 1, last + 1)


def purge(connection: Connection, before: datetime) -> None:
    """Forget leases that ran out before ``before`` and that nobody took over."""
    connection.execute(delete(leases).where(leases.c.expires_at < before))
