"""Reading and committing links with their ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bridge.core.effects import Busy, EndDraft, Fenced, LinkDraft, Siblings
from bridge.core.records import End, Link, Reference, Shadow
from bridge.store.sql import AnyRow, chunks, insert_row
from bridge.store.tables import link_ends, links

_IDS_BY_END = select(link_ends.c.link_id, link_ends.c.record_id).where(
    link_ends.c.connection == bindparam("conn"),
    link_ends.c.stream == bindparam("stream"),
    link_ends.c.side == bindparam("side"),
    link_ends.c.record_id.in_(bindparam("ids", expanding=True)),
)
END_COLUMNS = (
    link_ends.c.side,
    link_ends.c.record_id,
    link_ends.c["values"],
    link_ends.c.sent,
    link_ends.c.remote_updated_at,
    link_ends.c.mapping_version,
)
LINK_COLUMNS = (links.c.id, links.c.stream, links.c.state, links.c.version, links.c.pinned)
_BY_ID = (
    select(*LINK_COLUMNS, *END_COLUMNS)
    .join_from(links, link_ends, link_ends.c.link_id == links.c.id, isouter=True)
    .where(links.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(links.c.id)
)
_VERSION = select(links.c.version, links.c.state).where(links.c.id == bindparam("link"))
_MOVE = (
    update(links)
    .where(links.c.id == bindparam("link"))
    .values(
        state=bindparam("new_state"),
        version=bindparam("new_version"),
        pinned=bindparam("new_pinned"),
        updated_at=bindparam("now"),
    )
)
_DROP_ENDS = delete(link_ends).where(
    link_ends.c.link_id == bindparam("link"), link_ends.c.side.not_in(bindparam("sides", expanding=True))
)
_END_VALUES = {
    "record_id": bindparam("new_record_id"),
    "values": bindparam("new_values", type_=link_ends.c["values"].type),
    "sent": bindparam("new_sent", type_=link_ends.c.sent.type),
    "remote_updated_at": bindparam("new_updated_at", type_=link_ends.c.remote_updated_at.type),
    "mapping_version": bindparam("new_mapping_version"),
}


def _put_end(dialect: Any) -> Any:
    statement = dialect.insert(link_ends).values(
        link_id=bindparam("new_link_id"),
        side=bindparam("new_side"),
        connection=bindparam("conn"),
        stream=bindparam("new_stream"),
        **_END_VALUES,
    )
    changed = {name: statement.excluded[name] for name in _END_VALUES}
    return statement.on_conflict_do_update(index_elements=["link_id", "side"], set_=changed)


_PUT_END = {"sqlite": _put_end(sqlite), "postgresql": _put_end(postgresql)}


def links_by_end(connection: Connection, name: str, ends: Iterable[Reference]) -> dict[Reference, Link]:
    """The link that holds each end, whatever its state; ends without one are left out."""
    owners = link_ids_by_end(connection, name, ends)
    found = links_by_id(connection, set(owners.values()))
    return {end: found[link_id] for end, link_id in owners.items()}


def link_ids_by_end(connection: Connection, name: str, ends: Iterable[Reference]) -> dict[Reference, int]:
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for end in ends:
        groups[end.stream, end.side].add(end.record_id)
    owners: dict[Reference, int] = {}
    for (stream, side), ids in groups.items():
        for chunk in chunks(ids):
            rows = connection.execute(_IDS_BY_END, {"conn": name, "stream": stream, "side": side, "ids": chunk})
            owners.update({Reference(stream, side, record_id): link_id for link_id, record_id in rows})
    return owners


def links_by_id(connection: Connection, ids: Collection[int]) -> dict[int, Link]:
    rows: list[AnyRow] = []
    for chunk in chunks(ids):
        rows.extend(connection.execute(_BY_ID, {"ids": chunk}))
    return {link.id: link for link in assemble(rows)}


def assemble(rows: Iterable[AnyRow]) -> list[Link]:
    """Links from rows of ``LINK_COLUMNS + END_COLUMNS``, one row an end, in the rows' order."""
    heads: dict[int, tuple[str, Any, int, Mapping[str, str]]] = {}
    ends: dict[int, dict[str, End]] = defaultdict(dict)
    for link_id, stream, state, version, pinned, side, record_id, values, sent, updated_at, mapping in rows:
        heads[link_id] = (stream, state, version, pinned)
        if side is not None:
            ends[link_id][side] = End(side, record_id, Shadow(values, sent, updated_at, mapping))
    return [
        Link(link_id, stream, state, ends[link_id], version, pinned)
        for link_id, (stream, state, version, pinned) in heads.items()
    ]


def siblings(connection: Connection, asked: Siblings) -> tuple[str, ...]:
    """The newest links first."""
    query = (
        select(link_ends.c.record_id)
        .join_from(links, link_ends, link_ends.c.link_id == links.c.id)
        .where(
            links.c.connection == asked.connection,
            links.c.stream == asked.stream,
            links.c.state == "live",
            link_ends.c.side == asked.side,
            link_ends.c.record_id != asked.besides,
        )
        .order_by(links.c.id.desc())
        .limit(asked.limit)
    )
    return tuple(connection.execute(query).scalars())


def save_link(
    connection: Connection, name: str, draft: LinkDraft, now: datetime, run_id: str | None = None
) -> Link | Busy | Fenced:
    """Make or move a link. ``Fenced``: it is not at the version that was read. ``Busy``: another link holds an end.

    Both are found out before anything is written.
    """
    if draft.id is not None:
        current = connection.execute(_VERSION, {"link": draft.id}).first()
        if current is None or current.version != draft.version:
            return Fenced()
    owners = link_ids_by_end(
        connection, name, (Reference(draft.stream, side, end.record_id) for side, end in draft.ends.items())
    )
    if any(owner != draft.id for owner in owners.values()):
        return Busy()
    if draft.id is None:
        link_id, version = _insert_link(connection, name, draft, now, run_id), 0
    else:
        link_id, version = draft.id, draft.version + 1
        connection.execute(
            _MOVE,
            {
                "link": link_id,
                "new_state": draft.state,
                "new_version": version,
                "new_pinned": dict(draft.pinned),
                "now": now,
            },
        )
        connection.execute(_DROP_ENDS, {"link": link_id, "sides": list(draft.ends)})
    _put_ends(connection, name, link_id, draft.stream, draft.ends)
    ends = {side: End(side, end.record_id, end.shadow) for side, end in draft.ends.items()}
    return Link(link_id, draft.stream, draft.state, ends, version, draft.pinned)


def _insert_link(connection: Connection, name: str, draft: LinkDraft, now: datetime, run_id: str | None) -> int:
    values = {
        "connection": name,
        "stream": draft.stream,
        "state": draft.state,
        "version": 0,
        "pinned": dict(draft.pinned),
        "run_id": run_id,
        "created_at": now,
        "updated_at": now,
    }
    return insert_row(connection, insert(links), values)


def _put_ends(connection: Connection, name: str, link_id: int, stream: str, ends: Mapping[str, EndDraft]) -> None:
    rows = [
        {
            "new_link_id": link_id,
            "new_side": side,
            "conn": name,
            "new_stream": stream,
            "new_record_id": end.record_id,
            "new_values": end.shadow.values,
            "new_sent": end.shadow.sent,
            "new_updated_at": end.shadow.updated_at,
            "new_mapping_version": end.shadow.version,
        }
        for side, end in ends.items()
    ]
    if rows:
        connection.execute(_PUT_END[connection.dialect.name], rows)
