"""Two persons: one proposes, another decides; and the errors where the state does not allow it."""

from __future__ import annotations

from typing import Any

from authz.errors import BadInput
from resolvers.write import Change


def needs_state(stored: Any, *allowed: str) -> None:
    """Raises `BadInput` `STATE_NOT_ALLOWED` where the thing is in another state."""
    if stored not in allowed:
        raise BadInput(
            f"the state does not allow this; it must be {' or '.join(allowed)}",
            "STATE_NOT_ALLOWED",
        )


def needs_second_person(change: Change, *involved: str | None) -> None:
    """Raises `BadInput` `SECOND_PERSON_REQUIRED` for whoever is among the involved."""
    if change.actor.id in involved:
        raise BadInput(
            "a second person decides this, not who is involved", "SECOND_PERSON_REQUIRED"
        )


def reason_of(given: Any) -> str:
    """The reason that a person gives. Raises `BadInput` for an empty one."""
    reason = str(given["reason"]).strip()
    if not reason:
        raise BadInput("`reason` must say something")
    return reason
