"""Why a request is refused, in one small tree.

Refused            base: a stable code, a message that echoes no value, an HTTP status
├─ Unauthenticated UNAUTHENTICATED, 401: no session, an ended one, or a wrong password
├─ PurposeRefused  PURPOSE_REQUIRED or PURPOSE_NOT_ALLOWED, 403
├─ WriteRefused    WRITE_NOT_ALLOWED, 403: this role may not change that for this purpose
├─ OutputStopped   OUTPUT_STOPPED, 403: nothing about this person goes out
├─ BadInput        ADDRESS_NEEDED, CURSOR_INVALID, BAD_USER_INPUT, STATE_NOT_ALLOWED,
│                  LIMIT_EXCEEDED, 400
│  └─ CellHidden   FIELD_HIDDEN or OPERAND_HIDDEN, 400, with the coordinate
├─ HarvestLimit    HARVEST_LIMIT, 429
├─ TooManyRequests RATE_LIMITED, 429, with the seconds to wait
└─ Unavailable     UNAVAILABLE, 503: a store that is needed does not answer
"""

from __future__ import annotations


class Refused(Exception):
    """A request that gets no data. `code` is stable; `message` names no hidden value."""

    code = "REFUSED"
    status = 400
    asked: tuple[tuple[str, str, str], ...] = ()
    """What was decided before the refusal, for the log: (coordinate, action, verdict)."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class Unauthenticated(Refused):
    """Nobody is signed in with this token, or the sign-in failed (one answer for every cause)."""

    code = "UNAUTHENTICATED"
    status = 401


class PurposeRefused(Refused):
    """The purpose is missing, or is not open to the actor (unknown and not open are alike)."""

    code = "PURPOSE_NOT_ALLOWED"
    status = 403


class WriteRefused(Refused):
    """The clearance does not allow `write` on what would be changed, or not on this person's."""

    code = "WRITE_NOT_ALLOWED"
    status = 403


class OutputStopped(Refused):
    """An obligation covers somebody on what was to be issued, and no lift for issuing fits."""

    code = "OUTPUT_STOPPED"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "出力停止: 支援措置担当に確認してください / output is stopped: nothing is issued or"
            " told without a lift for this path from the protection coordinators"
        )


class BadInput(Refused):
    """The request itself cannot be answered as it stands."""

    code = "BAD_USER_INPUT"
    status = 400


class CellHidden(BadInput):
    """A field or operand that the policy hides, whatever is stored. `coordinate`: `Type.field`."""

    def __init__(self, message: str, code: str, coordinate: str) -> None:
        super().__init__(message, code)
        self.coordinate = coordinate


class HarvestLimit(Refused):
    """More distinct persons than this role and purpose may see in an hour.

    `retry_after`: seconds until the hour is over.
    """

    code = "HARVEST_LIMIT"
    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyRequests(Refused):
    """A client asks too often; `retry_after` seconds later it may ask again."""

    code = "RATE_LIMITED"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many requests: wait, then ask again")
        self.retry_after = retry_after


class Unavailable(Refused):
    """A store that the decision or its record needs does not answer: nothing is shown."""

    code = "UNAVAILABLE"
    status = 503
