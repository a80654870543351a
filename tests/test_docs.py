"""The papers are true: what they list is what there is, and what they show is what comes out."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import httpx2
import pytest
from graphql import parse, validate

from authz.errors import Refused
from authz.policy.clearance import Reason
from models import facts
from models.store.database import Database
from models.store.migrate import migrate
from models.tables.policy import Action
from resolvers.read.pipeline import PrivacyMode, Reads
from schema.build import graphql_schema, sdl
from schema.http.graphql import BODY_LIMIT
from schema.http.transfers import CODES
from schema.request import errors, limits
from schema.request.limits import DEFAULT_LIMITS
from schema.types.nouns import OPERATORS
from tests import papers
from tests.conftest import PROJECT, absent
from tests.live import live_server
from tests.papers import LAYERS, SDL, TABLES, Block, blocks, section, table
from tests.postgres import PostgresCluster

README = PROJECT / "README.md"
DEPARTMENTS = PROJECT / "docs/departments.md"
FRONTEND, POLICY, OPERATIONS = (
    PROJECT / "docs" / f"{name}.md" for name in ("frontend", "policy", "operations")
)
PAPERS = papers.papers()
RENEW = "renew it: .venv/bin/python -m tests.papers"
each_paper = pytest.mark.parametrize(
    "path", PAPERS, ids=lambda path: str(path.relative_to(PROJECT))
)


def first_words(rows: list[list[str]]) -> list[str]:
    """What stands in backquotes at the head of each row."""
    return [re.findall(r"`([^`]+)`", row[0])[0] for row in rows]


# -- what follows from the code --------------------------------------------------------------------


def test_the_committed_schema_is_the_schema() -> None:
    assert SDL.read_text(encoding="utf-8") == sdl(), RENEW


@each_paper
def test_generated_tables_are_as_the_code_has_them(path: Path) -> None:
    assert papers.renewed(path) == path.read_text(encoding="utf-8"), RENEW


def test_every_generated_table_is_shown_somewhere() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in PAPERS)
    for name in TABLES:
        assert f"<!-- table {name} -->" in shown, name


@pytest.mark.parametrize("layer", LAYERS)
def test_every_module_says_what_it_does(layer: str) -> None:
    for path in papers.modules(layer):
        assert papers.about(path).rstrip(":").endswith((".", ")", "?")), path


def test_actions_are_explained() -> None:
    explained = table(section(POLICY, "Actions 操作"))
    assert first_words(explained) == [action.value for action in Action]


@pytest.mark.parametrize(
    ("path", "heading"), [(POLICY, "Reasons 理由"), (FRONTEND, "extensions.privacy")]
)
def test_reasons_are_explained(path: Path, heading: str) -> None:
    assert first_words(table(section(path, heading))) == [reason.value for reason in Reason]


def test_populations_are_explained() -> None:
    explained = set(first_words(table(section(POLICY, "Populations 対象者の範囲"))))
    used = {
        re.sub(":.*", ":…", word)
        for heading in ("Roles 役割", "Purposes 利用目的")
        for row in table(section(POLICY, heading))
        for word in re.findall(r"`([^`]+)`", row[-1])
    }
    assert explained == used


def test_operators_are_explained() -> None:
    explained = table(section(FRONTEND, "Lists, cursors, filters, ordering 一覧"))
    assert first_words(explained) == list(OPERATORS)
    for row, (words, _) in zip(explained, OPERATORS.values(), strict=True):
        assert words.startswith(f"{row[1]}: ")


def test_limits_are_as_they_are_set() -> None:
    defaults = {item.name: item.default for item in fields(Reads)}
    expected = {item.name: getattr(DEFAULT_LIMITS, item.name) for item in fields(DEFAULT_LIMITS)}
    expected |= {name: defaults[name] for name in ("max_page", "max_rows")} | {"body": BODY_LIMIT}
    shown = table(section(FRONTEND, "Limits 上限"))
    assert dict(zip(first_words(shown), (int(row[1]) for row in shown), strict=True)) == expected


def test_privacy_modes_and_scalars_are_explained() -> None:
    text = FRONTEND.read_text(encoding="utf-8")
    for mode in PrivacyMode:
        assert f"`{mode.value}`" in text
    scalars = first_words(table(section(FRONTEND, "Values 値")))
    assert sorted(scalars) == sorted(re.findall(r"^scalar (\w+)", sdl(), re.MULTILINE))


def test_facts_and_examples_agree_on_what_a_line_is() -> None:
    [example] = [b.text for b in blocks(POLICY) if b.text.startswith("p, ")]
    _, role, purpose, what, action, effect = (word.strip() for word in example.split(","))
    assert role.removeprefix("role:") in {row["code"] for row in facts.rows("roles")}
    assert purpose.removeprefix("purpose:") in {row["code"] for row in facts.rows("purposes")}
    assert what.removeprefix("class:") in facts.CLASSES
    assert (action, effect) == ("read", "allow")


# -- error codes -----------------------------------------------------------------------------------

CODE = re.compile(r"[A-Z]+(?:_[A-Z]+)*")
CONSTANTS: dict[str, Any] = {**vars(limits), **vars(errors)}


def _refusals(base: type[Refused] = Refused) -> Iterator[type[Refused]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _refusals(kind)


@cache
def codes_in_code() -> dict[str, int]:
    """Every error code that a class, a constant or a call names, with its status."""
    kinds = {kind.__name__: kind.status for kind in _refusals()}
    found = {kind.code: kind.status for kind in _refusals()} | {errors.INTERNAL: 500}
    sources = (path for layer in ("schema", "resolvers", "authz") for path in papers.modules(layer))
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                status = kinds.get(node.func.id)
                for argument in node.args if status is not None else ():
                    code = _text(argument)
                    if code is not None:
                        found[code] = int(status or 0)
    return found


def _text(node: ast.expr) -> str | None:
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(node, ast.Name):
        value = CONSTANTS.get(node.id)
    return value if isinstance(value, str) and CODE.fullmatch(value) else None


@pytest.mark.parametrize(
    ("path", "heading"), [(README, "Error codes"), (FRONTEND, "Errors and statuses エラー")]
)
def test_error_codes_are_those_of_the_code(path: Path, heading: str) -> None:
    shown = table(section(path, heading))
    told = dict(zip(first_words(shown), (int(row[1]) for row in shown), strict=True))
    assert told == codes_in_code()


def test_what_transfers_refuse_is_told_to_departments() -> None:
    told = set(first_words(table(section(DEPARTMENTS, "Errors"))))
    assert set(CODES.values()) <= told


# -- names, links, words ---------------------------------------------------------------------------


@each_paper
def test_links_resolve(path: Path) -> None:
    for link in papers.links(path):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def _anchors(path: Path) -> set[str]:
    """The anchors of a paper's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", papers.prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_paper
def test_files_and_tests_that_are_named_exist(path: Path) -> None:
    told = "".join(file.read_text(encoding="utf-8") for file in PROJECT.glob("tests/test_*.py"))
    for name in papers.names(path):
        if name.startswith("test_"):
            assert re.search(rf"def {name}\(", told), name
        elif re.fullmatch(r"[a-z][\w./-]*\.(?:py|conf|csv|md|ts|graphql)", name):
            assert (PROJECT / name).exists(), name


@each_paper
def test_tables_of_environment_variables_name_no_other(path: Path) -> None:
    known = set(first_words(table(section(README, "Settings"))))
    named = set(re.findall(r"\bATENA_(?!TEST_)[A-Z_]+\b", path.read_text(encoding="utf-8")))
    assert named <= known


@each_paper
def test_nothing_points_to_one_machine_or_registry(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"(?<![\w.])/(?:work|tmp|root|home|Users)\b", text)
    assert not re.findall(r"\b(?:py|npm|registry)[\w.-]*\.(?:org|com)\b", text)


# -- commands --------------------------------------------------------------------------------------


def _commands() -> list[str]:
    lines = [
        line
        for path in (README, OPERATIONS)
        for block in blocks(path)
        if block.language == "sh"
        for line in block.text.splitlines()
    ]
    return [line.strip() for line in lines]


def test_commands_that_are_shown_exist() -> None:
    makefile, server = ((PROJECT / name).read_text("utf-8") for name in ("Makefile", "server.py"))
    shown = {word for line in _commands() for word in re.findall(r"server\.py ([a-z-]+)", line)}
    assert {"serve", "migrate", "import"} <= shown
    for name in shown:
        assert f'command("{name}"' in server, name
    for line in _commands():
        for target in re.findall(r"^make ([a-z]+)", line):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.postgresql
async def test_sql_that_is_shown_runs(postgres_cluster: PostgresCluster) -> None:
    database = Database(postgres_cluster.create_database())
    await migrate(database)
    shown = [
        block.text
        for paper in (OPERATIONS, POLICY)
        for block in blocks(paper)
        if block.language == "sql"
    ]
    statements = [
        statement
        for text in shown
        if "CREATE ROLE" not in text
        for statement in text.strip().split(";")
        if statement
    ]
    assert len(statements) >= 3
    async with database.write() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
        budget = "SELECT persons FROM harvest_budget WHERE role = 'branch-clerk'"
        [persons] = (await connection.exec_driver_sql(budget)).one()
    await database.close()
    assert persons == 100


# -- what comes out --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Atena as `make serve` starts it, with a small demo town: its address and data folder."""
    folder = tmp_path_factory.mktemp("docs")
    data = folder / "data"
    settings = {"ATENA_DATA": str(data), "ATENA_PEOPLE": "60"}
    with live_server(settings, folder / "out") as address:
        yield address, data


def test_the_first_query_gives_the_answer_shown(server: tuple[str, Path], tmp_path: Path) -> None:
    """The README's commands as written, from a folder whose `.atena` is the server's."""
    if shutil.which("curl") is None:
        absent("curl")
    address, data = server
    (tmp_path / ".atena").symlink_to(data)
    there = blocks(README)
    start = next(at for at, block in enumerate(there) if "cast.json" in block.text)
    sign_in, query, shown = there[start : start + 3]
    assert (sign_in.language, query.language, shown.language) == ("sh", "sh", "json")
    script = (sign_in.text + query.text).replace("http://127.0.0.1:8000", address)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == json.loads(shown.text)


def test_a_departments_example_fetches_what_is_ready(
    server: tuple[str, Path], tmp_path: Path
) -> None:
    """The paper's program as written, from a folder whose `.atena` is the server's."""
    address, data = server
    (tmp_path / ".atena").symlink_to(data)
    code = _released(address, data, "nursing-care")
    [program] = [b.text for b in blocks(DEPARTMENTS) if b.language == "python"]
    run = subprocess.run(
        [sys.executable, "-c", program.replace("http://127.0.0.1:8000", address)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    payers, transfer = run.stdout.splitlines()
    assert int(payers.split()[0]) > 0
    assert transfer.endswith("ACKED")
    assert transfer.split()[0] == transfer.split()[2]
    assert code


def _released(address: str, data: Path, definition: str) -> str:
    """A transfer of the demo town that may be fetched."""

    def staff(staff_id: str, text: str, *given: str) -> Any:
        words = (staff_id, "collection-management", *given)
        return ask(address, data, Block("graphql", words, text))

    order = """mutation ($definition: String!) {
      prepareTransfer(input: {definitionCode: $definition}) { transfer { code } }
    }"""
    ordered = staff("sato", order, f"definition={definition}")
    code: str = ordered["data"]["prepareTransfer"]["transfer"]["code"]
    release = """mutation ($code: String!) {
      releaseTransfer(input: {code: $code}) { transfer { state } }
    }"""
    look = "{ transfers(first: 100) { nodes { code state checks { nodes { name reason } } } } }"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        nodes = staff("sato", look)["data"]["transfers"]["nodes"]
        [own] = [node for node in nodes if node["code"] == code]
        if own["state"] != "DEFINED":
            break
    assert own["state"] == "CHECKED", own
    assert "errors" not in staff("kato", release, f"code={code}")
    return code


def examples() -> list[Any]:
    """Every GraphQL block of the papers, with the JSON that follows it, if any does."""
    found: list[Any] = []
    for path in PAPERS:
        there = blocks(path)
        for block, following in zip_longest(there, there[1:]):
            if block.language == "graphql":
                shown = following.text if following and following.language == "json" else None
                name = f"{path.stem}-{len(found)}"
                found.append(pytest.param(block, shown if block.words else None, id=name))
    return found


@pytest.mark.parametrize(("example", "shown"), examples())
def test_an_example_gives_the_answer_shown(
    server: tuple[str, Path], example: Block, shown: str | None
) -> None:
    """The words behind the fence: staff id, purpose (`-` for none), variables."""
    assert validate(graphql_schema(), parse(example.text)) == []
    if example.words:
        answer = ask(*server, example)
        assert "errors" not in answer
        assert shown is None or answer == json.loads(shown)


def ask(address: str, data: Path, example: Block) -> dict[str, Any]:
    """The answer to an example."""
    staff_id, purpose, *given = example.words
    cast = json.loads((data / "cast.json").read_text(encoding="utf-8"))
    password = next(one["password"] for one in cast if one["staffId"] == staff_id)
    [sign_in] = [b for b in blocks(FRONTEND) if b.language == "graphql" and "signIn" in b.text]
    signed_in = httpx2.post(
        f"{address}/graphql",
        json={
            "query": sign_in.text,
            "variables": {"input": {"staffId": staff_id, "password": password}},
        },
    ).json()
    headers = {"Authorization": f"Bearer {signed_in['data']['signIn']['token']}"}
    if purpose != "-":
        headers["Purpose-Of-Use"] = purpose
    variables = dict(word.split("=", 1) for word in given)
    answer = httpx2.post(
        f"{address}/graphql",
        json={"query": example.text, "variables": variables},
        headers=headers,
    )
    content: dict[str, Any] = answer.json()
    return content
