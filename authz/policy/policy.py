"""One version of the policy: Casbin's model and lines, indexed once for look-ups.

Casbin is the one source. `enforce` walks all lines and costs milliseconds, so its lines are indexed
here by (role, purpose), and a `Clearance` is compiled from the index; a test holds both equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import casbin  # type: ignore[import-untyped]
from casbin.persist.adapters.string_adapter import StringAdapter  # type: ignore[import-untyped]

from models.facts import CLASSES
from models.tables.lookup_budget import ANY
from models.tables.population import is_known

MODEL = Path(__file__).parent / "model.conf"
ANY_ROLE = "role:any"
ANY_PURPOSE = "purpose:any"
NONE: frozenset[str] = frozenset()

Rules = Mapping[tuple[str, str], frozenset[str]]
"""(what, action) → the effects of the lines that name them."""


class PolicyError(Exception):
    """A policy that cannot be used: the message names the line and the word that is wrong."""


@dataclass(frozen=True, slots=True)
class Line:
    """One Casbin line, with typed names (`role:…`, `purpose:…`, `class:…` or a coordinate).

    `note` says why the line is there; it decides nothing.
    """

    role: str
    purpose: str
    what: str
    action: str
    effect: str
    note: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Purpose:
    """A purpose of use. `population` names the predicate that bounds the persons it may touch;
    `population_why` says why these, or why everybody."""

    code: str
    individual_number_business: bool
    population: str | None = None
    population_why: str | None = None
    name_ja: str = ""
    name: str = ""
    legal_basis: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the lines speak about: purposes, what each role opens, and the populations.

    `items` says which tax and fee items bound a payers' or a section's population, `budgets` how
    many persons an hour a role may look up for a purpose: (role, purpose, class) → persons, each
    word `any` for all. `protection_roles` are the roles marked for protection work.
    """

    purposes: Mapping[str, Purpose]
    role_purposes: Mapping[str, frozenset[str]]
    role_populations: Mapping[str, str]
    items: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    budgets: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    budget_reasons: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    protection_roles: frozenset[str] = frozenset()

    def open_to(self, roles: Iterable[str]) -> frozenset[str]:
        """The purposes that any of the roles may act for."""
        return frozenset().union(*(self.role_purposes.get(role, frozenset()) for role in roles))


@dataclass(frozen=True)
class Policy:
    """An immutable version: a reload makes another one and swaps the reference."""

    version: int
    lines: tuple[Line, ...]
    reference: Reference
    coordinates: Mapping[str, tuple[str, ...]]
    _index: Mapping[tuple[str, str], Rules] = field(repr=False)
    _merged: dict[tuple[str, str], Rules] = field(repr=False, default_factory=dict)

    @classmethod
    def build(
        cls,
        version: int,
        lines: Iterable[Line],
        reference: Reference,
        coordinates: Mapping[str, tuple[str, ...]],
    ) -> Policy:
        """Check and index the lines. Raises `PolicyError` for an unknown word."""
        lines = tuple(lines)
        for purpose in reference.purposes.values():
            if purpose.population is not None and not is_known(purpose.population):
                raise PolicyError(f"unknown population `{purpose.population}`")
        for budget in reference.budgets:
            _check_budget(budget, reference)
        for line in lines:
            _check(line, reference, coordinates)
        enforced = enforcer(lines, coordinates).get_policy()
        return cls(version, lines, reference, coordinates, _indexed(enforced))

    def allows(
        self, role: str, purpose: str, coordinate: str, action: str, only: str | None = None
    ) -> bool:
        """Whether one role may do `action` with `coordinate`: every class of it must allow.

        `only`: ask for this one of its classes.
        """
        rules = self.rules(role, purpose)
        classes = self.coordinates[coordinate] if only is None else (only,)
        own = rules.get((coordinate, action), NONE)
        return bool(classes) and all(
            _allowed(own | rules.get((f"class:{code}", action), NONE)) for code in classes
        )

    def allows_class(self, role: str, purpose: str, code: str, action: str) -> bool:
        """Whether one role may do `action` with a class as such, without regard to coordinates."""
        return _allowed(self.rules(role, purpose).get((f"class:{code}", action), NONE))

    def rules(self, role: str, purpose: str) -> Rules:
        """The effects of every line that speaks to the pair; made once per pair."""
        if (role, purpose) not in self._merged:
            rules: dict[tuple[str, str], frozenset[str]] = {}
            for role_name in (f"role:{role}", ANY_ROLE):
                for purpose_name in (f"purpose:{purpose}", ANY_PURPOSE):
                    for key, effects in self._index.get((role_name, purpose_name), {}).items():
                        rules[key] = rules.get(key, NONE) | effects
            self._merged[role, purpose] = rules
        return self._merged[role, purpose]


def label(coordinate: str, class_: str) -> str:
    """The Casbin resource that stands for one class of one coordinate."""
    return f"{coordinate}#{class_}"


def enforcer(lines: Iterable[Line], coordinates: Mapping[str, tuple[str, ...]]) -> casbin.Enforcer:
    """Casbin over the lines, with every label tied to its class and its coordinate."""
    text = [
        f"p, {line.role}, {line.purpose}, {line.what}, {line.action}, {line.effect}"
        for line in lines
    ]
    for coordinate, classes in coordinates.items():
        for class_ in classes:
            text.append(f"g2, {label(coordinate, class_)}, class:{class_}")
            text.append(f"g2, {label(coordinate, class_)}, {coordinate}")
    return casbin.Enforcer(str(MODEL), StringAdapter("\n".join(text)))


def _indexed(lines: Iterable[list[str]]) -> Mapping[tuple[str, str], Rules]:
    index: dict[tuple[str, str], dict[tuple[str, str], set[str]]] = defaultdict(
        lambda: defaultdict(set)
    )
    for role, purpose, what, action, effect in lines:
        index[role, purpose][what, action].add(effect)
    return MappingProxyType(
        {
            pair: MappingProxyType({key: frozenset(effects) for key, effects in rules.items()})
            for pair, rules in index.items()
        }
    )


def _allowed(effects: Iterable[str]) -> bool:
    return "allow" in effects and "deny" not in effects


def _check_budget(budget: tuple[str, str, str], reference: Reference) -> None:
    known: tuple[Container[str], ...] = (reference.role_purposes, reference.purposes, CLASSES)
    for word, words in zip(budget, known, strict=True):
        if word != ANY and word not in words:
            raise PolicyError(f"unknown word `{word}` in a budget of persons")


def _check(line: Line, reference: Reference, coordinates: Mapping[str, tuple[str, ...]]) -> None:
    role = line.role.removeprefix("role:")
    purpose = line.purpose.removeprefix("purpose:")
    if line.role != ANY_ROLE and (role == line.role or role not in reference.role_purposes):
        raise PolicyError(f"unknown role `{line.role}`")
    if line.purpose != ANY_PURPOSE and (
        purpose == line.purpose or purpose not in reference.purposes
    ):
        raise PolicyError(f"unknown purpose `{line.purpose}`")
    if line.what.removeprefix("class:") not in CLASSES and line.what not in coordinates:
        raise PolicyError(f"unknown class or coordinate `{line.what}`")
    if line.effect not in {"allow", "deny"}:
        raise PolicyError(f"unknown effect `{line.effect}`")
