"""What the SDL says of each leaf: the record items that it serves, and how sensitive it is."""

from __future__ import annotations

import strawberry
from strawberry.schema_directive import Location


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="recordItem",
    repeatable=True,
    description="記録項目: an item of the file's record (assessment, annex 1).",
)
class RecordItem:
    """`@recordItem(no: 53)`."""

    no: int


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    name="classified",
    repeatable=True,
    description="区分: a sensitivity class; the policy must allow every one that a field carries.",
)
class Classified:
    """`@classified(as: "protection")`."""

    as_: str = strawberry.directive_field(name="as")
