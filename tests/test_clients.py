"""Real clients against the real server: the public audit, a TypeScript frontend, a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, expect

from schema.build import sdl
from tests.browser import Watch, launched
from tests.conftest import PROJECT, absent
from tests.live import live_server
from tests.world import TANAKA, YAMADA, make_stores

HERE = Path(__file__).parent

Node = Callable[..., subprocess.CompletedProcess[str]]


CLERK = "sato"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server over the small town of `world.py`."""

    address: str
    passwords: Mapping[str, str]


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Atena with its embedded Valkey, over SQLite."""
    folder = tmp_path_factory.mktemp("clients")
    main, numbers = (f"sqlite:///{folder / name}.sqlite" for name in ("main", "numbers"))
    passwords = await make_stores(main, numbers, folder)
    settings = {
        "ATENA_DATA": str(folder),
        "ATENA_DATABASE_URL": main,
        "ATENA_NUMBERS_URL": numbers,
    }
    with live_server(settings, folder / "out") as address:
        yield Server(address, passwords)


# -- the audit of GraphQL over HTTP ----------------------------------------------------------------

GET_AUDITS = {"5A70", "D6D5", "6A70"}
"""They ask for GET, which the specification leaves open (MAY): our URLs carry no data."""


@pytest.mark.node
def test_every_must_and_should_of_the_audit_passes(node: Node, server: Server) -> None:
    run = node(HERE / "graphql_http_audit.mjs", f"{server.address}/graphql")
    assert run.returncode == 0, run.stderr
    audits = [json.loads(line) for line in run.stdout.splitlines()]
    failed = {audit["id"]: audit for audit in audits if audit["status"] != "ok"}
    assert len(audits) == 61
    assert set(failed) == GET_AUDITS, failed
    assert all(audit["name"].startswith("MAY") for audit in failed.values())


# -- a TypeScript frontend -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frontend(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frontend of `tests/client`, its types generated from the schema, compiled strictly."""
    folder = tmp_path_factory.mktemp("frontend")
    shutil.copytree(HERE / "client", folder, dirs_exist_ok=True)
    (folder / "schema.graphql").write_text(sdl(), encoding="utf-8")
    (folder / "node_modules").symlink_to(PROJECT / "node_modules")
    for command in (("graphql-codegen", "--config", "codegen.json"), ("tsc", "--project", ".")):
        run = node(*command, cwd=folder)
        assert run.returncode == 0, run.stdout + run.stderr
    return folder


@pytest.mark.node
def test_a_frontend_with_generated_types(node: Node, frontend: Path, server: Server) -> None:
    stated = (f"{server.address}/graphql", CLERK, server.passwords[CLERK], "consultation")
    run = node(frontend / "out/main.js", *stated, YAMADA, cwd=frontend)
    assert run.returncode == 0, run.stderr
    told: dict[str, Any] = json.loads(run.stdout)
    addressee = told["addressee"]
    assert addressee["fullName"] == "山田 太郎"
    assert addressee["dvFlag"] is None
    assert [account["bankCode"] for account in addressee["accounts"]["nodes"]] == ["0116"]
    assert len(addressee["collections"]["edges"]) == 3
    assert told["owed"] == 57_000
    assert len(told["codes"]) == 3
    assert {
        "path": ["addressee", "dvFlag"],
        "coordinate": "Addressee.dvFlag",
        "reason": "ROLE",
    } in told["privacy"]["AddresseeDetail"]["hidden"]


# -- GraphiQL in a browser -------------------------------------------------------------------------


@pytest.fixture
async def browser(chromium: str, server: Server) -> AsyncIterator[BrowserContext]:
    """A fresh browser profile."""
    if not (PROJECT / "node_modules/graphiql").is_dir():
        absent("node_modules: run `make dev`")
    async with launched(chromium) as running:
        yield await running.new_context(locale="ja-JP", viewport={"width": 1400, "height": 900})


async def sign_in(page: Page, server: Server) -> None:
    await page.get_by_label("職員番号").fill(CLERK)
    await page.get_by_label("パスワード").fill(server.passwords[CLERK])
    await page.get_by_role("button", name="サインイン").click()
    await expect(page.get_by_label("利用目的")).to_be_visible()


async def run_query(page: Page, query: str) -> None:
    """Named like the page's first query: GraphiQL sends the name that it parsed last."""
    await page.locator(".graphiql-query-editor .CodeMirror").click()
    await page.keyboard.press("Control+A")
    await page.keyboard.insert_text(f"query Viewer {{ {query} }}")
    await page.keyboard.press("Control+Enter")


@pytest.mark.browser
@pytest.mark.node
async def test_a_person_explores_without_writing_headers(
    browser: BrowserContext, server: Server, tmp_path: Path
) -> None:
    page = await browser.new_page()
    watch = Watch(page)
    await page.goto(f"{server.address}/graphiql")
    await sign_in(page, server)
    await page.get_by_label("利用目的").select_option("consultation")
    await page.get_by_label("受付番号").fill("R8-001")
    await run_query(page, "addressees(first: 2) { nodes { code fullName dvFlag } }")

    await expect(page.locator(".result-window")).to_contain_text("山田 太郎")
    await expect(page.locator("#hidden summary")).to_contain_text("hidden fields: 1")
    await page.locator("#hidden summary").click()
    await expect(page.locator("#hidden tbody")).to_contain_text("Addressee.dvFlag")
    await page.screenshot(path=tmp_path / "graphiql.png")
    # The menus and the documentation add styles of their own.
    await page.get_by_label("Show Documentation Explorer").click()
    await expect(page.locator(".graphiql-doc-explorer")).to_contain_text("SignInPayload")
    await page.get_by_label("Open settings dialog").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")

    assert watch.outside() == []
    assert watch.complaints == []
    sent = [request for request in watch.requests if request.url.endswith("/graphql")]
    headers = await sent[-1].all_headers()
    assert headers["authorization"].startswith("Bearer ")
    assert headers["purpose-of-use"] == "consultation"
    assert headers["case-reference"] == "R8-001"
    assert headers["privacy-mode"] == "null"


@pytest.mark.browser
@pytest.mark.node
async def test_whoever_gets_the_record_sees_the_warning(
    browser: BrowserContext, server: Server
) -> None:
    page = await browser.new_page()
    await page.goto(f"{server.address}/graphiql")
    await sign_in(page, server)
    await page.get_by_label("利用目的").select_option("consultation")
    await run_query(page, f'addressee(code: "{TANAKA}") {{ fullName }}')
    await expect(page.get_by_role("alert")).to_contain_text("住所・居所を伏せる")


@pytest.mark.browser
@pytest.mark.node
async def test_nothing_outlives_the_page(browser: BrowserContext, server: Server) -> None:
    page = await browser.new_page()
    await page.goto(f"{server.address}/graphiql")
    await sign_in(page, server)
    await run_query(page, "viewer { id }")
    await expect(page.locator(".result-window")).to_contain_text("viewer")

    assert page.url == f"{server.address}/graphiql"
    kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert kept == "[{},{}]"
    assert await browser.cookies() == []
    await page.reload()
    await expect(page.get_by_label("職員番号")).to_be_visible()
    await expect(page.get_by_label("利用目的")).to_be_hidden()


@pytest.mark.browser
@pytest.mark.node
async def test_signing_in_wrongly_and_out(browser: BrowserContext, server: Server) -> None:
    page = await browser.new_page()
    await page.goto(f"{server.address}/graphiql")
    await page.get_by_label("職員番号").fill("nobody")
    await page.get_by_label("パスワード").fill("wrong")
    await page.get_by_role("button", name="サインイン").click()
    await expect(page.get_by_role("status")).to_contain_text("wrong")
    await sign_in(page, server)
    await page.get_by_role("button", name="サインアウト").click()
    await expect(page.get_by_label("職員番号")).to_be_visible()
