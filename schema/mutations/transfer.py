"""Mutations of transfers (移転)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry

from models.tables.transfer import RejectReason, TransferExtent, TransferMeans
from schema.mutations.declare import change, payload
from schema.types.nouns import enumerated

for words in (TransferExtent, TransferMeans, RejectReason):
    enumerated(words)


@strawberry.input(description="移転の作成の入力.")
class PrepareTransferInput:
    """A transfer to make. Without `clientId`: the definition's only client in force."""

    definitionCode: str = strawberry.field(description="移転先コード: to which destination")
    clientId: str | None = strawberry.field(
        description="連携先ID: which client, where there are several"
    )
    extent: TransferExtent | None = strawberry.field(
        description="範囲: everybody (FULL, default), or who changed"
    )
    means: TransferMeans | None = strawberry.field(
        description="移転方法: by linkage (default) or on paper"
    )


@strawberry.input(description="移転の指定.")
class TransferInput:
    """One transfer."""

    code: str = strawberry.field(description="移転番号: number of the transfer")


@strawberry.input(description="移転の引渡の入力.")
class HandOverTransferInput:
    """A printed list that was signed for."""

    code: str = strawberry.field(description="移転番号: number of the transfer")
    receivedBy: str = strawberry.field(description="受領者: who signed for it")


@strawberry.input(description="移転の受領確認の入力.")
class AcknowledgeTransferInput:
    """A transfer that arrived whole."""

    code: str = strawberry.field(description="移転番号: number of the transfer")
    digest: str = strawberry.field(description="SHA-256: of what was received, in hexadecimal")


@strawberry.input(description="移転の受領拒否の入力.")
class RejectTransferInput:
    """A transfer that is refused."""

    code: str = strawberry.field(description="移転番号: number of the transfer")
    reason: RejectReason = strawberry.field(description="理由: why")


TransferPayload = payload(
    "TransferPayload", "移転の結果.", {"transfer": ("Transfer", "移転記録: as it is now")}
)

CHANGES: Mapping[str, Any] = {
    name: change(name, input_type, TransferPayload, description)
    for name, input_type, description in (
        (
            "prepareTransfer",
            PrepareTransferInput,
            "移転の作成: order a transfer; its content is made and checked soon after.",
        ),
        (
            "releaseTransfer",
            TransferInput,
            "移転の承認: let a checked transfer go; not by whoever ordered it.",
        ),
        (
            "withdrawTransfer",
            TransferInput,
            "移転の取下げ: take a transfer back; its content is erased.",
        ),
        (
            "handOverTransfer",
            HandOverTransferInput,
            "移転の引渡: a printed list was signed for.",
        ),
        (
            "acknowledgeTransfer",
            AcknowledgeTransferInput,
            "移転の受領確認: the receiver has it whole; the content is erased.",
        ),
        (
            "rejectTransfer",
            RejectTransferInput,
            "移転の受領拒否: the receiver refuses it; the content is erased.",
        ),
    )
}
