"""Policies: the first one, with lines left out and others thrown in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from authz.policy.policy import ANY_PURPOSE, ANY_ROLE, Line
from models import facts
from models.graph.graph import GRAPH
from models.tables.policy import Action, first_lines
from tests.generate.dice import Dice

ROLES = [row["code"] for row in facts.rows("roles")]
PURPOSES = [row["code"] for row in facts.rows("purposes")]
OPENED = {row["role"]: row["purpose"].split() for row in facts.rows("role-purposes")}


def first_policy() -> list[Line]:
    """The argued first policy."""
    names = ("role", "purpose", "what", "action", "effect")
    return [Line(*(line[name] for name in names)) for line in first_lines()]


def policy(dice: Dice, added: int, *, wide: bool = False) -> list[Line]:
    """The first policy without some of its lines, and with others of every kind.

    `wide`: also with lines that open most of the classes to everybody, in half of the cases without
    the obligation (`handling`).
    """
    kept = [line for line in first_policy() if not dice.chance(10)]
    new = [random_line(dice) for _ in range(added)]
    if wide:
        new = [line for line in new if line.effect == "allow"]
        told = dice.chance(50)
        new += [
            Line(ANY_ROLE, ANY_PURPOSE, f"class:{code}", action.value, "allow")
            for code in sorted(facts.CLASSES)
            for action in Action
            if action is not Action.READ_WITHHELD
            and (told if code == "handling" else dice.chance(70))
        ]
        # And some only to whoever has a population of their own.
        new += [
            Line("role:section-clerk", ANY_PURPOSE, f"class:{code}", action.value, "allow")
            for code in sorted(facts.CLASSES)
            for action in (Action.READ, Action.LIST, Action.MATCH)
        ]
    return [*dict.fromkeys([*kept, *new])]


def random_line(dice: Dice) -> Line:
    """A line of any kind."""
    role = dice.pick(ROLES)
    purpose = dice.pick(OPENED[role] or PURPOSES)
    if dice.chance(10):
        purpose = dice.pick(PURPOSES)
    what = (
        dice.pick(COORDINATES) if dice.chance(60) else f"class:{dice.pick(sorted(facts.CLASSES))}"
    )
    return Line(
        role=ANY_ROLE if dice.chance(10) else f"role:{role}",
        purpose=ANY_PURPOSE if dice.chance(25) else f"purpose:{purpose}",
        what=what,
        action=dice.pick(list(Action)).value,
        effect="deny" if dice.chance(30) else "allow",
    )


def _coordinates(classes: Mapping[str, object]) -> Sequence[str]:
    return sorted(classes)


COORDINATES = _coordinates(GRAPH.classes)
