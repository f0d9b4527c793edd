"""``bridge.core.effects`` operations against the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, assert_never

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.exc import DBAPIError

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
    """Carry out ``operations`` in order; one that fails unexpectedly is undone alone and answers its exception."""
    answers: list[Answer] = []
    for operation in operations:
        savepoint = connection.begin_nested()
        try:
            answer = _carry_out(connection, operation, brake, now)
        except Exception as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            savepoint.rollback()
            answers.append(error)
        else:
            savepoint.commit()
            answers.append(answer)
    return answers


def _carry_out(connection: Connection, operation: Operation, brake: Brake, now: datetime) -> Answer:
    match operation:
        case Finish():
            return finish(connection, operation, now)
        case Declare():
            return declare(connection, operation, brake, now)
        case Extend():
            return _extend(connection, operation, now)
        case Advance():
            return advance(connection, operation, now)
        case Resolve() | Siblings() | OpenCreates():
            return look(connection, operation, now)
        case _:
            assert_never(operation)


def look(connection: Connection, question: Question, now: datetime) -> Answer:
    """Answer an operation that writes nothing."""
    match question:
        case Resolve():
            return links_by_end(connection, question.connection, question.references)
        case Siblings():
            return siblings(connection, question)
        case OpenCreates():
            return open_creates(connection, question, now)


_CHANGE_IDS = select(changes.c.id).where(
    changes.c.connection == bindparam("conn"),
    changes.c.stream == bindparam("stream"),
    changes.c.side == bindparam("side"),
    changes.c.record_id == bindparam("record"),
)


def _extend(connection: Connection, operation: Extend, now: datetime) -> Extended | Busy | Fenced:
    claim = operation.claim
    name = claim.change.connection
    if not leasing.owns(connection, claim.token):
        return Fenced()
    if not leasing.extend(connection, name, claim.token, operation.keys, now, claim.lease_until):
        return Busy()
    if not operation.ends:
        return Extended()
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
