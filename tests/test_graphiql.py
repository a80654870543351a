"""GraphiQL's page and files, without a browser (with one: `test_clients.py`)."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from schema.http.graphiql import graphiql_routes
from tests.conftest import PROJECT, absent


def test_without_its_assets_the_page_says_what_to_run(tmp_path: Path) -> None:
    client = TestClient(Starlette(routes=graphiql_routes(tmp_path / "node_modules", True)))
    response = client.get("/graphiql")
    assert response.status_code == 503
    assert "npm ci" in response.text
    assert "node_modules/graphiql/graphiql.min.js" in response.text
    assert str(tmp_path) not in response.text


def test_turned_off_it_is_not_there() -> None:
    client = TestClient(Starlette(routes=graphiql_routes(PROJECT / "node_modules", False)))
    assert client.get("/graphiql").status_code == 404


def test_only_listed_files_are_sent(tmp_path: Path) -> None:
    client = TestClient(Starlette(routes=graphiql_routes(tmp_path, True)))
    for name in ("package.json", "..%2f..%2fserver.py", "graphiql.html", "page.js.map"):
        assert client.get(f"/graphiql/{name}").status_code == 404
    assert client.get("/graphiql/page.js").status_code == 200


def test_a_nonce_is_used_once() -> None:
    if not (PROJECT / "node_modules/graphiql").is_dir():
        absent("node_modules: run `make dev`")
    client = TestClient(Starlette(routes=graphiql_routes(PROJECT / "node_modules", True)))
    pages = [client.get("/graphiql") for _ in range(2)]
    policies = {page.headers["content-security-policy"] for page in pages}
    assert len(policies) == 2
    assert "%NONCE%" not in pages[0].text
    for policy in policies:
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
