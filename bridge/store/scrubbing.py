"""Erasing every mention of a text, wherever it stands: a person's address also turns up in other records."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Text,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)

from bridge.core.records import ABSENT, Link, Reference, Value
from bridge.store.linking import links_by_id
from bridge.store.sql import chunks
from bridge.store.tables import (
    attention,
    changes,
    history,
    inbox,
    intents,
    link_ends,
    run_items,
    runs,
    scan_keys,
    scan_rows,
)
from bridge.store.types import dump_step, load_step


def says(transaction: Connection, column: Column[Any], text: str) -> ColumnElement[bool]:
    """Whether a column holds ``text``, whatever its capitals. Written for columns that keep JSON, words or bytes."""
    readable: ColumnElement[Any]
    if isinstance(column.type, LargeBinary) and transaction.dialect.name == "postgresql":
        readable = func.encode(column, "escape")
    else:
        readable = cast(column, Text)
    return func.lower(readable).contains(text.casefold(), autoescape=True)


def mentioned(value: Value, text: str) -> bool:
    match value:
        case str():
            return text.casefold() in value.casefold()
        case list():
            return any(mentioned(each, text) for each in value)
        case dict():
            return any(mentioned(key, text) or mentioned(each, text) for key, each in value.items())
    return False


def links_mentioning(transaction: Connection, connection: str, text: str) -> list[Link]:
    query = select(link_ends.c.link_id).where(
        link_ends.c.connection == connection, says(transaction, link_ends.c["values"], text)
    )
    return list(links_by_id(transaction, set(transaction.execute(query).scalars())).values())


def scrub(transaction: Connection, connection: str, text: str) -> dict[str, int]:
    """Take every mention out of this connection's rows; answers rows touched by table."""
    touched = {"link_ends": _ends(transaction, connection, text)}
    of_connection = select(runs.c.id).where(runs.c.connection == connection)
    for column in (history.c.old, history.c.new):
        where = (history.c.connection == connection, says(transaction, column, text))
        found = transaction.execute(update(history).where(*where).values({column.name: ABSENT}))
        touched["history"] = touched.get("history", 0) + found.rowcount
    asked = or_(*(says(transaction, attention.c[name], text) for name in ("values", "detail", "decision")))
    planned = or_(*(says(transaction, run_items.c[name], text) for name in ("detail", "seed", "result")))
    listed = says(transaction, scan_rows.c.raw, text)
    statements: dict[str, Any] = {
        "attention": delete(attention).where(attention.c.connection == connection, asked),
        "inbox": update(inbox)
        .where(inbox.c.connection == connection, says(transaction, inbox.c.body, text))
        .values(body=b""),
        "changes": update(changes)
        .where(changes.c.connection == connection, says(transaction, changes.c.detail, text))
        .values(detail=""),
        "runs": update(runs)
        .where(runs.c.connection == connection, says(transaction, runs.c.error, text))
        .values(error=""),
        "run_items": update(run_items)
        .where(run_items.c.run_id.in_(of_connection), planned)
        .values({"detail": None, "seed": None, "result": ""}),
        "scan_rows": delete(scan_rows).where(scan_rows.c.run_id.in_(of_connection), listed),
        "scan_keys": delete(scan_keys).where(
            scan_keys.c.run_id.in_(of_connection), says(transaction, scan_keys.c.value, text)
        ),
    }
    for table, statement in statements.items():
        touched[table] = transaction.execute(statement).rowcount
    ids = transaction.execute(
        select(intents.c.id).where(intents.c.connection == connection, says(transaction, intents.c.step, text))
    )
    touched["intents"] = empty_intents(transaction, ids.scalars().all())
    return touched


def _ends(transaction: Connection, connection: str, text: str) -> int:
    """Values of other people's records: each value that holds the text becomes unknown, the others stay."""
    query = select(link_ends.c.link_id, link_ends.c.side, link_ends.c["values"]).where(
        link_ends.c.connection == connection, says(transaction, link_ends.c["values"], text)
    )
    rows = transaction.execute(query).all()
    for link_id, side, values in rows:
        kept = {key: ABSENT if mentioned(value, text) else value for key, value in values.items()}
        transaction.execute(
            update(link_ends).where(link_ends.c.link_id == link_id, link_ends.c.side == side).values({"values": kept})
        )
    return len(rows)


def empty_intents(transaction: Connection, ids: Sequence[int] | Collection[int]) -> int:
    """Take the payload out; that something was sent, and where, stays."""
    for chunk in chunks(ids):
        for row in transaction.execute(select(intents.c.id, intents.c.step).where(intents.c.id.in_(chunk))).all():
            step = load_step(row.step)
            bare = type(step)(step.system, step.object, step.verb, step.record_id, {}, {}, step.calls)
            transaction.execute(update(intents).where(intents.c.id == row.id).values(step=dump_step(bare)))
    return len(ids)


def referenced(links: Collection[Link]) -> set[Reference]:
    return {Reference(link.stream, end.side, end.record_id) for link in links for end in link.ends.values()}
