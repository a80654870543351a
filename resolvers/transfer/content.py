"""What a transfer holds: which fields, as an operation; its lines; its checks. No database here.

A line is one person with their levies and receipts. The fields are those that the client's own
clearance lists, so that a transfer never tells more than the client could ask. Of somebody who is
held back (出力停止), and of somebody who left the population, a line holds the code alone.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa

from authz.policy.clearance import Clearance
from models.graph.edges import Edge
from models.graph.graph import GRAPH, Leaf
from models.tables.policy import Action
from models.tables.transfer import CheckName
from models.trade.levy_balance import outstanding
from resolvers.read.operation import Const, Operation, Selected, Slot, Tree

PEOPLE = 500
"""People of one page, and of one chunk."""

MOST_ROWS = 5_000
"""Levies of one person, receipts of one levy: with more, the totals differ and the check fails."""

AFTER = "after"
WARNINGS = ("addressWithheld", "stopOutput")

LAYOUT = 1
"""Version of the lines that hold a code alone."""

HELD_BACK, LEFT = "heldBack", "left"
STATUS_HEADER = "送付区分"
STATUS = {HELD_BACK: "保留", LEFT: "対象外"}
"""What the last column of a CSV says of such a line."""

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Content:
    """The fields of a transfer, by the clearance that decided them."""

    person: tuple[Leaf, ...]
    warned: bool
    levy: tuple[Leaf, ...]
    receipt: tuple[Leaf, ...]

    @classmethod
    def of(cls, clearance: Clearance) -> Content:
        """What the clearance lists."""
        levy = _beyond(clearance, "Addressee", "collections")
        told = {leaf.name for leaf in _beyond(clearance, "Addressee", "handling")}
        return cls(
            person=_leaves(clearance, "Addressee"),
            warned=told >= set(WARNINGS),
            levy=levy,
            receipt=_beyond(clearance, "Collection", "receipts") if levy else (),
        )

    def coordinates(self) -> list[str]:
        """Every value that goes out."""
        return [leaf.coordinate for leaf in (*self.person, *self.levy, *self.receipt)]

    def page(self, *, first: bool) -> Operation:
        """One page of people with all that belongs to them."""
        arguments: dict[str, Tree] = {"first": Const(PEOPLE)}
        if not first:
            arguments["after"] = Slot(AFTER)
        told = ("hasNextPage", "endCursor")
        people = (
            Selected("nodes", "nodes", "AddresseeConnection", {}, self._person()),
            Selected(
                "pageInfo",
                "pageInfo",
                "AddresseeConnection",
                {},
                tuple(Selected(name, name, "PageInfo") for name in told),
            ),
        )
        return Operation((Selected("addressees", "addressees", "Query", arguments, people),))

    def totals(self) -> Operation:
        """How many people and levies there are in all."""
        return Operation(
            tuple(
                Selected(name, name, "Query", {}, (Selected("totalCount", "totalCount", type_),))
                for name, type_ in (
                    ("addressees", "AddresseeConnection"),
                    ("collections", "CollectionConnection"),
                )
            )
        )

    def _person(self) -> tuple[Selected, ...]:
        fields = list(_selected(self.person))
        if self.warned:
            told = tuple(Selected(name, name, "Handling") for name in WARNINGS)
            fields.append(Selected("handling", "handling", "Addressee", {}, told))
        if self.levy:
            levy = list(_selected(self.levy))
            if self.receipt:
                levy.append(_many("receipts", "Collection", "Receipt", _selected(self.receipt)))
            fields.append(_many("collections", "Addressee", "Collection", levy))
        return tuple(fields)

    # -- lines ---------------------------------------------------------------------------------

    def line(self, node: Node, *, sent: bool) -> dict[str, Any]:
        """One person without the wrapping of connections; the code alone where nothing is sent."""
        return self._line(node) if sent else code_alone(node.get("code", ""), HELD_BACK)

    def csv(self, lines: Iterable[Node], *, header: bool) -> bytes:
        """One row a levy, with the person's fields before it; a person without one has a row."""
        written = io.StringIO()
        rows = csv.writer(written, lineterminator="\r\n")
        if header:
            rows.writerow(self.header())
        person, levy = _getter(self.person), _getter(self.levy)
        for line in lines:
            rows.writerows(self._rows(line, person, levy))
        return written.getvalue().encode()

    def header(self) -> list[str]:
        """The Japanese names of the columns; those of a levy begin with 収納."""
        warnings = ["住所秘匿", "出力停止"] if self.warned else []
        return [
            *(leaf.label.ja for leaf in self.person),
            *warnings,
            *(f"収納.{leaf.label.ja}" for leaf in self.levy),
            STATUS_HEADER,
        ]

    def rows(self, line: Node) -> Iterator[list[Any]]:
        """The rows of one person."""
        return self._rows(line, _getter(self.person), _getter(self.levy))

    def _rows(self, line: Node, person: Getter, levy: Getter) -> Iterator[list[Any]]:
        if (status := status_of(line)) is not None:
            values = {"code": line["code"]}
            alone: list[Any] = [values.get(leaf.name, "") for leaf in self.person]
            between = len(self.levy) + (len(WARNINGS) if self.warned else 0)
            yield [*alone, *("" for _ in range(between)), STATUS[status]]
            return
        first = person(line)
        if self.warned:
            told = line["handling"] or {}
            first += ["1" if told.get(name) else "" for name in WARNINGS]
        levies = line.get("collections")
        if not levies:
            yield [*first, *("" for _ in self.levy), ""]
        else:
            for each in levies:
                yield [*first, *levy(each), ""]

    def _line(self, node: Node) -> dict[str, Any]:
        line = dict(node)
        if self.levy:
            levies: list[dict[str, Any]] = (node["collections"] or NOTHING)["nodes"]
            line["collections"] = levies
            if self.receipt:
                for levy in levies:
                    levy["receipts"] = (levy["receipts"] or NOTHING)["nodes"]
        return line


def code_alone(code: str, status: str) -> dict[str, Any]:
    """The line of somebody of whom nothing goes out but that they are held back, or left."""
    return {"code": code, "version": LAYOUT, status: True}


def status_of(line: Node) -> str | None:
    """`heldBack` or `left` of a line that holds a code alone; `None` of any other."""
    return next((status for status in STATUS if status in line), None)


Getter = Callable[[Node], list[Any]]
LINE = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


def written(line: Node) -> bytes:
    """One person as a line of NDJSON."""
    return orjson.dumps(line, option=LINE)


def lines_of(ndjson: bytes) -> Iterator[dict[str, Any]]:
    """The lines of a chunk, as they were written."""
    for line in ndjson.splitlines():
        yield orjson.loads(line)


def _getter(leaves: Sequence[Leaf]) -> Getter:
    """The values of one record as cells. A day is written alike whether it is one or its text."""
    names = [leaf.name for leaf in leaves]
    flags = [
        at
        for at, leaf in enumerate(leaves)
        if isinstance(leaf.column.type, sa.Boolean | sa.DateTime)
    ]

    def get(record: Node) -> list[Any]:
        cells = [record[name] for name in names]
        for at in flags:
            cells[at] = _flag(cells[at])
        return cells

    return get


def _flag(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bool):
        return "1" if value else "0"
    return value


def _leaves(clearance: Clearance, type_name: str) -> tuple[Leaf, ...]:
    """What is withheld of a row about several persons stays here: when a transfer is fetched, only
    the obligation of the person whose line it is is looked at again."""
    type_ = GRAPH.types[type_name]
    several = len(type_.noun.persons) > 1
    return tuple(
        leaf
        for leaf in type_.leaves.values()
        if not leaf.vault
        and not (several and leaf.withheld)
        and clearance.cell(leaf.coordinate, Action.LIST).allowed
    )


def _beyond(clearance: Clearance, source: str, name: str) -> tuple[Leaf, ...]:
    edge: Edge = GRAPH.types[source].edges[name]
    ways = (edge.coordinate, edge.target)
    if not all(clearance.cell(way, Action.LIST).allowed for way in ways):
        return ()
    return _leaves(clearance, edge.target)


def _selected(leaves: Sequence[Leaf]) -> Iterator[Selected]:
    return (Selected(leaf.name, leaf.name, leaf.type_name) for leaf in leaves)


def _many(name: str, source: str, target: str, fields: Iterable[Selected]) -> Selected:
    nodes = Selected("nodes", "nodes", f"{target}Connection", {}, tuple(fields))
    return Selected(name, name, source, {"first": Const(MOST_ROWS)}, (nodes,))


# -- logic checks (R5.4) ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """One check; `reason` says in numbers what is wrong."""

    name: CheckName
    passed: bool
    reason: str | None


@dataclass
class Checks:
    """Counts while the content is made. `items` are the codes that the population is bounded by."""

    content: Content
    items: frozenset[str]
    people: int = 0
    levies: int = 0
    covered: int = 0
    held_back: int = 0
    without_levy: int = 0
    wrong_balance: int = 0
    missing: dict[str, int] = field(default_factory=dict)

    def admit(self, node: Node) -> bool:
        """Count one person; false where nothing about them may be sent."""
        self.people += 1
        told = node.get("handling") or {}
        self.covered += any(told.get(name) for name in WARNINGS)
        self._miss("fullName", not node.get("fullName", True))
        if self.content.levy:
            levies = (node["collections"] or NOTHING)["nodes"]
            self.without_levy += not levies
            for levy in levies:
                self._levy(levy)
        if told.get("stopOutput"):
            self.held_back += 1
            return False
        return True

    def _levy(self, levy: Node) -> None:
        self.levies += 1
        self._miss(
            "taxItemCode", levy.get("taxItemCode", next(iter(self.items), None)) not in self.items
        )
        for name in ("noticeNumber", "dueOn", "term"):
            self._miss(name, levy.get(name, True) in (None, ""))
        if set(levy) >= BALANCE:
            self.wrong_balance += levy["outstanding"] != outstanding(
                levy["status"], [(levy[asked], levy[received]) for asked, received in PARTS]
            )

    def _miss(self, name: str, missing: bool) -> None:
        if missing:
            self.missing[name] = self.missing.get(name, 0) + 1

    def result(self, people: int, levies: int) -> list[Check]:
        """The checks, against what the population holds in all."""
        has_code = any(leaf.name == "code" for leaf in self.content.person)
        missing = [f"{name}: {count}" for name, count in sorted(self.missing.items())]
        return [
            _check(
                CheckName.POPULATION,
                [] if self.people == people else [f"read {self.people} of {people} people"],
                [f"{self.without_levy} people without a levy"] if self.without_levy else [],
            ),
            _check(
                CheckName.TOTALS,
                []
                if self.levies == levies or not self.content.levy
                else [f"read {self.levies} of {levies} levies"],
                [f"{self.wrong_balance} levies whose balance is wrong"]
                if self.wrong_balance
                else [],
            ),
            _check(
                CheckName.CODES,
                [f"missing or unknown {', '.join(missing)}"] if missing else [],
                [] if has_code else ["the addressee code is not open to the client"],
            ),
            _check(
                CheckName.WITHHELD,
                [] if self.content.warned else ["the client is not cleared for the obligation"],
            ),
        ]


NOTHING: Mapping[str, list[dict[str, Any]]] = {"nodes": []}
PARTS = (
    ("taxAmount", "receivedTax"),
    ("reminderFee", "receivedReminderFee"),
    ("lateCharge", "receivedLateCharge"),
)
BALANCE = {"outstanding", "status", *(name for pair in PARTS for name in pair)}


def _check(name: CheckName, *reasons: Sequence[str]) -> Check:
    said = [reason for found in reasons for reason in found]
    return Check(name, not said, "; ".join(said) or None)
