"""移転 transfers to other offices: the definitions, and a record of each one that was made."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import ClassVar

from sqlmodel import SQLModel

from models.labels import INSTANT, Noun, child_key, column, enum_of, text


class TransferState(StrEnum):
    """DEFINED → AUTHENTICATED → SENT → ACKED | REJECTED; on paper PRINTED → HANDED_OVER."""

    DEFINED = "DEFINED"
    AUTHENTICATED = "AUTHENTICATED"
    SENT = "SENT"
    ACKED = "ACKED"
    REJECTED = "REJECTED"
    PRINTED = "PRINTED"
    HANDED_OVER = "HANDED_OVER"


class TransferDefinition(SQLModel, table=True):
    """移転先 to whom, for what and on which legal basis collection information is transferred."""

    __tablename__ = "transfer_definition"
    noun: ClassVar[Noun] = Noun(
        "TransferDefinition",
        ja="移転先",
        en="to whom, for what and on which legal basis collection information is transferred",
        existence=("transfer",),
        root=(None, "transferDefinitions"),
        key="code",
    )

    code: str = column(
        "transfer",
        ja="移転先コード",
        en="code of the definition",
        match=True,
        type=text(60),
        primary_key=True,
    )
    destination_ja: str = column(
        "transfer", ja="移転先", en="destination, in Japanese", type=text()
    )
    destination: str = column("transfer", ja="移転先(英)", en="destination", type=text())
    legal_basis_ja: str = column("transfer", ja="法令上の根拠", en="legal basis", type=text())
    number_act_item: str = column(
        "transfer", ja="番号法別表の項", en="item of the Number Act's table", type=text(10)
    )
    use_ja: str = column(
        "transfer", ja="移転先における用途", en="use at the destination, in Japanese", type=text()
    )
    use: str = column(
        "transfer", ja="移転先における用途(英)", en="use at the destination", type=text()
    )
    information_ja: str = column(
        "transfer", ja="移転する情報", en="information transferred", type=text()
    )
    subjects_ja: str = column(
        "transfer", ja="対象となる本人の範囲", en="persons concerned, in Japanese", type=text()
    )
    subjects: str = column(
        "transfer", ja="対象となる本人の範囲(英)", en="persons concerned", type=text()
    )
    population: str = column(
        "transfer", ja="対象となる本人の数", en="how many persons are concerned", type=text()
    )
    means: str = column("transfer", ja="移転方法", en="means of the transfer", type=text())
    frequency: str = column("transfer", ja="時期・頻度", en="how often", type=text())


class Transfer(SQLModel, table=True):
    """移転記録 one transfer that was made: when, how many people, which items, by whom, result."""

    __tablename__ = "transfer"
    noun: ClassVar[Noun] = Noun(
        "Transfer",
        ja="移転記録",
        en="one transfer that was made",
        existence=("transfer",),
        root=("transfer", "transfers"),
    )

    id: int | None = child_key("transfer")
    definition_code: str = column(
        "transfer",
        ja="移転先コード",
        en="definition that it follows",
        match=True,
        type=text(60),
        references="transfer_definition.code",
        index=True,
    )
    transferred_at: dt.datetime | None = column(
        "transfer",
        ja="移転日時",
        en="instant of the transfer",
        search=True,
        type=INSTANT,
        default=None,
    )
    period_from: dt.date | None = column(
        "transfer", ja="対象期間開始", en="first day covered", search=True, default=None
    )
    period_until: dt.date | None = column(
        "transfer", ja="対象期間終了", en="last day covered", search=True, default=None
    )
    person_count: int | None = column(
        "transfer", ja="対象人数", en="how many people it concerned", default=None
    )
    items: str | None = column(
        "transfer", ja="移転項目", en="which items were transferred", type=text(), default=None
    )
    transferred_by: str | None = column(
        "transfer", ja="移転担当者", en="who made it", type=text(40), default=None
    )
    state: str = column(
        "transfer", ja="状態", en="how far it got", match=True, type=enum_of(TransferState)
    )
