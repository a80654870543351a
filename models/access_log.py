"""The access log's tables: who asked what, for which purpose, about whom, and how it ended.

What was asked (normal form, coordinates, verdicts) is a property of the plan and is stored once, in
`logged_operation`; records point at it. Both tables only grow, and no column can hold a literal.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlmodel import SQLModel

from models import append_only
from models.labels import column, text

CLASS = "access-log"


class LoggedOperationRow(SQLModel, table=True):
    """One distinct operation under one set of verdicts."""

    __tablename__ = "logged_operation"

    digest: str = column(
        CLASS, ja="操作ハッシュ", en="operation digest", graphql=None, type=text(64),
        primary_key=True,
    )  # fmt: skip
    normal_form: str = column(
        CLASS, ja="操作（正規形）", en="operation in normal form", graphql=None, type=text()
    )
    coordinates: str = column(
        CLASS, ja="項目と判定", en="coordinates with action and verdict", graphql=None, type=text()
    )


class AccessLogRow(SQLModel, table=True):
    """One record of one operation; sign-in and sign-out are operations too."""

    __tablename__ = "access_log"
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = column(
        CLASS, ja="記録番号", en="record number", graphql=None, default=None, primary_key=True,
        type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    )  # fmt: skip
    at: dt.datetime = column(
        CLASS, ja="日時", en="point in time (UTC)", graphql=None, type=sa.DateTime(timezone=True)
    )
    kind: str = column(CLASS, ja="種別", en="kind of event", graphql=None, type=text(40))
    actor: str | None = column(
        CLASS, ja="職員番号", en="staff id, null if nobody is signed in", graphql=None,
        type=text(64), default=None,
    )  # fmt: skip
    session: str | None = column(
        CLASS, ja="セッション参照", en="public reference of the session", graphql=None,
        type=text(64), default=None,
    )  # fmt: skip
    roles: str = column(
        CLASS, ja="ロール", en="roles, sorted, separated by spaces", graphql=None, type=text()
    )
    purpose: str | None = column(
        CLASS, ja="利用目的", en="stated purpose", graphql=None, type=text(64), default=None
    )
    case_reference: str | None = column(
        CLASS, ja="案件番号", en="case reference", graphql=None, type=text(64), default=None
    )
    policy_version: int | None = column(
        CLASS, ja="権限設定の版", en="policy version", graphql=None, type=sa.BigInteger(),
        default=None,
    )  # fmt: skip
    operation: str | None = column(
        CLASS, ja="操作ハッシュ", en="digest of the logged operation", graphql=None,
        type=text(64), default=None,
    )  # fmt: skip
    persons: str = column(
        CLASS, ja="対象者", en="addressee codes touched, a JSON array", graphql=None, type=text()
    )
    person_count: int = column(
        CLASS, ja="対象者数", en="number of persons touched", graphql=None, type=sa.Integer()
    )
    outcome: str = column(CLASS, ja="結果", en="outcome code", graphql=None, type=text(40))


ACCESS_LOG: sa.Table = AccessLogRow.__table__  # type: ignore[attr-defined]
LOGGED_OPERATION: sa.Table = LoggedOperationRow.__table__  # type: ignore[attr-defined]


def append_only_triggers(dialect: str) -> list[str]:
    """Statements for the migration, after which both tables refuse every change but INSERT."""
    return append_only.triggers(dialect, ACCESS_LOG, LOGGED_OPERATION)
