"""The first schema of the main database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "kind",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "actor",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "session",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "roles",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "purpose",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "case_reference",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("policy_version", sa.BigInteger(), nullable=True),
        sa.Column(
            "operation",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "persons",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("person_count", sa.Integer(), nullable=False),
        sa.Column(
            "through",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "open_persons",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("open_count", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "addressee",
        sa.Column(
            "code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "RESIDENT",
                "NON_RESIDENT",
                name="addresseekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "entity_kind",
            sa.Enum(
                "INDIVIDUAL",
                "CORPORATION",
                name="entitykind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "tax_item_code",
            sa.String(length=4).with_variant(sa.String(length=4, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("alias_use", sa.Boolean(), nullable=True),
        sa.Column(
            "change_reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("changed_on", sa.Date(), nullable=True),
        sa.Column(
            "changed_on_text",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("notified_on", sa.Date(), nullable=True),
        sa.Column(
            "notified_on_text",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "full_name_kana",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "full_name_search_kana",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "full_name",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "given_name_kana",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "given_name_search_kana",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "given_name",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column(
            "birth_date_text",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "sex",
            sa.Enum(
                "MALE",
                "FEMALE",
                "UNKNOWN",
                name="sex",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "administrative_district",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "elementary_school_district",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "junior_high_school_district",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "electoral_district",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "postal_code_area",
            sa.String(length=3).with_variant(sa.String(length=3, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "postal_code_town",
            sa.String(length=4).with_variant(sa.String(length=4, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "address_kind",
            sa.Enum(
                "IN_CITY",
                "OUTSIDE_CITY",
                "ABROAD",
                "UNKNOWN",
                name="addresskind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "address_code",
            sa.String(length=12).with_variant(sa.String(length=12, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "lot_code",
            sa.String(length=8).with_variant(sa.String(length=8, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "branch_code",
            sa.String(length=8).with_variant(sa.String(length=8, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "sub_branch_code",
            sa.String(length=8).with_variant(sa.String(length=8, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "sub_branch_code_3",
            sa.String(length=8).with_variant(sa.String(length=8, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "address",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "building",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "nationality_code",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "residence_status",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("stay_from", sa.Date(), nullable=True),
        sa.Column("stay_until", sa.Date(), nullable=True),
        sa.Column("resident_since", sa.Date(), nullable=True),
        sa.Column(
            "resident_since_text",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("domiciled_since", sa.Date(), nullable=True),
        sa.Column(
            "domiciled_since_text",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("removed_on", sa.Date(), nullable=True),
        sa.Column(
            "removed_on_text",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "removal_reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "resident_kind",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "moved_from_municipality_code",
            sa.String(length=6).with_variant(sa.String(length=6, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "moved_from_postal_code",
            sa.String(length=7).with_variant(sa.String(length=7, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "moved_from_address",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "moved_from_building",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "moved_out_municipality_code",
            sa.String(length=6).with_variant(sa.String(length=6, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "moved_out_postal_code",
            sa.String(length=7).with_variant(sa.String(length=7, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "moved_out_address",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "moved_out_building",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "alien_registration_number",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "social_security_number",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("dv_flag", sa.Boolean(), nullable=False),
        sa.Column("neglect_flag", sa.Boolean(), nullable=False),
        sa.Column(
            "municipality_code",
            sa.String(length=6).with_variant(sa.String(length=6, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "changed_by",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "updating_business_code",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    with op.batch_alter_table("addressee", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_addressee_birth_date_text"), ["birth_date_text"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_addressee_full_name"), ["full_name"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_addressee_full_name_search_kana"),
            ["full_name_search_kana"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_addressee_given_name_search_kana"),
            ["given_name_search_kana"],
            unique=False,
        )

    op.create_table(
        "logged_operation",
        sa.Column(
            "digest",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "normal_form",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "coordinates",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "policy_version",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "purpose",
        sa.Column(
            "code", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "name_ja",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "name", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "legal_basis",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("individual_number_business", sa.Boolean(), nullable=False),
        sa.Column(
            "open_to",
            sa.Enum(
                "staff",
                "department",
                name="opento",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "population",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "population_why",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "role",
        sa.Column(
            "code", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "name_ja",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "name", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "note", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "protection_work",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "section",
        sa.Column(
            "code", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "name_ja",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "name", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "tax_item",
        sa.Column(
            "code",
            sa.String(length=4).with_variant(sa.String(length=4, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "name_ja",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "name", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "TAX",
                "FEE",
                name="taxitemkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "transfer_definition",
        sa.Column(
            "code",
            sa.String(length=60).with_variant(sa.String(length=60, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "destination_ja",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "destination",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "legal_basis_ja",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "number_act_item",
            sa.String(length=10).with_variant(sa.String(length=10, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "use_ja",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "use", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "information_ja",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "subjects_ja",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "subjects",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "population",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "means",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "frequency",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "bank_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "usage",
            sa.Enum(
                "DIRECT_DEBIT",
                "REFUND",
                name="accountusage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "tax_item_code",
            sa.String(length=4).with_variant(sa.String(length=4, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("applied_on", sa.Date(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column(
            "cancelled_reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("cancelled_on", sa.Date(), nullable=True),
        sa.Column(
            "bank_code",
            sa.String(length=4).with_variant(sa.String(length=4, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "branch_code",
            sa.String(length=3).with_variant(sa.String(length=3, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "account_kind",
            sa.Enum(
                "ORDINARY",
                "CURRENT",
                "TAX_PAYMENT",
                "SAVINGS",
                "POSTAL",
                name="accountkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "account_number",
            sa.String(length=8).with_variant(sa.String(length=8, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "holder_kana",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "holder_name",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "holder_addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "phone_number",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "payment_kind",
            sa.Enum(
                "INSTALMENT",
                "LUMP_SUM",
                name="paymentkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("notice_output", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.ForeignKeyConstraint(
            ["holder_addressee_code"],
            ["addressee.code"],
        ),
        sa.ForeignKeyConstraint(
            ["tax_item_code"],
            ["tax_item.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "addressee_code",
            "usage",
            "tax_item_code",
            "bank_code",
            "branch_code",
            "account_number",
            "starts_on",
            name="bank_account_natural_key",
        ),
    )
    with op.batch_alter_table("bank_account", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_bank_account_addressee_code"), ["addressee_code"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_bank_account_holder_addressee_code"),
            ["holder_addressee_code"],
            unique=False,
        )

    op.create_table(
        "collection",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "tax_item_code",
            sa.String(length=4).with_variant(sa.String(length=4, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("levy_year", sa.Integer(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), nullable=False),
        sa.Column(
            "notice_number",
            sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("term", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("statutory_due_on", sa.Date(), nullable=True),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("reminder_fee", sa.BigInteger(), nullable=False),
        sa.Column("late_charge", sa.BigInteger(), nullable=False),
        sa.Column("received_tax", sa.BigInteger(), nullable=False),
        sa.Column("received_reminder_fee", sa.BigInteger(), nullable=False),
        sa.Column("received_late_charge", sa.BigInteger(), nullable=False),
        sa.Column("outstanding", sa.BigInteger(), nullable=False),
        sa.Column("overpaid", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "LEVIED",
                "DUE",
                "OVERDUE",
                "PAID",
                "OVERPAID",
                "CORRECTED",
                "WRITTEN_OFF",
                name="collectionstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column(
            "insured_number",
            sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "arrears_state",
            sa.Enum(
                "NONE",
                "DEMANDED",
                "SEIZABLE",
                "IN_GRACE",
                "IN_INSTALMENT",
                "SEIZED",
                "SUSPENDED",
                "EXTINGUISHED",
                name="arrearsstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reminded_on", sa.Date(), nullable=True),
        sa.Column("demanded_on", sa.Date(), nullable=True),
        sa.Column("seizable_from", sa.Date(), nullable=True),
        sa.Column("limitation_on", sa.Date(), nullable=True),
        sa.Column(
            "withholding_agent_code",
            sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "child_addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "joint_asset_number",
            sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.ForeignKeyConstraint(
            ["child_addressee_code"],
            ["addressee.code"],
        ),
        sa.ForeignKeyConstraint(
            ["tax_item_code"],
            ["tax_item.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "addressee_code",
            "tax_item_code",
            "levy_year",
            "notice_number",
            "term",
            name="collection_natural_key",
        ),
    )
    with op.batch_alter_table("collection", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_collection_addressee_code"), ["addressee_code"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_collection_child_addressee_code"), ["child_addressee_code"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_collection_due_on"), ["due_on"], unique=False)

    op.create_table(
        "contact",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "HOME",
                "MOBILE",
                "WORK",
                "EMAIL",
                "OTHER",
                name="contactkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "value", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=True
        ),
        sa.Column(
            "person_in_charge",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("set_on", sa.Date(), nullable=True),
        sa.Column(
            "set_on_text",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contact_addressee_code"), ["addressee_code"], unique=False
        )

    op.create_table(
        "forwarding_address",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "set_reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("set_on", sa.Date(), nullable=True),
        sa.Column(
            "abolished_reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("abolished_on", sa.Date(), nullable=True),
        sa.Column(
            "full_name_kana",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "full_name_search_kana",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "full_name",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "given_name_kana",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "given_name_search_kana",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "given_name",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "postal_code_area",
            sa.String(length=3).with_variant(sa.String(length=3, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "postal_code_town",
            sa.String(length=4).with_variant(sa.String(length=4, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "address_kind",
            sa.Enum(
                "IN_CITY",
                "OUTSIDE_CITY",
                "ABROAD",
                "UNKNOWN",
                name="addresskind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "address_code",
            sa.String(length=12).with_variant(sa.String(length=12, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "lot_code",
            sa.String(length=8).with_variant(sa.String(length=8, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "branch_code",
            sa.String(length=8).with_variant(sa.String(length=8, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "sub_branch_code",
            sa.String(length=8).with_variant(sa.String(length=8, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "sub_branch_code_3",
            sa.String(length=8).with_variant(sa.String(length=8, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "address",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "building",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("forwarding_address", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_forwarding_address_addressee_code"), ["addressee_code"], unique=False
        )

    op.create_table(
        "handling",
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("address_withheld", sa.Boolean(), nullable=False),
        sa.Column("stop_output", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.PrimaryKeyConstraint("addressee_code"),
    )
    op.create_table(
        "household_membership",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "household_code",
            sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "relationship",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "joined_reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("joined_on", sa.Date(), nullable=True),
        sa.Column(
            "left_reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("household_membership", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_household_membership_addressee_code"), ["addressee_code"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_household_membership_household_code"), ["household_code"], unique=False
        )

    op.create_table(
        "policy_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.String(length=80).with_variant(sa.String(length=80, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "purpose",
            sa.String(length=80).with_variant(sa.String(length=80, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "what",
            sa.String(length=120).with_variant(sa.String(length=120, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "action",
            sa.Enum(
                "read",
                "list",
                "match",
                "search",
                "mask",
                "read-withheld",
                "write",
                name="action",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "effect",
            sa.Enum(
                "allow", "deny", name="effect", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "note", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["version"],
            ["policy_version.number"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("policy_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_policy_line_version"), ["version"], unique=False)

    op.create_table(
        "population_item",
        sa.Column(
            "population",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "tax_item_code",
            sa.String(length=4).with_variant(sa.String(length=4, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["tax_item_code"],
            ["tax_item.code"],
        ),
        sa.PrimaryKeyConstraint("population", "tax_item_code"),
    )
    op.create_table(
        "related_addressee",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "previous_addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "started_reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column(
            "ended_reason",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.ForeignKeyConstraint(
            ["previous_addressee_code"],
            ["addressee.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("related_addressee", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_related_addressee_addressee_code"), ["addressee_code"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_related_addressee_previous_addressee_code"),
            ["previous_addressee_code"],
            unique=False,
        )

    op.create_table(
        "role_purpose",
        sa.Column(
            "role", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "purpose",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["purpose"],
            ["purpose.code"],
        ),
        sa.ForeignKeyConstraint(
            ["role"],
            ["role.code"],
        ),
        sa.PrimaryKeyConstraint("role", "purpose"),
    )
    op.create_table(
        "special_addressee",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "kind", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=True
        ),
        sa.Column(
            "special_addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("set_on", sa.Date(), nullable=True),
        sa.Column("abolished_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.ForeignKeyConstraint(
            ["special_addressee_code"],
            ["addressee.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("special_addressee", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_special_addressee_addressee_code"), ["addressee_code"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_special_addressee_special_addressee_code"),
            ["special_addressee_code"],
            unique=False,
        )

    op.create_table(
        "staff",
        sa.Column(
            "id",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "name", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "section",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "password_hash",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "ACTIVE",
                "SUSPENDED",
                name="staffstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("sessions_revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["section"],
            ["section.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "substitute_address",
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
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.PrimaryKeyConstraint("addressee_code"),
    )
    op.create_table(
        "transfer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "definition_code",
            sa.String(length=60).with_variant(sa.String(length=60, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("transferred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("period_from", sa.Date(), nullable=True),
        sa.Column("period_until", sa.Date(), nullable=True),
        sa.Column("person_count", sa.Integer(), nullable=True),
        sa.Column(
            "items", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=True
        ),
        sa.Column(
            "transferred_by",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "DEFINED",
                "AUTHENTICATED",
                "SENT",
                "ACKED",
                "REJECTED",
                "PRINTED",
                "HANDED_OVER",
                name="transferstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["definition_code"],
            ["transfer_definition.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("transfer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_transfer_definition_code"), ["definition_code"], unique=False
        )

    op.create_table(
        "union_membership",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "union_code",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("joined_on", sa.Date(), nullable=True),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("union_membership", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_union_membership_addressee_code"), ["addressee_code"], unique=False
        )

    op.create_table(
        "receipt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "collection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "addressee_code",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.Column("booked_on", sa.Date(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("reminder_fee", sa.BigInteger(), nullable=False),
        sa.Column("late_charge", sa.BigInteger(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                "COUNTER",
                "BANK",
                "CONVENIENCE_STORE",
                "DIRECT_DEBIT",
                "ONLINE",
                "WITHHOLDING",
                name="paymentchannel",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "PAYMENT",
                "APPROPRIATION",
                "DISTRIBUTION",
                name="receiptkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "PROVISIONAL",
                "CONFIRMED",
                "CANCELLED",
                "RECLASSIFIED",
                name="receiptstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "payment_place",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["addressee_code"],
            ["addressee.code"],
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "collection_id",
            "received_on",
            "booked_on",
            "amount",
            "channel",
            "state",
            name="receipt_natural_key",
        ),
    )
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_receipt_addressee_code"), ["addressee_code"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_receipt_collection_id"), ["collection_id"], unique=False
        )

    op.create_table(
        "staff_role",
        sa.Column(
            "staff_id",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "role", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["role"],
            ["role.code"],
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff.id"],
        ),
        sa.PrimaryKeyConstraint("staff_id", "role"),
    )
    last = chr(0x10FFFF)
    op.create_index(
        "addressee_by_search_kana",
        "addressee",
        [sa.text(f"coalesce(full_name_search_kana, '{last}')"), "code"],
    )


def downgrade() -> None:
    op.drop_table("staff_role")
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_receipt_collection_id"))
        batch_op.drop_index(batch_op.f("ix_receipt_addressee_code"))

    op.drop_table("receipt")
    with op.batch_alter_table("union_membership", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_union_membership_addressee_code"))

    op.drop_table("union_membership")
    with op.batch_alter_table("transfer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_transfer_definition_code"))

    op.drop_table("transfer")
    op.drop_table("substitute_address")
    op.drop_table("staff")
    with op.batch_alter_table("special_addressee", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_special_addressee_special_addressee_code"))
        batch_op.drop_index(batch_op.f("ix_special_addressee_addressee_code"))

    op.drop_table("special_addressee")
    op.drop_table("role_purpose")
    with op.batch_alter_table("related_addressee", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_related_addressee_previous_addressee_code"))
        batch_op.drop_index(batch_op.f("ix_related_addressee_addressee_code"))

    op.drop_table("related_addressee")
    op.drop_table("population_item")
    with op.batch_alter_table("policy_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_policy_line_version"))

    op.drop_table("policy_line")
    with op.batch_alter_table("household_membership", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_household_membership_household_code"))
        batch_op.drop_index(batch_op.f("ix_household_membership_addressee_code"))

    op.drop_table("household_membership")
    op.drop_table("handling")
    with op.batch_alter_table("forwarding_address", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_forwarding_address_addressee_code"))

    op.drop_table("forwarding_address")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_addressee_code"))

    op.drop_table("contact")
    with op.batch_alter_table("collection", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_collection_due_on"))
        batch_op.drop_index(batch_op.f("ix_collection_child_addressee_code"))
        batch_op.drop_index(batch_op.f("ix_collection_addressee_code"))

    op.drop_table("collection")
    with op.batch_alter_table("bank_account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bank_account_holder_addressee_code"))
        batch_op.drop_index(batch_op.f("ix_bank_account_addressee_code"))

    op.drop_table("bank_account")
    op.drop_table("transfer_definition")
    op.drop_table("tax_item")
    op.drop_table("section")
    op.drop_table("role")
    op.drop_table("purpose")
    op.drop_table("policy_version")
    op.drop_table("logged_operation")
    with op.batch_alter_table("addressee", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_addressee_given_name_search_kana"))
        batch_op.drop_index(batch_op.f("ix_addressee_full_name_search_kana"))
        batch_op.drop_index(batch_op.f("ix_addressee_full_name"))
        batch_op.drop_index(batch_op.f("ix_addressee_birth_date_text"))

    op.drop_table("addressee")
    op.drop_table("access_log")
