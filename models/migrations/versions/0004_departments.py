"""Other offices' clients and their credentials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0001"
branch_labels = None
depends_on = None


def _text(length: int | None = None) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "client",
        sa.Column("id", _text(57), nullable=False),
        sa.Column("definition_code", _text(60), nullable=False),
        sa.Column("purpose", _text(), nullable=False),
        sa.Column("scopes", _text(), nullable=False),
        sa.Column("items", _text(), nullable=True),
        sa.Column("networks", _text(), nullable=False),
        sa.Column(
            "authentication",
            _words(
                "clientauthentication",
                "private_key_jwt",
                "client_secret_jwt",
                "client_secret_basic",
            ),
            nullable=False,
        ),
        sa.Column("binding", _words("tokenbinding", "dpop", "mtls"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column(
            "state", _words("clientstate", "PROPOSED", "ACTIVE", "SUSPENDED"), nullable=False
        ),
        sa.Column("proposed_by", _text(64), nullable=False),
        sa.Column("tokens_revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["definition_code"], ["transfer_definition.code"]),
        sa.ForeignKeyConstraint(["purpose"], ["purpose.code"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_client_definition_code", "client", ["definition_code"])
    op.create_table(
        "client_credential",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("client_id", _text(57), nullable=False),
        sa.Column("kind", _words("credentialkind", "SECRET", "JWK", "CERTIFICATE"), nullable=False),
        sa.Column("value", _text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_client_credential_client_id", "client_credential", ["client_id"])


def downgrade() -> None:
    op.drop_table("client_credential")
    op.drop_table("client")
