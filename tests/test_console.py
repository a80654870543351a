"""The policy console: what is sent, what it says, and a person working with it in a browser."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from axe_playwright_python.async_playwright import Axe
from graphql import parse, validate
from playwright.async_api import Browser, Locator, Page, Route, expect
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authz.policy.clearance import Reason
from authz.policy.validate import Problem
from authz.sessions.devices import PREFIX
from models.tables.policy import Action, DraftState
from models.tables.staff import ProposalState, StaffState
from schema.build import graphql_schema
from schema.http.console import FOLDER, console_routes
from tests.browser import Watch, launched
from tests.conftest import PROJECT
from tests.live import live_server
from tests.papers import section, table
from tests.test_docs import README, first_words
from tests.world import SECRET_ADDRESS, SIGN_IN, YAMADA, make_stores

WORDS = (FOLDER / "words.js").read_text(encoding="utf-8")
MODULES = sorted(FOLDER.glob("*.js"))

Node = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def client() -> TestClient:
    """The console's routes alone."""
    return TestClient(Starlette(routes=console_routes(True)))


# -- what is sent ----------------------------------------------------------------------------------


def test_turned_off_it_is_not_there() -> None:
    off = TestClient(Starlette(routes=console_routes(False)))
    assert off.get("/console").status_code == 404
    assert off.get("/console/main.js").status_code == 404


def test_only_its_own_files_are_sent(client: TestClient) -> None:
    for path in (*MODULES, FOLDER / "console.css"):
        assert client.get(f"/console/{path.name}").content == path.read_bytes()
    for name in ("console.html", "..%2fpolicy.py", "main.js.map"):
        assert client.get(f"/console/{name}").status_code == 404


def test_the_page_may_do_nothing_but_ask_this_server(client: TestClient) -> None:
    page = client.get("/console")
    allowed = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )
    assert allowed == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", page.text)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_keeps_or_fetches_anything_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"localStorage|sessionStorage|indexedDB|\.cookie|innerHTML|eval\(", text)
    assert "://" not in text
    assert text.startswith("/* ")


@pytest.mark.node
def test_the_modules_fit_each_other(node: Node, tmp_path: Path) -> None:
    """TypeScript reads them as they are, with their comments as types."""
    settings = {
        "compilerOptions": {
            "allowJs": True,
            "checkJs": True,
            "noEmit": True,
            "strict": True,
            "noImplicitAny": False,
            "noUnusedLocals": True,
            "noUnusedParameters": True,
            "target": "es2022",
            "module": "es2022",
            "moduleResolution": "bundler",
            "lib": ["es2023", "dom", "dom.iterable"],
            "types": [],
        },
        "include": [str(FOLDER / "*.js")],
    }
    (tmp_path / "tsconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    run = node("tsc", "--project", tmp_path)
    assert run.returncode == 0, run.stdout


# -- what it says ----------------------------------------------------------------------------------


def documents() -> list[tuple[str, str]]:
    """Every GraphQL document of the console, by its name."""
    text = (FOLDER / "queries.js").read_text(encoding="utf-8")
    found = re.findall(r"export const (\w+) = `(.*?)`;", text, re.DOTALL)
    assert len(found) == text.count("`") // 2
    return found


@pytest.mark.parametrize(("name", "document"), documents())
def test_every_document_fits_the_schema(name: str, document: str) -> None:
    assert validate(graphql_schema(), parse(document)) == []


def test_only_the_documents_are_asked() -> None:
    for path in MODULES:
        if path.name != "queries.js":
            assert not re.search(r"`\s*(query|mutation)\b", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("ERRORS", [*first_words(table(section(README, "Error codes"))), "CONNECTION_LOST"]),
        ("ACTIONS", [action.value for action in Action]),
        ("REASONS", [reason.value for reason in Reason]),
        ("PROBLEMS", [problem.value for problem in Problem]),
        ("DRAFT_STATES", [state.value for state in DraftState]),
        ("STAFF_STATES", [state.value for state in StaffState]),
        ("PROPOSAL_STATES", [state.value for state in ProposalState]),
    ],
)
def test_every_code_has_its_words(name: str, codes: list[str]) -> None:
    [body] = re.findall(rf"export const {name} = {{(.*?)}};", WORDS, re.DOTALL)
    told = re.findall(r"(?:^|[{,])\s*\"?([A-Za-z_-]+)\"?: \[|\[(LOST)\]: \[", body)
    names = {first or "CONNECTION_LOST" for first, _ in told}
    assert names == set(codes), "give it words in schema/http/static/console/words.js"


# -- in a browser ----------------------------------------------------------------------------------

PICTURES = os.environ.get("ATENA_TEST_PICTURES")
"""Where to put screenshots, `docs/console` to renew them; unset: nowhere."""

TRACE = os.environ.get("ATENA_TEST_TRACE")
"""A file for Playwright's trace of the edit from sign-in to enforcement; unset: none."""

# A machine that does much else is slow, and not wrong.
expect.set_options(timeout=20_000)

ADMINISTRATOR, DIRECTOR, AUDITOR, CLERK = "yamada", "kato", "sasaki", "sato"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server over the small town of `world.py`."""

    address: str
    passwords: Mapping[str, str]
    folder: Path
    tokens: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Atena with its embedded Valkey, over SQLite."""
    folder = tmp_path_factory.mktemp("console")
    main, numbers = (f"sqlite:///{folder / name}.sqlite" for name in ("main", "numbers"))
    passwords = await make_stores(main, numbers, folder)
    settings = {
        "ATENA_DATA": str(folder),
        "ATENA_DATABASE_URL": main,
        "ATENA_NUMBERS_URL": numbers,
    }
    with live_server(settings, folder / "out") as address:
        yield Server(address, passwords, folder)


@pytest.fixture(scope="module")
async def chrome(chromium: str) -> AsyncIterator[Browser]:
    """One browser for the module; each person in it has a profile of their own."""
    async with launched(chromium) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a browser of their own, and what their page tried."""

    page: Page
    watch: Watch

    async def at(self, view: str) -> None:
        """Open a view by its address and wait until it is there."""
        await self.page.evaluate("address => { location.hash = address }", f"#/{view}")
        await expect(self.page.locator("main")).to_have_attribute("data-view", view)
        await self.settled()

    async def settled(self) -> None:
        """Wait until nothing is loading."""
        await expect(self.page.locator("main[data-view] h1")).to_be_focused()
        await expect(self.page.locator("main [aria-busy]")).to_have_count(0)

    async def picture(self, name: str) -> None:
        """A screenshot, where they are wanted."""
        if PICTURES:
            await self.page.screenshot(path=PROJECT / PICTURES / f"{name}.png")


@asynccontextmanager
async def person(
    chrome: Browser, server: Server, staff_id: str | None, **options: Any
) -> AsyncIterator[Person]:
    """A member of the cast, signed in to the console; `None`: nobody yet."""
    options = {"locale": "ja-JP", "viewport": {"width": 1440, "height": 900}} | options
    context = await chrome.new_context(**options)
    context.set_default_timeout(20_000)
    page = await context.new_page()
    found = Person(page, Watch(page))
    await page.goto(f"{server.address}/console")
    if staff_id is not None:
        await sign_in(page, staff_id, server.passwords[staff_id])
        await found.settled()
    yield found
    await context.close()


async def sign_in(page: Page, staff_id: str, password: str) -> None:
    await page.get_by_label("職員番号").fill(staff_id)
    await page.get_by_label("パスワード").fill(password)
    await page.get_by_role("button", name="サインイン").click()


async def ask(
    server: Server, staff_id: str, purpose: str, document: str, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """The `data` of a request by a member of the cast, outside of the browser."""

    async def post(document: str, variables: Mapping[str, Any], **headers: str) -> Any:
        async with httpx2.AsyncClient(base_url=server.address) as client:
            body = {"query": document, "variables": dict(variables)}
            return (await client.post("/graphql", json=body, headers=headers)).json()

    if staff_id not in server.tokens:
        given = {"staffId": staff_id, "password": server.passwords[staff_id]}
        signed_in = await post(SIGN_IN, {"input": given})
        server.tokens[staff_id] = signed_in["data"]["signIn"]["token"]
    headers = {
        "authorization": f"Bearer {server.tokens[staff_id]}",
        "purpose-of-use": purpose,
    }
    content = await post(document, variables, **headers)
    assert "errors" not in content, content
    data: dict[str, Any] = content["data"]
    return data


DOCUMENTS = dict(documents())


async def new_draft(server: Server, title: str, *lines: str, propose: bool = False) -> str:
    """The id of a draft of the administrator's, with these lines (`role, purpose, …`) besides."""

    async def change(document: str, given: Mapping[str, Any]) -> dict[str, Any]:
        variables = {"input": given}
        return await ask(
            server, ADMINISTRATOR, "policy-administration", DOCUMENTS[document], variables
        )

    made = await change("CREATE_DRAFT", {"title": title})
    draft: str = made["createPolicyDraft"]["draft"]["id"]
    names = ("role", "purpose", "what", "action", "effect")
    words = [dict(zip(names, line.split(", "), strict=True)) for line in lines]
    await change("EDIT_DRAFT", {"draft": draft, "set": words})
    if propose:
        await change("PROPOSE", {"draft": draft, "reason": "試験"})
    return draft


CARELESS = "role:collection-clerk, purpose:consultation, class:residence, list, allow"
FORBIDDEN = "role:policy-administrator, purpose:policy-administration, class:name, read, allow"
OTHER = "role:collection-clerk, purpose:consultation, class:contact, list, allow"
DIRECTORS_OWN = "role:collection-director, purpose:delinquency, class:contact, read, allow"


# -- accessible ------------------------------------------------------------------------------------

WCAG = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
BY_LOOK = {"type": "rule", "values": ["color-contrast", "target-size"]}


async def flaws(page: Page, rules: Mapping[str, Any] = WCAG) -> list[str]:
    """What axe finds against WCAG 2.2 AA, in words."""
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = await Axe().run(page, options=options)
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


async def open_everything(page: Page, view: str) -> None:
    """What a person would open in a view; of the matrices the narrow ones, which say the same."""
    if view == "union":
        await page.get_by_label("関係課職員").check()
        await page.get_by_label("納税課 収納担当").uncheck()
        await expect(page.get_by_role("columnheader")).to_have_count(3)
    if view == "matrix":
        await page.get_by_label("利用目的 Purpose").select_option("public-notice")
        await expect(page.get_by_role("columnheader")).to_have_count(2)
        await page.locator(".toggle").nth(2).click()
    if view == "matrix" or view.startswith("draft/"):
        await page.locator(".cell").first.click()
    if view == "explain":
        await page.get_by_role("button", name="調べる").click()
        await expect(page.locator(".steps li")).not_to_have_count(0)


@pytest.mark.browser
async def test_every_view_is_accessible(chrome: Browser, server: Server) -> None:
    draft = await new_draft(server, "窓口", CARELESS)
    administers = ("matrix", "drafts", f"draft/{draft}", "history", "version/1", "explain", "staff")
    # Axe is a script of ours in the page, which the page's own policy would not let in.
    for staff_id, views in ((ADMINISTRATOR, administers), (AUDITOR, ("waiting", "log", "union"))):
        async with person(chrome, server, None, bypass_csp=True) as somebody:
            page = somebody.page
            assert await flaws(page) == []
            await sign_in(page, staff_id, server.passwords[staff_id])
            await somebody.settled()
            for view in views:
                await somebody.at(view)
                await open_everything(page, view)
                assert await flaws(page) == [], view
            assert somebody.watch.complaints == []


@pytest.mark.browser
async def test_narrow_and_dark(chrome: Browser, server: Server) -> None:
    """320 pixels, which are 1280 at 400 %: nothing is cut off, and there is contrast enough."""
    draft = await new_draft(server, "窓口", CARELESS)
    look = {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"}
    async with person(chrome, server, AUDITOR, bypass_csp=True, **look) as somebody:
        for view in ("log", "matrix", f"draft/{draft}", "history", "explain", "union", "staff"):
            await somebody.at(view)
            width = await somebody.page.evaluate("document.documentElement.scrollWidth")
            assert width <= 320, view
            if view.startswith("draft/"):
                assert await flaws(somebody.page, BY_LOOK) == [], view


# -- safe ------------------------------------------------------------------------------------------


@pytest.mark.browser
async def test_nothing_outlives_the_page(chrome: Browser, server: Server) -> None:
    async with person(chrome, server, ADMINISTRATOR) as administrator:
        page = administrator.page
        kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        assert kept == "[{},{}]"
        assert all(each["name"].startswith(PREFIX) for each in await page.context.cookies())
        await page.reload()
        await expect(page.get_by_label("職員番号")).to_be_visible()
        await expect(page.get_by_role("navigation")).to_be_hidden()


@pytest.mark.browser
async def test_markup_in_data_stays_text(chrome: Browser, server: Server) -> None:
    """The browser itself refuses to make markup of a text."""
    async with person(chrome, server, ADMINISTRATOR) as administrator:
        refused = await administrator.page.evaluate(
            "() => { try { document.body.innerHTML = '<b>x</b>'; return '' }"
            " catch (error) { return error.name } }"
        )
        assert refused == "TypeError"


@pytest.mark.browser
async def test_an_idle_session_ends_on_the_screen_too(chrome: Browser, server: Server) -> None:
    async with person(chrome, server, None) as administrator:
        page = administrator.page
        await page.clock.install()
        await sign_in(page, ADMINISTRATOR, server.passwords[ADMINISTRATOR])
        await administrator.settled()
        await page.clock.run_for(245_000)
        await expect(page.get_by_role("timer")).to_have_text(re.compile(r"^0:\d\d$"))
        await expect(page.locator("#alarm")).to_contain_text("自動的にサインアウト")
        await page.get_by_role("button", name="延長").click()
        await expect(page.get_by_role("timer")).to_have_text(re.compile(r"^(5:00|4:\d\d)$"))
        await page.clock.run_for(301_000)
        await expect(page.get_by_text("操作がなかったため")).to_be_visible()
        await expect(page.get_by_role("table")).to_have_count(0)


@pytest.mark.browser
async def test_a_failed_sign_in_says_why_in_japanese(chrome: Browser, server: Server) -> None:
    async with person(chrome, server, None) as nobody:
        await sign_in(nobody.page, "nobody", "wrong")
        await expect(nobody.page.locator(".error")).to_contain_text("パスワードが違います")
        await expect(nobody.page.locator(".error")).to_contain_text("UNAUTHENTICATED")


@pytest.mark.browser
async def test_who_administers_nothing_finds_nothing(chrome: Browser, server: Server) -> None:
    async with person(chrome, server, CLERK) as clerk:
        await expect(clerk.page.get_by_role("heading", level=1)).to_contain_text("ありません")
        await clerk.at("matrix")
        await expect(clerk.page.get_by_role("heading", level=1)).to_contain_text("ありません")


# -- an edit, from sign-in to enforcement ----------------------------------------------------------


async def reach(page: Page, target: Locator, key: str = "Tab", most: int = 60) -> None:
    """Press a key until the target has the focus, as who has no mouse does."""
    for _ in range(most):
        if await target.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press(key)
    raise AssertionError(f"{target} is not reached by {key}")


async def asks(page: Page, query: str) -> None:
    """Run a query in GraphiQL."""
    await page.locator(".graphiql-query-editor .CodeMirror").click()
    await page.keyboard.press("Control+A")
    await page.keyboard.insert_text(f"query Viewer {{ {query} }}")
    await page.keyboard.press("Control+Enter")


@asynccontextmanager
async def clerk_in_graphiql(chrome: Browser, server: Server) -> AsyncIterator[Page]:
    """A collection clerk at the desk, with a browser and a session of their own."""
    context = await chrome.new_context(locale="ja-JP", viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    await page.goto(f"{server.address}/graphiql")
    await sign_in(page, CLERK, server.passwords[CLERK])
    await page.get_by_label("利用目的").select_option("consultation")
    yield page
    await context.close()


LISTED = "addressees(first: 20) { nodes { code residence { address } } }"
ADDRESS = "釧路市北大通1番1号"


@pytest.mark.browser
@pytest.mark.node
async def test_an_edit_from_sign_in_to_enforcement(chrome: Browser, server: Server) -> None:
    """The administrator works by keyboard alone; a second person approves; a clerk sees it."""
    async with (
        person(chrome, server, None) as administrator,
        person(chrome, server, DIRECTOR) as director,
        clerk_in_graphiql(chrome, server) as clerk,
    ):
        if TRACE:
            await administrator.page.context.tracing.start(screenshots=True, snapshots=True)
        result = clerk.locator(".result-window")
        await asks(clerk, LISTED)
        await expect(result).to_contain_text(YAMADA)
        assert ADDRESS not in await result.inner_text()

        title = await edits_by_keyboard(administrator, server)
        await approves(director, title)

        await asks(clerk, LISTED)
        await expect(result).to_contain_text(ADDRESS)
        assert SECRET_ADDRESS not in await result.inner_text()
        if PICTURES:
            await clerk.screenshot(path=PROJECT / PICTURES / "enforced.png")

        await takes_back(administrator)
        await asks(clerk, LISTED)
        await expect(result).not_to_contain_text(ADDRESS)
        if TRACE:
            await administrator.page.context.tracing.stop(path=TRACE)
        for somebody in (administrator, director):
            assert somebody.watch.outside() == []
            assert somebody.watch.complaints == []


async def edits_by_keyboard(administrator: Person, server: Server) -> str:
    """Sign in, open a new draft, change one cell, look at what it opens, propose."""
    page, keys, title = administrator.page, administrator.page.keyboard, "窓口で住所を一覧に出す"
    await reach(page, page.get_by_label("職員番号"))
    await keys.type(ADMINISTRATOR)
    await reach(page, page.get_by_label("パスワード"))
    await keys.type(server.passwords[ADMINISTRATOR])
    await keys.press("Enter")
    await administrator.settled()
    await administrator.picture("matrix")

    await reach(page, page.get_by_role("link", name="草案"), "Shift+Tab")
    await keys.press("Enter")
    await administrator.settled()
    await reach(page, page.get_by_label("新しい草案の件名"))
    await keys.type(title)
    await keys.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    await administrator.settled()

    await reach(page, page.locator("[data-cell]").first)
    cell = page.locator('[data-key="class:residence collection-clerk consultation"]')
    await reach(page, cell.locator("xpath=ancestor::tr").locator(".toggle"), "ArrowDown")
    await reach(page, cell, "ArrowRight")
    await keys.press("Enter")
    await expect(page.get_by_role("region", name="選んだ欄")).to_be_focused()
    listed = page.get_by_role("radiogroup", name="一覧参照")
    await reach(page, listed.get_by_label("なし"))
    await keys.press("ArrowRight")
    await expect(listed.get_by_label("許可")).to_be_checked()
    await reach(page, page.get_by_role("button", name="草案に入れる"))
    await keys.press("Enter")

    await expect(page.locator("#status")).to_contain_text("開くもの 1 件、閉じるもの 0 件")
    await expect(cell).to_have_accessible_name(re.compile("一覧参照 許可、草案で開く"))
    await sees_the_gain(page)
    await expect(cell).to_be_focused()
    await keys.press("Enter")
    await expect(listed.get_by_label("許可")).to_be_checked()
    await keys.press("Escape")
    await expect(cell).to_be_focused()
    await page.evaluate("scrollTo(0, 0)")
    await administrator.picture("draft")

    await reach(page, page.locator("summary", has_text="提案する"), "Shift+Tab")
    await keys.press("Enter")
    await reach(page, page.get_by_label("提案する理由"))
    await keys.type("窓口で同じ名前の人を見分けるため")
    await reach(page, page.get_by_role("button", name="提案する"))
    await keys.press("Enter")
    await expect(page.locator(".box.good")).to_contain_text("別の人の承認を待ちます")
    return title


async def sees_the_gain(page: Page) -> None:
    """The what-if says who gains what, for which purpose, and how many that touches."""
    gain = page.locator(".change.gain")
    await expect(gain).to_have_count(1)
    for words in ("納税課 収納担当", "納税・納付相談", "住所", "一覧参照", "職員 1 人", "約8 人"):
        await expect(gain).to_contain_text(words)
    await expect(gain.locator("pre")).to_contain_text("Purpose-Of-Use: consultation")


async def approves(director: Person, title: str) -> None:
    """Somebody else looks at the same what-if, and approves with a reason."""
    page = director.page
    await director.at("drafts")
    await page.get_by_role("link", name=title).click()
    await director.settled()
    await sees_the_gain(page)
    await page.locator("summary", has_text="承認する").click()
    await page.get_by_label("承認する理由").fill("窓口の待ち時間のため。半年後に見直す")
    await page.get_by_role("button", name="承認する").click()
    asked = page.get_by_role("group", name="確認")
    await expect(asked).to_be_focused()
    for words in ("すぐに", "1 人", "最大 市全体 約 8 人", "開く 1 件"):
        await expect(asked).to_contain_text(words)
    await director.picture("approve")
    await page.get_by_role("button", name="やめる").click()
    await expect(page.get_by_role("button", name="承認する")).to_be_focused()
    await page.get_by_role("button", name="承認する").click()
    await page.get_by_role("button", name="この内容で承認する").click()
    await expect(page.locator(".box.good")).to_contain_text("有効になりました")
    await director.at("history")
    await expect(page.locator("tbody tr").first).to_contain_text("窓口で同じ名前の人")
    await director.picture("history")


async def takes_back(administrator: Person) -> None:
    """Back to the version before: it only takes rights away, so that one person suffices."""
    page = administrator.page
    await administrator.at("version/1")
    await expect(page.locator(".change.loss")).to_have_count(1)
    await page.locator("summary", has_text="第1版に戻す").click()
    await page.get_by_label("戻す理由").fill("住所の一覧は要らなかった")
    await page.get_by_role("button", name="第1版に戻す").click()
    await expect(page.locator(".box.good")).to_contain_text("有効になりました")


# -- refused and stale -----------------------------------------------------------------------------


@pytest.mark.browser
async def test_who_would_see_more_does_not_approve_it(chrome: Browser, server: Server) -> None:
    """What would widen the director's own view is for the auditor to decide."""
    draft = await new_draft(server, "監の連絡先", DIRECTORS_OWN, propose=True)
    async with person(chrome, server, DIRECTOR) as director:
        page = director.page
        await director.at(f"draft/{draft}")
        await page.locator("summary", has_text="承認する").click()
        await page.get_by_label("承認する理由").fill("自分のため")
        await page.get_by_role("button", name="承認する").click()
        await page.get_by_role("button", name="この内容で承認する").click()
        refused = page.locator(".box.error")
        await expect(refused).to_contain_text("自分に見える範囲を広げる変更は、承認できません")
        await expect(refused).to_contain_text("WRITE_NOT_ALLOWED")
        await director.picture("refused")
    async with person(chrome, server, AUDITOR) as auditor:
        page = auditor.page
        await auditor.at(f"draft/{draft}")
        await page.locator("summary", has_text="承認する").click()
        await page.get_by_label("承認する理由").fill("監は滞納者に連絡する")
        await page.get_by_role("button", name="承認する").click()
        await page.get_by_role("button", name="この内容で承認する").click()
        await expect(page.locator(".box.good")).to_contain_text("有効になりました")


@pytest.mark.browser
async def test_a_draft_that_somebody_else_ended_says_so(chrome: Browser, server: Server) -> None:
    draft = await new_draft(server, "古い画面", CARELESS)
    async with person(chrome, server, ADMINISTRATOR) as administrator:
        page = administrator.page
        await administrator.at(f"draft/{draft}")
        await ask(
            server,
            ADMINISTRATOR,
            "policy-administration",
            DOCUMENTS["ABANDON"],
            {"input": {"draft": draft}},
        )
        await page.locator('[data-key="class:name branch-clerk consultation"]').click()
        await page.get_by_role("radiogroup", name="更新").get_by_label("許可").check()
        await page.get_by_role("button", name="草案に入れる").click()
        await expect(page.locator(".box.error")).to_contain_text("この草案は「取りやめ」です")
        await expect(page.locator(".box.error")).to_contain_text("STATE_NOT_ALLOWED")


@pytest.mark.browser
async def test_validation_stands_where_the_line_is(chrome: Browser, server: Server) -> None:
    draft = await new_draft(server, "誤り", FORBIDDEN)
    async with person(chrome, server, ADMINISTRATOR) as administrator:
        page = administrator.page
        await administrator.at(f"draft/{draft}")
        await page.get_by_label("利用目的 Purpose").select_option("policy-administration")
        cell = page.locator('[data-key="class:name policy-administrator policy-administration"]')
        await expect(cell).to_have_accessible_name(re.compile("検証の指摘あり"))
        await cell.click()
        beside = page.get_by_role("region", name="選んだ欄")
        await expect(beside).to_contain_text("「権限管理者」には個人情報を許せません")
        await expect(page.locator(".totals")).to_contain_text("版にできません")
        await administrator.picture("validation")
        await page.get_by_role("button", name="この行を消す").first.click()
        await expect(page.locator(".totals")).to_contain_text("開く 0 件")
        await expect(cell).not_to_have_accessible_name(re.compile("検証の指摘あり"))


# -- answers that come late ------------------------------------------------------------------------


async def hold(page: Page, name: str) -> list[Route]:
    """Keep the answer to the next question of this name back, until its route goes on."""
    held: list[Route] = []

    async def keep(route: Route) -> None:
        if not held and f"query {name}" in (route.request.post_data or ""):
            held.append(route)
        else:
            await route.continue_()

    await page.route("**/graphql", keep)
    return held


async def let_go(page: Page, held: list[Route]) -> None:
    """Let the late answer come, and wait until the page has dealt with it."""
    async with page.expect_response(lambda one: one.request == held[0].request):
        await held[0].continue_()
    await page.get_by_role("button", name="延長").click()
    await expect(page.locator("#status")).to_contain_text("延長しました")


@pytest.mark.browser
async def test_a_late_answer_does_not_stand_under_other_words(
    chrome: Browser, server: Server
) -> None:
    async with person(chrome, server, AUDITOR) as auditor:
        page = auditor.page
        await auditor.at("union/collection-clerk")
        held = await hold(page, "Union")
        await page.get_by_label("関係課職員").check()
        await page.get_by_label("納税課 収納担当").uncheck()
        await expect(page.get_by_role("columnheader")).to_have_count(3)
        cells = page.locator("[data-cell]")
        shown = await cells.all_inner_texts()
        await let_go(page, held)
        assert await cells.all_inner_texts() == shown


@pytest.mark.browser
async def test_the_line_that_is_taken_out_is_the_one_that_was_shown(
    chrome: Browser, server: Server
) -> None:
    """Of two, the second one's number is another's as soon as the first is gone."""
    another = FORBIDDEN.replace("class:name", "class:identifier")
    draft = await new_draft(server, "二つの誤り", FORBIDDEN, another, CARELESS)
    async with person(chrome, server, ADMINISTRATOR) as administrator:
        page = administrator.page
        await administrator.at(f"draft/{draft}")
        errors = page.locator(".what-if .findings .error")
        take_out = errors.get_by_role("button", name="この行を消す")
        await expect(take_out).to_have_count(2)
        held = await hold(page, "Comparison")
        async with page.expect_request(lambda one: "query Comparison" in (one.post_data or "")):
            await take_out.first.click()
        await take_out.last.click()
        await expect(page.locator(".totals")).to_contain_text("開く 1 件")
        await let_go(page, held)
        await expect(page.locator(".totals")).to_contain_text("開く 1 件")


@pytest.mark.browser
async def test_the_auditor_reads_the_log(chrome: Browser, server: Server) -> None:
    async with person(chrome, server, AUDITOR) as auditor:
        page = auditor.page
        await auditor.at("log")
        await page.get_by_label("職員番号").fill(AUDITOR)
        await page.get_by_role("button", name="絞り込む").click()
        row = page.locator("tbody tr").first
        await expect(row).to_contain_text("点検・監査")
        await row.locator("summary").click()
        await expect(row.locator("pre")).to_contain_text("accessRecords")
        await auditor.picture("log")


@pytest.mark.browser
async def test_why_a_field_is_hidden(chrome: Browser, server: Server) -> None:
    async with person(chrome, server, ADMINISTRATOR) as administrator:
        page = administrator.page
        await administrator.at("explain")
        await page.get_by_label("項目").fill("Addressee.dvFlag")
        await page.get_by_role("button", name="調べる").click()
        await expect(page.locator(".verdict")).to_contain_text("見えない")
        await expect(page.locator(".steps")).to_contain_text("を許す行がありません")
        await page.get_by_label("職員番号").fill(CLERK)
        await page.get_by_label("画面に出たもの").fill(
            '{"coordinate": "Residence.address", "reason": "LIST"}'
        )
        await page.get_by_role("button", name="調べる").click()
        told = page.locator(".explanation")
        await expect(told).to_contain_text("いまの設定と合っています")
        await expect(told).to_contain_text("督促状発送（見える）")
        await page.get_by_label("画面に出たもの").fill("Residence.address")
        await page.get_by_label("操作").select_option("read")
        await page.get_by_role("button", name="調べる").click()
        await expect(page.locator(".verdict")).to_contain_text("保護されている人のものは秘匿")
        await expect(told).to_contain_text("全員（保護されている人を除く）")
        await expect(told).to_contain_text("誰にも分からないようにしてあります")
        await page.evaluate("scrollTo(0, 0)")
        await administrator.picture("explain")
        await administrator.at("union")
        await expect(page.get_by_role("grid")).to_contain_text("合計")
        await page.locator('[data-key="class:bank-account-number union"]').click()
        beside = page.get_by_role("region", name="選んだ欄")
        await expect(beside).to_contain_text("納税・納付相談（一部表示）")
        await administrator.picture("union")


@pytest.mark.browser
async def test_recorded_requests_are_decided_anew(chrome: Browser, server: Server) -> None:
    await ask(server, CLERK, "consultation", f"{{ {LISTED} }}", {})
    draft = await new_draft(server, "再生", CARELESS)
    async with person(chrome, server, ADMINISTRATOR) as administrator:
        page = administrator.page
        await administrator.at(f"draft/{draft}")
        await page.get_by_role("button", name="調べる").click()
        found = page.locator(".replay .change").first
        await expect(found).to_contain_text("納税課 収納担当")
        await expect(found.locator(".gain")).to_contain_text("Addressee.residence、一覧参照")


@pytest.mark.browser
async def test_a_role_is_given_by_two_and_taken_by_one(chrome: Browser, server: Server) -> None:
    async with (
        person(chrome, server, ADMINISTRATOR) as administrator,
        person(chrome, server, DIRECTOR) as director,
    ):
        page = administrator.page
        await administrator.at("member/watanabe")
        await page.locator("summary", has_text="ロールを提案する").click()
        await page.get_by_label("ロール Role").select_option("branch-clerk")
        await page.locator("textarea:visible").fill("支所の応援")
        await page.get_by_role("button", name="ロールを提案する").click()
        await expect(page.locator(".box.good")).to_contain_text("承認を待ちます")

        second = director.page
        await director.at("waiting")
        await second.get_by_label("watanabe への提案を選ぶ").check()
        await second.get_by_label("決める理由").fill("人手が足りない")
        await second.get_by_role("button", name="承認する").click()
        asked = second.get_by_role("group", name="確認")
        for words in ("すぐに 1 件", "1 人", "全員（市全体 約 8 人）"):
            await expect(asked).to_contain_text(words)
        await second.get_by_role("button", name="この内容で承認する").click()
        await expect(second.get_by_role("heading", name="結果")).to_be_visible()
        await expect(second.locator(".badge.approved")).to_have_count(1)

        await administrator.at("staff")
        row = page.locator("tbody tr", has=page.get_by_role("link", name="watanabe"))
        await expect(row).to_contain_text("支所・行政センター市民課")
        await administrator.at("member/watanabe")
        grant = page.locator(".grants li", has_text="branch-clerk")
        await grant.locator("summary").click()
        await grant.get_by_label("理由").fill("応援が終わった")
        await grant.get_by_role("button", name="取り消す").click()
        await expect(page.locator(".box.good")).to_contain_text("取り消しました")
        await expect(grant).to_have_count(0)


# -- many ------------------------------------------------------------------------------------------

MANY = 120


@pytest.fixture
def crowded(server: Server) -> Iterator[None]:
    """A store with many staff, many decided proposals and many that wait."""
    with closing(sqlite3.connect(server.folder / "main.sqlite", timeout=30)) as store, store:
        names = [f"c{number:04}" for number in range(1, MANY + 1)]
        store.executemany(
            "INSERT INTO staff (id, name, section, password_hash, state)"
            " VALUES (?, '群 ' || ?, 'branch', 'none yet', 'ACTIVE')",
            [(name, name) for name in names],
        )
        for state, role in (("APPROVED", "section-clerk"), ("PROPOSED", "branch-clerk")):
            store.executemany(
                "INSERT INTO staff_proposal (staff_id, kind, role, state, proposed_by,"
                " proposed_at, reason) VALUES (?, 'ROLE', ?, ?, 'import', ?, '人事情報')",
                [(name, role, state, "2026-04-01 00:00:00.000000") for name in names],
            )
        store.execute(
            "INSERT INTO staff_proposal (staff_id, kind, role, state, proposed_by, proposed_at,"
            " reason) VALUES ('sasaki', 'ROLE', 'collection-clerk', 'PROPOSED', 'import',"
            " '2026-03-01 00:00:00.000000', '人事情報')"
        )
    yield
    with closing(sqlite3.connect(server.folder / "main.sqlite", timeout=30)) as store, store:
        store.execute("DELETE FROM staff_proposal WHERE proposed_by = 'import'")
        store.execute("DELETE FROM staff_role WHERE staff_id LIKE 'c0%'")
        store.execute("DELETE FROM staff WHERE id LIKE 'c0%'")


@pytest.mark.browser
async def test_nothing_that_waits_is_out_of_reach(
    chrome: Browser, server: Server, crowded: None
) -> None:
    async with person(chrome, server, DIRECTOR) as director:
        page = director.page
        # What waits is where an approver arrives.
        await expect(page.locator("main")).to_have_attribute("data-view", "")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("あなたを待つもの")
        await expect(page.locator("main")).to_contain_text(f"全 {MANY + 1} 件のうち 1〜50 件")
        for first in (51, 101):
            await page.get_by_role("button", name="次の 50 件").click()
            await expect(page.locator("main")).to_contain_text(f"のうち {first}〜")
        await page.get_by_role("button", name="前の 50 件").click()
        await page.get_by_role("button", name="前の 50 件").click()
        await expect(page.locator("main")).to_contain_text("のうち 1〜50 件")
        await page.get_by_role("heading", level=1).scroll_into_view_if_needed()
        await director.picture("waiting")
        await page.get_by_label("決める理由").fill("四月の異動")
        await page.get_by_role("button", name="承認する").click()
        await expect(page.locator(".box.error")).to_contain_text("提案を選んでください")
        for left in (MANY - 48, MANY - 97, 1):
            await page.get_by_label("このページの提案をすべて選ぶ").check()
            await page.get_by_role("button", name="承認する").click()
            await page.get_by_role("button", name="この内容で承認する").click()
            await expect(page.get_by_role("heading", name="結果")).to_be_visible()
            # Each is answered on its own: what must not be is refused, the others are given.
            await expect(page.locator(".box.note .badge.rejected")).to_have_count(1)
            await page.get_by_role("button", name="閉じる").click()
            await expect(page.locator("main")).to_contain_text(f"全 {left} 件のうち")


@pytest.mark.browser
async def test_staff_are_found_by_name_section_and_role(
    chrome: Browser, server: Server, crowded: None
) -> None:
    async with person(chrome, server, ADMINISTRATOR) as administrator:
        page = administrator.page
        await administrator.at("staff")
        staff = page.get_by_role("region", name="職員の一覧").locator("tbody tr")
        await expect(staff).to_have_count(50)
        await page.get_by_label("氏名・職員番号の先頭").fill("佐藤")
        await page.get_by_role("button", name="絞り込む").first.click()
        await expect(staff).to_have_count(1)
        await expect(staff).to_contain_text("sato")
        await page.get_by_label("氏名・職員番号の先頭").fill("")
        await page.get_by_role("search").first.get_by_label("所属課").select_option("nursing-care")
        await expect(staff).to_have_count(1)
        await expect(staff).to_contain_text("watanabe")
        await page.get_by_role("search").first.get_by_label("所属課").select_option("")
        await page.get_by_label("持っているロール").select_option("protection-coordinator")
        await expect(staff).to_have_count(2)
        await administrator.picture("staff")
        await page.get_by_label("結果").select_option("APPROVED")
        decided = page.get_by_role("region", name="決まった提案").locator("tbody tr")
        await expect(decided).to_have_count(50)


@pytest.mark.browser
async def test_a_version_waits_for_its_instant(chrome: Browser, server: Server) -> None:
    """The last test of the module: the version that it leaves waits for a month."""
    draft = await new_draft(server, "異動", CARELESS, propose=True)
    instant = dt.datetime.now(dt.UTC) + dt.timedelta(days=30)
    async with person(chrome, server, DIRECTOR) as director:
        page = director.page
        await director.at(f"draft/{draft}")
        await page.locator("summary", has_text="承認する").click()
        await page.get_by_label("承認する理由").fill("来月から")
        await page.get_by_label("発効日時").fill("2020-04-01T08:30")
        await page.get_by_role("button", name="承認する").click()
        await page.get_by_role("button", name="この内容で承認する").click()
        await expect(page.locator(".box.error")).to_contain_text("発効日時が過去です")
        await page.get_by_label("発効日時").fill(f"{instant:%Y-%m-%dT08:30}")
        await page.get_by_role("button", name="承認する").click()
        asked = page.get_by_role("group", name="確認")
        await expect(asked).to_contain_text(f"{instant:%Y/%m/%d} 08:30")
        await page.get_by_role("button", name="この内容で承認する").click()
        await expect(page.locator(".box.good")).to_contain_text("発効日時を待ちます")
        await director.at("history")
        await expect(page.locator("tbody tr").first).to_contain_text("発効待ち")
        await expect(page.locator("tbody tr").first).to_contain_text(f"{instant:%Y/%m/%d} 08:30")
        await director.at("matrix")
        await expect(page.locator(".box.note")).to_contain_text("から有効になります")
        another = await new_draft(server, "その間に", OTHER)
        await director.at(f"draft/{another}")
        await expect(page.locator(".box.note")).to_contain_text("待つ版と合わさって変わるものも")
