"""The middle and the last commit of reconciles: of many at once, each fenced by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, bindparam, insert, null, update

from bridge.core.effects import Advance, Busy, Claim, Done, Fenced, Finish, Finished, Park
from bridge.core.records import Link, Reference
from bridge.store import holds, leasing
from bridge.store.hinting import put_hints
from bridge.store.items import Planned, planned
from bridge.store.linking import links_by_end
from bridge.store.noticing import asked_about, settle_notices
from bridge.store.resting import Ending, rest, rows_to_rest, tell_children
from bridge.store.rows import Hint
from bridge.store.saving import adopt_attention, save_links
from bridge.store.tables import history, intents

Saved: TypeAlias = Link | Busy | Fenced | None
"""What became of the link: as it is now, or why nothing may be committed."""

_ANSWER = (
    update(intents)
    .where(intents.c.id == bindparam("intent"))
    .values(state=bindparam("new_state"), answered_at=bindparam("now"))
)
_ADOPT_INTENTS = (
    update(intents)
    .where(intents.c.change_id == bindparam("change"), intents.c.link_id.is_(null()))
    .values(link_id=bindparam("link"))
)
_INSERT_HISTORY = insert(history)


def advance(connection: Connection, operations: Sequence[Advance], now: datetime) -> list[Saved]:
    """``operations`` of different claims of one connection."""
    items = _items(connection, operations)
    saved = _save(connection, operations, items, now)
    _note(connection, _passed(operations, saved), items, now)
    return saved


def finish(connection: Connection, operations: Sequence[Finish], now: datetime) -> list[Finished | Busy | Fenced]:
    """``operations`` of different claims of one connection."""
    items = _items(connection, operations)
    saved = _save(connection, operations, items, now)
    passed = _passed(operations, saved)
    _note(connection, passed, items, now)
    rows = rows_to_rest(connection, [operation.claim.change.id for operation, _ in passed])
    endings = [Ending(operation, link, rows.get(operation.claim.change.id)) for operation, link in passed]
    for ending, asked in zip(endings, asked_about(connection, passed), strict=True):
        if asked:
            settle_notices(connection, ending.operation, ending.link, not ending.moved, now)
    rest(connection, endings, items, now)
    for operation, _ in passed:
        if any(cause.startswith(holds.BRAKE) for cause in operation.claim.open_fields.values()):
            _withdraw(connection, operation, now)
    tell_children(connection, endings, now)
    for operation, _ in passed:
        if operation.also:
            change = operation.claim.change
            hints = {Hint(ref.stream, ref.side, ref.record_id): None for ref in operation.also}
            put_hints(connection, change.connection, hints, lane=change.lane, due_at=now, now=now)
    leasing.release(connection, [operation.claim.token for operation, _ in passed])
    return [link if isinstance(link, Busy | Fenced) else Finished(link) for link in saved]


def _passed(operations: Sequence[Any], saved: Sequence[Saved]) -> list[tuple[Any, Link | None]]:
    """Those that may be committed, with their links."""
    return [
        (operation, link)
        for operation, link in zip(operations, saved, strict=True)
        if not isinstance(link, Busy | Fenced)
    ]


def _items(connection: Connection, operations: Iterable[Advance | Finish]) -> dict[int, Planned]:
    return planned(connection, {item for each in operations if (item := each.claim.change.item) is not None})


def _withdraw(connection: Connection, operation: Finish, now: datetime) -> None:
    """What the brake held is no more wanted: the deleted record is back, the edit was taken back."""
    if isinstance(operation.outcome, Done | Park):
        causes = (notice.cause for notice in operation.notices)
        keep = frozenset(cause.removeprefix(holds.BRAKE) for cause in causes if cause.startswith(holds.BRAKE))
        holds.withdraw(connection, operation.claim.change.id, keep, now)


def _save(
    connection: Connection, operations: Sequence[Advance | Finish], items: Mapping[int, Planned], now: datetime
) -> list[Saved]:
    """What each one's link is after the commit: as drafted, or as it is."""
    name = operations[0].claim.change.connection
    fenced = _fence(connection, operations)
    drafted = [
        (place, operation, operation.link)
        for place, operation in enumerate(operations)
        if operation.link is not None and fenced[place] is None
    ]
    own = [_own(operation.claim) for operation in operations]
    kept = {own[place] for place, operation in enumerate(operations) if operation.link is None}
    found = links_by_end(connection, name, kept)
    answers = [
        fenced[place] or (found.get(own[place]) if operation.link is None else None)
        for place, operation in enumerate(operations)
    ]
    runs = [_run_of(operation.claim, items) for _, operation, _ in drafted]
    saved = save_links(connection, name, [draft for _, _, draft in drafted], now, runs)
    made: list[Link] = []
    adopted = []
    for (place, operation, _), link in zip(drafted, saved, strict=True):
        answers[place] = link
        if isinstance(link, Link) and operation.claim.link is None:
            made.append(link)
            adopted.append({"change": operation.claim.change.id, "link": link.id})
    if adopted:
        connection.execute(_ADOPT_INTENTS, adopted)
        adopt_attention(connection, name, made)
    return answers


def _fence(connection: Connection, operations: Sequence[Advance | Finish]) -> list[Saved]:
    owned = leasing.owned(connection, [operation.claim.token for operation in operations])
    return [None if operation.claim.token in owned else Fenced() for operation in operations]


def _own(claim: Claim) -> Reference:
    return Reference(claim.change.stream, claim.change.side, claim.change.record_id)


def _run_of(claim: Claim, items: Mapping[int, Planned]) -> str | None:
    item = claim.change.item
    return items[item].run if item is not None and item in items else None


def _note(
    connection: Connection,
    passed: Sequence[tuple[Advance | Finish, Link | None]],
    items: Mapping[int, Planned],
    now: datetime,
) -> None:
    answers = [
        {"intent": key, "new_state": state, "now": now}
        for operation, _ in passed
        for key, state in operation.intents.items()
    ]
    if answers:
        connection.execute(_ANSWER, answers)
    lines = [line for operation, link in passed for line in _history(operation, link, items, now)]
    if lines:
        connection.execute(_INSERT_HISTORY, lines)


def _history(
    operation: Advance | Finish, link: Link | None, items: Mapping[int, Planned], now: datetime
) -> list[dict[str, Any]]:
    claim = operation.claim
    run = _run_of(claim, items)
    intent = next(iter(operation.intents)) if len(operation.intents) == 1 else None
    rows = []
    for entry in operation.history:
        end = link.end(entry.side) if link else None
        own = claim.change.record_id if entry.side == claim.change.side else ""
        rows.append(
            {
                "connection": claim.change.connection,
                "stream": claim.change.stream,
                "link_id": link.id if link else None,
                "at": now,
                "side": entry.side,
                "record_id": end.record_id if end else own,
                "field": entry.field,
                "old": entry.old,
                "new": entry.new,
                "cause": entry.cause,
                "place": entry.place,
                "mapping_version": end.shadow.version if end else "",
                "run_id": run,
                "change_id": claim.change.id,
                "intent_id": intent,
            }
        )
    return rows
