"""Protective measures and other causes of the obligation, exclusions, lifts, notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0003"
branch_labels = None
depends_on = None

# An obligation whose cause was never written down gets one, or ending another would end it too.
MEASURES = """
    INSERT INTO protective_measure (
        addressee_code, kind, address_withheld, stop_output, deciding_municipality_code, status
    )
    SELECT h.addressee_code, 'UNSPECIFIED', h.address_withheld, h.stop_output, '012068', 'IN_FORCE'
    FROM handling h JOIN addressee a ON a.code = h.addressee_code
    WHERE (h.address_withheld OR h.stop_output)
    AND NOT coalesce(a.dv_flag, true) AND NOT coalesce(a.neglect_flag, true)
"""
PERSONS = """
    INSERT INTO covered_person (measure_id, addressee_code)
    SELECT id, addressee_code FROM protective_measure
"""


def upgrade() -> None:
    op.create_table(
        "handling_notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "definition_code",
            sa.String(length=60).with_variant(sa.String(length=60, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.ForeignKeyConstraint(
            ["definition_code"],
            ["transfer_definition.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("handling_notice", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_handling_notice_addressee_code"), ["addressee_code"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_handling_notice_definition_code"), ["definition_code"], unique=False
        )

    op.create_table(
        "household_exclusion",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "member_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "household_code",
            sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "PROPOSED",
                "IN_FORCE",
                "ENDED",
                name="exclusionstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "proposed_by",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "confirmed_by",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "ended_by",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.ForeignKeyConstraint(
            ["member_code"],
            ["addressee.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("household_exclusion", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_household_exclusion_addressee_code"), ["addressee_code"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_household_exclusion_member_code"), ["member_code"], unique=False
        )

    op.create_table(
        "lift",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "staff_id",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "classes",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "path",
            sa.Enum(
                "SCREEN",
                "MAIL",
                "COUNTER",
                "TELEPHONE",
                "FILE",
                name="outputpath",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column(
            "proposed_by",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "approved_by",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "revoked_by",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("lift", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_lift_addressee_code"), ["addressee_code"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_lift_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "protective_measure",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "SPOUSAL_VIOLENCE",
                "STALKING",
                "CHILD_ABUSE",
                "EQUIVALENT",
                "MAIL_RETURNED",
                "GUARDIANSHIP",
                "STAFF_THREATENED",
                "UNSPECIFIED",
                "NAMESAKE",
                "DV_FLAG",
                "NEGLECT_FLAG",
                name="measurekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("address_withheld", sa.Boolean(), nullable=False),
        sa.Column("stop_output", sa.Boolean(), nullable=False),
        sa.Column(
            "deciding_municipality_code",
            sa.String(length=6).with_variant(sa.String(length=6, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "counterparty_name",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "counterparty_addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("requested_on", sa.Date(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "REQUESTED",
                "IN_FORCE",
                "END_PROPOSED",
                "ENDED",
                name="measurestatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "note", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=True
        ),
        sa.Column(
            "recorded_by",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "end_reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "end_proposed_by",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("end_proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "end_confirmed_by",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("end_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.ForeignKeyConstraint(
            ["counterparty_addressee_code"],
            ["addressee.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("protective_measure", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_protective_measure_addressee_code"), ["addressee_code"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_protective_measure_counterparty_addressee_code"),
            ["counterparty_addressee_code"],
            unique=False,
        )

    op.create_table(
        "covered_person",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "measure_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.ForeignKeyConstraint(
            ["measure_id"],
            ["protective_measure.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("measure_id", "addressee_code", name="covered_once"),
    )
    with op.batch_alter_table("covered_person", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_covered_person_addressee_code"), ["addressee_code"], unique=False
        )

    op.create_table(
        "substitute_address_proposal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "recipient",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "postal_code",
            sa.String(length=7).with_variant(sa.String(length=7, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "address",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "PROPOSED",
                "IN_FORCE",
                "WITHDRAWN",
                "SUSPENDED",
                "ENDED",
                name="substitutestatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "proposed_by",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "confirmed_by",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "ended_by",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("substitute_address_proposal", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_substitute_address_proposal_addressee_code"),
            ["addressee_code"],
            unique=False,
        )

    op.create_table(
        "lift_use",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lift_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "session",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "purpose",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "case_reference",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["lift_id"],
            ["lift.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("lift_use", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lift_use_lift_id"), ["lift_id"], unique=False)
    op.execute(MEASURES)
    op.execute(PERSONS)


def downgrade() -> None:
    with op.batch_alter_table("substitute_address_proposal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_substitute_address_proposal_addressee_code"))

    op.drop_table("substitute_address_proposal")
    with op.batch_alter_table("lift_use", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lift_use_lift_id"))

    op.drop_table("lift_use")
    with op.batch_alter_table("covered_person", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_covered_person_addressee_code"))

    op.drop_table("covered_person")
    with op.batch_alter_table("protective_measure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_protective_measure_counterparty_addressee_code"))
        batch_op.drop_index(batch_op.f("ix_protective_measure_addressee_code"))

    op.drop_table("protective_measure")
    with op.batch_alter_table("lift", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lift_staff_id"))
        batch_op.drop_index(batch_op.f("ix_lift_addressee_code"))

    op.drop_table("lift")
    with op.batch_alter_table("household_exclusion", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_household_exclusion_member_code"))
        batch_op.drop_index(batch_op.f("ix_household_exclusion_addressee_code"))

    op.drop_table("household_exclusion")
    with op.batch_alter_table("handling_notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_handling_notice_definition_code"))
        batch_op.drop_index(batch_op.f("ix_handling_notice_addressee_code"))

    op.drop_table("handling_notice")
