"""Reading links with their ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, select

from bridge.core.effects import Siblings
from bridge.core.records import End, Link, Reference, Shadow
from bridge.store.sql import AnyRow, among, chunks
from bridge.store.tables import changes, link_ends, links

_IDS_BY_END = select(link_ends.c.link_id, link_ends.c.record_id).where(
    link_ends.c.connection == bindparam("conn"),
    link_ends.c.stream == bindparam("stream"),
    link_ends.c.side == bindparam("side"),
    among(link_ends.c.record_id, "ids"),
)
END_COLUMNS = (
    link_ends.c.side,
    link_ends.c.record_id,
    link_ends.c["values"],
    link_ends.c.sent,
    link_ends.c.remote_updated_at,
    link_ends.c.mapping_version,
    link_ends.c.own_at,
)
LINK_COLUMNS = (links.c.id, links.c.stream, links.c.state, links.c.version, links.c.pinned)
_BY_ID = (
    select(*LINK_COLUMNS, *END_COLUMNS)
    .join_from(links, link_ends, link_ends.c.link_id == links.c.id, isouter=True)
    .where(among(links.c.id, "ids"))
    .order_by(links.c.id)
)


def links_by_end(connection: Connection, name: str, ends: Iterable[Reference]) -> dict[Reference, Link]:
    """The link that holds each end, whatever its state; ends without one are left out."""
    owners = link_ids_by_end(connection, name, ends)
    found = links_by_id(connection, set(owners.values()))
    return {end: found[link_id] for end, link_id in owners.items()}


def link_ids_by_end(connection: Connection, name: str, ends: Iterable[Reference]) -> dict[Reference, int]:
    owners: dict[Reference, int] = {}
    for (stream, side), ids in by_side(ends).items():
        for chunk in chunks(ids):
            rows = connection.execute(_IDS_BY_END, {"conn": name, "stream": stream, "side": side, "ids": chunk})
            owners.update({Reference(stream, side, record_id): link_id for link_id, record_id in rows})
    return owners


def by_side(references: Iterable[Reference]) -> dict[tuple[str, str], set[str]]:
    """(Stream, side) to record ids."""
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for reference in references:
        groups[reference.stream, reference.side].add(reference.record_id)
    return groups


def links_by_id(connection: Connection, ids: Collection[int]) -> dict[int, Link]:
    rows: list[AnyRow] = []
    for chunk in chunks(ids):
        rows.extend(connection.execute(_BY_ID, {"ids": chunk}))
    return {link.id: link for link in assemble(rows)}


def assemble(rows: Iterable[AnyRow]) -> list[Link]:
    """Links from rows of ``LINK_COLUMNS + END_COLUMNS``, one row an end, in the rows' order."""
    heads: dict[int, tuple[str, Any, int, Mapping[str, str]]] = {}
    ends: dict[int, dict[str, End]] = defaultdict(dict)
    for link_id, stream, state, version, pinned, side, record_id, values, sent, updated_at, mapping, own_at in rows:
        heads[link_id] = (stream, state, version, pinned)
        if side is not None:
            ends[link_id][side] = End(side, record_id, Shadow(values, sent, updated_at, mapping, own_at))
    return [
        Link(link_id, stream, state, ends[link_id], version, pinned)
        for link_id, (stream, state, version, pinned) in heads.items()
    ]


def siblings(connection: Connection, asked: Siblings) -> tuple[str, ...]:
    """The newest links first."""
    doubted = select(changes.c.id).where(
        changes.c.connection == link_ends.c.connection,
        changes.c.stream == link_ends.c.stream,
        changes.c.side == link_ends.c.side,
        changes.c.record_id == link_ends.c.record_id,
        changes.c.state != "done",
        changes.c.cause.in_(sorted(asked.doubted)),
    )
    query = (
        select(link_ends.c.record_id)
        .join_from(links, link_ends, link_ends.c.link_id == links.c.id)
        .where(
            links.c.connection == asked.connection,
            links.c.stream == asked.stream,
            links.c.state == "live",
            link_ends.c.side == asked.side,
            link_ends.c.record_id != asked.besides,
            ~doubted.exists(),
        )
        .order_by(links.c.id.desc())
        .limit(asked.limit)
    )
    return tuple(connection.execute(query).scalars())
