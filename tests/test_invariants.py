"""What no policy can override, and how roles unite: clearances of policies with extra lines."""

from __future__ import annotations

from authz.policy.clearance import Cell, Clearance, Reason, Verdict, clear
from authz.policy.invariants import conflicting_roles
from authz.policy.policy import Line, Policy
from authz.policy.store import check_first_policy
from models.graph.graph import GRAPH, PROTECTED
from models.tables.policy import Action

FIRST = check_first_policy()


def allowing(*lines: tuple[str, str, str, str], effect: str = "allow") -> Policy:
    """The first policy with more lines of (role, purpose, what, action)."""
    more = [
        Line(f"role:{role}", f"purpose:{purpose}", what, action, effect)
        for role, purpose, what, action in lines
    ]
    return Policy.build(2, (*FIRST.lines, *more), FIRST.reference, GRAPH.classes)


def cleared(policy: Policy, purpose: str, *roles: str, case: bool = True) -> Clearance:
    return clear(policy, frozenset(roles), purpose, case_reference=case, protected=PROTECTED)


def hidden(reason: Reason) -> Cell:
    return Cell(Verdict.HIDDEN, reason)


def test_no_line_shows_a_person_to_whoever_administers() -> None:
    policy = allowing(
        ("policy-administrator", "policy-administration", "class:name", "read"),
        ("privacy-auditor", "audit", "class:identifier", "list"),
        ("system-operator", "operations", "class:residence", "search"),
    )
    for purpose, role, coordinate, action in (
        ("policy-administration", "policy-administrator", "Addressee.fullName", Action.READ),
        ("audit", "privacy-auditor", "Addressee.code", Action.LIST),
        ("operations", "system-operator", "Residence.address", Action.SEARCH),
    ):
        cell = cleared(policy, purpose, role).cell(coordinate, action)
        assert cell == hidden(Reason.INVARIANT)


def test_nobody_holds_what_depends_on_the_obligation_without_seeing_it() -> None:
    """Otherwise the gap would tell what the flag hides."""
    policy = allowing(
        ("collection-director", "collection-management", "class:residence", "read"),
        ("collection-director", "collection-management", "class:residence", "match"),
        ("collection-director", "collection-management", "class:bank-account", "read"),
    )
    clearance = cleared(policy, "collection-management", "collection-director")
    assert clearance.cell("Residence.address", Action.READ) == hidden(Reason.INVARIANT)
    assert clearance.cell("Residence.address", Action.MATCH) == hidden(Reason.INVARIANT)
    # A holder's name is withheld where the holder is another, covered person.
    assert clearance.cell("Account.holderKana", Action.READ) == hidden(Reason.INVARIANT)
    assert clearance.cell("Account.bankCode", Action.READ).verdict is Verdict.SHOWN


def test_reading_what_is_withheld_is_for_one_person_never_for_a_list() -> None:
    policy = allowing(("protection-coordinator", "protection-measures", "class:residence", "list"))
    clearance = cleared(policy, "protection-measures", "protection-coordinator")
    assert clearance.cell("Residence.address", Action.READ).despite_protection
    listed = clearance.cell("Residence.address", Action.LIST)
    assert (listed.verdict, listed.despite_protection) == (Verdict.SHOWN, False)


def test_no_line_shows_a_number_in_a_list_or_to_somebody_else() -> None:
    policy = allowing(
        ("number-handler", "addressee-matching", "class:individual-number", "list"),
        ("number-handler", "addressee-matching", "class:individual-number", "search"),
        ("collection-clerk", "consultation", "class:individual-number", "read"),
        ("protection-coordinator", "protection-measures", "class:individual-number", "read"),
    )
    number = "Addressee.individualNumber"
    handler = cleared(policy, "addressee-matching", "number-handler", "addressee-registrar")
    assert handler.cell(number, Action.READ).verdict is Verdict.SHOWN
    assert handler.cell(number, Action.LIST) == hidden(Reason.INVARIANT)
    assert handler.cell(number, Action.SEARCH) == hidden(Reason.INVARIANT)
    clerk = cleared(policy, "consultation", "collection-clerk")
    assert clerk.cell(number, Action.READ) == hidden(Reason.INVARIANT)
    outside = cleared(policy, "protection-measures", "protection-coordinator", "number-handler")
    assert outside.cell(number, Action.READ) == hidden(Reason.INVARIANT)


def test_a_number_needs_a_case_reference() -> None:
    roles = ("number-handler", "addressee-registrar")
    without = cleared(FIRST, "addressee-matching", *roles, case=False)
    assert without.cell("Addressee.individualNumber", Action.READ) == hidden(Reason.CASE_REFERENCE)


def test_within_a_role_deny_beats_allow_but_another_role_stays_open() -> None:
    policy = allowing(("collection-clerk", "consultation", "class:name", "read"), effect="deny")
    name = "Addressee.fullName"
    assert cleared(policy, "consultation", "collection-clerk").cell(name, Action.READ) == hidden(
        Reason.PURPOSE
    )
    both = cleared(policy, "consultation", "collection-clerk", "branch-clerk")
    assert both.cell(name, Action.READ).verdict is Verdict.SHOWN


def test_a_deny_for_any_role_beats_every_role() -> None:
    policy = allowing(("any", "any", "class:name", "read"), effect="deny")
    both = cleared(policy, "consultation", "collection-clerk", "branch-clerk")
    assert both.cell("Addressee.fullName", Action.READ) == hidden(Reason.ROLE)


def test_a_line_on_a_coordinate_opens_or_tightens_that_one_alone() -> None:
    policy = allowing(("branch-clerk", "consultation", "Residence.postalCodeArea", "read"))
    clearance = cleared(policy, "consultation", "branch-clerk")
    assert clearance.cell("Residence.postalCodeArea", Action.READ).verdict is Verdict.SHOWN
    assert clearance.cell("Residence.address", Action.READ).verdict is Verdict.HIDDEN
    tight = allowing(
        ("collection-clerk", "consultation", "Residence.building", "read"), effect="deny"
    )
    clearance = cleared(tight, "consultation", "collection-clerk")
    assert clearance.cell("Residence.building", Action.READ).verdict is Verdict.HIDDEN
    assert clearance.cell("Residence.address", Action.READ).verdict is Verdict.SHOWN


def test_a_joined_coordinate_needs_every_class_from_one_role() -> None:
    policy = allowing(("branch-clerk", "consultation", "class:bank-account", "read"))
    both = cleared(policy, "consultation", "branch-clerk")
    assert both.cell("Account.addressee", Action.READ).verdict is Verdict.SHOWN
    holder = both.cell("Account.holder", Action.READ)
    assert holder.verdict is Verdict.HIDDEN


def test_each_role_keeps_its_own_population() -> None:
    section = cleared(FIRST, "consultation", "section-clerk")
    assert section.cell("Addressee.fullName", Action.READ).populations == {
        frozenset({"own-section"})
    }
    both = cleared(FIRST, "consultation", "section-clerk", "collection-clerk")
    assert both.cell("Addressee.fullName", Action.READ).populations == {frozenset()}


def test_an_empty_policy_and_an_unknown_role_open_nothing() -> None:
    empty = Policy.build(3, (), FIRST.reference, GRAPH.classes)
    clearance = cleared(empty, "consultation", "collection-clerk")
    assert not any(cell.allowed for cell in clearance.cells.values())
    assert (
        not cleared(FIRST, "consultation", "collection-clerk").cell("No.such", Action.READ).allowed
    )


def test_roles_that_are_never_held_together() -> None:
    assert conflicting_roles(frozenset({"number-handler"}))
    assert conflicting_roles(frozenset({"policy-administrator", "collection-clerk"}))
    assert conflicting_roles(frozenset({"privacy-auditor", "number-handler"}))
    assert conflicting_roles(frozenset({"number-handler", "addressee-registrar"})) is None
    assert conflicting_roles(frozenset({"collection-clerk", "arrears-officer"})) is None
