"""The views of the second wall, anew: with one of the obligations of those who act for somebody."""

from __future__ import annotations

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """`models.store.column_rights` makes the views after every migration."""


def downgrade() -> None:
    """It makes those of its own version."""
