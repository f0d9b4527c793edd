"""``bridge.core.effects`` operations against the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, assert_never

from sqlalchemy import Connection, bindparam, select

from bridge.core.effects import (
    Advance,
    Busy,
    Declare,
    Declared,
    Extend,
    Extended,
    Fenced,
    Finish,
    Finished,
    Held,
    OpenCreates,
    Operation,
    Question,
    Resolve,
    Siblings,
)
from bridge.core.records import Intent, Link, Reference
from bridge.store import leasing
from bridge.store.declaring import Brake, declare
from bridge.store.finishing import advance, finish
from bridge.store.linking import links_by_end, siblings
from bridge.store.remembered import decisions, open_creates, open_fields, remember
from bridge.store.tables import changes

Answer: TypeAlias = (
    Extended
    | Mapping[Reference, Link]
    | tuple[str, ...]
    | tuple[Intent, ...]
    | Declared
    | Held
    | Link
    | Finished
    | Busy
    | Fenced
    | Exception
    | None
)


def apply(connection: Connection, operations: Sequence[Operation], brake: Brake, now: datetime) -> list[Answer]:
    """Carry out ``operations``, those of one claim in order. What goes wrong with one spoils the transaction.

    Those of different claims owe each other no order, so what is alike is done together: a statement for a group costs
    little more than one for a single operation.
    """
    answers: dict[int, Answer] = {}
    for places in _rounds(operations):
        for alike in _alike(places, operations).values():
            told = _carry_out(connection, [operations[place] for place in alike], brake, now)
            answers.update(zip(alike, told, strict=True))
    return [answers[place] for place in range(len(operations))]


def _rounds(operations: Sequence[Operation]) -> Iterator[list[int]]:
    """Places of operations, none of a round belonging to the same claim."""
    places: list[int] = []
    tokens: set[int] = set()
    for place, operation in enumerate(operations):
        if not isinstance(operation, Question):
            if operation.claim.token in tokens:
                yield places
                places, tokens = [], set()
            tokens.add(operation.claim.token)
        places.append(place)
    yield places


def _alike(places: Iterable[int], operations: Sequence[Operation]) -> dict[tuple[type, str], list[int]]:
    groups: dict[tuple[type, str], list[int]] = defaultdict(list)
    for place in places:
        operation = operations[place]
        name = operation.connection if isinstance(operation, Question) else operation.claim.change.connection
        groups[type(operation), name].append(place)
    return groups


def _carry_out(connection: Connection, operations: Sequence[Any], brake: Brake, now: datetime) -> list[Answer]:
    first: Operation = operations[0]
    match first:
        case Finish():
            return [*finish(connection, operations, now)]
        case Declare():
            return [*declare(connection, operations, brake, now)]
        case Extend():
            return _extend(connection, operations, now)
        case Advance():
            return [*advance(connection, operations, now)]
        case Resolve():
            return [*_resolve(connection, operations)]
        case Siblings():
            return [siblings(connection, each) for each in operations]
        case OpenCreates():
            told = {asked: open_creates(connection, asked, now) for asked in set(operations)}
            return [told[each] for each in operations]
        case _:
            assert_never(first)


def _resolve(connection: Connection, operations: Sequence[Resolve]) -> list[Mapping[Reference, Link]]:
    asked = {reference for operation in operations for reference in operation.references}
    found = links_by_end(connection, operations[0].connection, asked)
    return [{each: found[each] for each in operation.references & found.keys()} for operation in operations]


_CHANGE_IDS = select(changes.c.id).where(
    changes.c.connection == bindparam("conn"),
    changes.c.stream == bindparam("stream"),
    changes.c.side == bindparam("side"),
    changes.c.record_id == bindparam("record"),
)


def _extend(connection: Connection, operations: Sequence[Extend], now: datetime) -> list[Answer]:
    name = operations[0].claim.change.connection
    wishes = [leasing.Wish(each.claim.token, each.keys, each.claim.lease_until) for each in operations]
    answers: list[Answer] = []
    for operation, extended in zip(operations, leasing.extend(connection, name, wishes, now), strict=True):
        if extended is None:
            answers.append(Fenced())
        else:
            answers.append(_shown(connection, operation, now) if extended else Busy())
    return answers


def _shown(connection: Connection, operation: Extend, now: datetime) -> Extended:
    """What is known about the ends that were asked about."""
    if not operation.ends:
        return Extended()
    name = operation.claim.change.connection
    links = {link.id: link for link in links_by_end(connection, name, operation.ends).values()}
    ids = set(links)
    hinted = {
        change
        for end in operation.ends
        for change in connection.execute(
            _CHANGE_IDS, {"conn": name, "stream": end.stream, "side": end.side, "record": end.record_id}
        ).scalars()
    }
    known = remember(connection, name, links=ids, changes=hinted, records=operation.ends, now=now)
    rows = known.attention(ids, operation.ends)
    return Extended(
        tuple(links[key] for key in sorted(ids)), known.intents(ids, hinted), decisions(rows), open_fields(rows)
    )
