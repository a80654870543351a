"""The static check: nothing shown depends on something hidden, but for what is declared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from authz.policy import implicit_flow
from authz.policy.clearance import Decider
from authz.policy.implicit_flow import check, flows
from authz.policy.policy import Line, Policy, PolicyError
from authz.policy.releases import DERIVED, POPULATION_INPUTS, RELEASES
from authz.policy.store import check_first_policy
from authz.policy.validate import Problem, validate
from models.graph.graph import GRAPH
from models.store.first_content import POPULATIONS
from models.tables.policy import Action

CLERK = ("role:collection-clerk", "purpose:consultation")
HANDLING = [Line(*CLERK, "class:handling", action, "allow") for action in ("read", "list")]


def policy(*lines: Line) -> Policy:
    first = check_first_policy()
    purposes = {
        code: replace(purpose, population=POPULATIONS.get(code, {}).get("population") or None)
        for code, purpose in first.reference.purposes.items()
    }
    reference = replace(first.reference, purposes=purposes)
    return Policy.build(1, lines or first.lines, reference, GRAPH.classes)


def without(*keys: tuple[str, str]) -> dict[tuple[str, str], str]:
    return {key: reason for key, reason in RELEASES.items() if key not in keys}


def test_the_first_policy_tells_nothing_that_is_not_declared() -> None:
    assert flows(policy()) == ()


def test_a_gap_without_its_obligation_is_found_with_its_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The invariant closes such a cell today; the check says so if it ever stops."""
    careless = policy(
        Line(*CLERK, "class:name", "read", "allow"),
        Line(*CLERK, "class:residence", "read", "allow"),
    )
    assert flows(careless) == ()
    monkeypatch.setattr(Decider, "_holds", lambda self, role, coordinate, action: True)
    found = flows(careless)
    assert {flow.line for flow in found} == {2}
    assert {flow.depends_on for flow in found} == {"Addressee.handling"}
    assert "Residence.address" in {flow.coordinate for flow in found}
    with pytest.raises(PolicyError, match="line 2: `read` of `"):
        check(careless)
    assert flows(policy(*HANDLING, *careless.lines)) == ()


@pytest.mark.parametrize(
    ("key", "coordinate"),
    [
        (("Handling.addressWithheld", "ProtectiveMeasure"), "Handling.addressWithheld"),
        (("mask:last3", "Account.accountNumber"), "Account.accountNumber"),
    ],
)
def test_a_release_that_is_not_declared_is_a_flow(key: tuple[str, str], coordinate: str) -> None:
    found = flows(policy(), without(key))
    assert coordinate in {flow.coordinate for flow in found}
    assert all(flow.line and flow.depends_on == key[1] for flow in found)


@pytest.mark.parametrize(
    ("purpose", "population", "on"),
    [
        ("refund", "overpaid", "Collection.overpaid"),
        ("delinquency", "in-arrears", "Collection.dueOn"),
    ],
)
def test_whom_a_purpose_shows_tells_why_they_are_in_it(
    purpose: str, population: str, on: str
) -> None:
    role = "role:collection-clerk" if purpose == "refund" else "role:arrears-officer"
    lines = [Line(role, f"purpose:{purpose}", "class:identifier", "list", "allow")]
    assert flows(policy(*lines)) == ()
    [flow] = flows(policy(*lines), without((f"population:{population}", on)))
    assert (flow.line, flow.coordinate, flow.depends_on) == (1, "Addressee", on)
    lines.append(Line(role, f"purpose:{purpose}", "class:collection", "list", "allow"))
    assert flows(policy(*lines), without((f"population:{population}", on))) == ()


@pytest.mark.parametrize("flag", ["Handling.addressWithheld", "Handling.stopOutput"])
def test_a_row_that_its_flags_make_tells_of_each_of_them(flag: str) -> None:
    """An obligation without the one flag is there for the other's sake."""
    lines = [*HANDLING, Line(*CLERK, flag, "read", "deny")]
    [flow] = flows(policy(*lines))
    assert (flow.line, flow.coordinate, flow.depends_on) == (1, "Handling", flag)
    assert flows(policy(*lines, Line(*CLERK, "Handling", "read", "deny"))) == ()


def test_a_list_tells_the_order_of_its_keys() -> None:
    lines = [
        Line(*CLERK, "class:identifier", "list", "allow"),
        Line(*CLERK, "Addressee.code", "list", "deny"),
    ]
    [flow] = flows(policy(*lines), without(("order", "Addressee.code")))
    assert (flow.line, flow.action, flow.depends_on) == (1, Action.LIST, "Addressee.code")


def test_what_is_worked_out_without_the_classes_of_its_inputs_is_a_flow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = policy()
    monkeypatch.setattr(implicit_flow, "DERIVED", {"Addressee.fullName": ("Addressee.birthDate",)})
    found = flows(first)
    assert {flow.depends_on for flow in found} == {"Addressee.birthDate"}
    assert "branch-clerk" not in {flow.role for flow in found}


def test_who_edits_the_policy_is_told() -> None:
    first = policy()

    def planted(_: Policy) -> list[implicit_flow.Flow]:
        return [
            implicit_flow.Flow(
                7, "collection-clerk", "refund", "Addressee.sex", Action.READ, "Addressee.code"
            )
        ]

    found = validate(first.lines, first.reference, first.coordinates, planted)
    told = [finding for finding in found if finding.problem is Problem.IMPLICIT_FLOW]
    assert [finding.line for finding in told] == [7]
    usual = validate(first.lines, first.reference, first.coordinates)
    assert Problem.IMPLICIT_FLOW not in {finding.problem for finding in usual}


def test_releases_speak_of_what_there_is_and_say_why() -> None:
    for coordinate, inputs in DERIVED.items():
        assert {coordinate, *inputs} <= set(GRAPH.classes)
    for inputs in POPULATION_INPUTS.values():
        assert set(inputs) <= set(GRAPH.classes)
    for (_, on), reason in RELEASES.items():
        assert on in GRAPH.classes
        assert len(reason) > 20
