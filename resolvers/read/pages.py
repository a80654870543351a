"""Page sizes and cursors of one request, checked against the limits before anything is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from authz.errors import BadInput
from resolvers.read.levels import Page
from resolvers.read.seal import Seal, SealBroken
from resolvers.read.sql import LIMIT, Query

Given = dict[int, dict[str, Any]]
"""Parameter values of each level in one request, by the identity of the level."""


def open_pages(
    queries: Sequence[Query],
    variables: Mapping[str, Any],
    seal: Seal,
    binding: bytes,
    *,
    max_page: int,
    max_rows: int,
) -> Given:
    """The row limit and cursor values of every connection.

    Raises `BadInput`: `LIMIT_EXCEEDED` for a page above `max_page`, or if the operation could
    return more than `max_rows` rows, `CURSOR_INVALID`, `BAD_USER_INPUT` for a negative page.
    """
    given: Given = {}
    rows = sum(_open(query, 1, variables, seal, binding, max_page, given) for query in queries)
    if rows > max_rows:
        raise BadInput(
            f"the operation could return {rows} rows, at most {max_rows} are allowed",
            "LIMIT_EXCEEDED",
        )
    return given


def _open(
    query: Query,
    parents: int,
    variables: Mapping[str, Any],
    seal: Seal,
    binding: bytes,
    max_page: int,
    given: Given,
) -> int:
    level, rows = query.level, parents
    if level.page is not None:
        first = _first(level.page, variables, max_page)
        given[id(level)] = {
            LIMIT: first + query.peeks,
            **_after(query, variables, seal, binding),
        }
        rows = parents * max(first, 1)
    return rows + sum(
        _open(child, rows, variables, seal, binding, max_page, given) for child in query.children
    )


def _first(page: Page, variables: Mapping[str, Any], max_page: int) -> int:
    first = page.first.get(variables)
    if not isinstance(first, int) or first < 0:
        raise BadInput("`first` must not be negative")
    if first > max_page:
        raise BadInput(f"`first` must not exceed {max_page}", "LIMIT_EXCEEDED")
    return first


def _after(
    query: Query, variables: Mapping[str, Any], seal: Seal, binding: bytes
) -> dict[str, Any]:
    page = query.level.page
    if page is None or page.after is None:
        return {}
    try:
        values = seal.open_cursor(page.after.get(variables), binding + page.binding.encode())
    except SealBroken as error:
        raise BadInput("this cursor is not one of this list", "CURSOR_INVALID") from error
    return {
        f"after_{at}": _typed(type_, value)
        for at, (type_, value) in enumerate(zip(query.cursor, values, strict=True))
    }


def _typed(type_: sa.types.TypeEngine[Any], value: Any) -> Any:
    if isinstance(type_, sa.DateTime):
        instant = dt.datetime.fromisoformat(value)
        return instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)
    if isinstance(type_, sa.Date):
        return dt.date.fromisoformat(value)
    return value
