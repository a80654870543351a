"""The access log's tables: who asked what, for which purpose, about whom, and how it ended.

What was asked (normal form, coordinates, verdicts) is a property of the plan and is stored once, in
`logged_operation`; records point at it. Both tables only grow, and no column can hold a literal.
"""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import SQLModel

from models.labels import Count, Noun, Words, column, text

CLASS = "access-log"
WORDS = Words().with_variant(Words(collation="C"), "postgresql")


class LoggedOperationRow(SQLModel, table=True):
    """One distinct operation under one set of verdicts."""

    __tablename__ = "logged_operation"
    noun: ClassVar[Noun] = Noun(
        "LoggedOperation",
        ja="記録された操作",
        en="an operation without its values, and what was decided on each coordinate",
        existence=(CLASS,),
        key="digest",
    )

    digest: str = column(
        CLASS, ja="操作ハッシュ", en="operation digest", match=True, type=text(64),
        primary_key=True,
    )  # fmt: skip
    normal_form: str = column(
        CLASS, ja="操作（正規形）", en="operation in normal form", type=text()
    )
    coordinates: str = column(
        CLASS, ja="項目と判定", en="coordinates, each with action and verdict", type=WORDS
    )


class AccessLogRow(SQLModel, table=True):
    """One record of one operation; sign-in and sign-out are operations too."""

    __tablename__ = "access_log"
    __table_args__ = {"sqlite_autoincrement": True}
    noun: ClassVar[Noun] = Noun(
        "AccessRecord",
        ja="アクセス記録",
        en="one operation: who asked what, for which purpose, about whom, and how it ended",
        existence=(CLASS,),
        root=("accessRecord", "accessRecords"),
    )

    id: int | None = column(
        CLASS, ja="記録番号", en="record number", graphql=None, default=None, primary_key=True,
        type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    )  # fmt: skip
    at: dt.datetime = column(
        CLASS, ja="日時", en="point in time", search=True, type=sa.DateTime(timezone=True)
    )
    kind: str = column(CLASS, ja="種別", en="kind of event", match=True, type=text(40))
    actor: str | None = column(
        CLASS, ja="職員番号", en="staff id, null if nobody is signed in", match=True,
        type=text(64), default=None,
    )  # fmt: skip
    session: str | None = column(
        CLASS, ja="セッション参照", en="public reference of the session", match=True,
        type=text(64), default=None,
    )  # fmt: skip
    roles: str = column(CLASS, ja="ロール", en="roles, sorted, separated by spaces", type=text())
    purpose: str | None = column(
        CLASS, ja="利用目的", en="stated purpose", match=True, type=text(64), default=None
    )
    # Not in the schema: see docs/decisions (what the trail leaves out).
    case_reference: str | None = column(
        CLASS, ja="案件番号", en="case reference", graphql=None, type=text(64), default=None
    )
    policy_version: int | None = column(
        CLASS, ja="権限設定の版", en="policy version", type=Count(), default=None
    )
    operation: str | None = column(
        CLASS, ja="操作ハッシュ", en="digest of the logged operation", graphql=None,
        type=text(64), default=None,
    )  # fmt: skip
    persons: str = column(
        CLASS, ja="対象者（全員）", en="codes of everybody whose data was shown", graphql=None,
        type=WORDS,
    )  # fmt: skip
    person_count: int = column(
        CLASS, ja="対象者数（全員）", en="number of all of them", graphql=None, type=sa.Integer()
    )
    through: str = column(
        CLASS, ja="対象者に至る情報区分", graphql="personsThrough", type=text(),
        en="sensitivity classes of the edges and operands by which persons came in, separated by"
        " spaces; who is not cleared for all of them sees only who was asked for by code",
    )  # fmt: skip
    open_persons: str = column(
        CLASS, ja="対象者", graphql="persons", whole="persons", type=WORDS,
        en="codes of the addressees whose data was shown, as far as they may be told",
    )  # fmt: skip
    open_count: int = column(
        CLASS, ja="対象者数", graphql="personCount", whole="person_count", search=True,
        en="number of these persons", type=sa.Integer(),
    )  # fmt: skip
    outcome: str = column(CLASS, ja="結果", en="`OK` or an error code", match=True, type=text(40))


ACCESS_LOG: sa.Table = AccessLogRow.__table__  # type: ignore[attr-defined]
LOGGED_OPERATION: sa.Table = LoggedOperationRow.__table__  # type: ignore[attr-defined]
