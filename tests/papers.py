"""The papers: README, changelog, docs/, `schema.graphql`, and what in them follows from the code.

`python -m tests.papers` writes the generated tables and the SDL anew; `test_docs.py` holds them
equal to the code. A generated table stands between `<!-- table NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from textwrap import dedent

from authz.policy.store import ROLE_POPULATIONS
from models import facts
from models.store.first_content import POPULATIONS
from schema.build import sdl
from schema.settings import Settings, variable

PROJECT = Path(__file__).parent.parent
SDL = PROJECT / "schema.graphql"
LAYERS = ("schema", "resolvers", "authz", "models")

_TABLE = re.compile(r"(<!-- table ([a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: what stands behind the fence, and the text inside."""

    language: str
    words: tuple[str, ...]
    text: str


def papers() -> list[Path]:
    """Every Markdown file that is ours."""
    found = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *PROJECT.glob("docs/**/*.md")]
    return sorted(path for path in found if path.exists())


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a paper, in order."""
    found = []
    for _, info, text in _FENCE.findall(path.read_text(encoding="utf-8")):
        language, *words = info.split() or [""]
        found.append(Block(language, tuple(words), dedent(text)))
    return found


def prose(path: Path) -> str:
    """A paper without its fenced blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def links(path: Path) -> list[str]:
    """The targets of a paper's links."""
    return _LINK.findall(prose(path))


def names(path: Path) -> list[str]:
    """What stands in backquotes in a paper's prose."""
    return _CODE.findall(prose(path))


def section(path: Path, heading: str) -> str:
    """The text beneath a heading, up to the next one of its level or above."""
    lines = prose(path).splitlines()
    start = next(at for at, line in enumerate(lines) if line.lstrip("#").strip() == heading)
    level = len(lines[start]) - len(lines[start].lstrip("#"))
    kept = []
    for line in lines[start + 1 :]:
        if re.match(rf"#{{1,{level}}} ", line):
            break
        kept.append(line)
    return "\n".join(kept)


def table(text: str) -> list[list[str]]:
    """The cells of the first Markdown table in a text, its head left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def renewed(path: Path) -> str:
    """A paper with its generated tables as the code has them now."""
    return _TABLE.sub(
        lambda found: found[1] + TABLES[found[2]]() + found[3], path.read_text(encoding="utf-8")
    )


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '∣') for cell in line)} |\n" for line in lines)


# -- tables ----------------------------------------------------------------------------------------


def _settings() -> str:
    rows = [
        (
            f"`{variable(item.name)}`",
            f"`{item.metadata['default']}`" if item.metadata["default"] else "",
            item.metadata["meaning"],
        )
        for item in fields(Settings)
    ]
    return _markdown(("Variable", "Default", "Meaning"), rows)


def _modules(layer: str) -> Callable[[], str]:
    return lambda: _markdown(("File", "What it does"), _described(modules(layer)))


def modules(layer: str) -> Iterator[Path]:
    """The modules of one layer that say something (an empty `__init__.py` says nothing)."""
    for path in sorted((PROJECT / layer).rglob("*.py")):
        if path.name != "__init__.py" or path.stat().st_size:
            yield path


def _described(paths: Iterable[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        yield f"`{path.relative_to(PROJECT)}`", about(path)


def about(path: Path) -> str:
    """The first paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def _server() -> str:
    return _markdown(("File", "What it does"), _described([PROJECT / "server.py"]))


def _roles() -> str:
    opened = {row["role"]: row["purpose"].split() for row in facts.rows("role-purposes")}
    rows = [
        (
            f"`{row['code']}`",
            row["name_ja"],
            row["note"] or row["name"],
            " ".join(f"`{purpose}`" for purpose in opened[row["code"]]) or "none of its own",
            f"`{ROLE_POPULATIONS[row['code']]}`" if row["code"] in ROLE_POPULATIONS else "",
        )
        for row in facts.rows("roles")
    ]
    return _markdown(("Role", "役割", "What it does", "Opens the purposes", "Population"), rows)


def _purposes() -> str:
    rows = [
        (
            f"`{row['code']}`",
            row["name_ja"],
            row["legal_basis"],
            "yes" if row["individual_number_business"] == "yes" else "",
            _population(row["code"]),
        )
        for row in facts.rows("purposes")
    ]
    head = ("Purpose", "利用目的", "Legal basis 根拠", "Individual numbers", "Population")
    return _markdown(head, rows)


def _population(purpose: str) -> str:
    if purpose.startswith("transfer-"):
        return f"`payers:{purpose.removeprefix('transfer-')}`"
    named = POPULATIONS.get(purpose, {}).get("population")
    return f"`{named}`" if named else ""


def _classes() -> str:
    rows = [
        (
            f"`{one.code}`",
            one.ja,
            one.meaning,
            "yes" if one.personal else "",
            "yes" if one.withheld else "",
        )
        for one in facts.CLASSES.values()
    ]
    return _markdown(("Class", "区分", "What it covers", "Personal", "Withheld"), rows)


def _budgets() -> str:
    rows = [
        (
            *(
                " ".join(f"`{word}`" for word in row[name].split())
                for name in ("role", "purpose", "class")
            ),
            row["persons"],
            row["why"],
        )
        for row in facts.rows("harvest-budgets")
    ]
    return _markdown(("Role", "Purpose", "Class", "Persons an hour", "Why"), rows)


def _populations() -> str:
    rows = [
        (
            f"`{row['purpose']}`",
            f"`{row['population']}`" if row["population"] else "everybody",
            row["why"],
        )
        for row in facts.rows("populations")
    ]
    return _markdown(("Purpose", "Population", "Why"), rows)


def _papers() -> str:
    rows = [
        (
            f"`{row['document']}`",
            " ".join(f"`{word}`" for word in row["classes"].split()),
            row["why"],
        )
        for row in facts.rows("papers")
    ]
    return _markdown(("Document", "Carries", "Why"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "settings": _settings,
    "module server": _server,
    **{f"modules {layer}": _modules(layer) for layer in LAYERS},
    "roles": _roles,
    "purposes": _purposes,
    "classes": _classes,
    "budgets": _budgets,
    "papers": _papers,
    "populations": _populations,
}


def renew() -> None:
    """Write every generated table, and the SDL."""
    for path in papers():
        path.write_text(renewed(path), encoding="utf-8")
    SDL.write_text(sdl(), encoding="utf-8")


if __name__ == "__main__":
    renew()
