"""The policy console at `/console`: one page and its modules, sent as they stand in the folder.

There is no build step and no package: what is read in `authz/console/` is what runs. The page asks
the same `/graphql` as everybody, and may do there what the signed-in person may do.
"""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schema.http.page import content_policy, html, page_routes

FOLDER = Path(__file__).parent / "static" / "console"

# No text ever becomes markup: with no policy for trusted types, the browser refuses to try.
POLICY = content_policy(require_trusted_types_for="'script'", trusted_types="'none'")


def console_routes(enabled: bool) -> list[Route]:
    """The page and its files; none where the console is turned off."""
    if not enabled:
        return []
    page = (FOLDER / "console.html").read_text(encoding="utf-8")
    files = {path.name: path for path in FOLDER.iterdir() if path.suffix in {".js", ".css"}}

    def show(_: Request) -> Response:
        return html(page, 200, POLICY)

    return page_routes("/console", show, files)
