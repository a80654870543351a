"""A client's actor id has up to 64 characters: who fetched a transfer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _change(40, 64)


def downgrade() -> None:
    _change(64, 40)


def _change(before: int, after: int) -> None:
    # SQLite asks for no length, and could only copy the table, on which others depend.
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column(
            "transfer",
            "transferred_by",
            existing_type=sa.String(before, collation="C"),
            type_=sa.String(after, collation="C"),
            existing_nullable=True,
        )
