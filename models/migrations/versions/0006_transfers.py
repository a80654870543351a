"""Transfers as jobs: their order, checks, sealed content and what was confirmed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BEFORE = ("DEFINED", "AUTHENTICATED", "SENT", "ACKED", "REJECTED", "PRINTED", "HANDED_OVER")
AFTER = (
    "DEFINED",
    "CHECKED",
    "FAILED",
    "RELEASED",
    "AUTHENTICATED",
    "SENT",
    "ACKED",
    "REJECTED",
    "PRINTED",
    "HANDED_OVER",
    "EXPIRED",
    "WITHDRAWN",
)


def _text(length: int | None = None) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40)


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    with op.batch_alter_table("transfer_definition") as batch:
        batch.add_column(sa.Column("release_role", _text(), server_default="collection-director"))
        batch.add_column(
            sa.Column("hours_to_fetch", sa.Integer(), nullable=False, server_default="24")
        )
        batch.create_foreign_key(
            "transfer_definition_release_role", "role", ["release_role"], ["code"]
        )
    with op.batch_alter_table("transfer") as batch:
        batch.alter_column(
            "state",
            existing_type=_words("transferstate", *BEFORE),
            type_=_words("transferstate", *AFTER),
            existing_nullable=False,
        )
        batch.add_column(sa.Column("code", _text(100), nullable=True))
        batch.add_column(sa.Column("client_id", _text(57)))
        batch.add_column(
            sa.Column(
                "means",
                _words("transfermeans", "LINKAGE", "PAPER"),
                nullable=False,
                server_default="LINKAGE",
            )
        )
        batch.add_column(
            sa.Column(
                "extent",
                _words("transferextent", "FULL", "CHANGED"),
                nullable=False,
                server_default="FULL",
            )
        )
        for name in ("prepared_by", "released_by", "received_by", "ndjson_digest", "csv_digest"):
            batch.add_column(sa.Column(name, _text(64)))
        batch.add_column(sa.Column("plan_digest", _text(64)))
        for name in ("prepared_at", "released_at", "expires_at", "ended_at", "claimed_at"):
            batch.add_column(sa.Column(name, instant))
        for name in ("levy_count", "covered_count", "held_back_count"):
            batch.add_column(sa.Column(name, sa.Integer()))
        for name in ("ndjson_size", "csv_size"):
            batch.add_column(sa.Column(name, sa.BigInteger()))
        batch.add_column(
            sa.Column(
                "reject_reason",
                _words("rejectreason", "DAMAGED", "COUNTS_DIFFER", "NOT_EXPECTED", "OTHER"),
            )
        )
        batch.create_foreign_key("transfer_client", "client", ["client_id"], ["id"])
    op.execute("UPDATE transfer SET code = definition_code || '-' || CAST(id AS VARCHAR(20))")
    with op.batch_alter_table("transfer") as batch:
        batch.alter_column("code", existing_type=_text(100), nullable=False)
        batch.create_unique_constraint("transfer_code", ["code"])
    op.create_table(
        "transfer_check",
        sa.Column("id", _key(), nullable=False),
        sa.Column("transfer_id", _key(), nullable=False),
        sa.Column("definition_code", _text(60), nullable=False),
        sa.Column(
            "name",
            _words("checkname", "POPULATION", "TOTALS", "CODES", "WITHHELD"),
            nullable=False,
        ),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("reason", _text(), nullable=True),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_transfer_check_transfer_id", "transfer_check", ["transfer_id"])
    op.create_table(
        "transfer_chunk",
        sa.Column("transfer_id", _key(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("ndjson_size", sa.Integer(), nullable=False),
        sa.Column("csv_size", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"]),
        sa.PrimaryKeyConstraint("transfer_id", "number"),
    )
    op.create_table(
        "transfer_sent",
        sa.Column("client_id", _text(57), nullable=False),
        sa.Column("addressee_code", _text(15), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"]),
        sa.PrimaryKeyConstraint("client_id", "addressee_code"),
    )


def downgrade() -> None:
    for table in ("transfer_sent", "transfer_chunk", "transfer_check"):
        op.drop_table(table)
