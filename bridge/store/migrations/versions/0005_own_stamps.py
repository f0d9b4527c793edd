"""Stamps that our own writes may have made: they prove nothing about a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("link_ends", sa.Column("own_at", sa.DateTime(timezone=True)))
