"""Tombstones: hashes of the records of people who were forgotten, so that nothing they said is stored again.

A hash is made of the record's id alone, which says nothing about the person; nobody's address is kept in any form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from bridge.store.sql import among, chunks
from bridge.store.tables import tombstones

_KNOWN = select(tombstones.c.hash).where(among(tombstones.c.hash, "hashes"))


def tombstone(connection: str, name: str, record_id: str) -> str:
    """``name`` is the stream or the remote object: a listing knows the one, a webhook the other."""
    return hashlib.sha256(f"{connection}\n{name}\n{record_id}".encode("utf-8", "replace")).hexdigest()


def bury(transaction: Connection, hashes: Iterable[str], now: datetime) -> None:
    dialect = postgresql if transaction.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(tombstones).on_conflict_do_nothing()
    rows = [{"hash": one, "created_at": now} for one in sorted(set(hashes))]
    if rows:
        transaction.execute(statement, rows)


def buried(transaction: Connection, hashes: Collection[str]) -> set[str]:
    """Those of ``hashes`` that are tombstones."""
    return {one for chunk in chunks(hashes) for one in transaction.execute(_KNOWN, {"hashes": chunk}).scalars()}
