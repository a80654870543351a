"""Editing the policy over HTTP: drafts, what-if, four eyes, waiting versions, roll back.

`yamada` is the policy administrator, `kato` the collection director, `sasaki` the privacy auditor,
`sato` a collection clerk.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import itertools
import time
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
import pytest

from authz.editing.casbin_csv import import_csv
from authz.policy.policy import Line
from models import facts
from models.graph.graph import GRAPH
from tests.test_hostile import code_of
from tests.world import SECRET_ADDRESS, TANAKA, YAMADA, World, full_width

ADMIN, DIRECTOR, AUDITOR, CLERK = "yamada", "kato", "sasaki", "sato"
EDITING = "policy-administration"
CARELESS = {
    "role": "role:collection-clerk",
    "purpose": "purpose:any",
    "what": "class:residence",
    "action": "list",
}
"""The planted line: every clerk could list every address, for everything they do."""

TIGHT = {
    "role": "role:collection-clerk",
    "purpose": "purpose:consultation",
    "what": "class:contact",
    "action": "read",
    "effect": "deny",
}
NAME = f'{{ addressee(code: "{YAMADA}") {{ fullName }} }}'
PAYLOAD = {
    "createPolicyDraft": "draft { id state basedOn title }",
    "editPolicyDraft": "draft { id state lines(first: 200) { totalCount } }",
    "importPolicyDraft": "draft { id lines { totalCount } }",
    "rebasePolicyDraft": "draft { id basedOn lines { totalCount } }",
    "abandonPolicyDraft": "draft { id state }",
    "withdrawPolicy": "draft { id state proposedBy }",
    "rejectPolicy": "draft { id state decidedBy decisionReason }",
    "proposePolicy": "needsApproval draft { id state } version { number approvedBy }",
    "approvePolicy": "draft { id state } version { number approvedBy effectiveFrom }",
    "rollBackPolicy": "needsApproval draft { id state title } version { number }",
}
INPUT = {"rebasePolicyDraft": "PolicyDraft", "abandonPolicyDraft": "PolicyDraft"}
INPUT["withdrawPolicy"] = "PolicyDraft"
COMPARISON = """
query ($draft: ID) { policyComparison(draft: $draft) {
  usable needsApproval findings { line severity problem reason }
  added { text } removed { text }
  gains { roles purpose action classes coordinates before after anew staff people populations
          needsCaseReference witness { document headers reachable } }
  losses { roles purpose action classes coordinates staff people }
} }
"""


async def attempt(
    world: World, who: str, name: str, given: Mapping[str, Any], purpose: str = EDITING
) -> dict[str, Any]:
    """The whole answer to a mutation."""
    kind = INPUT.get(name, name[0].upper() + name[1:])
    document = f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ {PAYLOAD[name]} }} }}"
    response = await world.ask(who, purpose, document, {"input": dict(given)})
    content: dict[str, Any] = response.json()
    return content


async def do(world: World, who: str, name: str, purpose: str = EDITING, **given: Any) -> Any:
    """What a mutation that must succeed answers."""
    content = await attempt(world, who, name, given, purpose)
    assert "errors" not in content, content
    return content["data"][name]


async def draft_with(world: World, *lines: Mapping[str, str], **others: Any) -> str:
    """A draft with lines set."""
    made = await do(world, ADMIN, "createPolicyDraft", title="a test")
    draft: str = made["draft"]["id"]
    await do(world, ADMIN, "editPolicyDraft", draft=draft, set=list(lines), **others)
    return draft


async def proposed(world: World, *lines: Mapping[str, str]) -> str:
    """A proposed draft that gives a right."""
    draft = await draft_with(world, *lines)
    told = await do(world, ADMIN, "proposePolicy", draft=draft, reason="wanted")
    assert told["needsApproval"] is True
    return draft


async def in_force(world: World) -> int:
    found = await world.data(ADMIN, EDITING, "{ policyStatus { version } }")
    version: int = found["policyStatus"]["version"]
    return version


async def told_of(world: World, number: int) -> None:
    """Wait until a version that was written behind the server's back decides its requests."""
    deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=10)
    while True:
        found = await world.data(ADMIN, EDITING, "{ viewer { policyVersion } }")
        if found["viewer"]["policyVersion"] == number:
            return
        assert dt.datetime.now(dt.UTC) < deadline


async def addresses(world: World) -> Any:
    """What a clerk gets who lists addresses."""
    document = "{ addressees(first: 1) { nodes { residence { address } } } }"
    response = await world.ask(CLERK, "consultation", document)
    return response.json()["data"]["addressees"]["nodes"][0]["residence"]


async def contact(world: World) -> Any:
    document = "query ($c: String!) { addressee(code: $c) { contacts { nodes { value } } } }"
    found = await world.ask(CLERK, "consultation", document, {"c": YAMADA})
    return found.json()["data"]["addressee"]["contacts"]


async def test_a_careless_line_shows_all_that_it_opens(town: World) -> None:
    draft = await draft_with(town, CARELESS)
    found = await town.data(ADMIN, EDITING, COMPARISON, variables={"draft": draft})
    told = found["policyComparison"]
    assert (told["usable"], told["needsApproval"], told["losses"]) == (True, True, [])
    assert [line["text"] for line in told["added"]] == [
        "p, role:collection-clerk, purpose:any, class:residence, list, allow"
    ]
    purposes = {gain["purpose"] for gain in told["gains"]}
    assert purposes == {
        "collection-management",
        "consultation",
        "direct-debit",
        "refund",
        "public-notice",
    }  # fmt: skip  (reminders are sent to whole lists already)
    one = next(gain for gain in told["gains"] if gain["purpose"] == "consultation")
    assert (one["roles"], one["action"], one["classes"]) == (
        ["collection-clerk"], "list", ["residence"]
    )  # fmt: skip
    assert "Residence.address" in one["coordinates"]
    assert (one["before"], one["after"], one["staff"], one["people"]) == ("HIDDEN", "SHOWN", 1, 8)
    assert one["witness"]["headers"] == ["Purpose-Of-Use: consultation"]
    assert one["witness"]["reachable"] is True
    before = await town.ask(CLERK, "consultation", one["witness"]["document"])
    assert before.json()["extensions"]["privacy"]["hidden"] != []
    await do(town, ADMIN, "proposePolicy", draft=draft, reason="wanted")
    assert await addresses(town) is None
    await do(town, DIRECTOR, "approvePolicy", draft=draft, reason="checked")
    after = await town.ask(CLERK, "consultation", one["witness"]["document"])
    assert after.json()["extensions"]["privacy"]["hidden"] == []
    assert await addresses(town) is not None


async def test_what_takes_away_needs_one_person_and_acts_at_once(town: World) -> None:
    assert await contact(town) is not None
    draft = await draft_with(town, TIGHT)
    told = await do(town, ADMIN, "proposePolicy", draft=draft, reason="too much")
    assert told["needsApproval"] is False
    assert (told["draft"]["state"], told["version"]["approvedBy"]) == ("ENACTED", None)
    # The very next request, without any wait.
    assert await contact(town) is None
    assert await in_force(town) == told["version"]["number"] == 2


async def test_who_proposed_does_not_approve_and_the_attempt_is_on_the_log(town: World) -> None:
    draft = await proposed(town, CARELESS)
    for who, purpose, code in (
        (ADMIN, EDITING, "WRITE_NOT_ALLOWED"),
        (AUDITOR, "audit", "WRITE_NOT_ALLOWED"),
        (CLERK, "consultation", "WRITE_NOT_ALLOWED"),
        (CLERK, EDITING, "PURPOSE_NOT_ALLOWED"),
        (DIRECTOR, "delinquency", "WRITE_NOT_ALLOWED"),
    ):
        content = await attempt(
            town, who, "approvePolicy", {"draft": draft, "reason": "mine"}, purpose
        )
        assert code_of(content) == code, (who, content)
        [record] = await town.log()
        assert (record["kind"], record["actor"], record["outcome"]) == ("WRITE", who, code)
    assert await in_force(town) == 1


async def test_who_may_look_at_proposals_may_not_approve_them(town: World) -> None:
    """A line can open the reading of drafts to anybody; the right to approve is no line."""
    await town.publish(
        Line("role:collection-clerk", "purpose:consultation", "class:policy", "read", "allow")
    )
    await told_of(town, 2)
    draft = await proposed(town, TIGHT | {"effect": "allow", "what": "class:nationality"})
    given = {"draft": draft, "reason": "mine"}
    for name in ("approvePolicy", "rejectPolicy"):
        content = await attempt(town, CLERK, name, given, "consultation")
        assert code_of(content) == "WRITE_NOT_ALLOWED"


async def test_a_director_who_proposed_needs_another_one(town: World) -> None:
    """The right to write the policy does not go with the right to approve, but might one day."""
    await town.publish(
        Line("role:collection-director", f"purpose:{EDITING}", "class:policy", "write", "allow")
    )
    await told_of(town, 2)
    made = await do(town, DIRECTOR, "createPolicyDraft", title="mine")
    draft = made["draft"]["id"]
    await do(town, DIRECTOR, "editPolicyDraft", draft=draft, set=[CARELESS])
    await do(town, DIRECTOR, "proposePolicy", draft=draft, reason="mine")
    content = await attempt(town, DIRECTOR, "approvePolicy", {"draft": draft, "reason": "mine"})
    assert code_of(content) == "WRITE_NOT_ALLOWED"


async def test_nobody_approves_what_widens_their_own_view(town: World) -> None:
    wider = {
        "role": "role:collection-director",
        "purpose": "purpose:delinquency",
        "what": "class:birth-and-sex",
        "action": "read",
    }
    draft = await proposed(town, wider)
    content = await attempt(town, DIRECTOR, "approvePolicy", {"draft": draft, "reason": "ok"})
    assert code_of(content) == "WRITE_NOT_ALLOWED"
    told = await do(town, AUDITOR, "approvePolicy", "audit", draft=draft, reason="no objection")
    assert told["version"]["approvedBy"] == AUDITOR


async def test_who_edited_a_draft_does_not_approve_it(town: World) -> None:
    """An auditor may administer the policy too; a colleague's draft is no way around."""
    await town.change(
        "INSERT INTO staff_role (staff_id, role) VALUES ('sasaki', 'policy-administrator')"
    )
    wider = {
        "role": "role:collection-director",
        "purpose": "purpose:delinquency",
        "what": "class:birth-and-sex",
        "action": "read",
    }
    draft = await draft_with(town, wider)
    more = {"draft": draft, "set": [wider | {"what": "class:nationality"}]}
    content = await attempt(town, AUDITOR, "editPolicyDraft", more)
    assert code_of(content) == "BAD_USER_INPUT"
    content = await attempt(town, AUDITOR, "importPolicyDraft", {"draft": draft, "csv": "#"})
    assert code_of(content) == "BAD_USER_INPUT"
    await do(town, ADMIN, "proposePolicy", draft=draft, reason="wanted")
    told = await do(town, AUDITOR, "approvePolicy", "audit", draft=draft, reason="no objection")
    assert told["version"]["approvedBy"] == AUDITOR


async def test_what_the_director_gains_counts_beside_another_role(town: World) -> None:
    """Another role shows it to the approver already, and may be taken away tomorrow."""
    await town.change("INSERT INTO staff_role (staff_id, role) VALUES ('kato', 'arrears-officer')")
    draft = await proposed(
        town,
        {
            "role": "role:collection-director",
            "purpose": "purpose:delinquency",
            "what": "class:birth-and-sex",
            "action": "read",
        },
    )
    content = await attempt(town, DIRECTOR, "approvePolicy", {"draft": draft, "reason": "ok"})
    assert code_of(content) == "WRITE_NOT_ALLOWED"


async def test_the_auditor_rejects_nothing_that_the_director_may_decide_on(town: World) -> None:
    draft = await proposed(town, CARELESS)
    given = {"draft": draft, "reason": "no"}
    content = await attempt(town, AUDITOR, "rejectPolicy", given, "audit")
    assert code_of(content) == "WRITE_NOT_ALLOWED"
    assert (await do(town, DIRECTOR, "rejectPolicy", **given))["draft"]["state"] == "REJECTED"


async def test_a_version_waits_for_its_instant_and_is_carried_along(town: World) -> None:
    draft = await proposed(town, CARELESS)
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    when = soon.strftime("%Y-%m-%dT%H:%M:%SZ")
    await do(town, DIRECTOR, "approvePolicy", draft=draft, reason="from then", effectiveFrom=when)
    found = await town.data(
        ADMIN, EDITING, "{ policyStatus { version waiting { version effectiveFrom } } }"
    )
    assert found["policyStatus"] == {
        "version": 1, "waiting": [{"version": 2, "effectiveFrom": when}]
    }  # fmt: skip
    assert await addresses(town) is None
    # What is taken away meanwhile stays away when the instant comes.
    tight = await draft_with(town, TIGHT)
    await do(town, ADMIN, "proposePolicy", draft=tight, reason="too much")
    found = await town.data(
        ADMIN, EDITING, "{ policyStatus { version waiting { version effectiveFrom } } }"
    )
    assert found["policyStatus"] == {
        "version": 3, "waiting": [{"version": 4, "effectiveFrom": when}]
    }  # fmt: skip
    document = """
    { policyVersions(filter: {number: {eq: 4}}) { nodes { reason approvedBy
        lines(filter: {what: {in: ["class:residence", "class:contact"]},
                       role: {eq: "role:collection-clerk"}}) {
          nodes { what action effect purpose } } } } }
    """
    [carried] = (await town.data(ADMIN, EDITING, document))["policyVersions"]["nodes"]
    assert carried["approvedBy"] == DIRECTOR
    lines = [tuple(line.values()) for line in carried["lines"]["nodes"]]
    assert ("class:residence", "list", "allow", "purpose:any") in lines
    assert ("class:contact", "read", "deny", "purpose:consultation") in lines


async def test_what_opens_only_with_what_waits_is_told_before(town: World) -> None:
    """Whose accounts somebody holds takes two classes, of which one is given for later already."""
    account, person = (
        CARELESS | {"role": "role:branch-clerk", "what": f"class:{class_}"}
        for class_ in ("bank-account", "related-person")
    )
    draft = await proposed(town, account)
    soon = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    await do(town, DIRECTOR, "approvePolicy", draft=draft, reason="then", effectiveFrom=soon)
    draft = await draft_with(town, person)
    found = await town.data(ADMIN, EDITING, COMPARISON, variables={"draft": draft})
    [gain] = [
        gain
        for gain in found["policyComparison"]["gains"]
        if gain["purpose"] == "consultation" and "Addressee.heldAccounts" in gain["coordinates"]
    ]
    assert (gain["roles"], gain["before"], gain["after"]) == (["branch-clerk"], "HIDDEN", "SHOWN")
    assert gain["witness"]["reachable"] is True


async def test_one_person_takes_away_what_waits_to_be_given(town: World) -> None:
    draft = await proposed(town, CARELESS)
    soon = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    await do(town, DIRECTOR, "approvePolicy", draft=draft, reason="then", effectiveFrom=soon)
    denied = await draft_with(town, CARELESS | {"effect": "deny"})
    told = await do(town, ADMIN, "proposePolicy", draft=denied, reason="a mistake")
    assert (told["needsApproval"], told["version"]["number"]) == (False, 3)
    document = """
    { policyVersions(filter: {number: {eq: 4}}) { nodes {
        lines(filter: {what: {eq: "class:residence"}, purpose: {eq: "purpose:any"}}) {
          nodes { effect } } } } }
    """
    [waiting] = (await town.data(ADMIN, EDITING, document))["policyVersions"]["nodes"]
    assert waiting["lines"]["nodes"] == [{"effect": "deny"}]


async def test_what_waits_stands_in_the_order_of_its_instants(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change for an instant between two others shows from there on, and no sooner."""
    now = dt.datetime.now(dt.UTC)
    when = [
        (now + dt.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ") for hours in range(1, 4)
    ]
    for class_, instant in (("contact", when[2]), ("nationality", when[0]), ("name", when[1])):
        draft = await draft_with(town, TIGHT | {"what": f"class:{class_}"})
        given = {"draft": draft, "reason": "less", "effectiveFrom": instant}
        told = await do(town, ADMIN, "proposePolicy", **given)
        assert told["needsApproval"] is False
    document = "{ policyStatus { version waiting { version effectiveFrom } } }"
    found = (await town.data(ADMIN, EDITING, document))["policyStatus"]
    assert found == {
        "version": 1,
        "waiting": [
            {"version": version, "effectiveFrom": instant}
            for version, instant in zip((3, 5, 6), when, strict=True)
        ],
    }
    document = """
    { policyVersions(filter: {number: {in: [3, 5, 6]}}) { nodes { number
        lines(filter: {effect: {eq: "deny"}, what: {in: ["class:name", "class:nationality"]}}) {
          nodes { what } } } } }
    """
    versions = (await town.data(ADMIN, EDITING, document))["policyVersions"]["nodes"]
    denied = {one["number"]: [line["what"] for line in one["lines"]["nodes"]] for one in versions}
    both = ["class:nationality", "class:name"]
    assert denied == {3: ["class:nationality"], 5: both, 6: both}
    # However many wait, what is taken away at once waits for none of them.
    monkeypatch.setattr("authz.editing.versions.MOST_WAITING", 3)
    given["draft"] = await draft_with(town, TIGHT)
    content = await attempt(town, ADMIN, "proposePolicy", given)
    assert code_of(content) == "BAD_USER_INPUT"
    del given["effectiveFrom"]
    assert (await do(town, ADMIN, "proposePolicy", **given))["version"]["number"] == 7


@pytest.mark.parametrize("ago", [dt.timedelta(seconds=1), dt.timedelta(days=365)])
async def test_an_instant_in_the_past_is_refused(town: World, ago: dt.timedelta) -> None:
    past = (dt.datetime.now(dt.UTC) - ago).isoformat()
    wide, tight = await proposed(town, CARELESS), await draft_with(town, TIGHT)
    for who, name, given in (
        (DIRECTOR, "approvePolicy", {"draft": wide, "reason": "since then"}),
        (ADMIN, "proposePolicy", {"draft": tight, "reason": "since then"}),
    ):
        content = await attempt(town, who, name, {**given, "effectiveFrom": past})
        assert code_of(content) == "BAD_USER_INPUT"
        assert "past" in content["errors"][0]["message"]
    assert await in_force(town) == 1
    await do(town, ADMIN, "proposePolicy", draft=tight, reason="at once")
    back = {"version": 1, "reason": "back", "effectiveFrom": past}
    assert code_of(await attempt(town, ADMIN, "rollBackPolicy", back)) == "BAD_USER_INPUT"


async def test_only_the_approver_says_from_when_a_right_is_given(town: World) -> None:
    """A proposer's date that nobody kept would let the approval act at once."""
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(days=100)).isoformat()
    await do(town, ADMIN, "proposePolicy", draft=await draft_with(town, TIGHT), reason="less")
    for name, given in (
        ("proposePolicy", {"draft": await draft_with(town, CARELESS)}),
        ("rollBackPolicy", {"version": 1}),
    ):
        content = await attempt(
            town, ADMIN, name, {**given, "reason": "then", "effectiveFrom": later}
        )
        assert code_of(content) == "BAD_USER_INPUT"
        assert "approves" in content["errors"][0]["message"]
        told = await do(town, ADMIN, name, **given, reason="then")
        assert told["needsApproval"] is True
    assert await in_force(town) == 2


async def test_a_comparison_sums_up_whom_it_gives_and_whom_it_shows(world: World) -> None:
    document = "query ($d: ID) { policyComparison(draft: $d) { staff people } }"
    for lines, expected in (
        ([CARELESS], {"staff": 1, "people": 8}),
        ([CARELESS, CARELESS | {"role": "role:addressee-registrar", "what": "class:nationality"}],
         {"staff": 3, "people": 8}),
        ([{"role": "role:system-operator", "purpose": "purpose:operations",
           "what": "class:transfer", "action": "write"}], {"staff": 1, "people": None}),
        ([TIGHT], {"staff": 0, "people": None}),
    ):  # fmt: skip
        draft = await draft_with(world, *lines)
        found = await world.data(ADMIN, EDITING, document, variables={"d": draft})
        assert found["policyComparison"] == expected


async def test_a_version_takes_effect_when_its_instant_comes(town: World) -> None:
    draft = await proposed(town, CARELESS)
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
    await do(
        town, DIRECTOR, "approvePolicy", draft=draft, reason="soon", effectiveFrom=soon.isoformat()
    )
    while dt.datetime.now(dt.UTC) < soon:
        early = await addresses(town)
        assert early is None or dt.datetime.now(dt.UTC) >= soon
    deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=10)
    while await addresses(town) is None:
        assert dt.datetime.now(dt.UTC) < deadline


async def test_roll_back_is_a_new_version(town: World) -> None:
    tight = await draft_with(town, TIGHT)
    await do(town, ADMIN, "proposePolicy", draft=tight, reason="too much")
    told = await do(town, ADMIN, "rollBackPolicy", version=1, reason="it was right")
    # Back to more: a second person.
    assert (told["needsApproval"], told["version"]) == (True, None)
    draft = told["draft"]["id"]
    told = await do(town, DIRECTOR, "approvePolicy", draft=draft, reason="yes")
    assert told["version"]["number"] == 3
    assert await contact(town) is not None
    document = "{ one: policyExport(version: 1) { csv } three: policyExport(version: 3) { csv } }"
    exported = await town.data(ADMIN, EDITING, document)
    assert exported["one"] == exported["three"]


@pytest.mark.parametrize(
    "line",
    [
        {"role": "role:any", "purpose": "purpose:any", "action": "write"},
        {"role": "role:privacy-auditor", "purpose": "purpose:audit", "action": "read"},
        {"role": "role:collection-director", "purpose": "purpose:any", "action": "read"},
    ],
)
async def test_no_version_takes_away_how_it_is_changed(town: World, line: dict[str, str]) -> None:
    """One person could otherwise close the policy for good."""
    draft = await draft_with(town, {**line, "what": "class:policy", "effect": "deny"})
    content = await attempt(town, ADMIN, "proposePolicy", {"draft": draft, "reason": "less"})
    assert code_of(content) == "BAD_USER_INPUT"
    assert await in_force(town) == 1


async def test_a_draft_made_before_another_change_is_rebased_first(town: World) -> None:
    late = await draft_with(town, CARELESS)
    tight = await draft_with(town, TIGHT)
    await do(town, ADMIN, "proposePolicy", draft=tight, reason="too much")
    content = await attempt(town, ADMIN, "proposePolicy", {"draft": late, "reason": "late"})
    assert code_of(content) == "BAD_USER_INPUT"
    assert "rebase" in content["errors"][0]["message"]
    rebased = await do(town, ADMIN, "rebasePolicyDraft", draft=late)
    assert rebased["draft"]["basedOn"] == 2
    found = await town.data(ADMIN, EDITING, COMPARISON, variables={"draft": late})
    assert found["policyComparison"]["losses"] == []
    assert found["policyComparison"]["removed"] == []


async def test_what_waits_for_a_decision_is_not_edited(town: World) -> None:
    draft = await proposed(town, CARELESS)
    content = await attempt(town, ADMIN, "editPolicyDraft", {"draft": draft, "set": [TIGHT]})
    assert code_of(content) == "STATE_NOT_ALLOWED"
    told = await do(town, ADMIN, "withdrawPolicy", draft=draft)
    assert (told["draft"]["state"], told["draft"]["proposedBy"]) == ("OPEN", None)
    again = told["draft"]["id"]
    await do(town, ADMIN, "proposePolicy", draft=again, reason="again")
    told = await do(town, DIRECTOR, "rejectPolicy", draft=again, reason="too wide")
    assert (told["draft"]["state"], told["draft"]["decidedBy"]) == ("REJECTED", DIRECTOR)
    for one in (draft, again):
        content = await attempt(
            town, DIRECTOR, "approvePolicy", {"draft": one, "reason": "after all"}
        )
        assert code_of(content) == "STATE_NOT_ALLOWED"


async def test_an_approval_holds_for_the_lines_that_were_seen(town: World) -> None:
    """Between the look and the approval: taken back, edited, proposed anew."""
    seen = await proposed(town, TIGHT | {"effect": "allow", "what": "class:nationality"})
    told = await do(town, ADMIN, "withdrawPolicy", draft=seen)
    for draft in (seen, told["draft"]["id"]):
        await attempt(town, ADMIN, "editPolicyDraft", {"draft": draft, "set": [CARELESS]})
        await attempt(town, ADMIN, "proposePolicy", {"draft": draft, "reason": "anew"})
    await attempt(town, DIRECTOR, "approvePolicy", {"draft": seen, "reason": "as seen"})
    assert await in_force(town) == 1
    assert await addresses(town) is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (CARELESS | {"role": "role:nobody"}, "UNKNOWN_WORD"),
        (CARELESS | {"what": "Residence.nothing"}, "UNKNOWN_WORD"),
        (CARELESS | {"action": "steal"}, "UNKNOWN_WORD"),
        (CARELESS | {"role": "role:policy-administrator", "what": "class:name"}, "INVARIANT"),
        (CARELESS | {"role": "role:branch-clerk", "what": "class:individual-number"}, "INVARIANT"),
        (CARELESS | {"what": "class:handling", "action": "search"}, "INVARIANT"),
        (CARELESS | {"role": "role:linkage-operator", "what": "class:former-residence",
                     "action": "search", "effect": "allow", "purpose": "purpose:any"}, None),
    ],
)  # fmt: skip
async def test_a_draft_with_errors_is_not_proposed(
    world: World, line: Mapping[str, str], problem: str | None
) -> None:
    draft = await draft_with(world, line)
    document = "query ($d: ID) { policyFindings(draft: $d) { line severity problem reason } }"
    found = await world.data(ADMIN, EDITING, document, variables={"d": draft})
    errors = [one for one in found["policyFindings"] if one["severity"] == "ERROR"]
    assert [one["problem"] for one in errors] == ([problem] if problem else [])
    if problem is not None:
        content = await attempt(world, ADMIN, "proposePolicy", {"draft": draft, "reason": "x"})
        assert code_of(content) == "BAD_USER_INPUT"
        assert "line" in content["errors"][0]["message"]


# -- who reads covered persons ---------------------------------------------------------------------

WITHHELD = {
    "role": "role:collection-clerk",
    "purpose": "purpose:consultation",
    "what": "class:residence",
    "action": "read-withheld",
}
PROTECTED = f'{{ addressee(code: "{TANAKA}") {{ residence {{ address }} }} }}'
OPENS = [Line(*WITHHELD.values(), "allow")]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"purpose": "purpose:any"},
        {"role": "role:any"},
        {"role": "role:any", "purpose": "purpose:any"},
        {"what": "Residence.address"},
        {
            "role": "role:arrears-officer",
            "purpose": "purpose:field-survey",
            "what": "class:contact",
        },
        {"role": "role:collection-director", "purpose": "purpose:delinquency"},
    ],
)
async def test_only_who_works_for_protection_may_read_covered_persons(
    world: World, changed: dict[str, str]
) -> None:
    draft = await draft_with(world, WITHHELD | changed)
    document = "query ($d: ID) { policyFindings(draft: $d) { severity problem reason } }"
    found = await world.data(ADMIN, EDITING, document, variables={"d": draft})
    [error] = [one for one in found["policyFindings"] if one["severity"] == "ERROR"]
    assert error["problem"] == "INVARIANT"
    assert "is not marked for protection work" in error["reason"]
    content = await attempt(world, ADMIN, "proposePolicy", {"draft": draft, "reason": "x"})
    assert "is not marked for protection work" in content["errors"][0]["message"]


async def test_a_mark_is_data_that_the_next_load_reads(town: World) -> None:
    # A version that brings the line without anybody's check: it opens nothing, the rest does.
    await town.publish(*OPENS, Line(*CARELESS.values(), "allow"))
    await told_of(town, 2)
    assert SECRET_ADDRESS not in (await town.ask(CLERK, "consultation", PROTECTED)).text
    assert await addresses(town) is not None
    await town.change(
        "UPDATE role SET protection_work = 'a second desk' WHERE code = 'collection-clerk'"
    )
    await town.publish()
    await told_of(town, 3)
    assert SECRET_ADDRESS in (await town.ask(CLERK, "consultation", PROTECTED)).text
    await town.change("UPDATE role SET protection_work = NULL")
    await town.publish()
    await told_of(town, 4)
    assert SECRET_ADDRESS not in (await town.ask(CLERK, "consultation", PROTECTED)).text


async def test_what_was_proposed_before_the_rule_does_not_take_force(town: World) -> None:
    draft = await proposed(town, CARELESS)
    await town.change(
        "UPDATE policy_draft_line SET action = 'read-withheld' WHERE action = 'list'"
        " AND what = 'class:residence' AND purpose = 'purpose:any'"
    )
    content = await attempt(town, DIRECTOR, "approvePolicy", {"draft": draft, "reason": "ok"})
    assert "is not marked for protection work" in content["errors"][0]["message"]
    assert await in_force(town) == 1


async def test_a_version_that_waits_is_asked_too(town: World) -> None:
    """A mark was taken away meanwhile: nothing is written with the lines until they are taken out,
    and taking them out takes them out of what waits."""
    draft = await proposed(town, CARELESS)
    soon = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    await do(town, DIRECTOR, "approvePolicy", draft=draft, reason="then", effectiveFrom=soon)
    await town.change("UPDATE role SET protection_work = NULL")
    await town.publish()
    await told_of(town, 3)
    draft = await draft_with(town, TIGHT)
    given = {"draft": draft, "reason": "less", "effectiveFrom": soon}
    content = await attempt(town, ADMIN, "proposePolicy", given)
    assert "is not marked for protection work" in content["errors"][0]["message"]
    lines = await town.rows("SELECT * FROM policy_line WHERE action = 'read-withheld'")
    gone = {tuple(line[name] for name in ("role", "purpose", "what", "action")) for line in lines}
    names = ("role", "purpose", "what", "action")
    remove = [dict(zip(names, line, strict=True)) for line in gone]
    await do(town, ADMIN, "editPolicyDraft", draft=draft, remove=remove)
    told = await do(town, ADMIN, "proposePolicy", **given)
    assert told["needsApproval"] is False


async def test_the_gravest_gain_comes_first_and_its_request_reads_it(town: World) -> None:
    def opening(role: str, purpose: str, what: str, action: str) -> dict[str, str]:
        return {
            "role": f"role:{role}", "purpose": f"purpose:{purpose}", "what": what, "action": action
        }  # fmt: skip

    draft = await draft_with(
        town,
        opening("collection-clerk", "collection-management", "class:nationality", "read"),
        opening("policy-administrator", "policy-administration", "class:transfer", "list"),
        opening("collection-clerk", "consultation", "class:residence", "list"),
        opening("arrears-officer", "payment-grace", "class:bank-account", "read"),
        opening("arrears-officer", "payment-grace", "class:bank-account-number", "read"),
        opening("arrears-officer", "consultation", "class:protection", "read"),
        opening("protection-coordinator", "protection-measures", "class:payment-place", "read"),
        opening("protection-coordinator", "protection-measures", "class:payment-place",
                "read-withheld"),
        opening("number-handler", "collection-management", "class:individual-number", "read"),
    )  # fmt: skip
    document = COMPARISON.replace("gains { roles", "gains { reach roles")
    found = await town.data(ADMIN, EDITING, document, variables={"draft": draft})
    gains = found["policyComparison"]["gains"]
    order = [
        "INDIVIDUAL_NUMBER", "PROTECTED_PERSON", "PROTECTION", "WHOLE_ACCOUNT", "PLACE", "PERSON",
        "OFFICE",
    ]  # fmt: skip
    ranks = [order.index(gain["reach"]) for gain in gains]
    assert ranks == sorted(ranks)
    assert set(ranks) == set(range(len(order)))
    worst = {gain["reach"]: gain["witness"] for gain in gains[::-1] if gain["witness"]}
    for reach, field in (
        ("INDIVIDUAL_NUMBER", "individualNumber"),
        ("PROTECTED_PERSON", "paymentPlace"),
        ("WHOLE_ACCOUNT", "accountNumber"),
        ("PLACE", "residence { address "),
        ("PROTECTION", "kind"),
    ):
        assert field in worst[reach]["document"], worst[reach]
        assert worst[reach]["reachable"] is True, worst[reach]


async def test_export_and_import_are_the_same_bytes(world: World) -> None:
    exported = await world.data(ADMIN, EDITING, "{ policyExport(version: 1) { csv lines } }")
    csv = exported["policyExport"]["csv"]
    made = await do(world, ADMIN, "createPolicyDraft", title="from a file")
    draft = made["draft"]["id"]
    await do(world, ADMIN, "importPolicyDraft", draft=draft, csv="# changed\n" + csv)
    await do(world, ADMIN, "importPolicyDraft", draft=draft, csv=csv)
    document = "query ($d: ID) { policyExport(draft: $d) { csv } }"
    again = await world.data(ADMIN, EDITING, document, variables={"d": draft})
    assert again["policyExport"]["csv"] == csv
    content = await attempt(world, ADMIN, "importPolicyDraft", {"draft": draft, "csv": "g, a, b"})
    assert "line 1" in content["errors"][0]["message"]


# -- large files -----------------------------------------------------------------------------------


async def upload(
    world: World, who: str, draft: str, content: Any, purpose: str = EDITING, **headers: str
) -> httpx2.Response:
    """Put a file in place of a draft's lines."""
    if who not in world.tokens:
        world.tokens[who] = await world.sign_in(who)
    given = {
        "authorization": f"Bearer {world.tokens[who]}",
        "purpose-of-use": purpose,
        "content-type": "text/csv",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return await world.client.post(f"/policy/drafts/{draft}/lines", content=content, headers=given)


def file_of(count: int, note: str = "窓口") -> str:
    """So many different lines that take away what nobody has."""
    pairs = [
        (row["role"], purpose)
        for row in facts.rows("role-purposes")
        for purpose in row["purpose"].split()
        if row["role"] not in {"policy-administrator", "protection-coordinator"}
    ]
    whats = sorted(name for name in GRAPH.classes if not name.startswith(("Policy", "Staff")))
    words = itertools.product(pairs, whats, ("search", "match", "mask"))
    return "".join(
        f"# {note} {at}\np, role:{role}, purpose:{purpose}, {what}, {action}, deny\n"
        for at, ((role, purpose), what, action) in enumerate(itertools.islice(words, count))
    )


async def test_what_is_written_is_read_up_to_the_limit(town: World) -> None:
    """The first policy with lines up to the limit; meanwhile nobody waits for long."""
    made = await do(town, ADMIN, "createPolicyDraft", title="large")
    draft = made["draft"]["id"]
    document = "query ($d: ID) { policyExport(draft: $d) { csv lines } }"
    first = (await town.data(ADMIN, EDITING, document, variables={"d": draft}))["policyExport"]
    csv = first["csv"] + file_of(20_000 - first["lines"])
    longest, done = 0.0, asyncio.Event()

    async def work() -> None:
        nonlocal longest
        while not done.is_set():
            # What the loop's own thread does without a break, however busy the machine is.
            began = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - began)

    body = gzip.compress(csv.encode())
    working = asyncio.create_task(work())
    response = await upload(town, ADMIN, draft, body, content_encoding="gzip")
    done.set()
    await working
    content = response.json()
    assert "errors" not in content, content
    assert content["data"]["importPolicyDraft"]["draft"]["lines"]["totalCount"] == 20_000
    # Reading the file alone takes longer than that, and is done beside the loop.
    began = time.thread_time()
    import_csv(csv)
    assert longest < time.thread_time() - began
    again = (await town.data(ADMIN, EDITING, document, variables={"d": draft}))["policyExport"]
    assert again == {"csv": csv, "lines": 20_000}
    one_more = csv + "p, role:branch-clerk, purpose:consultation, class:arrears, list, deny\n"
    response = await upload(town, ADMIN, draft, one_more.encode())
    assert "at most 20000 lines" in response.json()["errors"][0]["message"]
    assert f"line {one_more.count(chr(10))}:" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_a_file_keeps_its_letters(world: World, encoding: str, end: str) -> None:
    draft = (await do(world, ADMIN, "createPolicyDraft", title="a file"))["draft"]["id"]
    csv = file_of(3, "窓口①〜髙")
    content = csv.replace("\n", end).replace("〜", "～").encode(encoding)
    assert "errors" not in (await upload(world, ADMIN, draft, content)).json()
    document = "query ($d: ID) { policyExport(draft: $d) { csv } }"
    found = await world.data(ADMIN, EDITING, document, variables={"d": draft})
    assert found["policyExport"]["csv"] == csv.replace("〜", "～")


@pytest.mark.parametrize(
    "content",
    [
        "# 窓口\n".encode("euc_jp"),
        "# 窓口\n".encode("iso2022_jp"),
        "# 窓口\n".encode("utf-16"),
        "# 窓口\n".encode("utf-16-le"),
        b"# \xff\xfe\n",
        "# \ufffd\n".encode(),
        b"# a\x00b\n",
    ],
)
async def test_a_file_that_no_letters_come_of_is_refused(world: World, content: bytes) -> None:
    draft = (await do(world, ADMIN, "createPolicyDraft", title="garbled"))["draft"]["id"]
    response = await upload(world, ADMIN, draft, content + file_of(1).encode("ascii", "ignore"))
    assert code_of(response.json()) == "BAD_USER_INPUT"
    assert "UTF-8" in response.json()["errors"][0]["message"] or "U+0000" in response.text
    given = {"draft": draft, "csv": "# \ufffd\n"}
    assert code_of(await attempt(world, ADMIN, "importPolicyDraft", given)) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("p, role:branch-clerk, purpose:consultation, Residence.adress, read, deny",
         "unknown coordinate `Residence.adress`"),
        ("p, role:branch-clerk, purpose:consultation, class:residense, read, deny",
         "unknown class `class:residense`"),
        ("p, role:nobody, purpose:consultation, class:name, read, deny", "unknown role"),
        ("p, role:branch-clerk, purpose:consultation, Residence.address, read-withheld, allow",
         "`branch-clerk` is not marked for protection work (p, role:branch-clerk,"
         " purpose:consultation, Residence.address"),
        ("p, role:システム, purpose:consultation, class:name, read, deny", "`role` of a line"),
        ("g, role:x, role:y", "must be"),
        ("p, role:x, purpose:x, 1000-0000-0001, read, deny", "individual number"),
    ],
)  # fmt: skip
async def test_a_line_is_named_as_the_file_has_it(world: World, line: str, said: str) -> None:
    draft = (await do(world, ADMIN, "createPolicyDraft", title="numbers"))["draft"]["id"]
    # What only Python takes for the end of a line is none for an editor.
    csv = f"# one\u2028note\x85\n\r\n\n{file_of(1).strip()}\n{line}\n"
    for content in (
        await attempt(world, ADMIN, "importPolicyDraft", {"draft": draft, "csv": csv}),
        (await upload(world, ADMIN, draft, csv.encode())).json(),
    ):
        message = content["errors"][0]["message"]
        assert message.startswith("line 6: ")
        assert said in message


async def test_no_note_of_a_file_is_an_individual_number(world: World) -> None:
    draft = (await do(world, ADMIN, "createPolicyDraft", title="notes"))["draft"]["id"]
    # Twelve digits over several lines are none.
    assert (
        "errors" not in (await upload(world, ADMIN, draft, file_of(3, "窓口 1234").encode())).json()
    )
    response = await upload(world, ADMIN, draft, file_of(3, "1000-0000-0001").encode())
    [error] = response.json()["errors"]
    assert error["message"].startswith("line 2: `note`")
    assert "1000" not in error["message"]


async def test_who_may_not_is_refused_before_the_body_is_read(world: World) -> None:
    draft = (await do(world, ADMIN, "createPolicyDraft", title="not yours"))["draft"]["id"]
    read = False

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        while True:
            yield b"# " + b"x" * 1000 + b"\n"

    for who, purpose, code in (
        (DIRECTOR, EDITING, "WRITE_NOT_ALLOWED"),
        (CLERK, "consultation", "WRITE_NOT_ALLOWED"),
        (CLERK, EDITING, "PURPOSE_NOT_ALLOWED"),
    ):
        response = await upload(world, who, draft, endless(), purpose)
        assert code_of(response.json()) == code
        [record] = await world.log()
        assert (record["kind"], record["actor"], record["outcome"]) == ("WRITE", who, code)
    response = await upload(world, ADMIN, draft, endless(), authorization="Bearer nothing")
    assert (response.status_code, code_of(response.json())) == (401, "UNAUTHENTICATED")
    assert not read
    assert (await upload(world, ADMIN, draft, endless())).status_code == 413


def packed(count: int) -> bytes:
    """So many signs of a comment, in a file a thousandth as large."""
    packing = zlib.compressobj(9, wbits=31)
    part = b"#" * 2**20
    return b"".join([*(packing.compress(part) for _ in range(count // 2**20)), packing.flush()])


@pytest.mark.parametrize("count", [9 * 2**20, 2**28])
async def test_what_it_unpacks_to_is_bounded(world: World, count: int) -> None:
    draft = (await do(world, ADMIN, "createPolicyDraft", title="a bomb"))["draft"]["id"]
    bomb = await asyncio.to_thread(packed, count)
    response = await upload(world, ADMIN, draft, bomb, content_encoding="gzip")
    assert (response.status_code, code_of(response.json())) == (413, "LIMIT_EXCEEDED")


async def test_a_broken_upload_is_refused(world: World) -> None:
    draft = (await do(world, ADMIN, "createPolicyDraft", title="broken"))["draft"]["id"]
    whole = gzip.compress(file_of(3).encode())
    for body in (whole[:-9], whole + b"more", file_of(1).encode(), b""):
        response = await upload(world, ADMIN, draft, body, content_encoding="gzip")
        assert code_of(response.json()) == "BAD_USER_INPUT", body
    for headers, status in (
        ({"content_type": "application/json"}, 415),
        ({"content_encoding": "br"}, 415),
    ):
        response = await upload(world, ADMIN, draft, b"#", **headers)
        assert response.status_code == status
    assert code_of((await upload(world, ADMIN, "nothing", b"#")).json()) == "BAD_USER_INPUT"


async def test_the_administrator_sees_no_personal_data(world: World) -> None:
    for document in (
        "{ addressees { nodes { code } } }",
        NAME,
        "{ accessRecords { nodes { actor persons } } }",
    ):
        response = await world.ask(ADMIN, EDITING, document)
        content = response.json()
        assert (
            code_of(content) == "OPERAND_HIDDEN"
            if "errors" in content
            else (list(content["data"].values()) == [None])
        )


async def test_matrix_union_explanation_and_vocabulary(world: World) -> None:
    document = """
    { policyMatrix(roles: ["collection-clerk"], purposes: ["consultation"],
                   classes: ["residence", "bank-account-number"]) {
        version rows { role purpose cells { class allowed lines read list match write
          fields { coordinate nameJa read list } } } }
      policyUnion(roles: ["collection-clerk"]) { coordinate list { verdict purposes } }
      policyExplanation(roles: ["collection-clerk"], purpose: "consultation",
                        coordinate: "Residence.address", action: "list") {
        verdict reason classes steps { role line text says } }
      policyVocabulary { roles { code } purposes { code } classes { code } actions } }
    """
    found = await world.data(ADMIN, EDITING, document)
    [row] = found["policyMatrix"]["rows"]
    number, residence = row["cells"][1], row["cells"][0]
    assert (residence["class"], residence["allowed"], residence["list"]) == (
        "residence", ["read"], "HIDDEN"
    )  # fmt: skip
    assert number["allowed"] == ["mask"]
    assert number["read"] in {"MASKED", "PARTLY"}
    union = {one["coordinate"]: one["list"] for one in found["policyUnion"]}
    assert union["Residence.address"] == {"verdict": "SHOWN", "purposes": ["reminder-dispatch"]}
    told = found["policyExplanation"]
    assert (told["verdict"], told["reason"]) == ("HIDDEN", "LIST")
    assert told["steps"][-1]["says"] == "NOTHING"
    assert len(found["policyVocabulary"]["roles"]) == 14


EXPLAINED = """
query ($s: String, $r: [String!], $p: String!, $c: String!, $a: String!, $why: String) {
  policyExplanation(staffId: $s, roles: $r, purpose: $p, coordinate: $c, action: $a, reason: $why) {
    roles verdict reason fits withheld elsewhere { purpose verdict } steps { says text } } }
"""


async def explained(
    world: World, coordinate: str, action: str = "read", **given: Any
) -> dict[str, Any]:
    """Why `sato` sees it for consultation, unless something else is given."""
    asked = {"s": CLERK, "p": "consultation", "c": coordinate, "a": action, **given}
    response = await world.ask(ADMIN, EDITING, EXPLAINED, asked)
    content: dict[str, Any] = response.json()
    return content


async def test_an_explanation_names_what_is_withheld(world: World) -> None:
    found = (await explained(world, "Residence.address"))["data"]["policyExplanation"]
    assert (found["roles"], found["verdict"], found["withheld"]) == (
        ["collection-clerk"], "SHOWN", True
    )  # fmt: skip
    assert found["steps"][-1]["says"] == "WITHHELD"
    pasted = await explained(world, "Residence.address", s=f"\u202d{full_width(CLERK)}\u202c")
    assert pasted["data"]["policyExplanation"] == found
    found = (await explained(world, "Account.holderName"))["data"]["policyExplanation"]
    assert found["withheld"] is True, "the holder may be somebody else, who is protected"
    found = (await explained(world, "Addressee.fullName"))["data"]["policyExplanation"]
    assert found["withheld"] is False
    found = (
        await explained(world, "Residence.address", s="kobayashi", p="protection-measures")
    )["data"]["policyExplanation"]  # fmt: skip
    assert (found["verdict"], found["withheld"]) == ("SHOWN_DESPITE_PROTECTION", False)


async def test_a_reason_that_was_seen_is_compared_and_other_purposes_are_named(
    world: World,
) -> None:
    document = "{ addressees(first: 1) { nodes { residence { address } } } }"
    answer = (await world.ask(CLERK, "consultation", document)).json()
    [hidden] = answer["extensions"]["privacy"]["hidden"]
    seen = {"action": "list", "why": hidden["reason"]}
    found = (await explained(world, hidden["coordinate"], **seen))["data"]["policyExplanation"]
    assert (found["verdict"], found["reason"], found["fits"]) == ("HIDDEN", "LIST", True)
    assert found["elsewhere"] == [{"purpose": "reminder-dispatch", "verdict": "SHOWN"}]
    seen["why"] = "ROLE"
    found = (await explained(world, hidden["coordinate"], **seen))["data"]["policyExplanation"]
    assert found["fits"] is False


async def test_what_closes_a_field_beside_the_policy_is_said(world: World) -> None:
    """A paper, and an individual number that is not alone: the policy has not changed since."""
    number = {"s": "nakamura", "p": "addressee-management"}
    for coordinate, why, given, fits in (
        ("Residence.address", "PAPER", {}, True),
        ("Residence.address", "PAPER", {"p": "collection-management"}, False),
        ("Residence.address", "INVARIANT", {}, False),
        ("Addressee.individualNumber", "INVARIANT", number, True),
        ("Addressee.individualNumber", "CASE_REFERENCE", number, True),
    ):
        found = (await explained(world, coordinate, why=why, **given))["data"]["policyExplanation"]
        assert (found["fits"], coordinate, why) == (fits, coordinate, why)
        last = found["steps"][-1]["text"]
        closed = last.startswith(("the kind of document", "an individual number is"))
        assert closed is (fits and why != "CASE_REFERENCE")


async def test_whose_view_is_explained_is_said_once(world: World) -> None:
    for given in (
        {"r": ["collection-clerk"]},
        {"s": "nobody"},
        {"s": None},
        {"s": None, "r": []},
    ):
        content = await explained(world, "Residence.address", **given)
        assert code_of(content) == "BAD_USER_INPUT", given


async def test_who_is_suspended_sees_nothing_that_could_be_explained(town: World) -> None:
    assert "errors" not in await explained(town, "Residence.address")
    await town.change(f"UPDATE staff SET state = 'SUSPENDED' WHERE id = '{CLERK}'")
    content = await explained(town, "Residence.address")
    assert code_of(content) == "BAD_USER_INPUT"
    assert "not in service" in content["errors"][0]["message"]


async def test_the_union_tells_masked_from_whole(world: World) -> None:
    document = """
    { policyUnion(roles: ["collection-clerk"]) {
        coordinate read { verdict purposes masked withheld } } }
    """
    found = await world.data(ADMIN, EDITING, document)
    union = {one["coordinate"]: one["read"] for one in found["policyUnion"]}
    number, place = union["Account.accountNumber"], union["Residence.address"]
    assert number["verdict"] == "SHOWN"
    assert number["masked"] == ["consultation"]
    assert {"consultation", "direct-debit"} <= set(number["purposes"])
    assert (place["withheld"], place["masked"]) == (True, [])


async def test_replay_tells_shapes_and_nobody(town: World) -> None:
    document = "query ($c: String!) { addressee(code: $c) { residence { address } } }"
    await town.data(CLERK, "consultation", document, variables={"c": YAMADA})
    await town.data(CLERK, "consultation", "{ addressees { nodes { residence { address } } } }")
    draft = await draft_with(town, CARELESS, TIGHT | {"what": "class:residence"})
    replay = """
    query ($d: ID) { policyReplay(draft: $d, days: 1) { shapes differences {
      roles purpose operation more { coordinate action before after } less { coordinate } } } }
    """
    response = await town.ask(ADMIN, EDITING, replay, {"d": draft})
    assert YAMADA not in response.text
    assert CLERK not in response.text
    found = response.json()["data"]["policyReplay"]["differences"]
    by = {one["operation"]: one for one in found}
    lists = by["{addressees {nodes {residence {address}}}}"]
    assert lists["roles"] == ["collection-clerk"]
    assert {
        "coordinate": "Addressee.residence", "action": "list", "before": "HIDDEN", "after": "SHOWN"
    } in lists["more"]  # fmt: skip
    single = by["{addressee(code: ?) {residence {address}}}"]
    assert {"coordinate": "Residence.address"} in single["less"]
    response = await town.ask(ADMIN, EDITING, "{ policyReplay(days: 0) { shapes } }")
    assert code_of(response.json()) == "BAD_USER_INPUT"


async def test_the_auditor_reads_the_log_without_case_and_unit(world: World) -> None:
    await world.data(CLERK, "consultation", NAME)
    document = """
    { accessRecords(orderBy: [{field: AT, direction: DESC}], first: 3,
                    filter: {actor: {eq: "sato"}}) {
        nodes { at kind actor roles purpose policyVersion persons personCount outcome
                operation { normalForm coordinates } } } }
    """
    found = await world.data(AUDITOR, "audit", document)
    [newest, *_] = found["accessRecords"]["nodes"]
    assert (newest["actor"], newest["persons"], newest["outcome"]) == (CLERK, [YAMADA], "OK")
    assert newest["operation"]["normalForm"] == "{addressee(code: ?) {fullName}}"
    assert "Addressee.fullName read shown" in newest["operation"]["coordinates"]
    response = await world.ask(AUDITOR, "audit", "{ accessRecords { nodes { caseReference } } }")
    assert response.status_code == 400
