"""What was seen of a record without a link, instead of when: clocks differ, and a read may be stale."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("changes") as table:
        table.add_column(sa.Column("seen", Words))
        table.drop_column("looked_at")
