"""The mutation that asks before something goes out (発行)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry

from models.tables.issued_document import DocumentKind, IssuingPath
from schema.mutations.declare import change, payload
from schema.types.nouns import TYPES, enumerated

for words in (DocumentKind, IssuingPath):
    enumerated(words)


@strawberry.input(description="発行の入力.")
class IssueDocumentInput:
    """What is about to go out about whom, and how."""

    addresseeCode: str = strawberry.field(description="宛名コード: about whom")
    path: IssuingPath = strawberry.field(description="発行経路: on which way out")
    document: DocumentKind = strawberry.field(description="文書: what is issued or told")
    address: str | None = strawberry.field(
        description="住所: the person's, as the third item beside name and birthday;"
        " DISPOSITION_NOTICE and REFUND_NOTICE ask for it where another record has both"
        " (ADDRESS_NEEDED)",
        default=strawberry.UNSET,
    )


IssueDocumentPayload = payload(
    "IssueDocumentPayload",
    "発行の結果: what may go out.",
    {
        "content": (
            TYPES.issued["Addressee"],
            "内容: what this kind of document carries; withheld classes as far as the lift that was"
            " used names them",
        )
    },
)

CHANGES: Mapping[str, Any] = {
    "issueDocument": change(
        "issueDocument",
        IssueDocumentInput,
        IssueDocumentPayload,
        "発行: ask before a document goes out or somebody is told something, and put out this"
        " answer; OUTPUT_STOPPED where nothing may.",
    )
}
