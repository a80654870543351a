"""Why care is due in the demo town: measures, other causes, what waits for a second person, a lift.

The files of a city say that care is due and carry two flags; why is entered by its coordinators.
`kobayashi` and `mori` are those of the demo cast.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from models.demo.cast import (
    HONMA_RITSU,
    HONMA_SAKURA,
    KUDO_MASARU,
    SASAKI_TOME,
    SUZUKI_DAISUKE,
    TAKAHASHI_MAKOTO,
    TANAKA_HINA,
    TANAKA_MISAKI,
)
from models.demo.record import AS_OF
from models.tables.lift import OutputPath
from models.tables.protective_measure import ExclusionStatus, MeasureKind, MeasureStatus

Values = dict[str, Any]

FIRST, SECOND = "kobayashi", "mori"
MORNING = dt.datetime(AS_OF.year, AS_OF.month, AS_OF.day, 0, 30, tzinfo=dt.UTC)
SAPPORO = "011002"

_OTHER_CAUSES = {
    (True, False): MeasureKind.STAFF_THREATENED,
    (False, True): MeasureKind.MAIL_RETURNED,
    (True, True): MeasureKind.GUARDIANSHIP,
}
_VIOLENCE = (MeasureKind.SPOUSAL_VIOLENCE, MeasureKind.STALKING, MeasureKind.EQUIVALENT)


def told(code: str, address_withheld: bool, stop_output: bool) -> Values:
    """What the coordinators found out about a care that a file asks for; of some, nothing yet."""
    if int(code) % 5 == 3:
        return {}
    began = _day(code, 30, 900)
    return {
        "kind": _OTHER_CAUSES[address_withheld, stop_output].value,
        "requested_on": began,
        "decided_on": began,
    }


def behind_flag(code: str, dv_flag: bool) -> Values:
    """The measure behind a flag of somebody's record (items 53, 54)."""
    began = _day(code, 10, 500)
    kind = _VIOLENCE[int(code) % 3] if dv_flag else MeasureKind.CHILD_ABUSE
    return {
        "addressee_code": code,
        "kind": kind.value,
        "status": MeasureStatus.IN_FORCE.value,
        "requested_on": began - dt.timedelta(days=9),
        "decided_on": began,
        "starts_on": began,
        # Of some the year has passed: it reminds, and they go on.
        "ends_on": began + dt.timedelta(days=364),
        "recorded_by": FIRST,
        "recorded_at": MORNING,
    }


def named() -> list[tuple[Values, tuple[str, ...]]]:
    """Measures of the named people, each with whom it covers too."""
    decided = dt.date(2026, 3, 17)
    misaki = behind_flag(TANAKA_MISAKI, dv_flag=True) | {
        "kind": MeasureKind.SPOUSAL_VIOLENCE.value,
        "deciding_municipality_code": SAPPORO,
        "counterparty_name": "鈴木　大輔",
        "counterparty_addressee_code": SUZUKI_DAISUKE,
        "requested_on": dt.date(2026, 3, 10),
        "decided_on": decided,
        "starts_on": dt.date(2026, 3, 18),
        "ends_on": dt.date(2027, 3, 17),
        "note": "札幌市で申出。転居と同時に開始",
    }
    ritsu = behind_flag(HONMA_RITSU, dv_flag=False) | {
        "counterparty_name": "本間　さくら",
        "counterparty_addressee_code": HONMA_SAKURA,
        "starts_on": dt.date(2025, 10, 1),
        "ends_on": dt.date(2026, 9, 30),
        "note": "児童相談所の意見あり。延長の確認待ち",
    }
    masaru = {
        "addressee_code": KUDO_MASARU,
        "kind": MeasureKind.MAIL_RETURNED.value,
        "address_withheld": False,
        "status": MeasureStatus.ENDED.value,
        "requested_on": dt.date(2025, 7, 2),
        "end_reason": "現地調査で居住を確認",
        "end_proposed_by": FIRST,
        "end_proposed_at": MORNING - dt.timedelta(days=90),
        "end_confirmed_by": SECOND,
        "end_confirmed_at": MORNING - dt.timedelta(days=89),
    }
    return [(misaki, (TANAKA_HINA,)), (ritsu, ()), (masaru, ())]


PROPOSED_END: Values = {
    "status": MeasureStatus.END_PROPOSED.value,
    "end_reason": "新しい住所が判明",
    "end_proposed_by": FIRST,
    "end_proposed_at": MORNING,
}
END_PROPOSED_FOR = TAKAHASHI_MAKOTO
"""Whose returned mail is explained, so that one coordinator proposes the end."""

EXCLUSION: Values = {
    "addressee_code": HONMA_RITSU,
    "member_code": HONMA_SAKURA,
    "status": ExclusionStatus.PROPOSED.value,
    "reason": "相手方であり、同居の保護者",
    "proposed_by": SECOND,
    "proposed_at": MORNING,
}
"""Without the household, which is that of the two."""


def lifts(now: dt.datetime) -> list[Values]:
    """One lift that opens, for a month from the first start; one that waits for its approval."""
    both: Values = {"ends_at": now + dt.timedelta(days=30), "proposed_at": now}
    return [
        both
        | {
            "addressee_code": TANAKA_MISAKI,
            "staff_id": "takahashi",
            "classes": "contact residence",
            "path": OutputPath.SCREEN.value,
            "reason": "差押え前の実態調査",
            "uses": 5,
            "proposed_by": FIRST,
            "approved_by": SECOND,
            "approved_at": now,
        },
        both
        | {
            "addressee_code": SASAKI_TOME,
            "staff_id": "sato",
            "classes": "forwarding-address",
            "path": OutputPath.MAIL.value,
            "reason": "還付通知の送付",
            "uses": 1,
            "proposed_by": SECOND,
        },
    ]


def _day(code: str, least: int, most: int) -> dt.date:
    """A day before the town stands still, the same for the same person."""
    return AS_OF - dt.timedelta(days=least + int(code) * 37 % (most - least))
