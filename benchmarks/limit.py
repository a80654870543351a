"""The limit: the cases' SQL behind bare Starlette. `python -m benchmarks.limit URL PORT`."""

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

from benchmarks.cases import CASES

POOL = 10


def create_app(url: str) -> Starlette:
    """`GET /<case>/<code>` answers the case's JSON."""
    sql = {case.name: case.sql for case in CASES}
    pool: Any = None

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        nonlocal pool
        async with asyncpg.create_pool(url, min_size=POOL, max_size=POOL, reset=_nothing) as pool:
            yield

    async def answer(request: Request) -> Response:
        path = request.path_params
        text = await pool.fetchval(sql[path["case"]], path["code"])
        return Response(text, media_type="application/json")

    return Starlette(lifespan=lifespan, routes=[Route("/{case}/{code}", answer)])


async def _nothing(connection: Any) -> None:
    """Resetting a connection would cost a round trip that nothing here needs."""


if __name__ == "__main__":
    uvicorn.run(
        create_app(sys.argv[1]),
        port=int(sys.argv[2]),
        log_level="warning",
        access_log=False,
        server_header=False,
    )
