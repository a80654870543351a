"""A page of our own and its files: the headers that every one of them carries.

A page may load scripts, styles and data from this server alone, and its policy (CSP) holds it to
that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

_HEADERS = {
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


def content_policy(**more: str) -> str:
    """A Content-Security-Policy: nothing but this server's files; `more`: words for a source,
    with underscores for hyphens."""
    sources = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    sources |= {name.replace("_", "-"): words for name, words in more.items()}
    return "; ".join(f"{name} {words}" for name, words in sources.items())


def page_routes(
    path: str, show: Callable[[Request], Response], files: Mapping[str, Path]
) -> list[Route]:
    """The page at `path` and, beneath it, the files by their names; nothing else is sent."""

    async def show_page(request: Request) -> Response:
        return show(request)

    async def send_file(request: Request) -> Response:
        file = files.get(request.path_params["name"])
        if file is None or not file.is_file():
            return Response(status_code=404, headers=_HEADERS)
        return FileResponse(file, headers=_HEADERS | {"cache-control": "no-cache"})

    return [
        Route(path, show_page, methods=["GET"]),
        Route(f"{path}/{{name}}", send_file, methods=["GET"]),
    ]


def html(page: str, status: int, policy: str) -> Response:
    """A page under a Content-Security-Policy, kept by nobody."""
    headers = _HEADERS | {"cache-control": "no-store", "content-security-policy": policy}
    return HTMLResponse(page, status, headers)
