"""What is compiled from the policy says cell by cell what Casbin's `enforce` says.

The index of lines: every role, purpose, class and action, open or not. The clearance: every
coordinate and action for the purposes that are open, of the first policy and of random ones, with
denies, `role:any`, `purpose:any` and lines on coordinates, for roles alone and in pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from authz.policy import policy as index
from authz.policy.clearance import ASKED, Cell, Population, Verdict, clear
from authz.policy.invariants import conflicting_roles
from authz.policy.policy import (
    ANY_PURPOSE,
    ANY_ROLE,
    Line,
    Policy,
    Purpose,
    Reference,
    enforcer,
    label,
)
from models import facts
from models.graph.graph import GRAPH, PROTECTED
from models.tables.policy import Action
from tests.generate.actor import ALONE
from tests.generate.dice import Dice
from tests.generate.policy import OPENED, PURPOSES, ROLES, first_policy, policy
from tests.oracle.policy import POPULATIONS, Book, Decision

Roles = frozenset[str]

POLICY_SEEDS = range(2)
ADDED = 80
"""Lines of a random policy beside what is left of the first."""
ASKERS = 12
"""How many pairs of roles with a purpose are asked of one random policy."""
WHOLE = 60
"""How many requests are asked of Casbin with every line of the policy: milliseconds each."""


@dataclass(frozen=True)
class Both:
    """One policy as the server and as the oracle have it."""

    policy: Policy
    book: Book

    def differences(self, roles: Roles, purpose: str, *, case: bool) -> Iterator[str]:
        """Every cell about which they disagree."""
        clearance = clear(self.policy, roles, purpose, case_reference=case, protected=PROTECTED)
        decider = self.book.decider(roles, purpose, case)
        for coordinate in GRAPH.classes:
            for action in ASKED:
                found = _of_cell(clearance.cell(coordinate, action))
                wanted = _of_decision(decider.decide(coordinate, action.value))
                if found != wanted:
                    yield f"{sorted(roles)} {purpose} {coordinate} {action}: {found} not {wanted}"

    def of_classes(self, role: str) -> Iterator[str]:
        """Every purpose, class and action about which index and `enforce` disagree."""
        for purpose in PURPOSES:
            for code in facts.CLASSES:
                for action in Action:
                    asked = (role, purpose, f"class:{code}", action.value)
                    if self.policy.allows_class(role, purpose, code, action) != (
                        self.book.enforce(*asked)
                    ):
                        yield " ".join(asked)


Said = tuple[str, str | None, frozenset[Population], bool]


def _of_cell(cell: Cell) -> Said:
    return cell.verdict.value, cell.reason, _widest(cell.populations), cell.despite_protection


def _of_decision(decision: Decision) -> Said:
    grants = decision.grants
    verdict = Verdict.SHOWN if decision.whole else Verdict.MASKED if grants else Verdict.HIDDEN
    populations = _widest(grant.population for grant in grants)
    # In spite of an obligation only where every row that is shown may be read in spite of it.
    despite = _widest(grant.population for grant in grants if grant.despite_cover)
    return verdict.value, decision.reason, populations, bool(despite) and despite == populations


def _widest(populations: Iterable[Population]) -> frozenset[Population]:
    found = frozenset(populations)
    return frozenset({frozenset()}) if frozenset() in found else found


def both(lines: Sequence[Line]) -> Both:
    """The same lines, purposes and roles for both."""
    rows = facts.rows("purposes")
    business = {row["code"]: row["individual_number_business"] == "yes" for row in rows}
    population = {row["code"]: row.get("population") or None for row in rows}
    work = facts.protection_work()
    reference = Reference(
        purposes={code: Purpose(code, business[code], population[code]) for code in PURPOSES},
        role_purposes={role: frozenset(OPENED[role]) for role in ROLES},
        role_populations=POPULATIONS,
        protection_roles=frozenset(facts.protection_work()),
    )
    tables: dict[str, list[dict[str, Any]]] = {
        "policy_version": [{"number": 1}],
        "policy_line": [
            {
                "version": 1,
                "role": line.role,
                "purpose": line.purpose,
                "what": line.what,
                "action": line.action,
                "effect": line.effect,
            }
            for line in lines
        ],
        "population_item": [],
        "purpose": [
            {
                "code": code,
                "individual_number_business": business[code],
                "population": population[code],
            }
            for code in PURPOSES
        ],
        "role": [{"code": role, "protection_work": work.get(role)} for role in ROLES],
        "role_purpose": [
            {"role": role, "purpose": purpose} for role in ROLES for purpose in OPENED[role]
        ],
    }
    return Both(Policy.build(1, lines, reference, GRAPH.classes), Book.of(tables))


@pytest.fixture(scope="module")
def first() -> Both:
    """The argued first policy."""
    return both(first_policy())


@pytest.fixture(scope="module", params=POLICY_SEEDS)
def random_policy(request: pytest.FixtureRequest) -> Both:
    """A policy with lines of every kind."""
    lines = policy(Dice.seeded(request.param), ADDED)
    assert {line.effect for line in lines} == {"allow", "deny"}
    assert any(line.role == ANY_ROLE for line in lines)
    assert any(line.purpose == ANY_PURPOSE for line in lines)
    assert any(line.what in GRAPH.classes for line in lines)
    return both(lines)


@pytest.mark.parametrize("role", ROLES)
def test_the_first_policy_says_of_every_class_what_enforce_says(first: Both, role: str) -> None:
    assert not [*first.of_classes(role)]


@pytest.mark.parametrize("role", ROLES)
def test_a_random_policy_says_of_every_class_what_enforce_says(
    random_policy: Both, role: str
) -> None:
    assert not [*random_policy.of_classes(role)]


@pytest.mark.parametrize("role", ROLES)
def test_the_first_policy_compiles_to_what_enforce_says(first: Both, role: str) -> None:
    roles = frozenset({role} if frozenset({role}) in ALONE else {role, "addressee-registrar"})
    opened = sorted({purpose for one in roles for purpose in OPENED[one]})
    assert opened
    for purpose in opened:
        for case in (False, True):
            assert not [*first.differences(roles, purpose, case=case)]


def test_a_random_policy_compiles_to_what_enforce_says(random_policy: Both) -> None:
    dice = Dice.seeded(len(random_policy.policy.lines))
    for _ in range(ASKERS):
        assert not [*random_policy.differences(*asker(dice), case=dice.chance(50))]


def test_every_coordinate_that_a_line_names_is_as_enforce_says(random_policy: Both) -> None:
    """For each role and purpose that the line speaks to, open or not."""
    for line in random_policy.policy.lines:
        if line.what not in GRAPH.classes:
            continue
        roles = ROLES if line.role == ANY_ROLE else [line.role.removeprefix("role:")]
        for role in roles:
            purposes = (
                OPENED[role]
                if line.purpose == ANY_PURPOSE
                else [line.purpose.removeprefix("purpose:")]
            )
            for purpose in purposes:
                asked = (role, purpose, line.what, line.action)
                assert random_policy.policy.allows(*asked) == random_policy.book.allows(*asked)


def test_lines_that_cannot_match_change_nothing(random_policy: Both) -> None:
    """The oracle asks Casbin with the lines of one role, purpose and action only."""
    whole = enforcer(random_policy.policy.lines, GRAPH.classes)
    dice = Dice.seeded(7)
    said = set()
    for _ in range(WHOLE):
        line = dice.pick(random_policy.policy.lines)
        role = dice.pick(ROLES) if line.role == ANY_ROLE else line.role.removeprefix("role:")
        purpose = (
            dice.pick(PURPOSES)
            if line.purpose == ANY_PURPOSE
            else line.purpose.removeprefix("purpose:")
        )
        named = [
            label(coordinate, code)
            for coordinate, codes in GRAPH.classes.items()
            for code in codes
            if line.what in (coordinate, f"class:{code}")
        ]
        what = dice.pick(named or [line.what])
        word = whole.enforce(f"role:{role}", f"purpose:{purpose}", what, line.action)
        assert word == random_policy.book.enforce(role, purpose, what, line.action)
        said.add(word)
    assert said == {True, False}


def test_an_index_that_forgets_denies_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_allowed", lambda effects: "allow" in effects)
    lines = policy(Dice.seeded(0), ADDED)
    assert any(difference for role in ROLES for difference in both(lines).of_classes(role))


def asker(dice: Dice) -> tuple[Roles, str]:
    """Somebody of one role or two, and a purpose that is open to them."""
    roles = dice.pick(PAIRS) if dice.chance(60) else dice.pick(ALONE)
    return roles, dice.pick(sorted({one for role in roles for one in OPENED[role]}))


PAIRS = [
    frozenset({one, other})
    for at, one in enumerate(ROLES)
    for other in ROLES[at + 1 :]
    if conflicting_roles(frozenset({one, other})) is None
]
