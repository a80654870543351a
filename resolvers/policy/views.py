"""What the editors of the policy are shown beside its rows: computed, no row of anybody behind it.

Each view is a root field of its own (`policyMatrix`, …) that the clearance opens like any other.
It tells shapes, roles, purposes, counts of staff and the size of the whole city in two figures;
never a count that depends on a classified value, on a person, or on who asked.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from authz.editing.casbin_csv import export_csv
from authz.editing.compare import (
    Comparison,
    Group,
    Roles,
    Tables,
    compare,
    grouped,
    role_sets,
    together,
    word,
)
from authz.editing.explain import closed_beside, explain, is_withheld, written
from authz.editing.queries import (
    all_sections,
    asked_since,
    draft_lines,
    draft_of,
    roles_today,
    staff_by_roles,
    version_lines,
    waiting,
)
from authz.editing.replay import replay
from authz.editing.versions import applied
from authz.errors import BadInput
from authz.policy.clearance import ASKED, Cell, Decider, Verdict
from authz.policy.policy import ANY_PURPOSE, ANY_ROLE, Line, Policy, PolicyError
from authz.policy.store import PolicyStore, in_force
from authz.policy.validate import Finding, has_errors, validate
from models.facts import CLASSES
from models.graph.graph import GRAPH, PROTECTED
from models.store.database import Database
from models.tables.policy import Action
from models.trade.codes import plain
from resolvers.policy.example_request import Witness, shows, witnesses
from resolvers.read.population import people
from resolvers.read.seal import Seal, SealBroken
from resolvers.read.sql import today
from resolvers.read.viewer import instant

WORDS = {action: action.value.replace("-w", "W") for action in Action}
"""`read-withheld` → `readWithheld`, the others as they are."""

MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Views:
    """The views over one store. `seal` opens the node id of a draft."""

    database: Database
    policies: PolicyStore
    seal: Seal

    async def compute(self, name: str, given: Mapping[str, Any], policy: Policy) -> Any:
        """The whole view as plain data. Raises `BadInput` for an operand that names nothing."""
        view: Callable[[Views, Mapping[str, Any], Policy], Awaitable[Any]] = VIEWS[name]
        return await view(self, given, policy)

    async def chosen(
        self, connection: AsyncConnection, given: Mapping[str, Any], policy: Policy
    ) -> Policy:
        """The policy that `version` or `draft` names; without either, the one that decides.

        Raises `BadInput` if it cannot be used.
        """
        if given.get("draft") is not None:
            lines = [line for _, line in await self.draft(connection, given["draft"])]
            return await asyncio.to_thread(self.built, lines, policy)
        if given.get("version") is not None and given["version"] != policy.version:
            lines = await version_lines(connection, given["version"])
            return await asyncio.to_thread(self.built, lines, policy)
        return policy

    async def draft(self, connection: AsyncConnection, node_id: str) -> list[tuple[int, Line]]:
        """The lines of a draft. Raises `BadInput` where there is none."""
        key = self.draft_key(node_id)
        await draft_of(connection, key)
        return await draft_lines(connection, key)

    def draft_key(self, node_id: str) -> int:
        """The key that a draft's node id seals. Raises `BadInput`."""
        try:
            opened = self.seal.open_node_id(node_id)
        except SealBroken:
            raise BadInput("there is no such draft") from None
        if opened[0] != "PolicyDraft":
            raise BadInput("there is no such draft")
        return int(opened[1])

    @staticmethod
    def built(lines: Sequence[Line], policy: Policy) -> Policy:
        """A policy over other lines. Raises `BadInput` for an unknown word."""
        try:
            return Policy.build(0, lines, policy.reference, policy.coordinates)
        except PolicyError as error:
            raise BadInput(f"these lines cannot be used: {error}") from error


# -- what is in force ------------------------------------------------------------------------------


async def policy_status(views: Views, given: Mapping[str, Any], policy: Policy) -> Any:
    """The version in force, and those that wait for their instant."""
    now = dt.datetime.now(dt.UTC)
    async with views.database.look() as connection:
        current = await in_force(connection, now)
        later = await waiting(connection, now)
    return {
        "version": current,
        "waiting": [
            {"version": one.number, "effectiveFrom": instant(one.effective_from)} for one in later
        ],
    }


async def policy_vocabulary(views: Views, given: Mapping[str, Any], policy: Policy) -> Any:
    """Every word that a line may have."""
    reference = policy.reference
    names = {row.code: row for row in await _roles(views)}
    async with views.database.look() as connection:
        size = await people(connection)
        named = [
            {"code": row.code, "nameJa": row.name_ja} for row in await all_sections(connection)
        ]
    reached = await asyncio.to_thread(
        lambda: {role: _populations_of(role, policy) for role in reference.role_purposes}
    )
    return {
        "roles": [
            {
                "code": code,
                "nameJa": names[code].name_ja if code in names else code,
                "name": names[code].name if code in names else code,
                "note": names[code].note if code in names else "",
                "purposes": sorted(opened),
                "protectionWork": code in reference.protection_roles,
                "populations": reached[code],
                "people": size if reached[code] else None,
            }
            for code, opened in sorted(reference.role_purposes.items())
        ],
        "sections": named,
        "purposes": [
            {
                "code": purpose.code,
                "nameJa": purpose.name_ja,
                "name": purpose.name,
                "legalBasis": purpose.legal_basis,
                "individualNumbers": purpose.individual_number_business,
                "population": purpose.population,
                "populationReason": purpose.population_why,
            }
            for _, purpose in sorted(reference.purposes.items())
        ],
        "classes": [
            {
                "code": code,
                "nameJa": class_.ja,
                "meaning": class_.meaning,
                "personal": class_.personal,
                "withheld": class_.withheld,
            }
            for code, class_ in CLASSES.items()
        ],
        "coordinates": [
            {"coordinate": coordinate, "nameJa": NAMES.get(coordinate), "classes": list(classes)}
            for coordinate, classes in sorted(policy.coordinates.items())
        ],
        "actions": [action.value for action in Action],
        "budgets": [
            {
                "role": role,
                "purpose": purpose,
                "class": class_,
                "persons": persons,
                "reason": reference.budget_reasons.get((role, purpose, class_), ""),
            }
            for (role, purpose, class_), persons in sorted(reference.budgets.items())
        ],
    }


def _populations_of(role: str, policy: Policy) -> list[list[str]]:
    """Of whom a role alone sees anything personal, over all of its purposes; nobody: empty."""
    roles = frozenset({role})
    found: set[frozenset[str]] = set()
    for purpose in sorted(policy.reference.open_to(roles)):
        decider = Decider(policy, roles, purpose, True, PROTECTED, reasons=False)
        for coordinate, classes in policy.coordinates.items():
            if any(CLASSES[code].personal for code in classes):
                found |= decider.cell(coordinate, Action.READ).populations
        if frozenset() in found:
            return [[]]
    return sorted(sorted(names) for names in found)


async def _roles(views: Views) -> Iterable[Any]:
    async with views.database.look() as connection:
        return await views.policies.roles(connection)


def _names() -> dict[str, str]:
    found = {}
    for type_ in GRAPH.types.values():
        found[type_.name] = type_.noun.ja
        for name in type_.noun.root:
            if name is not None:
                found[f"Query.{name}"] = type_.noun.ja
        for leaf in type_.leaves.values():
            found[leaf.coordinate] = leaf.label.ja
        for part, leaves in type_.parts.values():
            found[f"{type_.name}.{part.field}"] = part.ja
            found |= {leaf.coordinate: leaf.label.ja for leaf in leaves.values()}
        found |= {edge.coordinate: edge.ja for edge in type_.edges.values()}
    return found


NAMES = _names()


# -- the matrix ------------------------------------------------------------------------------------


async def policy_matrix(views: Views, given: Mapping[str, Any], policy: Policy) -> Any:
    """Roles × purposes × classes, down to single fields."""
    async with views.database.look() as connection:
        chosen = await views.chosen(connection, given, policy)
    rows = _pairs(chosen, given.get("roles"), given.get("purposes"))
    wanted = given.get("classes")
    classes = [code for code in CLASSES if wanted is None or code in wanted]
    return await asyncio.to_thread(
        lambda: {
            "version": chosen.version or None,
            "rows": [_matrix_row(chosen, role, purpose, classes) for role, purpose in rows],
        }
    )


def _pairs(
    policy: Policy, roles: Sequence[str] | None, purposes: Sequence[str] | None
) -> list[tuple[str, str]]:
    opened = policy.reference.role_purposes
    return [
        (role, purpose)
        for role in sorted(opened)
        if roles is None or role in roles
        for purpose in sorted(opened[role])
        if purposes is None or purpose in purposes
    ]


def _matrix_row(policy: Policy, role: str, purpose: str, classes: Sequence[str]) -> Any:
    decider = Decider(policy, frozenset({role}), purpose, True, PROTECTED, reasons=False)
    lines = _line_numbers(policy, role, purpose)
    return {
        "role": role,
        "purpose": purpose,
        "cells": [
            {
                "allowed": [
                    action.value
                    for action in Action
                    if policy.allows_class(role, purpose, code, action)
                ],
                **_matrix_cell(decider, lines, code),
            }
            for code in classes
        ],
    }


def _matrix_cell(decider: Decider, lines: Mapping[str, list[int]], code: str) -> Any:
    fields = {
        coordinate: {action: decider.cell(coordinate, action) for action in ASKED}
        for coordinate in OF_CLASS.get(code, ())
    }
    return {
        "class": code,
        "lines": lines.get(f"class:{code}", []),
        **{
            WORDS[action]: _together([cells[action] for cells in fields.values()])
            for action in ASKED
        },
        "fields": [
            {
                "coordinate": coordinate,
                "nameJa": NAMES.get(coordinate),
                "lines": lines.get(coordinate, []),
                **{WORDS[action]: word(cell) for action, cell in cells.items()},
            }
            for coordinate, cells in fields.items()
        ],
    }


def _line_numbers(policy: Policy, role: str, purpose: str) -> dict[str, list[int]]:
    """The numbers of the lines that speak to the pair, by class or coordinate."""
    found: dict[str, list[int]] = {}
    for number, line in enumerate(policy.lines, start=1):
        if line.role in {f"role:{role}", ANY_ROLE} and line.purpose in {
            f"purpose:{purpose}",
            ANY_PURPOSE,
        }:
            found.setdefault(line.what, []).append(number)
    return found


def _together(cells: Sequence[Cell]) -> str:
    """One word for the fields of a class: PARTLY where they differ."""
    words = {word(cell) for cell in cells}
    if not words:
        return Verdict.HIDDEN.value.upper()
    return words.pop() if len(words) == 1 else "PARTLY"


def _of_class() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for coordinate, classes in sorted(GRAPH.classes.items()):
        for code in classes:
            found.setdefault(code, []).append(coordinate)
    return found


OF_CLASS = _of_class()


# -- validation, what-if, union, explanation, replay -----------------------------------------------


async def policy_findings(views: Views, given: Mapping[str, Any], policy: Policy) -> Any:
    """What is wrong with the lines of a draft or a version."""
    async with views.database.look() as connection:
        lines = await _lines(views, connection, given, policy)
    found = await asyncio.to_thread(validate, lines, policy.reference, policy.coordinates)
    return _findings(found, lines)


async def _lines(
    views: Views, connection: AsyncConnection, given: Mapping[str, Any], policy: Policy
) -> list[Line]:
    if given.get("draft") is not None:
        return [line for _, line in await views.draft(connection, given["draft"])]
    if given.get("version") is not None:
        return await version_lines(connection, given["version"])
    return list(policy.lines)


def _findings(found: Iterable[Finding], lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [
        {
            "line": finding.line or None,
            "text": written(lines[finding.line - 1]) if finding.line else None,
            "severity": finding.severity.value,
            "problem": finding.problem.value,
            "reason": finding.reason,
        }
        for finding in found
    ]


async def policy_comparison(views: Views, given: Mapping[str, Any], policy: Policy) -> Any:
    """What a draft, or a version, opens and closes against the version in force or another.

    Against that in force also at the instants of those that wait, into which the change is carried.
    """
    async with views.database.look() as connection:
        base = given.get("base")
        before = await views.chosen(connection, {"version": base}, policy)
        lines = await _lines(views, connection, given, policy)
        later = [] if base is not None else await _waiting_lines(connection)
        staff = await staff_by_roles(connection, today())
        size = await people(connection)
    # Beside the loop: requests must not wait while up to twenty policies are built.
    findings = await asyncio.to_thread(validate, lines, policy.reference, policy.coordinates)
    return await asyncio.to_thread(_compared, before, lines, later, policy, findings, staff, size)


def _compared(
    before: Policy,
    lines: Sequence[Line],
    later: Iterable[Sequence[Line]],
    policy: Policy,
    findings: Sequence[Finding],
    staff: Counter[Roles],
    size: int,
) -> dict[str, Any]:
    usable = not has_errors(findings)
    steps = _steps(before, lines, later, policy) if usable else []
    groups = grouped(_compare(steps, staff), policy.coordinates) if usable else []
    gains = [group for group in groups if group.kind == "GAIN"]
    losses = [group for group in groups if group.kind == "LOSS"]
    old, new = set(before.lines), set(lines)
    afters, befores = [step[1] for step in steps], [step[0] for step in steps]
    return {
        "findings": _findings(findings, lines),
        "usable": usable,
        "added": [_text(line) for line in lines if line not in old],
        "removed": [_text(line) for line in before.lines if line not in new],
        "gains": [_sentence(group, afters, staff, size) for group in gains],
        "losses": [_sentence(group, befores, staff, size) for group in losses],
        "needsApproval": bool(gains),
        **_reached(gains, staff, size),
    }


def _reached(gains: Sequence[Group], staff: Counter[Roles], size: int) -> dict[str, int | None]:
    """How many of the staff gain anything, and of how many people at the most."""
    gaining = sum(
        count for roles, count in staff.items() if any(group.roles <= roles for group in gains)
    )
    personal = any(CLASSES[code].personal for group in gains for code in group.classes)
    return {"staff": gaining, "people": size if personal else None}


async def _waiting_lines(connection: AsyncConnection) -> list[list[Line]]:
    later = await waiting(connection, dt.datetime.now(dt.UTC))
    return [await version_lines(connection, one.number) for one in later]


Step = tuple[Tables, Tables]
"""Before and after, at one instant at which the change shows."""


def _steps(
    before: Policy, lines: Sequence[Line], later: Iterable[Sequence[Line]], policy: Policy
) -> list[Step]:
    steps = [_step(before, Views.built(lines, policy))]
    for waits in later:
        carried = applied(waits, before.lines, lines)
        steps.append(_step(Views.built(waits, policy), Views.built(carried, policy)))
    return steps


def _step(before: Policy, after: Policy) -> Step:
    tables = Tables(before)
    return tables, Tables(after, tables)


def _compare(steps: Iterable[Step], staff: Counter[Roles]) -> Comparison:
    return together(
        compare(before, after, role_sets(before.policy.reference, staff)) for before, after in steps
    )


def _text(line: Line) -> dict[str, Any]:
    return {
        "role": line.role,
        "purpose": line.purpose,
        "what": line.what,
        "action": line.action,
        "effect": line.effect,
        "note": line.note,
        "text": written(line),
    }


def _sentence(
    group: Group, shown: Sequence[Tables], staff: Counter[Roles], size: int
) -> dict[str, Any]:
    personal = any(CLASSES[code].personal for code in group.classes)
    asked, reachable = _witness(group, shown)
    return {
        "roles": sorted(group.roles),
        "purpose": group.purpose,
        "action": group.action.value,
        "reach": group.reach.value,
        "classes": list(group.classes),
        "coordinates": list(group.coordinates),
        "before": group.before,
        "after": group.after,
        "populations": [list(names) for names in group.populations],
        "anew": group.anew,
        "needsCaseReference": group.needs_case,
        "staff": sum(count for roles, count in staff.items() if group.roles <= roles),
        "people": size if personal else None,
        "witness": None
        if asked is None
        else {
            "document": asked.document,
            "headers": list(asked.headers),
            "reachable": reachable,
        },
    }


def _witness(group: Group, shown: Sequence[Tables]) -> tuple[Witness | None, bool]:
    """The request that reads most of what changes, one that arrives if there is any."""
    first = None
    for asked in witnesses(group.purpose, group.coordinates, group.action, group.needs_case):
        first = first or asked
        if any(
            shows(asked, group.action, partial(tables.cell, group.roles, group.purpose))
            for tables in shown
        ):
            return asked, True
    return first, False


async def policy_union(views: Views, given: Mapping[str, Any], policy: Policy) -> Any:
    """What roles together can see over all of their purposes, and for which."""
    roles = _known_roles(given["roles"], policy)
    async with views.database.look() as connection:
        chosen = await views.chosen(connection, given, policy)
    return await asyncio.to_thread(_union, chosen, roles)


def _union(policy: Policy, roles: Roles) -> list[dict[str, Any]]:
    tables = Tables(policy)
    purposes = sorted(policy.reference.open_to(roles))

    def most(coordinate: str, action: Action) -> dict[str, Any]:
        cells = {each: tables.cell(roles, each, (coordinate, action)) for each in purposes}
        cell = tables.most(roles, (coordinate, action))
        return {
            "verdict": word(cell),
            "purposes": [each for each, cell in cells.items() if cell.allowed],
            "masked": [each for each, cell in cells.items() if cell.verdict is Verdict.MASKED],
            "withheld": is_withheld(policy, coordinate, cell, action),
        }

    return [
        {
            "coordinate": coordinate,
            "nameJa": NAMES.get(coordinate),
            **{WORDS[action]: most(coordinate, action) for action in ASKED},
        }
        for coordinate in sorted(policy.coordinates)
    ]


async def policy_explanation(views: Views, given: Mapping[str, Any], policy: Policy) -> Any:
    """Why a coordinate is shown or hidden: the deciding lines, in order."""
    async with views.database.look() as connection:
        if given.get("staffId") is None:
            roles = _known_roles(given.get("roles") or (), policy)
        elif given.get("roles") is None:
            roles = await roles_today(connection, plain(given["staffId"]), today())
        else:
            raise BadInput("say `roles` or `staffId`, not both")
        chosen = await views.chosen(connection, given, policy)
    purpose, coordinate = given["purpose"], given["coordinate"]
    if purpose not in chosen.reference.purposes:
        raise BadInput("there is no such purpose")
    if purpose not in chosen.reference.open_to(roles):
        raise BadInput("none of these roles opens this purpose")
    if coordinate not in chosen.coordinates:
        raise BadInput("there is no such coordinate")
    if given["action"] not in {action.value for action in ASKED}:
        raise BadInput("the action is one of read, list, match, search, write")
    action, case = Action(given["action"]), bool(given.get("caseReference"))
    told = await asyncio.to_thread(
        partial(explain, chosen, roles, purpose, coordinate, action, case_reference=case)
    )
    reason = told.cell.reason.value if told.cell.reason else None
    seen = given.get("reason")
    beside = closed_beside(chosen, coordinate, told.cell, seen)
    return {
        "roles": sorted(roles),
        "verdict": word(told.cell),
        "reason": reason,
        "fits": None if seen is None else seen == reason or beside is not None,
        "withheld": told.withheld,
        "classes": list(chosen.coordinates[coordinate]),
        "populations": [sorted(names) for names in sorted(told.cell.populations, key=sorted)],
        "elsewhere": await asyncio.to_thread(
            _elsewhere, chosen, roles, purpose, coordinate, action
        ),
        "steps": [
            {
                "role": step.role or None,
                "line": step.line or None,
                "text": step.text,
                "says": step.says,
            }
            for step in (*told.steps, *([beside] if beside else []))
        ],
    }


def _elsewhere(
    policy: Policy, roles: Roles, purpose: str, coordinate: str, action: Action
) -> list[dict[str, str]]:
    """For which other purposes of the same roles the cell is open."""
    tables = Tables(policy)
    others = sorted(policy.reference.open_to(roles) - {purpose})
    cells = {other: tables.cell(roles, other, (coordinate, action)) for other in others}
    return [
        {"purpose": other, "verdict": word(cell)} for other, cell in cells.items() if cell.allowed
    ]


def _known_roles(given: Sequence[str], policy: Policy) -> Roles:
    roles = frozenset(given)
    if not roles or not roles <= set(policy.reference.role_purposes):
        raise BadInput("there is no such role")
    return roles


async def policy_replay(views: Views, given: Mapping[str, Any], policy: Policy) -> Any:
    """Which shapes of request of the last days would see more, or less, under a draft."""
    days = 30 if given.get("days") is None else given["days"]
    if not 1 <= days <= MOST_DAYS:
        raise BadInput(f"`days` is a number from 1 to {MOST_DAYS}")
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    async with views.database.look() as connection:
        after = await views.chosen(connection, given, policy)
        requests = await asked_since(connection, since)
    found = await asyncio.to_thread(replay, policy, after, requests)
    return {
        "days": days,
        "shapes": len(requests),
        "differences": [
            {
                "roles": sorted(one.asked.roles),
                "purpose": one.asked.purpose,
                "caseReference": one.asked.case_reference,
                "operation": one.asked.normal_form,
                "more": [_replayed(words) for words in one.more],
                "less": [_replayed(words) for words in one.less],
            }
            for one in found
        ],
    }


def _replayed(words: tuple[str, str, str, str]) -> dict[str, str]:
    return dict(zip(("coordinate", "action", "before", "after"), words, strict=True))


async def policy_export(views: Views, given: Mapping[str, Any], policy: Policy) -> Any:
    """The lines as Casbin CSV."""
    async with views.database.look() as connection:
        lines = await _lines(views, connection, given, policy)
    return {"csv": await asyncio.to_thread(export_csv, lines), "lines": len(lines)}


VIEWS: Mapping[str, Callable[[Views, Mapping[str, Any], Policy], Awaitable[Any]]] = {
    "policyStatus": policy_status,
    "policyVocabulary": policy_vocabulary,
    "policyMatrix": policy_matrix,
    "policyFindings": policy_findings,
    "policyComparison": policy_comparison,
    "policyUnion": policy_union,
    "policyExplanation": policy_explanation,
    "policyReplay": policy_replay,
    "policyExport": policy_export,
}
