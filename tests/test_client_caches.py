"""Apollo Client, urql with Graphcache and Relay in a browser: what protection has to survive.

Each of them keeps one record for each id, joins into it what any answer showed, and drops
`extensions`. The helpers are those of `docs/clients/`, the screen is `tests/client_caches/`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from graphql import GraphQLObjectType
from playwright.async_api import Browser, Page, expect

from models.graph.graph import GRAPH
from resolvers.read.plan import PERSON_ROOTS
from schema.build import graphql_schema, sdl
from tests.browser import Watch, launched
from tests.conftest import PROJECT
from tests.live import live_server
from tests.test_lifts import lifted
from tests.test_promises import CLERK
from tests.world import SECRET_ADDRESS, TANAKA, YAMADA, World, make_stores

HERE = Path(__file__).parent
HELPERS = PROJECT / "docs/clients"
CLIENTS = ("apollo", "urql", "relay")
ADDRESS, MASKED, WARNING = "住所 釧路市北大通1番1号", "口座 ****321 (一部表示: ", "取扱注意"
PAGE = '<!doctype html><meta charset="utf-8"><body><script src="{}.js"></script>'


@pytest.fixture(scope="module")
def bundles(
    node: Callable[..., subprocess.CompletedProcess[str]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The helpers and a screen for each client, checked strictly against the schema."""
    folder = tmp_path_factory.mktemp("bundles")
    for source in (HERE / "client_caches", HELPERS):
        shutil.copytree(source, folder, dirs_exist_ok=True)
    (folder / "schema.graphql").write_text(sdl(), encoding="utf-8")
    (folder / "node_modules").symlink_to(PROJECT / "node_modules")
    (folder / "__generated__").mkdir()
    screens = [f"{client}-screen.ts" for client in CLIENTS]
    for command in (
        ("graphql-codegen", "--config", "codegen.json"),
        ("relay-compiler", "relay.config.json"),
        ("tsc", "--project", "."),
        ("esbuild", "--bundle", "--format=iife", "--outdir=out", *screens),
    ):
        run = node(*command, cwd=folder)
        assert run.returncode == 0, run.stdout + run.stderr
    return folder / "out"


@pytest.fixture(scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Atena as a process of its own over the small town."""
    folder = tmp_path_factory.mktemp("caches")
    main, numbers = (f"sqlite:///{folder / name}.sqlite" for name in ("main", "numbers"))
    passwords = await make_stores(main, numbers, folder)
    settings = {
        "ATENA_DATA": str(folder),
        "ATENA_DATABASE_URL": main,
        "ATENA_NUMBERS_URL": numbers,
    }
    with live_server(settings, folder / "out") as address:
        async with httpx2.AsyncClient(base_url=address) as client:
            yield World(main, client, passwords, folder, numbers, "")


@pytest.fixture(scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A browser."""
    async with launched(chromium) as running:
        yield running


async def screen(browser: Browser, town: World, bundles: Path, client: str) -> tuple[Page, Watch]:
    """The screen of a client, for a clerk at the counter; from the server's own origin."""
    page = await browser.new_page()
    watch = Watch(page)

    async def serve(route: Any) -> None:
        name = route.request.url.rpartition("/")[2]
        if name.endswith(".js"):
            await route.fulfill(path=bundles / name.replace(".js", "-screen.js"))
        else:
            await route.fulfill(body=PAGE.format(name), content_type="text/html")

    await page.route("**/screen/*", serve)
    await page.goto(f"{town.client.base_url}/screen/{client}")
    terms = {"token": await town.sign_in(CLERK), "purpose": "consultation"}
    await page.evaluate("terms => window.start(terms)", terms)
    return page, watch


async def do(page: Page, name: str, given: Any) -> None:
    """Call the screen."""
    await page.evaluate(f"given => window.{name}(given)", given)


def sent(watch: Watch) -> int:
    """How many requests the page has sent."""
    return sum(request.url.endswith("/graphql") for request in watch.requests)


@pytest.mark.browser
@pytest.mark.node
@pytest.mark.parametrize("client", CLIENTS)
async def test_what_a_list_hides_leaves_the_open_record_as_it_is(
    browser: Browser, town: World, bundles: Path, client: str
) -> None:
    page, watch = await screen(browser, town, bundles, client)
    person, listed = page.locator("#person"), page.locator("#list")
    await do(page, "search", 20)
    await expect(listed).to_contain_text(YAMADA)
    await expect(listed).not_to_contain_text("北大通")
    await do(page, "open_person", TANAKA)
    await expect(person).to_contain_text(WARNING)
    await do(page, "open_person", YAMADA)

    async def whole() -> None:
        for text in (ADDRESS, MASKED, "DV 非表示 ROLE"):
            await expect(person).to_contain_text(text)

    await whole()
    await do(page, "search", 19)
    await expect(listed).to_contain_text(YAMADA)
    await whole()
    asked = sent(watch)
    await do(page, "open_person", TANAKA)
    for text in (WARNING, "住所 表示なし"):
        await expect(person).to_contain_text(text)
    await do(page, "open_person", YAMADA)
    await whole()
    assert sent(watch) == asked == 4
    assert watch.complaints == []


@pytest.mark.browser
@pytest.mark.node
@pytest.mark.parametrize("client", CLIENTS)
async def test_what_is_issued_stays_on_the_paper(
    browser: Browser, town: World, bundles: Path, client: str
) -> None:
    page, watch = await screen(browser, town, bundles, client)
    person, paper = page.locator("#person"), page.locator("#paper")
    await do(page, "open_person", TANAKA)
    await expect(person).to_contain_text("住所 表示なし")
    await lifted(town, CLERK, path="COUNTER", uses=1)
    await do(page, "issue", TANAKA)
    await expect(paper).to_contain_text(SECRET_ADDRESS)
    for code in (TANAKA, YAMADA, TANAKA):
        await expect(person).not_to_contain_text(SECRET_ADDRESS)
        await do(page, "open_person", code)
    await expect(person).to_contain_text("住所 表示なし")
    await expect(person).to_contain_text(WARNING)
    assert sent(watch) == 3


# -- the helpers -----------------------------------------------------------------------------------

READS = """
import { read, checkOnePerson } from "./privacy.js";
import { parse } from "graphql";
const hidden = [
  { field: "a", reason: "MASKED", purposes: ["refund"] },
  { field: "b", reason: "LIST", purposes: [] },
];
const due = { addressWithheld: true, stopOutput: false };
const of = (value, obligation) => ({
  a: value, b: value, c: value, x: value, privacy: { hidden, obligation },
});
const refused = JSON.parse(process.argv[2]).map((text) => {
  try { checkOnePerson(parse(text)); return false; } catch { return true; }
});
console.log(JSON.stringify([
  read(of("1"), "a"), read(of("1"), "c"), read(of("1"), "x", "a"), read(of(null), "b"),
  read(of(null), "a"), read(of(null, due), "a"), read(of(null, due), "c"), refused,
]));
"""
ALONE = [
    '{ addressee(code: "1") { code } viewer { id } }',
    "{ addressees { totalCount } accounts { totalCount } }",
    "query A { ...R } fragment R on Query { node(id: 1) { id } }",
    'query A { addressee(code: "1") { code } } query B { account(id: 1) { id } }',
]
BESIDE = [
    '{ a: addressee(code: "1") { code } b: addressee(code: "2") { code } }',
    '{ addressee(code: "1") { code } addressees { totalCount } }',
    '{ addressee(code: "1") { code } ...R } fragment R on Query { node(id: 1) { id } }',
    "{ ... on Query { account(id: 1) { id } } ... { collections { totalCount } } }",
]


@pytest.mark.node
def test_the_helper_tells_apart_what_a_field_is(
    node: Callable[..., subprocess.CompletedProcess[str]], bundles: Path, tmp_path: Path
) -> None:
    folder = bundles.parent
    (folder / "reads.js").write_text(READS, encoding="utf-8")
    bundle = tmp_path / "reads.cjs"
    made = node(
        "esbuild", "--bundle", "--platform=node", f"--outfile={bundle}", "reads.js", cwd=folder
    )
    assert made.returncode == 0, made.stderr
    run = node(bundle, json.dumps([*ALONE, *BESIDE]))
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [
        {"state": "masked", "value": "1", "purposes": ["refund"]},
        {"state": "shown", "value": "1"},
        {"state": "masked", "value": "1", "purposes": ["refund"]},
        {"state": "hidden", "reason": "LIST", "purposes": []},
        {"state": "absent"},
        {"state": "withheld"},
        {"state": "withheld"},
        [False] * len(ALONE) + [True] * len(BESIDE),
    ]


def test_the_helpers_name_what_the_schema_has() -> None:
    privacy, apollo = ((HELPERS / name).read_text() for name in ("privacy.ts", "apollo.ts"))
    roots = privacy.partition("PERSON_ROOTS: readonly string[] = [")[2].partition("]")[0]
    assert set(re.findall(r'"(\w+)"', roots)) == PERSON_ROOTS
    reasons = privacy.partition("type HiddenReason =")[2].partition(";")[0]
    schema = graphql_schema()
    assert set(re.findall(r'"(\w+)"', reasons)) == set(schema.type_map["HiddenReason"].values)  # type: ignore[attr-defined]
    # Whatever has no id of its own and stands in a row; lists of it are replaced as a whole.
    parts = {part.type_name for type_ in GRAPH.types.values() for part, _ in type_.parts.values()}
    merged = apollo.partition("fromEntries(")[2].partition("]")[0]
    assert set(re.findall(r'"(\w+)"', merged)) == parts | {"ObjectPrivacy"}
    for name in ("Obligation", "HiddenField"):
        shown = schema.type_map[name]
        assert isinstance(shown, GraphQLObjectType)
        assert "id" not in shown.fields
