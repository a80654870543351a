"""GraphiQL in a real browser: offline, under its policy, with the token in memory only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import BrowserContext, Page, Request, async_playwright, expect
from starlette.applications import Starlette
from starlette.testclient import TestClient

from schema.graphiql import graphiql_routes
from tests.conftest import PROJECT, absent
from tests.tiny_server import TOKEN, tiny_server

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


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
    client = TestClient(Starlette(routes=graphiql_routes(PROJECT / "node_modules", True)))
    policies = {client.get("/graphiql").headers["content-security-policy"] for _ in range(2)}
    if any("503" in policy for policy in policies):
        absent("node_modules: run `make dev`")
    assert len(policies) == 2
    for policy in policies:
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server with GraphiQL."""
    if not (PROJECT / "node_modules/graphiql").is_dir():
        absent("node_modules: run `make dev`")
    with tiny_server(PROJECT / "node_modules") as address:
        yield address


class Watch:
    """What a browser tried: requests, complaints, and breaches of the page's policy."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.complaints: list[str] = []

    def follow(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )

    def outside(self) -> list[str]:
        hosts = {request.url for request in self.requests}
        return [
            url
            for url in hosts
            if urlsplit(url).scheme != "data" and urlsplit(url).hostname != "127.0.0.1"
        ]


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[BrowserContext]:
    """A fresh browser profile."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = await running.new_context(locale="ja-JP", viewport={"width": 1400, "height": 900})
        yield context
        await running.close()


async def sign_in(page: Page, password: str = "right") -> None:
    await page.get_by_label("職員番号").fill("s1")
    await page.get_by_label("パスワード").fill(password)
    await page.get_by_role("button", name="サインイン").click()


async def run_query(page: Page, query: str) -> None:
    editor = page.locator(".graphiql-query-editor .CodeMirror")
    await editor.click()
    await page.keyboard.press("Control+A")
    await page.keyboard.insert_text(query)
    await page.keyboard.press("Control+Enter")


@pytest.mark.browser
@pytest.mark.node
async def test_a_person_explores_without_writing_headers(
    browser: BrowserContext, address: str, tmp_path: Path
) -> None:
    watch = Watch()
    page = await browser.new_page()
    watch.follow(page)
    await page.goto(f"{address}/graphiql")
    await expect(page.locator(".graphiql-container")).to_be_visible()

    await sign_in(page)
    await expect(page.get_by_label("利用目的")).to_have_value("consultation")
    await page.get_by_label("受付番号").fill("R8-001")
    await run_query(page, 'query Viewer { addressee(code: "0012") { name dvFlag } }')

    await expect(page.locator(".result-window")).to_contain_text("宛名 0012")
    await expect(page.locator("#hidden summary")).to_contain_text("hidden fields: 1")
    await page.locator("#hidden summary").click()
    await expect(page.locator("#hidden tbody")).to_contain_text("Addressee.dvFlag")
    await expect(page.locator("#obligations")).to_contain_text("住所・居所を伏せる")
    await page.screenshot(path=tmp_path / "graphiql.png")
    # The menus and the documentation add styles of their own.
    await page.get_by_label("Show Documentation Explorer").click()
    await expect(page.locator(".graphiql-doc-explorer")).to_contain_text("Query")
    await page.get_by_label("Open settings dialog").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")

    assert not watch.outside()
    assert not watch.complaints
    sent = [request for request in watch.requests if request.url.endswith("/graphql")]
    last = await sent[-1].all_headers()
    assert last["authorization"] == f"Bearer {TOKEN}"
    assert last["purpose-of-use"] == "consultation"
    assert last["case-reference"] == "R8-001"
    assert last["privacy-mode"] == "null"


@pytest.mark.browser
@pytest.mark.node
async def test_nothing_outlives_the_page(browser: BrowserContext, address: str) -> None:
    page = await browser.new_page()
    await page.goto(f"{address}/graphiql")
    await sign_in(page)
    await expect(page.get_by_label("利用目的")).to_be_visible()
    await run_query(page, 'query Viewer { addressee(code: "0012") { name } }')
    await expect(page.locator(".result-window")).to_contain_text("宛名 0012")

    assert page.url == f"{address}/graphiql"
    kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert kept == "[{},{}]"
    assert await browser.cookies() == []
    await page.reload()
    await expect(page.get_by_label("職員番号")).to_be_visible()
    await expect(page.get_by_label("利用目的")).to_be_hidden()


@pytest.mark.browser
@pytest.mark.node
async def test_signing_out_and_wrong_passwords(browser: BrowserContext, address: str) -> None:
    page = await browser.new_page()
    await page.goto(f"{address}/graphiql")
    await sign_in(page, "wrong")
    await expect(page.get_by_role("status")).to_have_text("Staff id or password is wrong.")
    await page.get_by_label("パスワード").fill("right")
    await page.get_by_role("button", name="サインイン").click()
    await page.get_by_role("button", name="サインアウト").click()
    await expect(page.get_by_label("職員番号")).to_be_visible()
