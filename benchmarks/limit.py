"""The limit: the SQL of the cases behind bare Starlette (`benchmarks.limit URL PORT WORKERS`)."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.cases import CASES, FORMS

POOL = 10


def create_app(url: str) -> Starlette:
    """`GET /<form>/<case>/<code>` answers the case's JSON."""
    sql = {(form, case.name): case.sql(form) for form in FORMS for case in CASES}
    pool: Any = None

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        nonlocal pool
        async with asyncpg.create_pool(url, min_size=POOL, max_size=POOL, reset=_nothing) as pool:
            yield

    async def answer(request: Request) -> Response:
        path = request.path_params
        text = await pool.fetchval(sql[path["form"], path["case"]], path["code"])
        return Response(text, media_type="application/json")

    return Starlette(lifespan=lifespan, routes=[Route("/{form}/{case}/{code}", answer)])


async def _nothing(connection: Any) -> None:
    """Resetting a connection would cost a round trip that nothing here needs."""


def application() -> Starlette:
    """What each worker runs: the application on the database of the command line."""
    return create_app(sys.argv[1])


if __name__ == "__main__":
    uvicorn.run(
        "benchmarks.limit:application",
        factory=True,
        port=int(sys.argv[2]),
        workers=int(sys.argv[3]),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
