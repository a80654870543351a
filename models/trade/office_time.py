"""The office's time: Asia/Tokyo, which keeps no summer time."""

from __future__ import annotations

import datetime as dt

TOKYO = dt.timezone(dt.timedelta(hours=9), "Asia/Tokyo")


def midnight_after(last: dt.date | None) -> dt.datetime | None:
    """The first moment after the last day on which something is good; `None` where it has no end.

    No day comes after the last one of the calendar, which files write for "no end".
    """
    if last is None or last == dt.date.max:
        return None
    return dt.datetime.combine(last, dt.time(), TOKYO) + dt.timedelta(days=1)


def day_of(at: dt.datetime) -> dt.date:
    """The day in Japan at an instant."""
    return at.astimezone(TOKYO).date()
