"""Committing links with their ends, one or many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, null, select, update

from bridge.core.effects import Busy, Fenced, LinkDraft
from bridge.core.records import End, Link, Reference
from bridge.store.linking import by_side, link_ids_by_end
from bridge.store.sql import among, chunks, insert_rows
from bridge.store.tables import attention, link_ends, links

_VERSIONS = select(links.c.id, links.c.version).where(among(links.c.id, "ids"))
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
_DROP_ENDS = delete(link_ends).where(among(link_ends.c.link_id, "ids"))
_PUT_ENDS = insert(link_ends)
_UNLINKED = (
    attention.c.connection == bindparam("conn"),
    attention.c.link_id.is_(null()),
    attention.c.state != "closed",
    attention.c.stream == bindparam("of_stream"),
    attention.c.side == bindparam("of_side"),
)
_UNLINKED_ATTENTION = select(attention.c.record_id).where(*_UNLINKED, among(attention.c.record_id, "records"))
_ADOPT_ATTENTION = (
    update(attention)
    .where(
        *_UNLINKED,
        attention.c.record_id == bindparam("of_record"),
    )
    .values(link_id=bindparam("link"))
)


def save_link(
    connection: Connection, name: str, draft: LinkDraft, now: datetime, run_id: str | None = None
) -> Link | Busy | Fenced:
    (answer,) = save_links(connection, name, [draft], now, [run_id])
    return answer


def save_links(
    connection: Connection, name: str, drafts: Sequence[LinkDraft], now: datetime, runs: Sequence[str | None]
) -> list[Link | Busy | Fenced]:
    """Make or move links; ``runs`` names for each draft the run that makes it. ``Fenced``: not at the version that was read. ``Busy``: another link, or an earlier draft,
    holds an end. Both are found out before anything is written; the other drafts are saved all the same."""
    problems = _problems(connection, name, drafts)
    kept = [draft for draft, problem in zip(drafts, problems, strict=True) if problem is None]
    judged = zip(drafts, problems, runs, strict=True)
    new = [(draft, run) for draft, problem, run in judged if problem is None and draft.id is None]
    moved = [draft for draft in kept if draft.id is not None]
    made = iter(_make(connection, name, new, now))
    _move(connection, moved, now)
    saved = iter([_link(draft, draft.id if draft.id is not None else next(made)) for draft in kept])
    answers: list[Link | Busy | Fenced] = [problem or next(saved) for problem in problems]
    _put_ends(connection, name, [answer for answer in answers if isinstance(answer, Link)])
    return answers


def adopt_attention(connection: Connection, name: str, made: Iterable[Link]) -> None:
    """What was asked about these records before they were linked belongs to the link from now on."""
    owners = {Reference(link.stream, end.side, end.record_id): link.id for link in made for end in link.ends.values()}
    asked: set[Reference] = set()
    for (stream, side), records in by_side(owners).items():
        for chunk in chunks(records):
            where = {"conn": name, "of_stream": stream, "of_side": side, "records": chunk}
            asked |= {
                Reference(stream, side, found) for found in connection.execute(_UNLINKED_ATTENTION, where).scalars()
            }
    if asked:
        connection.execute(
            _ADOPT_ATTENTION,
            [
                {
                    "conn": name,
                    "of_stream": end.stream,
                    "of_side": end.side,
                    "of_record": end.record_id,
                    "link": owners[end],
                }
                for end in sorted(asked)
            ],
        )


def _problems(connection: Connection, name: str, drafts: Sequence[LinkDraft]) -> list[Busy | Fenced | None]:
    versions: dict[int, int] = {}
    for chunk in chunks(draft.id for draft in drafts if draft.id is not None):
        versions.update({row.id: row.version for row in connection.execute(_VERSIONS, {"ids": chunk})})
    owners: dict[Reference, int | None] = dict(
        link_ids_by_end(connection, name, (end for draft in drafts for end in _ends(draft)))
    )
    problems: list[Busy | Fenced | None] = []
    for draft in drafts:
        if draft.id is not None and versions.get(draft.id) != draft.version:
            problems.append(Fenced())
        elif any(end in owners and (owners[end] is None or owners[end] != draft.id) for end in _ends(draft)):
            problems.append(Busy())
        else:
            problems.append(None)
            # Later drafts of the same call find the ends taken and the version moved on.
            owners.update(dict.fromkeys(_ends(draft), draft.id))
            if draft.id is not None:
                versions[draft.id] = draft.version + 1
    return problems


def _ends(draft: LinkDraft) -> list[Reference]:
    return [Reference(draft.stream, side, end.record_id) for side, end in draft.ends.items()]


def _link(draft: LinkDraft, link_id: int) -> Link:
    ends = {side: End(side, end.record_id, end.shadow) for side, end in draft.ends.items()}
    version = 0 if draft.id is None else draft.version + 1
    return Link(link_id, draft.stream, draft.state, ends, version, draft.pinned)


def _make(
    connection: Connection, name: str, drafts: Sequence[tuple[LinkDraft, str | None]], now: datetime
) -> list[int]:
    rows: list[Mapping[str, Any]] = [
        {
            "connection": name,
            "stream": draft.stream,
            "state": draft.state,
            "version": 0,
            "pinned": dict(draft.pinned),
            "run_id": run_id,
            "created_at": now,
            "updated_at": now,
        }
        for draft, run_id in drafts
    ]
    return insert_rows(connection, links, rows)


def _move(connection: Connection, drafts: Sequence[LinkDraft], now: datetime) -> None:
    rows = [
        {
            "link": draft.id,
            "new_state": draft.state,
            "new_version": draft.version + 1,
            "new_pinned": dict(draft.pinned),
            "now": now,
        }
        for draft in drafts
    ]
    if rows:
        connection.execute(_MOVE, rows)
    for chunk in chunks(draft.id for draft in drafts):
        connection.execute(_DROP_ENDS, {"ids": chunk})


def _put_ends(connection: Connection, name: str, saved: Sequence[Link]) -> None:
    rows = [
        {
            "link_id": link.id,
            "side": end.side,
            "connection": name,
            "stream": link.stream,
            "record_id": end.record_id,
            "values": end.shadow.values,
            "sent": end.shadow.sent,
            "remote_updated_at": end.shadow.updated_at,
            "mapping_version": end.shadow.version,
            "own_at": end.shadow.own_at,
        }
        for link in saved
        for end in link.ends.values()
    ]
    if rows:
        connection.execute(_PUT_ENDS, rows)
