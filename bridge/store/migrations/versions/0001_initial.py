"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Time = sa.DateTime(timezone=True)
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _attention()
    _brake_counts()
    _changes()
    _checkpoints()
    _connections()
    _duties()
    _history()
    _holds()
    _inbox()
    _intents()
    _leases()
    _links()
    _mapping_versions()
    _runs()
    _scan_keys()
    _scan_rows()
    _tokens()
    _held_changes()
    _link_ends()
    _run_items()


def downgrade() -> None:
    for name in reversed(
        (
            "attention",
            "brake_counts",
            "changes",
            "checkpoints",
            "connections",
            "duties",
            "history",
            "holds",
            "inbox",
            "intents",
            "leases",
            "links",
            "mapping_versions",
            "runs",
            "scan_keys",
            "scan_rows",
            "tokens",
            "held_changes",
            "link_ends",
            "run_items",
        )
    ):
        op.drop_table(name)


def _attention() -> None:
    op.create_table(
        "attention",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("connection", Words, nullable=False),
        sa.Column("stream", Words, nullable=False),
        sa.Column("side", Words, nullable=False),
        sa.Column("record_id", Words, nullable=False),
        sa.Column("link_id", BigId),
        sa.Column("change_id", BigId),
        sa.Column("field", Words, nullable=False),
        sa.Column("cause", Words, nullable=False),
        sa.Column("detail", Words, nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("group_key", Words, nullable=False),
        sa.Column("ways", sa.Text(), nullable=False),
        sa.Column("state", Words, nullable=False),
        sa.Column("decision", sa.Text()),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attention"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_attention_group", "attention", ["connection", "group_key", "state"], unique=False)
    op.create_index("ix_attention_link_id", "attention", ["link_id"], unique=False)
    op.create_index("ix_attention_state", "attention", ["connection", "state", "id"], unique=False)
    op.create_index(
        "uq_attention_open",
        "attention",
        ["connection", "stream", "side", "record_id", "field", "cause"],
        unique=True,
        sqlite_where=sa.text("state <> 'closed'"),
        postgresql_where=sa.text("state <> 'closed'"),
    )


def _brake_counts() -> None:
    op.create_table(
        "brake_counts",
        sa.Column("connection", Words, nullable=False),
        sa.Column("stream", Words, nullable=False),
        sa.Column("klass", Words, nullable=False),
        sa.Column("minute", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "stream", "klass", "minute", name="pk_brake_counts"),
    )


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("connection", Words, nullable=False),
        sa.Column("stream", Words, nullable=False),
        sa.Column("side", Words, nullable=False),
        sa.Column("record_id", Words, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("leased_generation", sa.Integer()),
        sa.Column("state", Words, nullable=False),
        sa.Column("lane", Words, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", Time, nullable=False),
        sa.Column("cause", Words, nullable=False),
        sa.Column("detail", Words, nullable=False),
        sa.Column("waits_stream", Words),
        sa.Column("waits_side", Words),
        sa.Column("waits_record_id", Words),
        sa.Column("item_id", BigId),
        sa.Column("looked_again", sa.Boolean(), nullable=False),
        sa.Column("token", BigId),
        sa.Column("lease_until", Time),
        sa.Column("looked_at", Time),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
        sa.UniqueConstraint(
            "connection", "stream", "side", "record_id", name="uq_changes_connection_stream_side_record_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_due", "changes", ["connection", "state", "lane", "due_at", "id"], unique=False)
    op.create_index("ix_changes_leases", "changes", ["state", "lease_until"], unique=False)
    op.create_index(
        "ix_changes_waits",
        "changes",
        ["connection", "waits_stream", "waits_side", "waits_record_id"],
        unique=False,
        sqlite_where=sa.text("waits_record_id IS NOT NULL"),
        postgresql_where=sa.text("waits_record_id IS NOT NULL"),
    )


def _checkpoints() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("connection", Words, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("connection", "name", name="pk_checkpoints"),
    )


def _connections() -> None:
    op.create_table(
        "connections",
        sa.Column("name", Words, nullable=False),
        sa.Column("mode", Words, nullable=False),
        sa.Column("mode_before", Words),
        sa.Column("pause_cause", Words, nullable=False),
        sa.Column("pause_detail", Words, nullable=False),
        sa.Column("paused_until", Time),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_connections"),
    )


def _duties() -> None:
    op.create_table(
        "duties",
        sa.Column("connection", Words, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("owner", Words, nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.Column("next_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("connection", "name", name="pk_duties"),
    )


def _history() -> None:
    op.create_table(
        "history",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("connection", Words, nullable=False),
        sa.Column("stream", Words, nullable=False),
        sa.Column("link_id", BigId),
        sa.Column("at", Time, nullable=False),
        sa.Column("side", Words, nullable=False),
        sa.Column("record_id", Words, nullable=False),
        sa.Column("field", Words, nullable=False),
        sa.Column("old", sa.Text()),
        sa.Column("new", sa.Text()),
        sa.Column("cause", Words, nullable=False),
        sa.Column("place", Words, nullable=False),
        sa.Column("mapping_version", Words, nullable=False),
        sa.Column("run_id", Words),
        sa.Column("change_id", BigId),
        sa.Column("intent_id", BigId),
        sa.PrimaryKeyConstraint("id", name="pk_history"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_history_at", "history", ["at"], unique=False)
    op.create_index("ix_history_link_id", "history", ["link_id"], unique=False)
    op.create_index("ix_history_record", "history", ["connection", "stream", "side", "record_id"], unique=False)
    op.create_index("ix_history_run_id", "history", ["run_id"], unique=False)


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("connection", Words, nullable=False),
        sa.Column("stream", Words, nullable=False),
        sa.Column("klass", Words, nullable=False),
        sa.Column("state", Words, nullable=False),
        sa.Column("ceiling", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("decided_at", Time),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_holds_open",
        "holds",
        ["connection", "stream", "klass"],
        unique=True,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("connection", Words, nullable=False),
        sa.Column("event_id", Words),
        sa.Column("type", Words, nullable=False),
        sa.Column("object", Words, nullable=False),
        sa.Column("record_id", Words, nullable=False),
        sa.Column("occurred_at", Time),
        sa.Column("received_at", Time, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("hints", sa.Text(), nullable=False),
        sa.Column("state", Words, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sa.UniqueConstraint("connection", "event_id", name="uq_inbox_connection_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_inbox_received", "inbox", ["received_at"], unique=False)
    op.create_index("ix_inbox_record", "inbox", ["connection", "object", "record_id"], unique=False)


def _intents() -> None:
    op.create_table(
        "intents",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("connection", Words, nullable=False),
        sa.Column("stream", Words, nullable=False),
        sa.Column("link_id", BigId),
        sa.Column("change_id", BigId, nullable=False),
        sa.Column("side", Words, nullable=False),
        sa.Column("record_id", Words),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("classes", Words, nullable=False),
        sa.Column("token", BigId, nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("state", Words, nullable=False),
        sa.Column("run_item_id", BigId),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("answered_at", Time),
        sa.PrimaryKeyConstraint("id", name="pk_intents"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_intents_change_id", "intents", ["change_id"], unique=False)
    op.create_index("ix_intents_link_id", "intents", ["link_id"], unique=False)
    op.create_index("ix_intents_state", "intents", ["connection", "state", "created_at"], unique=False)


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("connection", Words, nullable=False),
        sa.Column("key", Words, nullable=False),
        sa.Column("token", BigId, nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("connection", "key", name="pk_leases"),
    )
    op.create_index("ix_leases_token", "leases", ["token"], unique=False)


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("connection", Words, nullable=False),
        sa.Column("stream", Words, nullable=False),
        sa.Column("state", Words, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("pinned", sa.Text(), nullable=False),
        sa.Column("run_id", Words),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_links_run_id", "links", ["run_id"], unique=False)
    op.create_index("ix_links_stream", "links", ["connection", "stream", "state", "id"], unique=False)


def _mapping_versions() -> None:
    op.create_table(
        "mapping_versions",
        sa.Column("connection", Words, nullable=False),
        sa.Column("stream", Words, nullable=False),
        sa.Column("version", Words, nullable=False),
        sa.Column("source", Words, nullable=False),
        sa.Column("loaded_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("connection", "stream", "version", name="pk_mapping_versions"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", Words, nullable=False),
        sa.Column("connection", Words, nullable=False),
        sa.Column("kind", Words, nullable=False),
        sa.Column("streams", sa.Text(), nullable=False),
        sa.Column("state", Words, nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("calls", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text()),
        sa.Column("eta_seconds", sa.Integer()),
        sa.Column("error", Words, nullable=False),
        sa.Column("idempotency_key", Words),
        sa.Column("started_at", Time),
        sa.Column("finished_at", Time),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("connection", "idempotency_key", name="uq_runs_connection_idempotency_key"),
    )
    op.create_index("ix_runs_created", "runs", ["created_at", "id"], unique=False)


def _scan_keys() -> None:
    op.create_table(
        "scan_keys",
        sa.Column("run_id", Words, nullable=False),
        sa.Column("stream", Words, nullable=False),
        sa.Column("side", Words, nullable=False),
        sa.Column("kind", Words, nullable=False),
        sa.Column("value", Words, nullable=False),
        sa.Column("record_id", Words, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "stream", "side", "kind", "value", "record_id", name="pk_scan_keys"),
    )


def _scan_rows() -> None:
    op.create_table(
        "scan_rows",
        sa.Column("run_id", Words, nullable=False),
        sa.Column("stream", Words, nullable=False),
        sa.Column("side", Words, nullable=False),
        sa.Column("record_id", Words, nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("remote_updated_at", Time),
        sa.Column("paired", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "stream", "side", "record_id", name="pk_scan_rows"),
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("name", Words, nullable=False),
        sa.Column("last", BigId, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_tokens"),
    )


def _held_changes() -> None:
    op.create_table(
        "held_changes",
        sa.Column("hold_id", BigId, nullable=False),
        sa.Column("change_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name="fk_held_changes_hold_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hold_id", "change_id", name="pk_held_changes"),
    )


def _link_ends() -> None:
    op.create_table(
        "link_ends",
        sa.Column("link_id", BigId, nullable=False),
        sa.Column("side", Words, nullable=False),
        sa.Column("connection", Words, nullable=False),
        sa.Column("stream", Words, nullable=False),
        sa.Column("record_id", Words, nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("sent", sa.Text(), nullable=False),
        sa.Column("remote_updated_at", Time),
        sa.Column("mapping_version", Words, nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name="fk_link_ends_link_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("link_id", "side", name="pk_link_ends"),
        sa.UniqueConstraint(
            "connection", "stream", "side", "record_id", name="uq_link_ends_connection_stream_side_record_id"
        ),
    )


def _run_items() -> None:
    op.create_table(
        "run_items",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("run_id", Words, nullable=False),
        sa.Column("stream", Words, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("action", Words, nullable=False),
        sa.Column("side", Words, nullable=False),
        sa.Column("record_id", Words, nullable=False),
        sa.Column("left_id", Words),
        sa.Column("right_id", Words),
        sa.Column("detail", sa.Text()),
        sa.Column("seed", sa.Text()),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("state", Words, nullable=False),
        sa.Column("result", Words, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_items_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_run_items"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_run_items_seq", "run_items", ["run_id", "seq"], unique=False)
    op.create_index("ix_run_items_state", "run_items", ["run_id", "stream", "state", "seq"], unique=False)
