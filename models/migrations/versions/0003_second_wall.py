"""Budgets of distinct persons per hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.tables.lookup_budget import first_budgets

revision = "0003"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    words = [
        sa.Column(
            name, sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        )
        for name in ("role", "purpose", "sensitivity")
    ]
    table = op.create_table(
        "harvest_budget",
        *words,
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.Column(
            "why", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.PrimaryKeyConstraint("role", "purpose", "sensitivity"),
    )
    op.bulk_insert(table, list(first_budgets()))


def downgrade() -> None:
    op.drop_table("harvest_budget")
