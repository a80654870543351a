"""支援措置等 why care is due: protective measures and the other causes of the obligation.

A measure (支援措置) keeps from a named counterparty where somebody lives. Returned mail, a
guardian and threats against staff ask for the same care and are rows of the same kind, with
the same two persons needed to end them. All of it is of the class `protection`: almost nobody
reads it. What everybody must observe is the obligation (`models/tables/handling.py`), which
says nothing of the cause.

There is no clock here. The days remind; a measure protects from the entry of the request until its
end is confirmed by somebody else than who proposed it
(住民基本台帳事務処理要領 第5-10; one year, extended on request).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from enum import StrEnum
from typing import ClassVar

from sqlmodel import SQLModel, UniqueConstraint

from models.days import FORESEEN, PAST, PLANNED
from models.labels import INSTANT, KEY, Noun, child_key, column, enum_of, owner, text
from models.trade import codes
from models.trade.rules import municipality_code

WHY = "protection"
KUSHIRO = "012068"


class MeasureKind(StrEnum):
    """措置等の種類: 支援措置 (配偶者からの暴力, ストーカー行為等, 児童虐待, 準ずるもの), 返戻,
    成年後見, 職員への脅迫, 理由の記載なし, 同姓同名, フラグ (記録項目 53, 54)."""

    SPOUSAL_VIOLENCE = "SPOUSAL_VIOLENCE"
    STALKING = "STALKING"
    CHILD_ABUSE = "CHILD_ABUSE"
    EQUIVALENT = "EQUIVALENT"
    MAIL_RETURNED = "MAIL_RETURNED"
    GUARDIANSHIP = "GUARDIANSHIP"
    STAFF_THREATENED = "STAFF_THREATENED"
    UNSPECIFIED = "UNSPECIFIED"
    NAMESAKE = "NAMESAKE"
    DV_FLAG = "DV_FLAG"
    NEGLECT_FLAG = "NEGLECT_FLAG"


VIOLENCE = frozenset(
    {
        MeasureKind.SPOUSAL_VIOLENCE,
        MeasureKind.STALKING,
        MeasureKind.CHILD_ABUSE,
        MeasureKind.EQUIVALENT,
        MeasureKind.DV_FLAG,
        MeasureKind.NEGLECT_FLAG,
    }
)
"""Kinds that always ask for the whole obligation."""

FLAGS = {MeasureKind.DV_FLAG: "dv_flag", MeasureKind.NEGLECT_FLAG: "neglect_flag"}
"""Kinds that stand for a flag of the record, so that clearing it takes the same two persons."""


class MeasureStatus(StrEnum):
    """状態: 申出 REQUESTED → 実施中 IN_FORCE → 終了提案 END_PROPOSED → 終了 ENDED, or back."""

    REQUESTED = "REQUESTED"
    IN_FORCE = "IN_FORCE"
    END_PROPOSED = "END_PROPOSED"
    ENDED = "ENDED"


class ProtectiveMeasure(SQLModel, table=True):
    """支援措置等 why care is due with somebody's data: a protective measure or another cause."""

    __tablename__ = "protective_measure"
    noun: ClassVar[Noun] = Noun(
        "ProtectiveMeasure",
        ja="支援措置等",
        en="protective measure or other cause why care is due",
        existence=(WHY,),
        owner="addressee_code",
        persons=("addressee_code", "counterparty_addressee_code"),
        root=("protectiveMeasure", "protectiveMeasures"),
    )

    id: int | None = child_key(WHY)
    addressee_code: str = owner()
    kind: str = column(
        WHY, ja="種類", en="what the cause is", match=True, type=enum_of(MeasureKind)
    )
    address_withheld: bool = column(
        WHY, ja="住所秘匿の要否", en="asks that the place is withheld", default=True
    )
    stop_output: bool = column(
        WHY, ja="出力停止の要否", en="asks that output is stopped", default=True
    )
    deciding_municipality_code: str = column(
        WHY,
        ja="決定市町村コード",
        en="municipality that decides, not always this one",
        match=True,
        type=text(6),
        check=municipality_code,
        form=codes.plain,
        default=KUSHIRO,
    )
    counterparty_name: str | None = column(
        WHY, ja="相手方氏名", en="name of the counterparty", type=text(), default=None
    )
    counterparty_addressee_code: str | None = column(
        WHY,
        ja="相手方宛名コード",
        en="the counterparty's addressee code, where known",
        graphql=None,
        type=text(15),
        references="addressee.code",
        index=True,
        default=None,
    )
    requested_on: dt.date | None = column(
        WHY, ja="申出日", en="day of the request", search=True, default=None, days=PAST
    )
    decided_on: dt.date | None = column(
        WHY,
        ja="決定日",
        en="day of the decision",
        search=True,
        default=None,
        days=replace(PAST, not_before="requested_on"),
    )
    starts_on: dt.date | None = column(
        WHY, ja="開始日", en="first day", search=True, default=None, days=PLANNED
    )
    ends_on: dt.date | None = column(
        WHY,
        ja="期限",
        en="day that reminds; nothing ends by it",
        search=True,
        default=None,
        days=replace(FORESEEN, not_before="starts_on"),
    )
    status: str = column(
        WHY, ja="状態", en="how far it has come", match=True, type=enum_of(MeasureStatus)
    )
    note: str | None = column(WHY, ja="備考", en="note", type=text(), default=None)
    recorded_by: str | None = column(
        WHY, ja="登録者", en="staff id of who entered it; null: a file", type=text(64), default=None
    )
    recorded_at: dt.datetime | None = column(
        WHY, ja="登録日時", en="when it was entered", type=INSTANT, default=None
    )
    end_reason: str | None = column(
        WHY, ja="終了理由", en="why it should end", type=text(), default=None
    )
    end_proposed_by: str | None = column(
        WHY, ja="終了提案者", en="staff id of who proposed the end", type=text(64), default=None
    )
    end_proposed_at: dt.datetime | None = column(
        WHY, ja="終了提案日時", en="when the end was proposed", type=INSTANT, default=None
    )
    end_confirmed_by: str | None = column(
        WHY, ja="終了確認者", en="staff id of who confirmed the end", type=text(64), default=None
    )
    end_confirmed_at: dt.datetime | None = column(
        WHY, ja="終了確認日時", en="when the end was confirmed", type=INSTANT, default=None
    )


class CoveredPerson(SQLModel, table=True):
    """対象者 one person whom a measure covers; who asked for it is among them."""

    __tablename__ = "covered_person"
    __table_args__ = (UniqueConstraint("measure_id", "addressee_code", name="covered_once"),)
    noun: ClassVar[Noun] = Noun(
        "CoveredPerson",
        ja="対象者",
        en="person whom a measure covers",
        existence=(WHY,),
        owner="addressee_code",
    )

    id: int | None = child_key(WHY)
    measure_id: int = column(
        WHY,
        ja="支援措置等行番号",
        en="the measure",
        graphql=None,
        type=KEY,
        references="protective_measure.id",
    )
    addressee_code: str = owner()


class ExclusionStatus(StrEnum):
    """状態: 提案 PROPOSED → 決定 IN_FORCE → 取消 ENDED."""

    PROPOSED = "PROPOSED"
    IN_FORCE = "IN_FORCE"
    ENDED = "ENDED"


class HouseholdExclusion(SQLModel, table=True):
    """世帯員の除外 the decision that somebody's obligation does not extend to one household member.

    Without it the present household is covered. It holds for that household alone, and lapses when
    another cause is entered for the person.
    """

    __tablename__ = "household_exclusion"
    noun: ClassVar[Noun] = Noun(
        "HouseholdExclusion",
        ja="世帯員の除外",
        en="decision that an obligation does not extend to a household member",
        existence=(WHY,),
        owner="addressee_code",
        persons=("addressee_code", "member_code"),
        root=("householdExclusion", "householdExclusions"),
    )

    id: int | None = child_key(WHY)
    addressee_code: str = owner()
    member_code: str = column(
        WHY,
        ja="除外する世帯員の宛名コード",
        en="the member who is not covered",
        graphql=None,
        type=text(15),
        references="addressee.code",
        index=True,
    )
    household_code: str = column(
        WHY,
        "household",
        ja="世帯コード",
        en="household that both belong to",
        type=text(20),
        form=codes.household,
    )
    status: str = column(
        WHY, ja="状態", en="how far it has come", match=True, type=enum_of(ExclusionStatus)
    )
    reason: str | None = column(
        WHY, ja="除外理由", en="why the member is not covered", type=text(), default=None
    )
    proposed_by: str | None = column(
        WHY, ja="提案者", en="staff id of who proposed it", type=text(64), default=None
    )
    proposed_at: dt.datetime | None = column(
        WHY, ja="提案日時", en="when it was proposed", type=INSTANT, default=None
    )
    confirmed_by: str | None = column(
        WHY, ja="確認者", en="staff id of who confirmed it", type=text(64), default=None
    )
    confirmed_at: dt.datetime | None = column(
        WHY, ja="確認日時", en="when it was confirmed", type=INSTANT, default=None
    )
    ended_by: str | None = column(
        WHY, ja="取消者", en="staff id of who ended it", type=text(64), default=None
    )
    ended_at: dt.datetime | None = column(
        WHY, ja="取消日時", en="when it was ended", type=INSTANT, default=None
    )
