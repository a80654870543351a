"""一時解除 a temporary lift: one staff member may see or issue one covered person's data.

It names the staff member, the person, the classes, the output path, an end and a count, and a
second person approves it before. Viewing and issuing are lifted separately. Individual numbers are
never lifted; nothing is by a lift alone: it opens only what the clearance allows anyway.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import ClassVar

from sqlmodel import SQLModel

from models.labels import INSTANT, KEY, Noun, child_key, column, enum_of, owner, text
from models.trade import codes

WHY = "protection"
USED = "access-log"


class OutputPath(StrEnum):
    """出力経路: 画面表示 SCREEN; 発行 MAIL 郵送, COUNTER 窓口, TELEPHONE 電話, FILE ファイル."""

    SCREEN = "SCREEN"
    MAIL = "MAIL"
    COUNTER = "COUNTER"
    TELEPHONE = "TELEPHONE"
    FILE = "FILE"


class Lift(SQLModel, table=True):
    """一時解除 leave for one staff member to see or to issue one covered person's data.

    `SCREEN` lifts the withholding of the named classes; the other paths lift the stop of output.
    """

    __tablename__ = "lift"
    noun: ClassVar[Noun] = Noun(
        "Lift",
        ja="一時解除",
        en="temporary lift for one staff member and one covered person",
        existence=(WHY,),
        owner="addressee_code",
        root=("lift", "lifts"),
    )

    id: int | None = child_key(WHY)
    addressee_code: str = owner()
    staff_id: str = column(
        WHY,
        ja="職員番号",
        en="staff id of who may",
        match=True,
        type=text(64),
        index=True,
        form=codes.plain,
    )
    classes: str = column(
        WHY, ja="区分", en="sensitivity classes, sorted, separated by spaces", type=text()
    )
    path: str = column(
        WHY, ja="出力経路", en="on which way out", match=True, type=enum_of(OutputPath)
    )
    reason: str = column(WHY, ja="理由", en="what it is needed for", type=text())
    ends_at: dt.datetime = column(
        WHY, ja="終了日時", en="instant from which it is over", search=True, type=INSTANT
    )
    uses: int = column(WHY, ja="回数", en="how often it may be used")
    used: int = column(WHY, ja="使用回数", en="how often it was used", default=0)
    proposed_by: str | None = column(
        WHY, ja="提案者", en="staff id of who proposed it", type=text(64), default=None
    )
    proposed_at: dt.datetime | None = column(
        WHY, ja="提案日時", en="when it was proposed", type=INSTANT, default=None
    )
    approved_by: str | None = column(
        WHY,
        ja="承認者",
        en="staff id of who approved it",
        match=True,
        type=text(64),
        default=None,
    )
    approved_at: dt.datetime | None = column(
        WHY, ja="承認日時", en="when it was approved", type=INSTANT, default=None
    )
    revoked_by: str | None = column(
        WHY, ja="取消者", en="staff id of who revoked it", type=text(64), default=None
    )
    revoked_at: dt.datetime | None = column(
        WHY, ja="取消日時", en="when it was revoked", search=True, type=INSTANT, default=None
    )


class LiftUse(SQLModel, table=True):
    """One use of a lift: written with the count, before anything is shown. Only grows."""

    __tablename__ = "lift_use"
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = column(
        USED, ja="記録番号", en="record number", graphql=None, type=KEY, default=None,
        primary_key=True,
    )  # fmt: skip
    lift_id: int = column(
        USED, ja="一時解除行番号", en="the lift", graphql=None, type=KEY, references="lift.id",
        index=True,
    )  # fmt: skip
    used_at: dt.datetime = column(
        USED, ja="使用日時", en="when it was used", graphql=None, type=INSTANT
    )
    session: str = column(
        USED, ja="セッション参照", en="public reference of the session", graphql=None, type=text(64)
    )
    purpose: str = column(USED, ja="利用目的", en="stated purpose", graphql=None, type=text(64))
    case_reference: str | None = column(
        USED, ja="案件番号", en="case reference", graphql=None, type=text(64), default=None
    )
