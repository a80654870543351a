"""No field that is shown says what a withheld one holds: the best guess of each, over whole towns.

An obligation withholds `kind`; had the tax item code been left open, it would have told `kind` of
everybody. So of each withheld field, each reason of protection and each obligation it is asked how
much of the doubt about it the values of other fields take away, which somebody sees without it.
What takes more than half needs a reason (`authz/policy/releases.py`).
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from math import sqrt
from typing import Any

import pytest

from authz.numbers.vault import Vault
from authz.policy.clearance import Decider
from authz.policy.releases import PREDICTS, RELEASES
from models.demo.town import Town
from models.facts import CLASSES
from models.graph.graph import GRAPH, PROTECTED, Leaf, Type
from models.store.database import Database
from models.store.migrate import migrate
from models.tables.policy import Action
from resolvers.demo.town import seed
from tests.generate.dice import Dice
from tests.generate.policy import first_policy
from tests.generate.town import DOMAIN, town
from tests.oracle.state import Row, State
from tests.test_clearance import both
from tests.world import settings_of

PEOPLE = 700
BOUND = 0.5
"""How much of the doubt about a hidden value a shown one may take away."""
SUPPORT = 5
"""Of how many persons at least a value must be: one that names a person predicts nothing."""
DEVIATIONS = 3.0
"""By how many standard deviations a share in a town may be chance."""
FEW = 12
"""So many different values a field of a pair has at most."""

Classes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, order=True)
class Guess:
    """What is `shown` (one field or two) is `by` of `people`; `hidden` is `value` of so many
    of them (`right`)."""

    gain: float
    shown: tuple[str, ...]
    hidden: str
    by: str
    people: int
    value: str
    right: int


@dataclass
class Facts:
    """What there is to know of the natural persons of a town, field by field.

    Of rows that belong to a person the first counts, and whether there is one.
    """

    values: dict[str, list[Any]] = field(default_factory=dict)
    having: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, state: State) -> Facts:
        """Of everybody who is no corporation: that has no home to be found at."""
        people = [
            row for row in state.rows["Addressee"] if row.values["entity_kind"] != "CORPORATION"
        ]
        facts = cls()
        facts._add(GRAPH.types["Addressee"], people)
        for type_ in GRAPH.types.values():
            if type_.noun.owner is not None and type_.name != "Addressee":
                first = {row.owner: row for row in reversed(state.rows[type_.name]) if _there(row)}
                rows = [first.get(row.key) for row in people]
                facts.values[type_.name] = [row is not None for row in rows]
                facts._add(type_, rows)
        return facts

    def _add(self, type_: Type, rows: Sequence[Row | None]) -> None:
        self.having[type_.name] = [at for at, row in enumerate(rows) if row is not None]
        for leaf in _leaves(type_):
            column = leaf.column.name
            self.values[leaf.coordinate] = [row and row.values[column] for row in rows]
            self.having[leaf.coordinate] = self.having[type_.name]

    def among(self, hidden: str) -> Sequence[int]:
        """The persons about whom it is asked: who has such a row, if it is a field of one."""
        everybody = self.having["Addressee"]
        return self.having[hidden] if "." in hidden else everybody

    @cached_property
    def _groups(self) -> dict[Any, list[tuple[Any, list[int]]]]:
        return {}

    def groups(self, shown: tuple[str, ...], hidden: str) -> list[tuple[Any, list[int]]]:
        """The persons asked about, by a value of what is shown that enough of them share."""
        among = self.among(hidden)
        key = shown, id(among)
        if key not in self._groups:
            by: dict[Any, list[int]] = {}
            columns = [self.values[name] for name in shown]
            for at in among:
                by.setdefault(tuple(column[at] for column in columns), []).append(at)
            found = [(value, group) for value, group in by.items() if len(group) >= SUPPORT]
            self._groups[key] = found if len(by) > 1 else []
        return self._groups[key]

    def best(self, shown: tuple[str, ...], hidden: str) -> Guess | None:
        """By which value of what is shown a hidden value is guessed best."""
        among, values = self.among(hidden), self.values[hidden]
        prior = Counter(map(values.__getitem__, among))
        found = []
        for by, group in self.groups(shown, hidden):
            for value, right in Counter(map(values.__getitem__, group)).most_common(2):
                share = prior[value] / len(among)
                if share < 1:
                    gain = (_at_least(right, len(group)) - share) / (1 - share)
                    told = ", ".join(map(str, by))
                    found.append(Guess(gain, shown, hidden, told, len(group), str(value), right))
        return max(found, default=None)

    def is_few(self, name: str) -> bool:
        """Whether a field has so few values that pairs of it with others say anything."""
        return len(set(self.values[name])) <= FEW


def _there(row: Row) -> bool:
    flags = row.type.noun.present
    return not flags or any(row.values[flag] for flag in flags)


def _leaves(type_: Type) -> Iterator[Leaf]:
    yield from (leaf for leaf in type_.leaves.values() if not leaf.vault)
    for _, leaves in type_.parts.values():
        yield from leaves.values()


def _at_least(right: int, people: int) -> float:
    """A share that is not chance: the lower end of Wilson's interval."""
    share, square = right / people, DEVIATIONS**2
    spread = DEVIATIONS * sqrt(share * (1 - share) / people + square / (4 * people**2))
    return (share + square / (2 * people) - spread) / (1 + square / people)


def _withheld(classes: Sequence[str]) -> bool:
    return any(CLASSES[code].withheld for code in classes)


def hidden_fields(classes: Classes, facts: Facts) -> list[str]:
    """What an obligation withholds, why it is there, and the obligation."""
    return [
        name
        for name in facts.values
        if _withheld(classes[name]) or not {"protection", "handling"}.isdisjoint(classes[name])
    ]


@cache
def sights() -> tuple[frozenset[str], ...]:
    """What each role sees for each of its purposes, under the first policy."""
    policy = both(first_policy()).policy
    deciders = (
        Decider(policy, frozenset({role}), purpose, True, PROTECTED, reasons=False)
        for role, purposes in policy.reference.role_purposes.items()
        for purpose in purposes
    )
    return tuple(
        frozenset(name for name in GRAPH.classes if _sees(decider, name)) for decider in deciders
    )


def shown_beside(hidden: Sequence[str], classes: Classes) -> dict[str, list[str]]:
    """For each of them the fields that somebody sees who does not see it.

    What is withheld nobody sees of who is covered; anything else, who is not cleared for its class.
    """
    found: dict[str, list[str]] = {}
    for name in hidden:
        beside: set[str] = set()
        for sight in sights():
            if _withheld(classes[name]) or name not in sight:
                beside |= sight
        found[name] = sorted(
            other
            for other in beside & classes.keys()
            if not _withheld(classes[other]) and not set(classes[name]) <= set(classes[other])
        )
    return found


def _sees(decider: Decider, name: str) -> bool:
    return any(decider.cell(name, action).allowed for action in (Action.READ, Action.LIST))


def guesses(
    facts: Facts, classes: Classes = GRAPH.classes, hidden: Sequence[str] = ()
) -> list[Guess]:
    """Everything shown, alone or with one more, that says what is hidden beyond the bound."""
    classes = {name: _joined(classes, name) for name in facts.values}
    beside = shown_beside(hidden or hidden_fields(classes, facts), classes)
    found: list[Guess] = []
    for name, shown in beside.items():
        told = set()
        for other in shown:
            best = facts.best((other,), name)
            if best is not None and best.gain > BOUND:
                found.append(best)
                told.add(other)
        few = [other for other in shown if other not in told and _in_pairs(other, facts)]
        for pair in itertools.combinations(few, 2):
            best = facts.best(pair, name)
            if best is not None and best.gain > BOUND:
                found.append(best)
    return sorted(found, reverse=True)


def _in_pairs(name: str, facts: Facts) -> bool:
    """Of a person, or whether they have a row of a kind; the pairs of everything take minutes."""
    return ("." not in name or name.startswith("Addressee.")) and facts.is_few(name)


def _joined(classes: Classes, name: str) -> tuple[str, ...]:
    """Of a field of a row also what it tells that the row is there."""
    type_name = name.partition(".")[0]
    type_ = GRAPH.types.get(type_name)
    return (*classes[name], *(type_.noun.existence if type_ and type_name != "Addressee" else ()))


def declared(guess: Guess) -> bool:
    """Whether it is told on purpose."""
    return any(
        (each, told) in PREDICTS or (each, told) in RELEASES
        for shown in guess.shown
        for each in (shown, shown.partition(".")[0])
        for told in (guess.hidden, guess.hidden.partition(".")[0])
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> State:
    """The demo town, as it is served."""
    folder = tmp_path_factory.mktemp("town")

    async def made() -> State:
        main, numbers = (f"sqlite:///{folder / name}.sqlite" for name in ("main", "numbers"))
        settings = settings_of(main, numbers, "unix:///nowhere", folder)
        database = Database(settings.main_url)
        await migrate(database)
        vault = await Vault.open(settings.vault_url, settings.load_keys(), "demo")
        await seed(Town(PEOPLE), folder, database, vault)
        await vault.close()
        state = await State.load(database, {})
        await database.close()
        return state

    return asyncio.run(made())


def test_nothing_shown_predicts_what_is_hidden_in_the_demo_town(demo: State) -> None:
    found = [guess for guess in guesses(Facts.of(demo)) if not declared(guess)]
    assert not found, "\n".join(map(str, found))


def test_an_open_field_that_says_the_same_is_found(demo: State) -> None:
    """The tax item code, as if it were of no class that an obligation withholds."""
    classes = {**GRAPH.classes, "Addressee.taxItemCode": ("identifier",)}
    found = guesses(Facts.of(demo), classes, ["Addressee.kind"])
    assert ("Addressee.taxItemCode",) in {guess.shown for guess in found}
    assert not all(map(declared, found))


def test_what_is_declared_is_there() -> None:
    assert {name for pair in PREDICTS for name in pair} <= GRAPH.classes.keys()


def test_nor_in_a_random_town(demo: State) -> None:
    stored = {name: rows for name, rows in demo.tables.items() if name not in DOMAIN}
    tables = {**demo.tables, **stored, **town(Dice.seeded(0), 150, stored)}
    found = [guess for guess in guesses(Facts.of(State(tables, {}))) if not declared(guess)]
    assert not found, "\n".join(map(str, found))
