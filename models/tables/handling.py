"""取扱注意 the obligation to withhold a person's place, and what may be used instead.

The obligation is a stored row of its own. It is written in the same transaction as its cause, by
the one predicate of `resolvers/protection/obligation.py`, and reads join only it. It says *that*
care is due and not why: address withheld and stop output each serve at least three causes
(protection, mail returned, guardianship, threats against staff). An import may raise it, never
lower it; it has no clock.

What went wrong elsewhere: cities handed out victims' addresses because the flag stood in another
system than the address.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any, ClassVar

from sqlmodel import SQLModel

from models.labels import INSTANT, Noun, child_key, column, enum_of, owner, text
from models.trade import codes
from models.trade.rules import postal_code


def _proposed(ja: str, en: str, length: int | None = None, **more: Any) -> Any:
    """A text of a proposal."""
    return column("protection", ja=ja, en=en, type=text(length), default=None, **more)


class Handling(SQLModel, table=True):
    """取扱注意 what whoever handles this person's data must observe."""

    __tablename__ = "handling"
    noun: ClassVar[Noun] = Noun(
        "Handling",
        ja="取扱注意",
        en="what whoever handles this person's data must observe",
        existence=("handling",),
        owner="addressee_code",
        key="addressee_code",
        # An ended obligation looks like one that never was.
        present=("address_withheld", "stop_output"),
    )

    addressee_code: str = column(
        "handling",
        ja="宛名コード",
        en="addressee code of the owner",
        graphql=None,
        type=text(15),
        references="addressee.code",
        primary_key=True,
    )
    address_withheld: bool = column(
        "handling",
        ja="住所秘匿",
        en="where this person lives, moves, pays or works is withheld",
        match=True,
        default=True,
    )
    stop_output: bool = column(
        "handling",
        ja="出力停止",
        en="nothing about this person may be printed or sent without the coordinator",
        match=True,
        default=True,
    )


class SubstituteAddress(SQLModel, table=True):
    """代替送付先 what may be used instead of a withheld address; set by the coordinator."""

    __tablename__ = "substitute_address"
    noun: ClassVar[Noun] = Noun(
        "SubstituteAddress",
        ja="代替送付先",
        en="what may be used instead of a withheld address",
        existence=("substitute-address",),
        owner="addressee_code",
        key="addressee_code",
    )

    addressee_code: str = column(
        "substitute-address",
        ja="宛名コード",
        en="addressee code of the owner",
        graphql=None,
        type=text(15),
        references="addressee.code",
        primary_key=True,
    )
    recipient: str | None = column(
        "substitute-address", ja="代替送付先氏名", en="recipient", type=text(), default=None
    )
    postal_code: str | None = column(
        "substitute-address",
        ja="代替送付先郵便番号",
        en="postal code",
        type=text(7),
        default=None,
        check=postal_code,
        form=codes.postal,
    )
    address: str | None = column(
        "substitute-address", ja="代替送付先住所", en="address", type=text(), default=None
    )


class SubstituteStatus(StrEnum):
    """状態: 提案 PROPOSED → 使用中 IN_FORCE → 終了 ENDED; 取消 WITHDRAWN before it was confirmed;
    使用停止 SUSPENDED where it came to name a place or a person that it must not."""

    PROPOSED = "PROPOSED"
    IN_FORCE = "IN_FORCE"
    WITHDRAWN = "WITHDRAWN"
    SUSPENDED = "SUSPENDED"
    ENDED = "ENDED"


class SubstituteAddressProposal(SQLModel, table=True):
    """代替送付先の提案 what a coordinator proposes to use instead of a withheld address.

    Every clerk reads what another coordinator confirms, so the proposal is the coordinators' alone.
    """

    __tablename__ = "substitute_address_proposal"
    noun: ClassVar[Noun] = Noun(
        "SubstituteAddressProposal",
        ja="代替送付先の提案",
        en="what is proposed to be used instead of a withheld address",
        existence=("protection",),
        owner="addressee_code",
        root=("substituteAddressProposal", "substituteAddressProposals"),
    )

    id: int | None = child_key("protection")
    addressee_code: str = owner()
    recipient: str | None = _proposed("代替送付先氏名", "recipient")
    postal_code: str | None = _proposed(
        "代替送付先郵便番号", "postal code", 7, check=postal_code, form=codes.postal
    )
    address: str | None = _proposed("代替送付先住所", "address")
    status: str = column(
        "protection",
        ja="状態",
        en="how far it has come",
        match=True,
        type=enum_of(SubstituteStatus),
    )
    proposed_by: str | None = _proposed("提案者", "staff id of who proposed it", 64)
    proposed_at: dt.datetime | None = column(
        "protection", ja="提案日時", en="when it was proposed", type=INSTANT, default=None
    )
    confirmed_by: str | None = _proposed("確認者", "staff id of who confirmed it", 64)
    confirmed_at: dt.datetime | None = column(
        "protection", ja="確認日時", en="when it was confirmed", type=INSTANT, default=None
    )
    ended_by: str | None = _proposed("終了者", "staff id of who ended it; null: its own check", 64)
    ended_at: dt.datetime | None = column(
        "protection", ja="終了日時", en="when it was ended", type=INSTANT, default=None
    )


class HandlingNotice(SQLModel, table=True):
    """取扱変更通知 tells a transfer destination that the obligation of one of its payers changed.

    Neither which nor when: the destination reads the obligation beside the person's data.
    """

    __tablename__ = "handling_notice"
    noun: ClassVar[Noun] = Noun(
        "HandlingNotice",
        ja="取扱変更通知",
        en="the obligation of one of the destination's payers changed",
        existence=("handling", "transfer"),
        owner="addressee_code",
        root=(None, "handlingNotices"),
        destination="definition_code",
    )

    id: int | None = child_key("handling", "transfer")
    definition_code: str = column(
        "transfer",
        ja="移転先コード",
        en="whom it tells",
        type=text(60),
        references="transfer_definition.code",
        index=True,
    )
    addressee_code: str = owner()
