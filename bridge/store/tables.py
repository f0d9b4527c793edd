"""The tables. Only ``bridge.store`` imports this; the words are DESIGN §2's.

The migrations are written by hand beside this; a test compares both on SQLite and PostgreSQL.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from bridge.store.types import JsonText, NamesText, UtcTime, ValuesText, ValueText, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BigId = BigInteger().with_variant(Integer, "sqlite")
"""Only a column of type INTEGER is SQLite's row id."""


def _id() -> Column[int]:
    return Column("id", BigId, primary_key=True, autoincrement=True)


connections = Table(
    "connections",
    metadata,
    Column("name", Words, primary_key=True),
    Column("mode", Words, nullable=False),
    Column("mode_before", Words),
    Column("pause_cause", Words, nullable=False),
    Column("pause_detail", Words, nullable=False),
    Column("paused_until", UtcTime),
    Column("created_at", UtcTime, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    _id(),
    Column("connection", Words, nullable=False),
    Column("event_id", Words),
    Column("type", Words, nullable=False),
    Column("object", Words, nullable=False),
    Column("record_id", Words, nullable=False),
    Column("occurred_at", UtcTime),
    Column("received_at", UtcTime, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hints", JsonText, nullable=False),
    Column("state", Words, nullable=False),
    UniqueConstraint("connection", "event_id"),
    Index("ix_inbox_record", "connection", "object", "record_id"),
    Index("ix_inbox_received", "received_at"),
    sqlite_autoincrement=True,
)

changes = Table(
    "changes",
    metadata,
    _id(),
    Column("connection", Words, nullable=False),
    Column("stream", Words, nullable=False),
    Column("side", Words, nullable=False),
    Column("record_id", Words, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("leased_generation", Integer),
    Column("state", Words, nullable=False),
    Column("lane", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("cause", Words, nullable=False),
    Column("detail", Words, nullable=False),
    Column("waits_stream", Words),
    Column("waits_side", Words),
    Column("waits_record_id", Words),
    Column("item_id", BigId),
    Column("looked_again", Boolean, nullable=False),
    Column("token", BigId),
    Column("lease_until", UtcTime),
    Column("seen", Words),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("connection", "stream", "side", "record_id"),
    Index("ix_changes_due", "connection", "state", "lane", "due_at", "id"),
    Index("ix_changes_leases", "state", "lease_until"),
    Index(
        "ix_changes_waits",
        "connection",
        "waits_stream",
        "waits_side",
        "waits_record_id",
        sqlite_where=text("waits_record_id IS NOT NULL"),
        postgresql_where=text("waits_record_id IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

leases = Table(
    "leases",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("token", BigId, nullable=False, index=True),
    Column("expires_at", UtcTime, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", Words, primary_key=True),
    Column("last", BigId, nullable=False),
)

links = Table(
    "links",
    metadata,
    _id(),
    Column("connection", Words, nullable=False),
    Column("stream", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("version", Integer, nullable=False),
    Column("pinned", JsonText, nullable=False),
    Column("run_id", Words, index=True),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index("ix_links_stream", "connection", "stream", "state", "id"),
    sqlite_autoincrement=True,
)

link_ends = Table(
    "link_ends",
    metadata,
    Column("link_id", BigId, ForeignKey("links.id", ondelete="CASCADE"), primary_key=True),
    Column("side", Words, primary_key=True),
    Column("connection", Words, nullable=False),
    Column("stream", Words, nullable=False),
    Column("record_id", Words, nullable=False),
    Column("values", ValuesText, nullable=False),
    Column("sent", NamesText, nullable=False),
    Column("remote_updated_at", UtcTime),
    Column("mapping_version", Words, nullable=False),
    Column("own_at", UtcTime),
    UniqueConstraint("connection", "stream", "side", "record_id"),
)

intents = Table(
    "intents",
    metadata,
    _id(),
    Column("connection", Words, nullable=False),
    Column("stream", Words, nullable=False),
    Column("link_id", BigId, index=True),
    Column("change_id", BigId, nullable=False, index=True),
    Column("side", Words, nullable=False),
    Column("record_id", Words),
    Column("step", JsonText, nullable=False),
    Column("classes", Words, nullable=False),
    Column("token", BigId, nullable=False),
    Column("snapshot", JsonText, nullable=False),
    Column("state", Words, nullable=False),
    Column("run_item_id", BigId),
    Column("created_at", UtcTime, nullable=False),
    Column("answered_at", UtcTime),
    Index("ix_intents_state", "connection", "state", "created_at"),
    sqlite_autoincrement=True,
)

brake_counts = Table(
    "brake_counts",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("stream", Words, primary_key=True),
    Column("klass", Words, primary_key=True),
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("steps", Integer, nullable=False),
)

attention = Table(
    "attention",
    metadata,
    _id(),
    Column("connection", Words, nullable=False),
    Column("stream", Words, nullable=False),
    Column("side", Words, nullable=False),
    Column("record_id", Words, nullable=False),
    Column("link_id", BigId, index=True),
    Column("change_id", BigId),
    Column("field", Words, nullable=False),
    Column("cause", Words, nullable=False),
    Column("detail", Words, nullable=False),
    Column("values", ValuesText, nullable=False),
    Column("group_key", Words, nullable=False),
    Column("ways", JsonText, nullable=False),
    Column("state", Words, nullable=False),
    Column("decision", JsonText),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index(
        "uq_attention_open",
        "connection",
        "stream",
        "side",
        "record_id",
        "field",
        "cause",
        unique=True,
        sqlite_where=text("state <> 'closed'"),
        postgresql_where=text("state <> 'closed'"),
    ),
    Index("ix_attention_state", "connection", "state", "id"),
    Index("ix_attention_group", "connection", "group_key", "state"),
    sqlite_autoincrement=True,
)

history = Table(
    "history",
    metadata,
    _id(),
    Column("connection", Words, nullable=False),
    Column("stream", Words, nullable=False),
    Column("link_id", BigId, index=True),
    Column("at", UtcTime, nullable=False, index=True),
    Column("side", Words, nullable=False),
    Column("record_id", Words, nullable=False),
    Column("field", Words, nullable=False),
    Column("old", ValueText),
    Column("new", ValueText),
    Column("cause", Words, nullable=False),
    Column("place", Words, nullable=False),
    Column("mapping_version", Words, nullable=False),
    Column("run_id", Words, index=True),
    Column("change_id", BigId),
    Column("intent_id", BigId),
    Index("ix_history_record", "connection", "stream", "side", "record_id"),
    sqlite_autoincrement=True,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("value", JsonText, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)

duties = Table(
    "duties",
    metadata,
    Column("connection", Words, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("owner", Words, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("next_at", UtcTime, nullable=False),
)

holds = Table(
    "holds",
    metadata,
    _id(),
    Column("connection", Words, nullable=False),
    Column("stream", Words, nullable=False),
    Column("klass", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("ceiling", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("decided_at", UtcTime),
    Index(
        "uq_holds_open",
        "connection",
        "stream",
        "klass",
        unique=True,
        sqlite_where=text("state = 'held'"),
        postgresql_where=text("state = 'held'"),
    ),
    sqlite_autoincrement=True,
)

held_changes = Table(
    "held_changes",
    metadata,
    Column("hold_id", BigId, ForeignKey("holds.id", ondelete="CASCADE"), primary_key=True),
    Column("change_id", BigId, primary_key=True),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Words, primary_key=True),
    Column("connection", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("streams", JsonText, nullable=False),
    Column("state", Words, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("counts", JsonText, nullable=False),
    Column("calls", JsonText, nullable=False),
    Column("phase", JsonText),
    Column("eta_seconds", Integer),
    Column("error", Words, nullable=False),
    Column("idempotency_key", Words),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("connection", "idempotency_key"),
    Index("ix_runs_created", "created_at", "id"),
)

run_items = Table(
    "run_items",
    metadata,
    _id(),
    Column("run_id", Words, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("stream", Words, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("action", Words, nullable=False),
    Column("side", Words, nullable=False),
    Column("record_id", Words, nullable=False),
    Column("left_id", Words),
    Column("right_id", Words),
    Column("detail", JsonText),
    Column("seed", JsonText),
    Column("calls", Integer, nullable=False),
    Column("state", Words, nullable=False),
    Column("result", Words, nullable=False),
    Index("ix_run_items_state", "run_id", "stream", "state", "seq"),
    Index("ix_run_items_seq", "run_id", "seq"),
    sqlite_autoincrement=True,
)

scan_rows = Table(
    "scan_rows",
    metadata,
    Column("run_id", Words, primary_key=True),
    Column("stream", Words, primary_key=True),
    Column("side", Words, primary_key=True),
    Column("record_id", Words, primary_key=True),
    Column("raw", JsonText, nullable=False),
    Column("remote_updated_at", UtcTime),
    Column("paired", Boolean, nullable=False),
)

scan_keys = Table(
    "scan_keys",
    metadata,
    Column("run_id", Words, primary_key=True),
    Column("stream", Words, primary_key=True),
    Column("side", Words, primary_key=True),
    Column("kind", Words, primary_key=True),
    Column("value", Words, primary_key=True),
    Column("record_id", Words, primary_key=True),
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("hash", Words, primary_key=True),
    Column("created_at", UtcTime, nullable=False),
)
