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
    # No copy of the table: SQLite would lose its AUTOINCREMENT, and the ids of changes that are gone would come again.
    op.add_column("changes", sa.Column("seen", Words))
    op.drop_column("changes", "looked_at")
