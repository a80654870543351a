"""Who is signed in, as a frontend sees it."""

from __future__ import annotations

import strawberry

from schema.types.scalars import DateTime


@strawberry.type(description="項目ごとの権限: SHOWN, MASKED, or the reason why it is hidden.")
class FieldClearance:
    """One coordinate's row of the decision table."""

    coordinate: str = strawberry.field(description="座標: `Type.field`, or `Type` for a row")
    read: str = strawberry.field(description="一件: in an answer about one person")
    list: str = strawberry.field(description="一覧: in an answer about several persons")
    match: str = strawberry.field(description="完全一致: as an exact operand")
    search: str = strawberry.field(description="検索: in a prefix, range or ordering")
    write: str = strawberry.field(description="更新: to change it")


@strawberry.type(description="利用目的: what personal data may be used for, and on which basis.")
class PurposeOfUse:
    """A purpose that the viewer may state."""

    code: str = strawberry.field(description="コード: what `Purpose-Of-Use` carries")
    nameJa: str = strawberry.field(description="名称: name in Japanese")
    name: str = strawberry.field(description="名称(英): name")
    legalBasis: str = strawberry.field(description="法令上の根拠: legal basis")


@strawberry.type(description="利用者: who is signed in, and what they may see for this purpose.")
class Viewer:
    """The signed-in staff member."""

    id: str = strawberry.field(
        description="職員番号: staff id; of a department's client, `client:` and its id"
    )
    roles: list[str] = strawberry.field(description="役割: roles held today")
    purposes: list[str] = strawberry.field(description="利用目的: purposes that they open")
    purposesOfUse: list[PurposeOfUse] = strawberry.field(
        description="利用目的の一覧: the same purposes with their names"
    )
    purpose: str | None = strawberry.field(description="今回の利用目的: the purpose stated")
    policyVersion: int = strawberry.field(description="権限設定の版: policy version in force")
    expiresAt: DateTime = strawberry.field(description="終了日時: when the session ends anyway")
    idleExpiresAt: DateTime = strawberry.field(
        description="自動ログアウト日時: when it ends if nothing more is asked"
    )
    idleTimeoutSeconds: int = strawberry.field(description="無操作の秒数: idle timeout in seconds")
    clearance: list[FieldClearance] | None = strawberry.field(
        description="権限: the table that decides, for the stated purpose"
    )


@strawberry.type(description="サインインした利用者: who has just signed in.")
class SignedInViewer:
    """The new session's staff member."""

    id: str = strawberry.field(description="職員番号: staff id")
    roles: list[str] = strawberry.field(description="役割: roles held today")
    purposes: list[str] = strawberry.field(description="利用目的: purposes that they open")
    purposesOfUse: list[PurposeOfUse] = strawberry.field(
        description="利用目的の一覧: the same purposes with their names"
    )
