"""Scalars of the wire, and how each parses what a client sends.

Yen               integer yen, up to 2^53 (Int ends at 2.1 billion)
Date              a day in Asia/Tokyo, ISO 8601
DateTime          an instant, RFC 3339 with `Z`
IndividualNumber  twelve digits; only ever a variable
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NewType

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from authz.errors import BadInput

LARGEST = 2**53

Yen = NewType("Yen", int)
Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
IndividualNumberText = NewType("IndividualNumberText", str)


def _yen(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise BadInput("Yen is an integer of at most 2^53.")
    return value


def _day(value: Any) -> dt.date:
    if isinstance(value, str) and len(value) == 10:
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    raise BadInput("Date is a day such as 2026-04-01.")


def _instant(value: Any) -> dt.datetime:
    if isinstance(value, str):
        try:
            instant = dt.datetime.fromisoformat(value)
        except ValueError:
            instant = None
        if instant is not None and instant.tzinfo is not None:
            return instant.astimezone(dt.UTC)
    raise BadInput("DateTime is an instant such as 2026-04-01T00:00:00Z.")


def _number(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise BadInput("IndividualNumber is a text of twelve digits.")


def _same(value: Any) -> Any:
    return value


SCALARS: dict[object, ScalarDefinition] = {
    Yen: strawberry.scalar(
        name="Yen",
        description="円: an amount of money in yen, an integer of at most 2^53.",
        serialize=_same,
        parse_value=_yen,
    ),
    Date: strawberry.scalar(
        name="Date",
        description="日付: a day in Asia/Tokyo, ISO 8601 (2026-04-01).",
        serialize=_same,
        parse_value=_day,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="日時: an instant, RFC 3339 in UTC (2026-04-01T00:00:00Z).",
        serialize=_same,
        parse_value=_instant,
    ),
    IndividualNumberText: strawberry.scalar(
        name="IndividualNumber",
        description="個人番号: twelve digits. Give it as a variable, never in the document.",
        serialize=_same,
        parse_value=_number,
    ),
}

CONFIG = StrawberryConfig(auto_camel_case=False, disable_field_suggestions=True, scalar_map=SCALARS)
