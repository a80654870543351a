"""移転 transfers to other offices: the definitions, and each transfer from its order to its end.

    DEFINED        ordered, its content not yet made
    CHECKED        made, every logic check passed; waits for release
    FAILED         made, a check did not pass, or its client was not in force; no content is kept
    RELEASED       a second person let it go, where the definition asks for one
    AUTHENTICATED  the right client proved who it is and began to fetch
    SENT           its last part goes out
    ACKED          the receiver confirmed the digest; the content is erased, the record stays
    REJECTED       the receiver refused it; the same
    PRINTED        the list for paper was printed
    HANDED_OVER    signed for
    EXPIRED        not released in time, or not fetched and confirmed
    WITHDRAWN      taken back, or no longer what the policy and the obligations allow

The content lies sealed in the database until then: what was checked and released is what goes out.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import SQLModel

from models.labels import INSTANT, KEY, YEN, Noun, child_key, column, enum_of, text


class TransferState(StrEnum):
    """DEFINED → CHECKED | FAILED → RELEASED → AUTHENTICATED → SENT → ACKED | REJECTED; on paper
    RELEASED → PRINTED → HANDED_OVER; EXPIRED or WITHDRAWN until then."""

    DEFINED = "DEFINED"
    CHECKED = "CHECKED"
    FAILED = "FAILED"
    RELEASED = "RELEASED"
    AUTHENTICATED = "AUTHENTICATED"
    SENT = "SENT"
    ACKED = "ACKED"
    REJECTED = "REJECTED"
    PRINTED = "PRINTED"
    HANDED_OVER = "HANDED_OVER"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"


OPEN = frozenset(
    {
        TransferState.CHECKED,
        TransferState.RELEASED,
        TransferState.AUTHENTICATED,
        TransferState.SENT,
        TransferState.PRINTED,
    }
)
"""States in which the content is kept, for a time."""


class TransferMeans(StrEnum):
    """移転方法: 庁内連携 the client fetches it; 紙 a printed list."""

    LINKAGE = "LINKAGE"
    PAPER = "PAPER"


class TransferExtent(StrEnum):
    """範囲: 全件 everybody in the population; 差分 who changed since the last confirmed one."""

    FULL = "FULL"
    CHANGED = "CHANGED"


class CheckName(StrEnum):
    """論理チェック (R5.4): 対象者, 合計, コード欠落, 取扱注意."""

    POPULATION = "POPULATION"
    TOTALS = "TOTALS"
    CODES = "CODES"
    WITHHELD = "WITHHELD"


class RejectReason(StrEnum):
    """受領拒否の理由: 破損, 件数相違, 対象外, その他."""

    DAMAGED = "DAMAGED"
    COUNTS_DIFFER = "COUNTS_DIFFER"
    NOT_EXPECTED = "NOT_EXPECTED"
    OTHER = "OTHER"


CONTENT = ("identifier", "name", "collection", "handling")
"""The classes of what a transfer holds."""


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
    release_role: str | None = column(
        "transfer",
        ja="承認ロール",
        en="role of the second person who releases a transfer; none: it needs none",
        type=text(),
        references="role.code",
        default="collection-director",
    )
    hours_to_fetch: int = column(
        "transfer", ja="受領期限（時間）", en="hours after which it expires", default=24
    )


class Transfer(SQLModel, table=True):
    """移転記録 one transfer: when, how many people, which items, by whom, result.

    Counts are of what goes out; `covered_count` and `held_back_count` tell of obligations, so they
    carry that class too. Digests are SHA-256 in hexadecimal, and tell whoever guesses the content
    that it is so: they carry its classes. Sizes are bytes. `plan_digest` is what the
    plan decided when the content was made, `claimed_at` when a worker last said that it makes it.
    """

    __tablename__ = "transfer"
    noun: ClassVar[Noun] = Noun(
        "Transfer",
        ja="移転記録",
        en="one transfer",
        existence=("transfer",),
        root=("transfer", "transfers"),
    )

    id: int | None = child_key("transfer")
    code: str = column(
        "transfer",
        ja="移転番号",
        en="number of the transfer, under which its content is fetched",
        match=True,
        type=text(100),
        unique=True,
    )
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
        "transfer", ja="移転担当者", en="who made it", type=text(64), default=None
    )
    state: str = column(
        "transfer", ja="状態", en="how far it got", match=True, type=enum_of(TransferState)
    )
    client_id: str | None = column(
        "transfer",
        ja="連携先ID",
        en="client whose linkage definition decides what goes out",
        type=text(57),
        references="client.id",
        default=None,
    )
    means: str = column(
        "transfer",
        ja="移転方法",
        en="by linkage or on paper",
        match=True,
        type=enum_of(TransferMeans),
        default=TransferMeans.LINKAGE,
    )
    extent: str = column(
        "transfer",
        ja="範囲",
        en="everybody, or who changed",
        match=True,
        type=enum_of(TransferExtent),
        default=TransferExtent.FULL,
    )
    prepared_by: str | None = column(
        "transfer", ja="作成者", en="who ordered it", type=text(64), default=None
    )
    prepared_at: dt.datetime | None = column(
        "transfer", ja="作成日時", en="when it was ordered", search=True, type=INSTANT, default=None
    )
    released_by: str | None = column(
        "transfer", ja="承認者", en="who released it", type=text(64), default=None
    )
    released_at: dt.datetime | None = column(
        "transfer", ja="承認日時", en="when it was released", type=INSTANT, default=None
    )
    expires_at: dt.datetime | None = column(
        "transfer", ja="受領期限", en="when it expires", search=True, type=INSTANT, default=None
    )
    levy_count: int | None = column(
        "transfer", ja="収納件数", en="how many levies it holds", default=None
    )
    covered_count: int | None = column(
        "transfer",
        "handling",
        ja="取扱注意人数",
        en="how many of the people an obligation covers",
        default=None,
    )
    held_back_count: int | None = column(
        "transfer",
        "handling",
        ja="出力停止人数",
        en="how many were held back, as nothing about them may be sent",
        default=None,
    )
    ndjson_size: int | None = column(
        "transfer", ja="NDJSONサイズ", en="bytes as NDJSON", type=YEN, graphql=None, default=None
    )
    ndjson_digest: str | None = column(
        "transfer",
        *CONTENT,
        ja="NDJSONハッシュ",
        en="SHA-256 as NDJSON",
        type=text(64),
        default=None,
    )
    csv_size: int | None = column(
        "transfer", ja="CSVサイズ", en="bytes as CSV", type=YEN, graphql=None, default=None
    )
    csv_digest: str | None = column(
        "transfer", *CONTENT, ja="CSVハッシュ", en="SHA-256 as CSV", type=text(64), default=None
    )
    reject_reason: str | None = column(
        "transfer",
        ja="受領拒否理由",
        en="why the receiver refused it",
        type=enum_of(RejectReason),
        default=None,
    )
    ended_at: dt.datetime | None = column(
        "transfer", ja="終了日時", en="when it came to its end", type=INSTANT, default=None
    )
    received_by: str | None = column(
        "transfer", ja="受領者", en="who signed for the paper", type=text(64), default=None
    )
    plan_digest: str | None = column(
        "transfer", ja="判定ハッシュ", en="what was decided", graphql=None, type=text(64),
        default=None,
    )  # fmt: skip
    claimed_at: dt.datetime | None = column(
        "transfer", ja="作業日時", en="being made at", graphql=None, type=INSTANT, default=None
    )


class TransferCheck(SQLModel, table=True):
    """論理チェック one logic check of a transfer: whether it passed, and why not."""

    __tablename__ = "transfer_check"
    noun: ClassVar[Noun] = Noun(
        "TransferCheck",
        ja="論理チェック",
        en="one logic check of a transfer",
        existence=("transfer",),
    )

    id: int | None = child_key("transfer")
    transfer_id: int = column(
        "transfer",
        ja="移転番号",
        en="transfer that was checked",
        graphql=None,
        type=KEY,
        references="transfer.id",
        index=True,
    )
    definition_code: str = column(
        "transfer", ja="移転先コード", en="its definition", graphql=None, type=text(60)
    )
    name: str = column("transfer", ja="項目", en="what was checked", type=enum_of(CheckName))
    passed: bool = column("transfer", ja="結果", en="whether it passed")
    reason: str | None = column(
        "transfer", ja="理由", en="what is wrong, in numbers", type=text(), default=None
    )


class TransferChunk(SQLModel, table=True):
    """A part of a transfer's content, sealed by the key file: some hundred people."""

    __tablename__ = "transfer_chunk"

    transfer_id: int = column(
        *CONTENT, ja="移転番号", en="transfer", graphql=None, type=KEY,
        references="transfer.id", primary_key=True,
    )  # fmt: skip
    number: int = column(
        *CONTENT, ja="番号", en="place in the content", graphql=None, primary_key=True,
        sa={"autoincrement": False},
    )  # fmt: skip
    ndjson_size: int = column(*CONTENT, ja="NDJSONサイズ", en="bytes as NDJSON", graphql=None)
    csv_size: int = column(*CONTENT, ja="CSVサイズ", en="bytes as CSV", graphql=None)
    sealed: bytes = column(
        *CONTENT, ja="内容", en="sealed content", graphql=None, type=sa.LargeBinary()
    )


class TransferSent(SQLModel, table=True):
    """What a client last confirmed of a person, as a keyed digest: who has changed since."""

    __tablename__ = "transfer_sent"

    client_id: str = column(
        *CONTENT, ja="連携先ID", en="client", graphql=None, type=text(57),
        references="client.id", primary_key=True,
    )  # fmt: skip
    addressee_code: str = column(
        *CONTENT, ja="宛名コード", en="addressee code", graphql=None, type=text(15),
        primary_key=True,
    )  # fmt: skip
    digest: bytes = column(
        *CONTENT, ja="ハッシュ", en="keyed digest", graphql=None, type=sa.LargeBinary()
    )
