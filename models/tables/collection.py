"""収納 collections: one row per levy item (期別), and its receipts.

Columns follow the integrated collection systems of Japanese cities. Amounts are yen.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from enum import StrEnum
from typing import ClassVar

from sqlmodel import SQLModel, UniqueConstraint

from models.days import FORESEEN, PAST, PLANNED
from models.labels import KEY, YEN, Days, Noun, child_key, column, enum_of, owner, text
from models.trade import codes

NEAR_THE_YEAR = Days(year="levy_year", years_after=2)


class TaxItemKind(StrEnum):
    """税 a tax, or 料 a fee."""

    TAX = "TAX"
    FEE = "FEE"


class CollectionStatus(StrEnum):
    """How much of a levy item is received: 賦課, 納期内, 滞納, 完納, 過納, 更正, 不納欠損."""

    LEVIED = "LEVIED"
    DUE = "DUE"
    OVERDUE = "OVERDUE"
    PAID = "PAID"
    OVERPAID = "OVERPAID"
    CORRECTED = "CORRECTED"
    WRITTEN_OFF = "WRITTEN_OFF"


class ArrearsState(StrEnum):
    """What is done about an overdue levy item: 督促, 差押可能, 猶予, 分納, 差押, 執行停止, 消滅."""

    NONE = "NONE"
    DEMANDED = "DEMANDED"
    SEIZABLE = "SEIZABLE"
    IN_GRACE = "IN_GRACE"
    IN_INSTALMENT = "IN_INSTALMENT"
    SEIZED = "SEIZED"
    SUSPENDED = "SUSPENDED"
    EXTINGUISHED = "EXTINGUISHED"


class ReceiptState(StrEnum):
    """仮消込区分: 仮 provisional, 確定 confirmed, 取消 cancelled, 組替 reclassified."""

    PROVISIONAL = "PROVISIONAL"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"
    RECLASSIFIED = "RECLASSIFIED"


class ReceiptKind(StrEnum):
    """収納区分: 納付 a payment, 充当 an appropriation, 配当 a distribution after seizure."""

    PAYMENT = "PAYMENT"
    APPROPRIATION = "APPROPRIATION"
    DISTRIBUTION = "DISTRIBUTION"


class PaymentChannel(StrEnum):
    """納付チャネル: 窓口, 金融機関, コンビニ, 口座振替, スマホ・クレジット, 特別徴収."""

    COUNTER = "COUNTER"
    BANK = "BANK"
    CONVENIENCE_STORE = "CONVENIENCE_STORE"
    DIRECT_DEBIT = "DIRECT_DEBIT"
    ONLINE = "ONLINE"
    WITHHOLDING = "WITHHOLDING"


class TaxItem(SQLModel, table=True):
    """税目・料目 a tax or fee that is levied (`models/facts/tax-items.csv`)."""

    __tablename__ = "tax_item"

    code: str = column(
        "collection", ja="科目コード", en="code", graphql=None, type=text(4), primary_key=True
    )
    name_ja: str = column("collection", ja="科目名", en="Japanese name", graphql=None, type=text())
    name: str = column("collection", ja="科目名(英)", en="English name", graphql=None, type=text())
    kind: str = column(
        "collection", ja="税料区分", en="tax or fee", graphql=None, type=enum_of(TaxItemKind)
    )


class Collection(SQLModel, table=True):
    """収納 one levy item (期別): what is due when, and what of it is received."""

    __tablename__ = "collection"
    __table_args__ = (
        UniqueConstraint(
            "addressee_code",
            "tax_item_code",
            "levy_year",
            "notice_number",
            "term",
            name="collection_natural_key",
        ),
    )
    noun: ClassVar[Noun] = Noun(
        "Collection",
        ja="収納",
        en="one levy item: what is due when, and what of it is received",
        existence=("collection",),
        owner="addressee_code",
        persons=("addressee_code", "child_addressee_code"),
        root=("collection", "collections"),
    )

    id: int | None = child_key("collection")
    addressee_code: str = owner()
    tax_item_code: str = column(
        "collection",
        ja="科目コード",
        en="tax or fee item",
        match=True,
        type=text(4),
        references="tax_item.code",
    )
    levy_year: int = column(
        "collection", ja="賦課年度", en="year in which it was levied", search=True
    )
    fiscal_year: int = column(
        "collection", ja="相当年度", en="fiscal year that it is for", search=True
    )
    notice_number: str = column(
        "collection",
        ja="通知書番号",
        en="notice number",
        match=True,
        type=text(20),
        form=codes.notice,
    )
    term: int = column("collection", ja="期別", en="term within the year", match=True)
    due_on: dt.date | None = column(
        "collection",
        ja="納期限",
        en="due date",
        search=True,
        index=True,
        default=None,
        days=replace(NEAR_THE_YEAR, from_year=True),
    )
    statutory_due_on: dt.date | None = column(
        "collection",
        ja="法定納期限",
        en="statutory due date, from which limitation runs",
        default=None,
        days=NEAR_THE_YEAR,
    )
    tax_amount: int = column(
        "collection", ja="税額", en="amount levied, in yen", search=True, type=YEN
    )
    reminder_fee: int = column(
        "collection", ja="督促手数料", en="reminder fee, in yen", type=YEN, default=0
    )
    late_charge: int = column(
        "collection", ja="延滞金", en="late charge, in yen", type=YEN, default=0
    )
    received_tax: int = column(
        "collection",
        ja="収入済本税",
        en="received of the amount levied, in yen",
        type=YEN,
        default=0,
    )
    received_reminder_fee: int = column(
        "collection",
        ja="収入済督促手数料",
        en="received of the reminder fee, in yen",
        type=YEN,
        default=0,
    )
    received_late_charge: int = column(
        "collection",
        ja="収入済延滞金",
        en="received of the late charge, in yen",
        type=YEN,
        default=0,
    )
    outstanding: int = column(
        "collection",
        ja="未納額",
        en="what is still to be paid, in yen",
        search=True,
        type=YEN,
        default=0,
    )
    overpaid: int = column(
        "collection",
        ja="過納額",
        en="what was paid too much, in yen",
        search=True,
        type=YEN,
        default=0,
    )
    status: str = column(
        "collection",
        ja="状態",
        en="how much of it is received",
        match=True,
        type=enum_of(CollectionStatus),
    )
    paid_on: dt.date | None = column(
        "collection",
        ja="完納日",
        en="day on which it was paid in full",
        search=True,
        default=None,
        days=PAST,
    )
    insured_number: str | None = column(
        "identifier",
        ja="被保険者番号",
        en="insured person's number",
        match=True,
        type=text(20),
        default=None,
        form=codes.plain,
    )
    arrears_state: str = column(
        "arrears",
        ja="滞納状態",
        en="what is done about it while it is overdue",
        match=True,
        type=enum_of(ArrearsState),
        default=ArrearsState.NONE,
    )
    reminded_on: dt.date | None = column(
        "arrears",
        ja="督促日",
        en="day on which the reminder was issued",
        search=True,
        default=None,
        days=PLANNED,
    )
    demanded_on: dt.date | None = column(
        "arrears",
        ja="催告日",
        en="day of the last follow-up demand",
        search=True,
        default=None,
        days=PLANNED,
    )
    seizable_from: dt.date | None = column(
        "arrears",
        ja="処分可能日",
        en="first day on which property may be seized",
        search=True,
        default=None,
        days=PLANNED,
    )
    limitation_on: dt.date | None = column(
        "arrears",
        ja="時効予定日",
        en="day on which limitation will be complete",
        search=True,
        default=None,
        days=FORESEEN,
    )
    withholding_agent_code: str | None = column(
        "case-note",
        ja="特別徴収義務者指定番号",
        en="withholding agent (the employer)",
        type=text(20),
        default=None,
        form=codes.plain,
    )
    child_addressee_code: str | None = column(
        "related-person",
        ja="児童宛名コード",
        en="the child that a day-care fee is for",
        graphql=None,
        type=text(15),
        references="addressee.code",
        index=True,
        default=None,
    )
    joint_asset_number: str | None = column(
        "related-person",
        ja="共有資産番号",
        en="jointly owned asset that the levy is for",
        type=text(20),
        default=None,
        form=codes.plain,
    )


class Receipt(SQLModel, table=True):
    """収納履歴 money received for one levy item."""

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint(
            "collection_id",
            "received_on",
            "booked_on",
            "amount",
            "channel",
            "state",
            name="receipt_natural_key",
        ),
    )
    noun: ClassVar[Noun] = Noun(
        "Receipt",
        ja="収納履歴",
        en="money received for one levy item",
        existence=("collection",),
        owner="addressee_code",
    )

    id: int | None = child_key("collection")
    collection_id: int = column(
        "collection",
        ja="収納行番号",
        en="levy item that the money is for",
        graphql=None,
        type=KEY,
        references="collection.id",
        index=True,
    )
    addressee_code: str = owner()
    received_on: dt.date | None = column(
        "collection",
        ja="領収年月日",
        en="day on which the payer paid",
        search=True,
        default=None,
        days=PAST,
    )
    booked_on: dt.date | None = column(
        "collection",
        ja="収入年月日",
        en="day on which it was booked",
        search=True,
        default=None,
        days=replace(PAST, not_before="received_on"),
    )
    amount: int = column(
        "collection", ja="金額", en="amount received, in yen", search=True, type=YEN
    )
    tax_amount: int = column(
        "collection", ja="本税", en="of it for the amount levied, in yen", type=YEN, default=0
    )
    reminder_fee: int = column(
        "collection", ja="督促手数料", en="of it for the reminder fee, in yen", type=YEN, default=0
    )
    late_charge: int = column(
        "collection", ja="延滞金", en="of it for the late charge, in yen", type=YEN, default=0
    )
    channel: str = column(
        "collection",
        ja="納付チャネル",
        en="how it was paid",
        match=True,
        type=enum_of(PaymentChannel),
    )
    kind: str = column(
        "collection", ja="収納区分", en="kind of receipt", match=True, type=enum_of(ReceiptKind)
    )
    state: str = column(
        "collection",
        ja="仮消込区分",
        en="provisional or confirmed",
        match=True,
        type=enum_of(ReceiptState),
    )
    payment_place: str | None = column(
        "payment-place",
        ja="納付場所",
        en="shop or branch where it was paid",
        type=text(),
        default=None,
    )
