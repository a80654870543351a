"""The pure core of policy editing: findings, comparison, explanation, replay, files.

What is worked out cleverly is held against everything worked out naively, over random policies.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz.editing.casbin_csv import export_csv, import_csv
from authz.editing.compare import Comparison, Kind, Tables, compare, grouped, opens_more, role_sets
from authz.editing.explain import explain
from authz.editing.queries import Asked
from authz.editing.replay import Difference, replay
from authz.editing.versions import applied
from authz.policy.clearance import ASKED, Cell, Population, Verdict, clear
from authz.policy.implicit_flow import Flow
from authz.policy.policy import ANY_PURPOSE, ANY_ROLE, Line, Policy, PolicyError
from authz.policy.store import check_first_policy
from authz.policy.validate import Problem, Severity, validate
from models.graph.graph import GRAPH, PROTECTED
from models.tables.policy import Action
from tests.generate.dice import Dice
from tests.generate.policy import policy as random_policy

FIRST = check_first_policy()
SOME = {
    name: GRAPH.classes[name]
    for name in (
        "Query.addressee", "Query.addressees", "Addressee", "Addressee.fullName",
        "Addressee.residence", "Residence.address", "Addressee.handling", "Handling",
        "Handling.addressWithheld", "Handling.stopOutput", "Addressee.individualNumber",
        "Account.accountNumber", "Account.holder", "Collection.amount", "PolicyVersion.reason",
    )
    if name in GRAPH.classes
}  # fmt: skip
"""A small part of the graph with every rule in it: withheld, masked, numbers, edges, warnings."""

ROLES = ["collection-clerk", "section-clerk", "number-handler", "addressee-registrar",
         "policy-administrator"]  # fmt: skip
PURPOSES = ["consultation", "collection-management", "addressee-matching", "refund"]
WHATS = [*SOME, *{f"class:{code}" for classes in SOME.values() for code in classes}]

lines = st.builds(
    Line,
    role=st.sampled_from([ANY_ROLE, *(f"role:{role}" for role in ROLES)]),
    purpose=st.sampled_from([ANY_PURPOSE, *(f"purpose:{purpose}" for purpose in PURPOSES)]),
    what=st.sampled_from(WHATS),
    action=st.sampled_from([str(action) for action in Action]),
    effect=st.sampled_from(["allow", "allow", "allow", "deny"]),
)
HANDLING = [
    Line(f"role:{role}", ANY_PURPOSE, "class:handling", action, "allow")
    for role in ROLES[:4]
    for action in ("read", "list")
]
policies = st.lists(lines, max_size=12).map(lambda drawn: [*HANDLING, *drawn])
SETS = [
    frozenset(roles.split())
    for roles in (
        "collection-clerk", "section-clerk", "addressee-registrar", "policy-administrator",
        "collection-clerk section-clerk", "addressee-registrar number-handler",
    )
]  # fmt: skip


def build(drawn: Sequence[Line]) -> Policy:
    return Policy.build(2, drawn, FIRST.reference, SOME)


def shown_to(cell: Cell, populations: Sequence[str]) -> tuple[int, bool]:
    """How much the cell shows of a row in these populations, and whether in spite of cover."""
    if not any(names <= frozenset(populations) for names in cell.populations):
        return 0, False
    rank = {Verdict.HIDDEN: 0, Verdict.MASKED: 1, Verdict.SHOWN: 2}[cell.verdict]
    return rank, cell.despite_protection


def rows() -> Iterator[tuple[str, ...]]:
    """Every kind of row: which populations it lies in."""
    names = ["own-section", "overpaid", "in-arrears"]
    for inside in product([False, True], repeat=len(names)):
        yield tuple(name for name, there in zip(names, inside, strict=True) if there)


def naive(before: Policy, after: Policy) -> set[tuple[Kind, frozenset[str], str, str, Action]]:
    """Every cell of every table of both, with and without a case, row by row."""
    found = set()
    for roles in SETS:
        for purpose, case in product(before.reference.open_to(roles), (False, True)):
            one, two = (
                clear(each, roles, purpose, case_reference=case, protected=PROTECTED)
                for each in (before, after)
            )
            for position in product(SOME, ASKED):
                for row in rows():
                    less, more = (shown_to(table.cell(*position), row) for table in (one, two))
                    if more > less:
                        found.add((Kind.GAIN, roles, purpose, *position))
                    if less > more:
                        found.add((Kind.LOSS, roles, purpose, *position))
    return found


def told(comparison: Comparison) -> set[tuple[Kind, frozenset[str], str, str, Action]]:
    return {
        (one.kind, one.roles, one.purpose, one.coordinate, one.action) for one in comparison.changes
    }


@settings(max_examples=15, deadline=None)
@given(before=policies, added=st.lists(lines, min_size=1, max_size=3), gone=st.integers(0, 20))
def test_the_comparison_is_exact(before: list[Line], added: list[Line], gone: int) -> None:
    changed = [line for at, line in enumerate(before) if at != gone] + added
    one, two = build(before), build(changed)
    tables = Tables(one)
    comparison = compare(tables, Tables(two, tables), SETS)
    assert told(comparison) == naive(one, two)
    for change in comparison.changes:
        views = (one, two) if change.kind is Kind.GAIN else (two, one)
        more = change.after if change.kind is Kind.GAIN else change.before
        before_all = [
            clear(views[0], change.roles, p, case_reference=True, protected=PROTECTED).cell(
                change.coordinate, change.action
            )
            for p in one.reference.open_to(change.roles)
        ]
        anew = any(
            shown_to(more, row) > max(shown_to(cell, row) for cell in before_all) for row in rows()
        )
        assert change.anew is anew


def test_who_loses_the_warning_loses_what_depends_on_it() -> None:
    """A line on `handling` decides on everything that an obligation withholds."""
    gone = line("collection-clerk", "consultation", "class:handling")
    after = Policy.build(
        2, [each for each in FIRST.lines if each != gone], FIRST.reference, GRAPH.classes
    )
    tables = Tables(FIRST)
    comparison = compare(tables, Tables(after, tables), [frozenset({"collection-clerk"})])
    assert comparison.gains == ()
    lost = {(one.coordinate, one.action) for one in comparison.losses}
    assert {("Handling", Action.READ), ("Residence.address", Action.READ)} <= lost


def test_a_comparison_of_large_policies_is_quick() -> None:
    dice = Dice.seeded(7)
    large = random_policy(dice, 500)
    assert len(large) > 900
    one = Policy.build(1, large, FIRST.reference, GRAPH.classes)
    wider = [*large, Line(ANY_ROLE, ANY_PURPOSE, "class:collection", "read", "allow")]
    two = Policy.build(2, wider, FIRST.reference, GRAPH.classes)
    began = time.process_time()
    tables = Tables(one)
    comparison = compare(tables, Tables(two, tables), role_sets(FIRST.reference))
    grouped(comparison, GRAPH.classes)
    assert time.process_time() - began < 2.0
    assert comparison.gains


populations = st.frozensets(
    st.frozensets(st.sampled_from(["own-section", "overpaid", "in-arrears"]), max_size=2),
    min_size=1, max_size=3,
)  # fmt: skip


@given(first=populations, second=populations)
def test_a_population_that_is_wider_opens_more(
    first: frozenset[Population], second: frozenset[Population]
) -> None:
    less, more = (Cell(Verdict.SHOWN, None, each) for each in (first, second))
    expected = any(shown_to(more, row) > shown_to(less, row) for row in rows())
    assert opens_more(less, more) is expected


def test_groups_say_a_thing_once() -> None:
    wider = [
        *FIRST.lines,
        Line("role:branch-clerk", ANY_PURPOSE, "class:residence", "read", "allow"),
    ]
    after = Policy.build(2, wider, FIRST.reference, GRAPH.classes)
    tables = Tables(FIRST)
    comparison = compare(tables, Tables(after, tables), role_sets(FIRST.reference))
    groups = grouped(comparison, GRAPH.classes)
    assert {(tuple(group.roles), group.purpose) for group in groups} == {
        (("branch-clerk",), "collection-management"),
        (("branch-clerk",), "consultation"),
    }
    assert all(group.kind is Kind.GAIN and group.anew for group in groups)


def test_what_a_set_of_roles_gains_beyond_one_of_them_is_said_of_the_set() -> None:
    """A line for every role speaks to a number handler too, whom no section bounds."""
    line = Line(ANY_ROLE, "purpose:consultation", "class:nationality", "read", "allow")
    after = Policy.build(2, [*FIRST.lines, line], FIRST.reference, GRAPH.classes)
    comparison = compare(Tables(FIRST), Tables(after), role_sets(FIRST.reference))
    found = {
        group.roles: group.populations
        for group in grouped(comparison, GRAPH.classes)
        if "section-clerk" in group.roles
    }
    assert found == {
        frozenset({"section-clerk"}): (("own-section",),),
        frozenset({"section-clerk", "number-handler"}): ((),),
    }


def test_a_replay_tells_of_more_people_and_of_covered_ones() -> None:
    """Such a request shows the same fields as before, of people of whom it showed nothing."""
    place = ("Residence.address", "read", "shown")
    clerk, coordinator = frozenset({"collection-clerk"}), frozenset({"protection-coordinator"})
    kept = [each for each in FIRST.lines if each.action != "read-withheld"]
    before = Policy.build(2, kept, FIRST.reference, GRAPH.classes)
    asked = Asked(coordinator, "protection-measures", False, "{a}", (place,))
    more = ((*place[:2], "SHOWN", "SHOWN_DESPITE_PROTECTION"),)
    assert replay(before, FIRST, [asked]) == [Difference(asked, more, ())]
    assert replay(FIRST, before, [asked]) == [
        Difference(asked, (), ((*place[:2], "SHOWN_DESPITE_PROTECTION", "SHOWN"),))
    ]
    both = Asked(clerk | {"section-clerk"}, "consultation", False, "{b}", (NATION,))
    own = [line("section-clerk", "consultation", "class:nationality")]
    narrow, wide = (
        Policy.build(2, [*FIRST.lines, *own, *added], FIRST.reference, GRAPH.classes)
        for added in ([], [line("collection-clerk", "consultation", "class:nationality")])
    )
    same = (*NATION[:2], "SHOWN", "SHOWN")
    assert replay(narrow, wide, [both]) == [Difference(both, (same,), ())]
    assert replay(wide, narrow, [both]) == [Difference(both, (), (same,))]


# -- findings --------------------------------------------------------------------------------------


def problems(*added: Line) -> list[tuple[Severity, Problem]]:
    known = len(FIRST.lines)
    return [
        (finding.severity, finding.problem)
        for finding in validate([*FIRST.lines, *added], FIRST.reference, GRAPH.classes)
        if finding.line > known or finding.line == 0
    ]


def line(role: str, purpose: str, what: str, action: str = "read", effect: str = "allow") -> Line:
    return Line(f"role:{role}", f"purpose:{purpose}", what, action, effect)


NATIONALITY = next(name for name, of in GRAPH.classes.items() if of == ("nationality",))
NATION = (NATIONALITY, "read", "shown")
ERROR, WARNING = Severity.ERROR, Severity.WARNING


def test_the_first_policy_has_no_error() -> None:
    found = validate(FIRST.lines, FIRST.reference, GRAPH.classes)
    assert [one for one in found if one.severity is ERROR] == []


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        (line("nobody", "consultation", "class:name"), (ERROR, Problem.UNKNOWN_WORD)),
        (line("collection-clerk", "nothing", "class:name"), (ERROR, Problem.UNKNOWN_WORD)),
        (line("collection-clerk", "consultation", "class:x"), (ERROR, Problem.UNKNOWN_WORD)),
        (line("collection-clerk", "consultation", "A.b"), (ERROR, Problem.UNKNOWN_WORD)),
        (line("collection-clerk", "consultation", "class:name", "own"),
         (ERROR, Problem.UNKNOWN_WORD)),
        (line("collection-clerk", "consultation", "class:name", "read", "maybe"),
         (ERROR, Problem.UNKNOWN_WORD)),
        (Line("collection-clerk", "purpose:consultation", "class:name", "read", "allow"),
         (ERROR, Problem.UNKNOWN_WORD)),
        (line("collection-clerk", "consultation", "class:name"), (ERROR, Problem.DUPLICATE)),
        (line("privacy-auditor", "audit", "class:name"), (ERROR, Problem.INVARIANT)),
        (line("any", "audit", "Addressee.fullName"), (ERROR, Problem.INVARIANT)),
        (line("collection-clerk", "consultation", "class:individual-number"),
         (ERROR, Problem.INVARIANT)),
        (line("number-handler", "addressee-matching", "class:individual-number", "list"),
         (ERROR, Problem.INVARIANT)),
        (line("number-handler", "consultation", "class:individual-number"),
         (ERROR, Problem.INVARIANT)),
        (line("section-clerk", "consultation", "class:handling", "match"),
         (ERROR, Problem.INVARIANT)),
        (line("linkage-operator", "information-linkage", "class:handling", "search"),
         (ERROR, Problem.INVARIANT)),
        (line("system-operator", "operations", "class:transfer", "write"), None),
        (line("branch-clerk", "refund", "class:collection"), (WARNING, Problem.NEVER_MATCHES)),
        (line("branch-clerk", "consultation", "class:name", "mask"),
         (WARNING, Problem.NEVER_MATCHES)),
        (line("protection-coordinator", "protection-measures", "class:name", "read-withheld"),
         (WARNING, Problem.NEVER_MATCHES)),
        (line("collection-clerk", "consultation", "class:residence", "read-withheld"),
         (ERROR, Problem.INVARIANT)),
        (line("collection-clerk", "any", "Residence.building", "read-withheld"),
         (ERROR, Problem.INVARIANT)),
        (line("any", "any", "class:contact", "read-withheld"), (ERROR, Problem.INVARIANT)),
        (line("any", "consultation", "class:contact", "read-withheld"),
         (ERROR, Problem.INVARIANT)),
        (line("protection-coordinator", "protection-measures", "class:payment-place",
              "read-withheld"), None),
        (line("collection-clerk", "any", "class:contact", "read-withheld", "deny"), None),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_line(added: Line, expected: tuple[Severity, Problem] | None) -> None:
    found = problems(added)
    assert found == ([] if expected is None else [expected])


def test_allow_and_deny_of_one_thing_contradict_each_other() -> None:
    found = validate(
        [*FIRST.lines, line("collection-clerk", "consultation", "class:name", "read", "deny")],
        FIRST.reference,
        GRAPH.classes,
    )
    contradictory = [one.line for one in found if one.problem is Problem.CONTRADICTION]
    assert len(contradictory) == 2


def test_an_allow_beneath_a_broader_deny_never_matches() -> None:
    found = problems(
        line("branch-clerk", "consultation", NATIONALITY),
        Line(ANY_ROLE, ANY_PURPOSE, "class:nationality", "read", "deny"),
    )
    assert (WARNING, Problem.NEVER_MATCHES) in found


def test_a_line_without_the_obligation_beside_it_contradicts_an_invariant() -> None:
    without = [one for one in FIRST.lines if one.what != "class:handling"]
    found = validate(without, FIRST.reference, GRAPH.classes)
    reasons = [one.reason for one in found if one.problem is Problem.INVARIANT]
    assert reasons
    assert all("who is protected" in reason for reason in reasons)


def test_a_flow_is_an_error_of_the_policy_as_a_whole() -> None:
    flow = Flow(0, "branch-clerk", "consultation", "A.b", Action.READ, "C.d")
    found = validate(FIRST.lines, FIRST.reference, GRAPH.classes, flows=lambda policy: [flow])
    assert [(one.line, one.problem, one.reason) for one in found if one.severity is ERROR] == [
        (0, Problem.IMPLICIT_FLOW, flow.reason)
    ]


@settings(max_examples=40, deadline=None)
@given(drawn=policies)
def test_a_line_that_never_matches_can_go(drawn: list[Line]) -> None:
    """Without the lines that a warning names, every table is the same."""
    distinct = list(dict.fromkeys(drawn))
    idle = {
        finding.line
        for finding in validate(distinct, FIRST.reference, SOME)
        if finding.problem is Problem.NEVER_MATCHES
    }
    kept = [each for at, each in enumerate(distinct, start=1) if at not in idle]
    tables = Tables(build(distinct))
    assert compare(tables, Tables(build(kept), tables), SETS).changes == ()


# -- explanation, files, changes of changes --------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(drawn=policies, roles=st.sampled_from(SETS), data=st.data())
def test_an_explanation_ends_in_the_decision(
    drawn: list[Line], roles: frozenset[str], data: st.DataObject
) -> None:
    policy = build(drawn)
    purposes = sorted(policy.reference.open_to(roles))
    purpose = data.draw(st.sampled_from(purposes))
    coordinate, action = data.draw(st.sampled_from(list(product(SOME, ASKED))))
    explained = explain(policy, roles, purpose, coordinate, action, case_reference=True)
    cell = clear(policy, roles, purpose, case_reference=True, protected=PROTECTED).cell(
        coordinate, action
    )
    assert explained.cell == cell
    opened = any(step.says == "OPEN" for step in explained.steps)
    closed = any(step.says == "CLOSED" and not step.role for step in explained.steps)
    assert (opened and not closed) is cell.allowed
    for step in explained.steps:
        if step.line:
            assert policy.lines[step.line - 1].effect.upper() == step.says


notes = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12)


@given(drawn=st.lists(st.tuples(lines, notes)))
def test_a_policy_lives_in_a_file_byte_for_byte(drawn: list[tuple[Line, str]]) -> None:
    noted = tuple(
        Line(each.role, each.purpose, each.what, each.action, each.effect, note)
        for each, note in drawn
    )
    text = export_csv(noted)
    again = import_csv(text)
    assert again == noted
    assert [each.note for each in again] == [each.note for each in noted]
    assert export_csv(again) == text


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_file_that_a_spreadsheet_saved_is_the_same(quoting: Literal[0, 1]) -> None:
    """It gives each row as many cells, and quotes a comment with a comma."""
    words = ("role:collection-clerk", "purpose:consultation", "class:name", "read", "allow")
    notes = ("why", "one at a time, never a list", 'said "so"', "", "ends with,,,,,")
    lines = tuple(Line(*words, note) for note in notes)
    text = export_csv(lines)
    saved = io.StringIO()
    rows = csv.writer(saved, quoting=quoting, lineterminator="\r\n")
    for row in text.splitlines():
        comment = row.startswith(("#", '"'))
        cells = next(csv.reader([row])) if row[0] == '"' else [row] if comment else row.split(", ")
        rows.writerow([*cells, *[""] * (6 - len(cells))])
        rows.writerow([""] * 6)
    again = import_csv(saved.getvalue())
    assert [(each, each.note) for each in again] == [(each, each.note) for each in lines]
    assert export_csv(import_csv(text)) == text


@pytest.mark.parametrize(
    "text",
    ["g, a, b", "p, role:a, purpose:b, class:c, read", "p, a, b, c, d, e, f", "p, , b, c, d, e"],
)  # fmt: skip
def test_what_is_no_line_is_named(text: str) -> None:
    with pytest.raises(PolicyError, match="line 2"):
        import_csv(f"# a note\n{text}\n")


@given(before=st.lists(lines, unique=True), after=st.lists(lines, unique=True),
       other=st.lists(lines, unique=True))  # fmt: skip
def test_a_change_made_to_other_lines(
    before: list[Line], after: list[Line], other: list[Line]
) -> None:
    assert applied(before, before, after) == tuple(after)
    changed = set(applied(other, before, after))
    assert changed >= set(after) - set(before)
    assert not changed & (set(before) - set(after))
    assert changed - set(after) <= set(other)
