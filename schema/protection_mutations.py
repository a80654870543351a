"""Mutations around protection (支援措置)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry

from schema.changes import change, payload


@strawberry.input(description="代替送付先の入力: null clears a part of it.")
class SetSubstituteAddressInput:
    """What may be used instead of a person's withheld address."""

    addresseeCode: str = strawberry.field(description="宛名コード: whose")
    recipient: str | None = strawberry.field(description="代替送付先氏名: recipient")
    postalCode: str | None = strawberry.field(description="代替送付先郵便番号: postal code")
    address: str | None = strawberry.field(description="代替送付先住所: address")


SetSubstituteAddressPayload = payload(
    "SetSubstituteAddressPayload",
    "代替送付先の設定結果.",
    {"substituteAddress": ("SubstituteAddress", "代替送付先: as it is now")},
)

CHANGES: Mapping[str, Any] = {
    "setSubstituteAddress": change(
        "setSubstituteAddress",
        SetSubstituteAddressInput,
        SetSubstituteAddressPayload,
        "代替送付先の設定: set what may be used instead of a withheld address; the coordinator's.",
    )
}
