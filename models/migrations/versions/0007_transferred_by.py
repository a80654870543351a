"""A client's actor id has up to 64 characters: who fetched a transfer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _text(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("transfer") as batch:
        batch.alter_column(
            "transferred_by", existing_type=_text(40), type_=_text(64), existing_nullable=True
        )


def downgrade() -> None:
    with op.batch_alter_table("transfer") as batch:
        batch.alter_column(
            "transferred_by", existing_type=_text(64), type_=_text(40), existing_nullable=True
        )
