"""What the state of a thing must be before it may be changed, and the reason that is given."""

from __future__ import annotations

from typing import Any

from authz.errors import BadInput


def needs_state(stored: Any, *allowed: str) -> None:
    """Raises `BadInput` `STATE_NOT_ALLOWED` where the thing is in another state."""
    if stored not in allowed:
        raise BadInput(
            f"the state does not allow this; it must be {' or '.join(allowed)}",
            "STATE_NOT_ALLOWED",
        )


def reason_of(given: Any) -> str:
    """The reason that a person gives. Raises `BadInput` for an empty one."""
    reason = str(given["reason"]).strip()
    if not reason:
        raise BadInput("`reason` must say something")
    return reason
