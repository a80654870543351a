"""What people type into a mutation is held against the same rules as the columns of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from authz.errors import BadInput
from models.days import implausible
from models.labels import camel, label_of
from resolvers.read.sql import today


def check_days(
    table: sa.Table, values: Mapping[str, Any], stored: Mapping[str, Any] | None = None
) -> None:
    """Raises `BadInput` for a day that cannot be, also beside what is stored of the row already.

    What is not said anew is not asked about.
    """
    for name, reason in implausible(table, {**(stored or {}), **values}, today()):
        days = label_of(table.c[name]).days
        assert days is not None
        if name in values or days.not_before in values:
            raise BadInput(f"`{camel(name)}`: {reason}")
