"""発行記録 what was issued about a person: what, on which way out, by whom, with which lift.

What is told at the counter or by telephone counts as issued. The record is written in the
transaction that decides whether it may go out, and is never changed.

What went wrong elsewhere: an address was told by telephone, and nobody knew to whom or on what.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from sqlmodel import SQLModel

from models.labels import INSTANT, KEY, column, enum_of, text

USED = "access-log"


class IssuingPath(StrEnum):
    """発行経路: MAIL 郵送, COUNTER 窓口, TELEPHONE 電話, FILE ファイル."""

    MAIL = "MAIL"
    COUNTER = "COUNTER"
    TELEPHONE = "TELEPHONE"
    FILE = "FILE"


class DocumentKind(StrEnum):
    """文書: TAX_CERTIFICATE 納税証明書, PAYMENT_SLIP 納付書, REMINDER 督促状, DEMAND 催告書,
    DISPOSITION_NOTICE 差押等の通知, GRACE_NOTICE 猶予の通知, REFUND_NOTICE 還付・充当通知,
    PUBLIC_NOTICE 公示送達, DISCLOSURE 開示文書, ANSWER 口頭の回答, OTHER その他."""

    TAX_CERTIFICATE = "TAX_CERTIFICATE"
    PAYMENT_SLIP = "PAYMENT_SLIP"
    REMINDER = "REMINDER"
    DEMAND = "DEMAND"
    DISPOSITION_NOTICE = "DISPOSITION_NOTICE"
    GRACE_NOTICE = "GRACE_NOTICE"
    REFUND_NOTICE = "REFUND_NOTICE"
    PUBLIC_NOTICE = "PUBLIC_NOTICE"
    DISCLOSURE = "DISCLOSURE"
    ANSWER = "ANSWER"
    OTHER = "OTHER"


class IssuedDocument(SQLModel, table=True):
    """One document that went out, or one answer that was given. Only grows; in no schema."""

    __tablename__ = "issued_document"
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = column(
        USED, ja="発行番号", en="record number", graphql=None, type=KEY, default=None,
        primary_key=True,
    )  # fmt: skip
    issued_at: dt.datetime = column(
        USED, ja="発行日時", en="when it was issued", graphql=None, type=INSTANT
    )
    addressee_code: str = column(
        USED, ja="宛名コード", en="about whom", graphql=None, type=text(15),
        references="addressee.code", index=True,
    )  # fmt: skip
    document: str = column(
        USED, ja="文書", en="what was issued", graphql=None, type=enum_of(DocumentKind)
    )
    path: str = column(
        USED, ja="発行経路", en="on which way out", graphql=None, type=enum_of(IssuingPath)
    )
    staff_id: str = column(USED, ja="職員番号", en="by whom", graphql=None, type=text(64))
    session: str = column(
        USED, ja="セッション参照", en="public reference of the session", graphql=None, type=text(64)
    )
    purpose: str = column(USED, ja="利用目的", en="stated purpose", graphql=None, type=text(64))
    case_reference: str | None = column(
        USED, ja="案件番号", en="case reference", graphql=None, type=text(64), default=None
    )
    lift_id: int | None = column(
        USED, ja="一時解除行番号", en="the lift that was used, where one was needed", graphql=None,
        type=KEY, default=None, references="lift.id",
    )  # fmt: skip
