"""The texts of mappings were never kept here: history names their versions, and the files are the user's to keep."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("mapping_versions")
