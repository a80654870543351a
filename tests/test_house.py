"""The house: imports run one way, one road leads to data, every column and edge has its class."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from authz.policy.clearance import Clearance
from models import facts
from models.graph.graph import GRAPH, VAULT_FIELDS
from models.labels import UnclassifiedError, column, label_of
from resolvers.read.plan import Plan
from tests.conftest import PROJECT

LAYERS = ["server", "schema", "resolvers", "authz", "models"]


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the project by its path."""
    for layer in LAYERS[1:]:
        for path in sorted((PROJECT / layer).rglob("*.py")):
            yield str(path.relative_to(PROJECT)), ast.parse(path.read_text(encoding="utf-8"))
    yield "server.py", ast.parse((PROJECT / "server.py").read_text(encoding="utf-8"))


MODULES = dict(modules())


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES)
def test_imports_run_to_the_right(path: str) -> None:
    own = LAYERS.index(path.split("/")[0].removesuffix(".py"))
    for name in imported(MODULES[path]):
        layer = name.split(".")[0]
        if layer in LAYERS:
            assert LAYERS.index(layer) >= own, f"{path} imports {name}"
        assert layer != "tests", path


def test_no_module_imports_in_a_circle() -> None:
    names = {path.removesuffix(".py").replace("/", "."): path for path in MODULES}
    arrows = {
        name: {other for other in imported(MODULES[path]) if other in names}
        for name, path in names.items()
    }
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above, name))
        if name not in done:
            for other in arrows[name]:
                visit(other, (*above, name))
            done.add(name)

    for name in names:
        visit(name, ())


def test_no_folder_imports_in_a_circle() -> None:
    """A folder is a wing: what it holds is used by others, or uses them, and never both."""
    names = {path.removesuffix(".py").replace("/", "."): path for path in MODULES}
    arrows: dict[str, set[str]] = {}
    for path, tree in MODULES.items():
        beyond = {names[other].rpartition("/")[0] for other in imported(tree) if other in names}
        own = path.rpartition("/")[0]
        arrows.setdefault(own, set()).update(beyond - {own})
    while arrows:
        last = [folder for folder, beyond in arrows.items() if not beyond & arrows.keys()]
        assert last, f"a circle among {sorted(arrows)}"
        for folder in last:
            del arrows[folder]


def test_the_four_names_are_ours() -> None:
    """Distributions exist that install a top-level `schema` or `models`."""
    for layer in LAYERS[1:]:
        module = __import__(layer)
        assert module.__file__ is not None
        assert Path(module.__file__).is_relative_to(PROJECT)


READS = {"resolvers/read/sql.py", "resolvers/read/population.py"}
"""The road: statements of levels, and the conditions of populations inside them."""

WRITERS = {
    "resolvers/demo/staff.py",
    "resolvers/imports/measures.py",
    "resolvers/imports/people.py",
    "resolvers/imports/levies.py",
    "resolvers/imports/run.py",
    "resolvers/policy/changes.py",
    "resolvers/protection/household_exclusion.py",
    "resolvers/protection/issue_document.py",
    "resolvers/read/lift_use.py",
    "resolvers/protection/lift.py",
    "resolvers/protection/protective_measure.py",
    "resolvers/protection/namesake.py",
    "resolvers/imports/staff.py",
    "resolvers/staff/changes.py",
    "resolvers/protection/causes.py",
    "resolvers/demo/measures.py",
    "resolvers/protection/obligation.py",
    "resolvers/protection/substitute_address.py",
    "resolvers/protection/substitute_place.py",
    "resolvers/protection/ties.py",
    "resolvers/transfer/changes.py",
    "resolvers/transfer/store.py",
}
"""Use cases that write, and look at what they write to."""


def test_only_one_module_reads_domain_tables() -> None:
    """What went wrong elsewhere: a second road to the data (export, node, batch) had no guard."""
    for path, tree in MODULES.items():
        if path in READS or path in WRITERS or path.startswith(("models/", "authz/")):
            continue
        for node in ast.walk(tree):
            source = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            assert source not in {"sa.select", "sa.text", "sa.table"}, path
            assert source != "reader.rows" or path == "schema/http/readiness.py", path


def test_authz_reads_its_own_tables_only() -> None:
    domain = {
        f"models.tables.{noun}" for noun in ("addressee", "account", "collection", "transfer")
    }
    for path, tree in MODULES.items():
        if path.startswith("authz/"):
            assert not domain & set(imported(tree)), path


def test_the_environment_is_read_in_server_alone() -> None:
    for path, tree in MODULES.items():
        if path != "server.py":
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute) and ast.unparse(node) in {
                    "os.environ",
                    "os.getenv",
                }:
                    raise AssertionError(path)


def test_the_database_of_numbers_is_opened_by_its_own_modules() -> None:
    allowed = {"authz/numbers/batch.py", "authz/numbers/cipher.py", "authz/numbers/store.py"}
    for path, tree in MODULES.items():
        names = set(imported(tree))
        if any(name.startswith("models.tables.individual_number.Individual") for name in names):
            continue
        rows = {name for name in names if name.endswith(("NumberRow", "HistoryRow", "AccessRow"))}
        assert not rows or path in allowed | {"authz/numbers/vault.py"}, path


def test_a_plan_cannot_be_made_by_hand() -> None:
    clearance = Clearance(frozenset(), "consultation", 1, False, {})
    with pytest.raises(TypeError, match="made by make_plan"):
        Plan(clearance, (), (), (), "{}")


def test_every_column_has_a_class() -> None:
    for table in SQLModel.metadata.tables.values():
        for each in table.columns:
            assert label_of(each).classes


@pytest.mark.parametrize("classes", [(), ("no-such-class",)])
def test_a_column_without_a_class_cannot_be_declared(classes: tuple[str, ...]) -> None:
    with pytest.raises(UnclassifiedError):
        column(*classes, ja="何か", en="something")


def test_every_coordinate_has_known_classes() -> None:
    for coordinate, classes in GRAPH.classes.items():
        assert classes, coordinate
        assert set(classes) <= set(facts.CLASSES), coordinate


ITEMS = facts.rows("record-items")


@pytest.mark.parametrize("item", ITEMS, ids=[f"{i['no']}-{i['column']}" for i in ITEMS])
def test_a_record_item_stands_under_its_name_with_its_class(item: dict[str, str]) -> None:
    if item["graphql"].endswith(".addressee"):
        type_name, field = item["graphql"].split(".")
        edge = GRAPH.types[type_name].edges[field]
        assert edge.items == (int(item["no"]),)
        assert item["class"] in edge.classes
        return
    assert GRAPH.classes[item["graphql"]] == (item["class"],)
    leaf = next(
        leaf
        for type_ in GRAPH.types.values()
        for leaf in (
            *type_.leaves.values(),
            *(part_leaf for _, leaves in type_.parts.values() for part_leaf in leaves.values()),
        )
        if leaf.coordinate == item["graphql"]
    )
    assert int(item["no"]) in leaf.label.items
    if int(item["no"]) not in range(1, 4):
        assert leaf.column.name == item["column"]
        assert leaf.column.table.name == item["table"].split(" ")[0]


def test_the_numbers_are_three_items() -> None:
    assert [label.items for _, label, _ in VAULT_FIELDS] == [(1,), (2,), (3,)]


def test_all_persons_of_a_row_are_foreign_keys() -> None:
    for type_ in GRAPH.types.values():
        for person in type_.noun.persons:
            each = type_.table.c[person]
            assert isinstance(each, sa.Column)
            assert person == "code" or each.foreign_keys
