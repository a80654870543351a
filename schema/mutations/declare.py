"""How a mutation is declared: its input, what its payload shows, and who carries it out.

Nothing here changes anything: mutations are carried out by `resolvers/write/pipeline.py`, under
their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry

from schema.types.nouns import TYPES, declared, described, fill


def payload(name: str, description: str, shows: Mapping[str, tuple[Any, str]]) -> type:
    """A payload type. `shows`: for each field its type and description; the name of a noun as the
    type is the row after the change, `null` where the reader may not see it."""
    members = {
        field: (
            (TYPES.objects[type_] if isinstance(type_, str) else type_) | None,
            described(words, field),
        )
        for field, (type_, words) in shows.items()
    }
    made = type(name, (), {})
    fill(made, members)
    return strawberry.type(made, name=name, description=description)


def change(name: str, input_type: type, payload_type: Any, description: str) -> Any:
    """The root field of a mutation that takes one `input`."""
    resolver = declared(name, payload_type | None, {"input": input_type}, required=True)
    return described(description, name, resolver)
