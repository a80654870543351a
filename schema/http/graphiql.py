"""GraphiQL at `/graphiql`, without the network: a page of our own around the packaged files.

Tokens stay in the page's memory; see `static/graphiql.js`.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schema.http.page import content_policy, html, page_routes

_STATIC = Path(__file__).parent / "static"

_PACKAGED = {
    "react.production.min.js": "react/umd/react.production.min.js",
    "react-dom.production.min.js": "react-dom/umd/react-dom.production.min.js",
    "graphiql.min.js": "graphiql/graphiql.min.js",
    "graphiql.min.css": "graphiql/graphiql.min.css",
}
_OWN = {"page.js": "graphiql.js", "page.css": "graphiql.css"}


def graphiql_routes(assets: Path, enabled: bool) -> list[Route]:
    """The page and its files; none where GraphiQL is turned off.

    `assets` is the `node_modules` folder that `npm ci` fills. Where a file is not there, the page
    answers 503 and says what to run.
    """
    if not enabled:
        return []
    packaged = {name: assets / path for name, path in _PACKAGED.items()}
    files = packaged | {name: _STATIC / path for name, path in _OWN.items()}
    page = (_STATIC / "graphiql.html").read_text(encoding="utf-8")

    def show(_: Request) -> Response:
        missing = [path for path in packaged.values() if not path.is_file()]
        return _missing_page(assets, missing) if missing else _page(page)

    return page_routes("/graphiql", show, files)


def _page(page: str) -> Response:
    nonce = secrets.token_urlsafe(16)
    # The nonce is for the styles that GraphiQL's menus add; no script is inline.
    policy = content_policy(style_src=f"'self' 'nonce-{nonce}'", font_src="'self' data:")
    return html(page.replace("%NONCE%", nonce), 200, policy)


def _missing_page(assets: Path, missing: list[Path]) -> Response:
    names = ", ".join(str(path.relative_to(assets.parent)) for path in missing)
    page = (_STATIC / "graphiql-missing.html").read_text(encoding="utf-8")
    policy = "default-src 'none'; img-src data:; frame-ancestors 'none'"
    return html(page.replace("%MISSING%", names), 503, policy)
