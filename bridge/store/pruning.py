"""Dropping what has grown old."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Delete, delete, select

from bridge.store.database import Database
from bridge.store.tables import attention, inbox, intents, run_items, runs, scan_keys, scan_rows

ENDED = ("done", "cancelled", "failed")


def prune(database: Database, before: datetime) -> dict[str, int]:
    """Answers rows dropped by table."""
    ended = select(runs.c.id).where(runs.c.state.in_(ENDED), runs.c.created_at < before)
    statements: dict[str, Delete] = {
        "inbox": delete(inbox).where(inbox.c.received_at < before),
        "intents": delete(intents).where(intents.c.state != "open", intents.c.created_at < before),
        "attention": delete(attention).where(attention.c.state == "closed", attention.c.updated_at < before),
        "run_items": delete(run_items).where(run_items.c.run_id.in_(ended)),
        "scan_keys": delete(scan_keys).where(scan_keys.c.run_id.in_(ended)),
        "scan_rows": delete(scan_rows).where(scan_rows.c.run_id.in_(ended)),
    }
    dropped = {}
    for table, statement in statements.items():
        # One transaction a table: a long one would keep webhooks waiting.
        with database.write() as transaction:
            dropped[table] = transaction.execute(statement).rowcount
    return dropped
