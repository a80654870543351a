"""Versions with authors, approvers and seals; drafts; staff proposals; keys of role grants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0002"
branch_labels = None
depends_on = None


def _text(length: int | None = None) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
KINDS = ("ROLE", "REINSTATEMENT", "REVOCATION", "SUSPENSION", "TRANSFER")


def upgrade() -> None:
    _versions()
    _drafts()
    _role_grants()
    _proposals()


def _versions() -> None:
    for name, type_ in (
        ("proposed_by", _text(64)),
        ("approved_by", _text(64)),
        ("approval_reason", _text()),
        ("effective_from", INSTANT),
    ):
        op.add_column("policy_version", sa.Column(name, type_, nullable=True))
    # In words, because Alembic knows no way to add a foreign key on SQLite.
    op.execute(
        "ALTER TABLE policy_version ADD COLUMN based_on INTEGER REFERENCES policy_version (number)"
    )
    op.create_table(
        "policy_seal",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_id", _text(64), nullable=False),
        sa.Column("seal", _text(64), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["policy_version.number"]),
        sa.PrimaryKeyConstraint("version"),
    )


def _drafts() -> None:
    op.create_table(
        "policy_draft",
        sa.Column("id", KEY, nullable=False),
        sa.Column("title", _text(200), nullable=False),
        sa.Column(
            "state",
            _enum("draftstate", "OPEN", "PROPOSED", "ENACTED", "REJECTED", "ABANDONED"),
            nullable=False,
        ),
        sa.Column("based_on", sa.Integer(), nullable=False),
        sa.Column("created_by", _text(64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("edited_at", INSTANT, nullable=False),
        sa.Column("proposed_by", _text(64), nullable=True),
        sa.Column("proposed_at", INSTANT, nullable=True),
        sa.Column("reason", _text(), nullable=True),
        sa.Column("decided_by", _text(64), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decision_reason", _text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["based_on"], ["policy_version.number"]),
        sa.ForeignKeyConstraint(["version"], ["policy_version.number"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "policy_draft_line",
        sa.Column("id", KEY, nullable=False),
        sa.Column("draft_id", KEY, nullable=False),
        sa.Column("role", _text(80), nullable=False),
        sa.Column("purpose", _text(80), nullable=False),
        sa.Column("what", _text(120), nullable=False),
        sa.Column("action", _text(40), nullable=False),
        sa.Column("effect", _text(40), nullable=False),
        sa.Column("note", _text(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["policy_draft.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_policy_draft_line_draft_id", "policy_draft_line", ["draft_id"])


def _role_grants() -> None:
    """A key of one column for each grant, so that it can be pointed at."""
    op.create_table(
        "staff_role_with_key",
        sa.Column("id", KEY, nullable=False),
        sa.Column("staff_id", _text(64), nullable=False),
        sa.Column("role", _text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["role"], ["role.code"]),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("staff_id", "role", name="staff_role_once"),
    )
    op.execute(
        "INSERT INTO staff_role_with_key (staff_id, role, valid_from, valid_until)"
        " SELECT staff_id, role, valid_from, valid_until FROM staff_role ORDER BY staff_id, role"
    )
    op.drop_table("staff_role")
    op.rename_table("staff_role_with_key", "staff_role")


def _proposals() -> None:
    op.create_table(
        "staff_proposal",
        sa.Column("id", KEY, nullable=False),
        sa.Column("staff_id", _text(64), nullable=False),
        sa.Column("kind", _enum("proposalkind", *KINDS), nullable=False),
        sa.Column("role", _text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column(
            "state",
            _enum("proposalstate", "PROPOSED", "APPROVED", "REJECTED", "WITHDRAWN"),
            nullable=False,
        ),
        sa.Column("proposed_by", _text(64), nullable=False),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("reason", _text(), nullable=False),
        sa.Column("decided_by", _text(64), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decision_reason", _text(), nullable=True),
        sa.ForeignKeyConstraint(["role"], ["role.code"]),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_staff_proposal_staff_id", "staff_proposal", ["staff_id"])


def _enum(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40)


def downgrade() -> None:
    raise NotImplementedError("versions are never unmade: restore the database instead")
