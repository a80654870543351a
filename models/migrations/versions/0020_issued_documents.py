"""What was issued about whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0007"
branch_labels = None
depends_on = None

DOCUMENTS = (
    "TAX_CERTIFICATE", "PAYMENT_SLIP", "REMINDER", "DEMAND", "DISPOSITION_NOTICE", "GRACE_NOTICE",
    "REFUND_NOTICE", "PUBLIC_NOTICE", "DISCLOSURE", "ANSWER", "OTHER",
)  # fmt: skip
PATHS = ("MAIL", "COUNTER", "TELEPHONE", "FILE")


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "issued_document",
        sa.Column("id", key, nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("addressee_code", _text(15), nullable=False),
        sa.Column("document", _words("documentkind", DOCUMENTS), nullable=False),
        sa.Column("path", _words("issuingpath", PATHS), nullable=False),
        sa.Column("staff_id", _text(64), nullable=False),
        sa.Column("session", _text(64), nullable=False),
        sa.Column("purpose", _text(64), nullable=False),
        sa.Column("case_reference", _text(64), nullable=True),
        sa.Column("lift_id", key, nullable=True),
        sa.ForeignKeyConstraint(["addressee_code"], ["addressee.code"]),
        sa.ForeignKeyConstraint(["lift_id"], ["lift.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("issued_document", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_issued_document_addressee_code"), ["addressee_code"], unique=False
        )


def downgrade() -> None:
    op.drop_table("issued_document")


def _text(length: int) -> sa.types.TypeEngine[str]:
    text = sa.String(length=length)
    return text.with_variant(sa.String(length=length, collation="C"), "postgresql")


def _words(name: str, words: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40)
