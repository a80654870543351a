"""Scopes only ever narrow: whatever a token names, no cell opens that the policy keeps closed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz.policy.clearance import ASKED, COUNTS_HANDLING, Clearance, Reason, clear
from authz.policy.invariants import HANDLING
from authz.policy.policy import Line, Policy
from authz.policy.store import check_first_policy
from authz.scopes import BUSINESS, KEYS, LEAVES, RESOURCE_OF, RESOURCES, Limits, objection, scope_of
from models.facts import CLASSES
from models.graph.graph import GRAPH, PROTECTED

ROLE = frozenset({"department-client"})
PURPOSE = "transfer-nursing-care"
EVERY_SCOPE = sorted(f"{BUSINESS}:{name}:{action.value}" for name in RESOURCES for action in ASKED)

FIRST = check_first_policy()
GENEROUS = Policy.build(
    1,
    [
        *FIRST.lines,
        *(
            Line("role:department-client", f"purpose:{PURPOSE}", f"class:{code}", action, "allow")
            for code in CLASSES
            for action in ("read", "list", "match", "search", "write", "mask")
        ),
    ],
    FIRST.reference,
    GRAPH.classes,
)
"""A policy that opens nearly everything to the client, so that only scopes keep it narrow."""

scopes = st.frozensets(st.sampled_from(EVERY_SCOPE), max_size=60)
items = st.none() | st.frozensets(st.sampled_from(sorted(LEAVES)), max_size=30)


def cleared(policy: Policy, limits: Limits | None) -> Clearance:
    return clear(policy, ROLE, PURPOSE, case_reference=False, protected=PROTECTED, limits=limits)


WHOLE = {id(policy): cleared(policy, None) for policy in (FIRST, GENEROUS)}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([FIRST, GENEROUS]), scopes, scopes, items)
def test_adding_a_scope_never_opens_a_cell(
    policy: Policy, some: frozenset[str], more: frozenset[str], defined: frozenset[str] | None
) -> None:
    """What a token shows is shown without it too; fewer scopes show less; none show nothing."""
    whole = WHOLE[id(policy)]
    wide = cleared(policy, Limits(PURPOSE, some | more, None))
    narrow = cleared(policy, Limits(PURPOSE, some, defined))
    for key, cell in narrow.cells.items():
        coordinate, action = key
        if not cell.allowed:
            continue
        assert wide.cells[key] == cell == whole.cells[key]
        if coordinate not in HANDLING:
            assert scope_of(coordinate, action) in some
            assert defined is None or coordinate not in LEAVES or coordinate in defined | KEYS
        if coordinate in COUNTS_HANDLING:
            assert f"036:handling:{action.value}" in some


@settings(max_examples=40, deadline=None)
@given(scopes, items)
def test_what_tells_of_protection_goes_with_its_warning(
    some: frozenset[str], defined: frozenset[str] | None
) -> None:
    """Scopes and items that leave the obligation out do not take it away."""
    clearance = cleared(GENEROUS, Limits(PURPOSE, some, defined))
    for (coordinate, action), cell in clearance.cells.items():
        withheld = any(CLASSES[code].withheld for code in GRAPH.classes[coordinate])
        if cell.allowed and (withheld or coordinate in PROTECTED) and action.value != "write":
            told = "read" if action.value == "read" else "list"
            assert all(clearance.cell(each, type(action)(told)).allowed for each in HANDLING)


def test_without_scopes_nothing_but_the_warning() -> None:
    for policy in (FIRST, GENEROUS):
        empty = cleared(policy, Limits(PURPOSE, frozenset()))
        open_cells = {coordinate for (coordinate, _), cell in empty.cells.items() if cell.allowed}
        assert open_cells == set(HANDLING)
        hidden = {cell.reason for cell in empty.cells.values()}
        assert Reason.SCOPE in hidden


def test_every_coordinate_belongs_to_a_resource() -> None:
    """A coordinate that none covers is closed to every token."""
    assert set(GRAPH.classes) == set(RESOURCE_OF)
    assert scope_of("Nothing.there", ASKED[0]) is None


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "036",
        "036:collection",
        "037:collection:list",
        "036:nothing:list",
        "036:collection:mask",
        "036:collection:read-withheld",
        "036:collection:list:",
        "036:Collection:list",
        "036：collection：list",
    ],
)
def test_what_is_no_scope(scope: str) -> None:
    assert objection(scope) is not None
    assert objection("036:collection:list") is None
