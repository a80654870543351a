"""口座 accounts: direct-debit mandates (record items 85-95) and refund accounts (items 96-105).

A mandate is given per tax or fee item.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from enum import StrEnum
from typing import ClassVar

from sqlmodel import SQLModel, UniqueConstraint

from models.days import PAST, PLANNED
from models.labels import Noun, child_key, column, enum_of, owner, text
from models.trade import codes, rules


class AccountUsage(StrEnum):
    """What an account is registered for: 口座振替 direct debit, or 還付 refunds."""

    DIRECT_DEBIT = "DIRECT_DEBIT"
    REFUND = "REFUND"


class AccountKind(StrEnum):
    """口座種別: 普通, 当座, 納税準備, 貯蓄, ゆうちょ."""

    ORDINARY = "ORDINARY"
    CURRENT = "CURRENT"
    TAX_PAYMENT = "TAX_PAYMENT"
    SAVINGS = "SAVINGS"
    POSTAL = "POSTAL"


class PaymentKind(StrEnum):
    """納付種別: 期別 in instalments, or 全納 in a lump sum."""

    INSTALMENT = "INSTALMENT"
    LUMP_SUM = "LUMP_SUM"


class Account(SQLModel, table=True):
    """口座 a bank account registered for direct debit or refunds."""

    __tablename__ = "bank_account"
    __table_args__ = (
        UniqueConstraint(
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
    noun: ClassVar[Noun] = Noun(
        "Account",
        ja="口座",
        en="a bank account registered for direct debit or refunds",
        existence=("bank-account",),
        owner="addressee_code",
        persons=("addressee_code", "holder_addressee_code"),
        root=("account", "accounts"),
    )

    id: int | None = child_key("bank-account")
    addressee_code: str = owner()
    usage: str = column(
        "bank-account",
        ja="口座用途",
        en="direct debit or refund",
        match=True,
        type=enum_of(AccountUsage),
    )
    tax_item_code: str | None = column(
        "bank-account",
        ja="科目コード",
        en="tax or fee item that the account serves",
        match=True,
        type=text(4),
        references="tax_item.code",
        default=None,
    )
    applied_on: dt.date | None = column(
        "bank-account",
        ja="口座申込年月日",
        en="day of the application",
        item=(85, 96),
        default=None,
        days=PAST,
    )
    starts_on: dt.date | None = column(
        "bank-account",
        ja="口座開始年月日",
        en="first day of use",
        item=(86, 97),
        search=True,
        default=None,
        days=PLANNED,
    )
    cancelled_reason: str | None = column(
        "bank-account",
        ja="口座解約異動事由",
        en="reason of the cancellation",
        item=(87, 98),
        type=text(),
        default=None,
    )
    cancelled_on: dt.date | None = column(
        "bank-account",
        ja="口座解約年月日",
        en="day of the cancellation",
        item=(88, 99),
        search=True,
        default=None,
        days=replace(PLANNED, not_before="applied_on"),
    )
    bank_code: str | None = column(
        "bank-account",
        ja="金融機関コード",
        en="bank code, four digits",
        item=(89, 100),
        match=True,
        check=rules.bank_code,
        form=codes.plain,
        type=text(4),
        default=None,
    )
    branch_code: str | None = column(
        "bank-branch",
        ja="支店コード",
        en="branch code, three digits: tells a place",
        item=(89, 100),
        match=True,
        check=rules.branch_code,
        form=codes.plain,
        type=text(3),
        default=None,
    )
    account_kind: str | None = column(
        "bank-account",
        ja="口座種別",
        en="kind of the account",
        item=(90, 101),
        match=True,
        type=enum_of(AccountKind),
        default=None,
    )
    account_number: str | None = column(
        "bank-account-number",
        ja="口座番号",
        en="account number, seven digits (postal: eight)",
        item=(91, 102),
        match=True,
        mask="last3",
        # Else it leads to whoever has the same one, beside the closed way to the holder.
        about=("holder_addressee_code",),
        check=rules.account_number,
        form=codes.plain,
        type=text(8),
        default=None,
    )
    holder_kana: str | None = column(
        "bank-account",
        ja="口座名義人カナ",
        en="account holder in kana",
        item=(92, 103),
        about=("holder_addressee_code",),
        type=text(),
        default=None,
    )
    holder_name: str | None = column(
        "bank-account",
        ja="口座名義人漢字",
        en="account holder",
        item=104,
        about=("holder_addressee_code",),
        type=text(),
        default=None,
    )
    holder_addressee_code: str | None = column(
        "related-person",
        ja="口座名義人宛名コード",
        en="the account holder, where that is another person",
        graphql=None,
        type=text(15),
        references="addressee.code",
        index=True,
        default=None,
    )
    phone_number: str | None = column(
        "contact",
        ja="口座電話番号",
        en="telephone number registered with the account",
        item=(93, 105),
        type=text(),
        default=None,
    )
    payment_kind: str | None = column(
        "bank-account",
        ja="納付種別",
        en="instalments or lump sum",
        item=94,
        type=enum_of(PaymentKind),
        default=None,
    )
    notice_output: bool | None = column(
        "bank-account",
        ja="口振済通知出力区分",
        en="whether a notice of the debit is sent",
        item=95,
        default=None,
    )
