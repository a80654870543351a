"""The demo town's protected persons, asked about in GraphiQL by every member of the cast.

The server is a process of its own over the town that `make serve` makes, the page is open in
Chromium, and the queries are run in its editor. What is asked follows from the schema, whom it is
about and what must not show from the database.

CI asks about one person in full and about others in turn; with `ATENA_TEST_CAST=all` everybody of
the cast asks about everybody, for every purpose.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from graphql import GraphQLObjectType, get_named_type, is_leaf_type
from playwright.async_api import Page, Response, expect

from authz.keys import Keys
from models import facts
from models.demo.cast import TANAKA_MISAKI, YAMADA_TARO
from models.facts import CLASSES
from models.graph.edges import Edge
from models.graph.graph import GRAPH, Leaf, Type
from models.store.database import Database
from resolvers.read.seal import UNSEEN, Seal
from schema.build import graphql_schema, sdl
from tests.browser import Watch, launched
from tests.conftest import PROJECT, absent
from tests.generate.request import to_json
from tests.live import live_server
from tests.oracle.state import Row, State

PICTURES = os.environ.get("ATENA_TEST_PICTURES")
"""Where to put screenshots, `docs/console` to renew them; unset: nowhere."""

ALL = os.environ.get("ATENA_TEST_CAST") == "all"
"""Everybody about everybody, which takes long; else a slice."""

SEEN = """
sato       | person obligation
takahashi  | person obligation place
ito        | person obligation
watanabe   | person obligation
yamamoto   | person obligation
nakamura   | person obligation
kobayashi  | person obligation cause place
mori       | person obligation cause place
kato       | person obligation
yoshida    | person obligation
inoue      | person obligation
yamada     |
sasaki     |
matsumoto  |
"""
"""What each member sees of any protected person, over all of their purposes.

person: that there is one; obligation: that care is due; cause: why; place: a withheld value.
`takahashi` has a lift for one of them, which ends by its count.
"""

MOST_TOKENS, MOST_FIELDS, MOST_ROOTS = 2_800, 1_400, 15
"""Within `schema/request/limits.py`."""


# -- whom, and what of them is secret --------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Town:
    """The demo town as it is stored.

    `protected` has everybody with an obligation, `covered` those whose place it withholds.
    `neighbours` are uncovered and share a row or a household with a covered person.
    """

    state: State
    seal: Seal
    protected: Sequence[str]
    covered: frozenset[str]
    neighbours: Sequence[str]
    secrets: frozenset[str]
    causes: frozenset[str]

    @classmethod
    def of(cls, state: State, seal: Seal) -> Town:
        """Work out who is who."""
        protected = sorted(
            row["addressee_code"]
            for row in state.tables["handling"]
            if row["address_withheld"] or row["stop_output"]
        )
        covered = frozenset(code for code in protected if state.obligation(code)[0])
        about = {name: [_people(row) & covered for row in state.rows[name]] for name in state.rows}
        open_, withheld, why = set(_words(sdl())), set(), set()
        for name, rows in state.rows.items():
            for row, persons in zip(rows, about[name], strict=True):
                for leaf in _leaves(row.type):
                    value = _text(row.values[leaf.column.name])
                    if "protection" in leaf.label.classes:
                        why.add(value)
                    elif leaf.withheld and persons:
                        withheld.add(value)
                    else:
                        open_.add(value)
        return cls(
            state,
            seal,
            protected,
            covered,
            sorted(_neighbours(state, covered)),
            frozenset(value for value in withheld - open_ if len(value) > 3),
            frozenset(value for value in why - open_ - withheld if len(value) > 3),
        )

    def rows_about(self, code: str) -> Iterator[Row]:
        """Every row that names the person."""
        for rows in self.state.rows.values():
            yield from (row for row in rows if code in _people(row))

    def stored(self, code: str) -> frozenset[str]:
        """The withheld classes of which something is stored about the person."""
        return frozenset(
            leaf.label.classes[0]
            for row in self.rows_about(code)
            for leaf in _leaves(row.type)
            if leaf.withheld and row.values[leaf.column.name] is not None
        )


def _people(row: Row) -> frozenset[str]:
    return frozenset(row.values[one] for one in row.type.noun.persons if row.values[one])


def _neighbours(state: State, covered: frozenset[str]) -> set[str]:
    found = {
        other
        for rows in state.rows.values()
        for row in rows
        if (people := _people(row)) & covered
        for other in people
    }
    memberships = state.tables["household_membership"]
    homes = {one["household_code"] for one in memberships if one["addressee_code"] in covered}
    found |= {one["addressee_code"] for one in memberships if one["household_code"] in homes}
    return found - covered


def _parts(type_: Type) -> Mapping[str, Mapping[str, Leaf]]:
    return {name: leaves for name, (_, leaves) in type_.parts.items()}


def _leaves(type_: Type) -> Iterator[Leaf]:
    """What is stored of a row in the main database and shows in the schema."""
    for leaves in (type_.leaves, *_parts(type_).values()):
        yield from (leaf for leaf in leaves.values() if not leaf.vault)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _words(text: str) -> Iterable[str]:
    return re.findall(r"\w+", text)


def _withheld(coordinate: str) -> bool:
    return any(CLASSES[code].withheld for code in GRAPH.classes.get(coordinate, ()))


# -- what is asked ---------------------------------------------------------------------------------


def _fields(type_name: str) -> str:
    """All leaves of an object, and those of its embedded parts."""
    object_ = graphql_schema().type_map[type_name]
    assert isinstance(object_, GraphQLObjectType)
    found = []
    for name, each in object_.fields.items():
        target = get_named_type(each.type)
        if is_leaf_type(target):
            found.append(name)
        elif type_name in GRAPH.types and name in GRAPH.types[type_name].parts:
            found.append(f"{name} {{ {_fields(target.name)} }}")
    return " ".join(found)


def _over(edge: Edge, inner: str) -> str:
    """An edge with a selection beyond."""
    if edge.many:
        return f"{edge.field}(first: 3) {{ totalCount nodes {{ {inner} }} }}"
    return f"{edge.field} {{ {inner} }}"


def _beyond(edge: Edge, entering: bool) -> str:
    """The target's own fields and edges, those that bring in other persons only where asked."""
    edges = GRAPH.types[edge.target].edges.values()
    inner = [_over(one, _fields(one.target)) for one in edges if entering or not one.enters]
    return " ".join([_fields(edge.target), *inner])


@cache
def _documents() -> tuple[str, ...]:
    """Everything about one person, as selections: first what is theirs alone, then with others."""
    edges = GRAPH.types["Addressee"].edges.values()
    alone = [_fields("Addressee")]
    alone += [_over(edge, _beyond(edge, entering=False)) for edge in edges if not edge.enters]
    beside = [_over(edge, _beyond(edge, entering=True)) for edge in edges if edge.enters]
    for edge in edges:
        inner = [one for one in GRAPH.types[edge.target].edges.values() if one.enters]
        if not edge.enters and edge.target != "Addressee" and inner:
            beside.append(_over(edge, " ".join(_over(one, _fields(one.target)) for one in inner)))
    return (*_packed(alone), *_packed(beside))


def _packed(pieces: Iterable[str]) -> Iterator[str]:
    """As few documents as the limits allow."""
    kept: list[str] = []
    for piece in pieces:
        text = " ".join([*kept, piece])
        fields = len(re.findall(r"\w+(?![\w:])", text))
        tokens = len(re.findall(r"\w+|[^\w\s]", text))
        if kept and (fields > MOST_FIELDS or tokens > MOST_TOKENS):
            yield " ".join(kept)
            kept = []
        kept.append(piece)
    yield " ".join(kept)


def _about(code: str) -> list[str]:
    """The documents that ask everything about one person."""
    return [f"addressee(code: {json.dumps(code)}) {{ code {one} }}" for one in _documents()]


def _rows_of(town: Town, code: str) -> str:
    """One row of each type about the person by its id, past every edge."""
    first = {row.type.name: row for row in reversed(list(town.rows_about(code)))}
    roots = [
        f"n{at}: node(id: {json.dumps(town.seal.node_id(UNSEEN, name, row.key))})"
        f" {{ __typename ... on {name} {{ {_fields(name)} }} }}"
        for at, (name, row) in enumerate(sorted(first.items()))
        if name != "Addressee"
    ]
    return " ".join(roots[:MOST_ROOTS])


def _lists() -> Iterator[tuple[str, Type]]:
    """The lists at the root whose rows are about persons."""
    for type_ in GRAPH.types.values():
        if type_.noun.owner and type_.noun.root[1]:
            yield type_.noun.root[1], type_


def _operands(town: Town, type_: Type, withheld: bool) -> Iterator[tuple[frozenset[str], str]]:
    """Each operand of a list, as its classes and a filter by what is stored of covered persons."""
    rows = [row for row in town.state.rows[type_.name] if _people(row) & town.covered]
    for part, leaves in (("", type_.leaves), *_parts(type_).items()):
        for leaf in leaves.values():
            if not leaf.label.match or leaf.withheld is not withheld or leaf.vault:
                continue
            stored = {_literal(leaf, row.values[leaf.column.name]) for row in rows} - {"null"}
            if stored:
                # A flag has no `in`.
                flag = isinstance(leaf.column.type, sa.Boolean)
                among = "eq: true" if flag else f"in: [{' '.join(sorted(stored)[:40])}]"
                one = f"{leaf.name}: {{{among}}}"
                text = f"{{{part}: {{{one}}}}}" if part else f"{{{one}}}"
                yield frozenset(leaf.label.classes), text


def _literal(leaf: Leaf, value: Any) -> str:
    if isinstance(leaf.column.type, sa.Enum) and value:
        return str(value)
    return json.dumps(to_json(value), ensure_ascii=False)


# -- what came back --------------------------------------------------------------------------------


def _shown(answer: Mapping[str, Any], type_name: str) -> Iterator[str]:
    """Every coordinate that is not null."""
    object_ = graphql_schema().type_map[type_name]
    assert isinstance(object_, GraphQLObjectType)
    for name, value in answer.items():
        if value is None or name == "__typename":
            continue
        yield f"{type_name}.{name}"
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                # A row by its id says of which type it is.
                kind = one.get("__typename") or get_named_type(object_.fields[name].type).name
                yield from _shown(one, kind)


def _scalars(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _scalars(one)
    elif value is not None:
        yield str(value)


@dataclass(frozen=True)
class Answered:
    """One answer: its content, and all text of the page and of what it received."""

    content: Mapping[str, Any]
    text: str

    @property
    def data(self) -> Mapping[str, Any]:
        """The data, empty where it was refused."""
        return self.content.get("data") or {}

    @property
    def obligations(self) -> Any:
        """The obligations that came with it."""
        return self.content.get("extensions", {}).get("privacy", {}).get("obligations")

    @property
    def code(self) -> str | None:
        """The code of the refusal."""
        errors = self.content.get("errors")
        return errors[0]["extensions"]["code"] if errors else None

    def tells(self, secrets: frozenset[str]) -> set[str]:
        """Which of the values are in it: as a whole value, or somewhere in a text."""
        long = {one for one in secrets if len(one) > 7 and not one.isdigit()}
        found = set(_scalars(self.data)) & secrets
        return found | {one for one in long if one in self.text}


# -- who may ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Desk:
    """A member of the cast who states a purpose."""

    staff_id: str
    password: str = field(repr=False)
    roles: tuple[str, ...]
    purpose: str

    def may(self, action: str) -> frozenset[str]:
        """Classes that a line of the first policy opens."""
        return frozenset(
            code
            for line in facts.rows("first-policy")
            if set(line["role"].split()) & set(self.roles) and self.purpose in line["purpose"]
            for code in line["class"].split()
            if action in line["actions"].split()
        )

    @property
    def despite(self) -> frozenset[str]:
        """Withheld classes that show to them."""
        return self.may("read-withheld")


@dataclass(frozen=True, repr=False)
class Demo:
    """The running server, its town, and who may sign in."""

    address: str
    town: Town
    desks: Sequence[Desk]
    database: Path

    def uses(self) -> Mapping[str, int]:
        """How often lifts were used, by staff member."""
        with closing(sqlite3.connect(self.database)) as database:
            found = database.execute("SELECT staff_id, sum(used) FROM lift GROUP BY 1")
            return {staff_id: used for staff_id, used in found if used}


@pytest.fixture(scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    """The demo town in its own server. Budgets are out of the way: this asks about everybody."""
    folder = tmp_path_factory.mktemp("cast")
    data = folder / "data"
    _make_town(data)
    store = Database(f"sqlite:///{data / 'atena.sqlite'}")
    state = await State.load(store, {})
    await store.close()
    seal = Seal(Keys.load(data / "keys.json").derive("seal", 64))
    cast = json.loads((data / "cast.json").read_text(encoding="utf-8"))
    desks = [
        Desk(one["staffId"], one["password"], tuple(one["roles"]), purpose)
        for one in cast
        for purpose in one["purposes"]
    ]
    with live_server({"ATENA_DATA": str(data)}, folder / "out") as address:
        yield Demo(address, Town.of(state, seal), desks, data / "atena.sqlite")


def _make_town(data: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATENA_")}
    subprocess.run(
        [sys.executable, "server.py", "seed"],
        cwd=PROJECT,
        env=kept | {"ATENA_DATA": str(data)},
        check=True,
        capture_output=True,
    )
    with closing(sqlite3.connect(data / "atena.sqlite")) as database, database:
        database.execute("UPDATE harvest_budget SET persons = 1000000")


# -- a page ----------------------------------------------------------------------------------------

RENDERED = """text => {
  const editor = document.querySelector('.result-window .CodeMirror');
  return editor && editor.CodeMirror.getValue() === JSON.stringify(JSON.parse(text), null, 2);
}"""
VISIBLE = """() => ['.bar', '#privacy', '.graphiql-response', '.result-window'].flatMap(
  name => [...document.querySelectorAll(name)].map(one => one.innerText)).join('\\n')"""


@dataclass
class Graphiql:
    """GraphiQL in a browser, and whoever sits before it."""

    page: Page
    asked: int = 0
    desk: Desk | None = None
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Watch(self.page)

    async def seat(self, desk: Desk) -> None:
        """Let somebody sign in, or the same person state another purpose."""
        page = self.page
        if self.desk is None or self.desk.staff_id != desk.staff_id:
            if self.desk is not None:
                async with page.expect_event("load"):
                    await page.get_by_role("button", name="サインアウト").click()
            await page.get_by_label("職員番号").fill(desk.staff_id)
            await page.get_by_label("パスワード").fill(desk.password)
            await page.get_by_role("button", name="サインイン").click()
            await page.get_by_label("利用目的").wait_for()
        await page.get_by_label("利用目的").select_option(desk.purpose)
        await page.locator(".graphiql-query-editor .CodeMirror").click()
        self.desk = desk

    async def ask(self, query: str) -> Answered:
        """Run a query in the editor, which has the focus, and read the page with the answer."""
        page = self.page
        # While it still fetches, the keys that run a query would stop it.
        await page.get_by_role("button", name="Execute query").wait_for()
        await page.keyboard.press("Control+A")
        await page.keyboard.insert_text(f"query Viewer {{ {query} }}")
        async with page.expect_response(_answers_a_query) as coming:
            await page.keyboard.press("Control+Enter")
        response = await coming.value
        text = await response.text()
        await page.wait_for_function(RENDERED, arg=text)
        visible = await page.evaluate(VISIBLE)
        self.asked += 1
        return Answered(json.loads(text), f"{response.url}\n{text}\n{visible}")


def _answers_a_query(response: Response) -> bool:
    """Not what the page asks of the schema, when it begins."""
    said = response.request.post_data or ""
    return response.url.endswith("/graphql") and "IntrospectionQuery" not in said


@pytest.fixture(scope="module")
async def graphiql(chromium: str, demo: Demo) -> AsyncIterator[Graphiql]:
    """The page, one for all tests: people sign in and out."""
    if not (PROJECT / "node_modules/graphiql").is_dir():
        absent("node_modules: run `make dev`")
    async with launched(chromium) as running:
        context = await running.new_context(locale="ja-JP", viewport={"width": 1440, "height": 900})
        page = await context.new_page()
        page.set_default_timeout(60_000)
        opened = Graphiql(page)
        await page.goto(f"{demo.address}/graphiql")
        await page.locator(".graphiql-query-editor .CodeMirror").wait_for()
        yield opened


# -- the tests -------------------------------------------------------------------------------------


@dataclass
class Sight:
    """What a member of the cast was shown of protected persons."""

    seen: set[str] = field(default_factory=set)
    lifted: int = 0

    def look(self, town: Town, desk: Desk, code: str, answer: Answered) -> None:
        """Note what shows of one person, asked for alone; raise where it may not."""
        shown = set(_shown(answer.data, "Query"))
        cause = {one for one in shown if "protection" in GRAPH.classes.get(one, ())}
        if "protection" not in desk.may("read"):
            assert not cause, (desk, code, cause)
            assert not answer.tells(town.causes), (desk, code)
        place = {one for one in shown if _withheld(one)} if code in town.covered else set()
        if desk.despite:
            assert _classes(place) <= desk.despite, (desk, code, place)
        elif place:
            assert _classes(place) <= _lift(town, desk.staff_id, code), (desk, code, place)
            self.lifted += 1
        else:
            assert not answer.tells(town.secrets), (desk, code, answer.tells(town.secrets))
        told = {"person": shown, "obligation": answer.obligations, "cause": cause, "place": place}
        self.seen |= {word for word, there in told.items() if there}


def _classes(coordinates: Iterable[str]) -> frozenset[str]:
    """The withheld classes of some coordinates."""
    found = (code for one in coordinates for code in GRAPH.classes[one])
    return frozenset(code for code in found if CLASSES[code].withheld)


def _lift(town: Town, staff_id: str, code: str) -> frozenset[str]:
    """The classes that lifts open to somebody on the screen."""
    return frozenset(
        word
        for lift in town.state.tables["lift"]
        if (lift["staff_id"], lift["addressee_code"]) == (staff_id, code)
        and lift["approved_by"]
        and lift["path"] == "SCREEN"
        for word in lift["classes"].split()
    )


@pytest.mark.browser
@pytest.mark.node
async def test_the_cast_asks_about_every_protected_person(graphiql: Graphiql, demo: Demo) -> None:
    town, sights = demo.town, defaultdict[str, Sight](Sight)
    others = itertools.cycle(code for code in town.protected if code != TANAKA_MISAKI)
    beside = itertools.cycle(town.neighbours)
    began = time.monotonic()
    for turn, desk in enumerate(demo.desks):
        await graphiql.seat(desk)
        sight = sights[desk.staff_id]
        finds = "identifier" in desk.may("match")
        for code in town.protected if ALL and finds else [TANAKA_MISAKI]:
            for query in [*_about(code), _rows_of(town, code)]:
                answer = await graphiql.ask(query)
                by_code = query.startswith("addressee")
                assert answer.code == (None if finds or not by_code else "OPERAND_HIDDEN"), desk
                sight.look(town, desk, code, answer)
        # Others by turns in a slice; until one is in the population that somebody sees.
        for code in itertools.islice(others, 0 if ALL or not finds else len(town.protected)):
            sight.look(town, desk, code, await graphiql.ask(_about(code)[0]))
            if "person" in sight.seen:
                break
        await _lists_and_operands(graphiql, town, desk)
        for code in town.neighbours if ALL else [] if turn % 2 else [next(beside)]:
            for query in _about(code) if ALL else _about(code)[1:2]:
                await _asks_about_a_neighbour(graphiql, town, desk, query)
    assert {name: sight.seen for name, sight in sights.items()} == _expected()
    # Each place that was shown without the right to it was counted as the use of a lift.
    assert {name: one.lifted for name, one in sights.items() if one.lifted} == demo.uses()
    assert graphiql.watch.outside() == []
    took = time.monotonic() - began
    print(f"{graphiql.asked} queries by {len(demo.desks)} members and purposes in {took:.0f} s")


def _expected() -> Mapping[str, set[str]]:
    lines = (line.partition("|") for line in SEEN.strip().splitlines())
    return {name.strip(): set(words.split()) for name, _, words in lines}


async def _asks_about_a_neighbour(graphiql: Graphiql, town: Town, desk: Desk, query: str) -> None:
    """Whoever shares a household, a row or a measure with a covered person leads nowhere."""
    answer = await graphiql.ask(query)
    if not desk.despite:
        assert not answer.tells(town.secrets | town.causes), (desk, query)
        assert not town.covered & set(_scalars(answer.data)), (desk, query)


async def _lists_and_operands(graphiql: Graphiql, town: Town, desk: Desk) -> None:
    """Several persons at once, found by everything that may be an operand, and by what may not."""
    free = desk.may("match")
    lists, places, refused = [], [], []
    for root, type_ in _lists():
        by_open = [text for needs, text in _operands(town, type_, False) if needs <= free]
        filter_ = f", filter: {{or: [{' '.join(by_open)}]}}" if by_open else ""
        lists.append(
            f"{root}(first: 50{filter_}) {{ totalCount nodes {{ {_fields(type_.name)} }} }}"
        )
        for needs, text in _operands(town, type_, True):
            one = f"{root}(first: 50, filter: {text}) {{ totalCount nodes {{ __typename }} }}"
            if not needs <= free:
                refused.append(one)
            elif root == "addressees":
                places.append(text)
    answer = await graphiql.ask(" ".join(lists))
    assert answer.code is None, (desk, answer.content)
    assert not answer.tells(town.secrets), (desk, answer.tells(town.secrets))
    if "protection" not in desk.may("list"):
        assert not answer.tells(town.causes), (desk, answer.tells(town.causes))
    for query in refused if ALL else refused[:1]:
        answer = await graphiql.ask(query)
        assert (answer.code, answer.data) == ("OPERAND_HIDDEN", {}), (desk, query, answer.content)
    if places:
        codes = json.dumps([*sorted(town.covered), YAMADA_TARO])
        where = f"{{code: {{in: {codes}}}, or: [{' '.join(places)}]}}"
        answer = await graphiql.ask(
            f"addressees(filter: {where}) {{ totalCount nodes {{ code }} }}"
        )
        # The plain payer shares a kind of address with them, so the filter does find somebody.
        assert answer.data["addressees"] == {"totalCount": 1, "nodes": [{"code": YAMADA_TARO}]}, (
            desk
        )


@pytest.mark.browser
@pytest.mark.node
async def test_a_clerk_gets_the_warning_and_a_coordinator_the_place(
    graphiql: Graphiql, demo: Demo
) -> None:
    """As the papers show it."""
    town, page = demo.town, graphiql.page
    query = f"""
  addressee(code: "{TANAKA_MISAKI}") {{
    fullName
    dvFlag
    residence {{ address building }}
    contacts {{ nodes {{ kind value }} }}
  }}
"""
    [address] = (
        row.values["address"] for row in town.state.rows["Addressee"] if row.key == TANAKA_MISAKI
    )
    shown = page.locator(".result-window")
    for staff_id, purpose in (("sato", "consultation"), ("kobayashi", "protection-measures")):
        [desk] = (one for one in demo.desks if (one.staff_id, one.purpose) == (staff_id, purpose))
        await graphiql.seat(desk)
        answer = await graphiql.ask(query)
        await expect(page.locator("#obligations")).to_contain_text("住所・居所を伏せる")
        await expect(shown).to_contain_text("田中　美咲")
        assert (address in answer.text) is bool(desk.despite)
        assert (address in await shown.inner_text()) is bool(desk.despite)
        if PICTURES:
            await page.screenshot(path=PROJECT / PICTURES / f"graphiql-{staff_id}.png")


@pytest.mark.browser
@pytest.mark.node
async def test_what_somebody_was_shown_leaves_with_them(graphiql: Graphiql, demo: Demo) -> None:
    """By signing out, and when the idle time is over: whoever comes next finds nothing of it."""
    page = graphiql.page
    shown = page.locator(".result-window")
    await page.clock.install()
    [desk] = (one for one in demo.desks if (one.staff_id, one.purpose) == ("sato", "consultation"))
    for leave in (
        page.get_by_role("button", name="サインアウト").click,
        lambda: page.clock.fast_forward("10:00"),
    ):
        await graphiql.seat(desk)
        await graphiql.ask(f'addressee(code: "{TANAKA_MISAKI}") {{ fullName }}')
        await expect(shown).to_contain_text("田中　美咲")
        async with page.expect_event("load"):
            await leave()
        graphiql.desk = None
        await expect(page.get_by_label("職員番号")).to_be_visible()
        await expect(page.locator("#privacy")).to_be_hidden()
        await expect(shown).not_to_contain_text("田中")
        editor = page.locator(".graphiql-query-editor")
        await expect(editor).to_contain_text("Sign in above")
        await expect(editor).not_to_contain_text(TANAKA_MISAKI)
