"""Editing the policy: drafts, proposals, a second person's approval, roll back.

A change that only takes rights away is in force as soon as it is proposed, by one person. One that
gives any waits for somebody else. Versions are written once; whatever is decided stays.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from authz.editing.casbin_csv import LONGEST_NOTE, MOST_BYTES, MOST_LINES, numbered, size_of
from authz.editing.compare import role_sets
from authz.editing.explain import written
from authz.editing.four_eyes import (
    APPROVERS,
    DEPUTY,
    DIRECTOR,
    check_approver,
    check_changeable,
    check_deputy,
    check_not_widened,
    check_somebody_else,
    opens_to,
)
from authz.editing.queries import DRAFT, DRAFT_LINE, draft_lines, draft_of, roles_of, staff_by_roles
from authz.editing.versions import (
    Decided,
    Next,
    applied,
    batched,
    one_at_a_time,
    sealed_lines,
    timeline,
    write_all,
)
from authz.errors import BadInput
from authz.policy.policy import Line, Policy, PolicyError, Reference
from authz.policy.store import in_force
from authz.policy.validate import Severity, of_lines, validate
from models.tables.policy import DraftState
from resolvers.read.sql import today
from resolvers.write.pipeline import Change, Changed, Input, PolicyPublished, UseCase, received

LONGEST_REASON = 2000
LONGEST_TITLE = 200
MOST_TOLD = 10
FURTHEST = dt.timedelta(days=366)


# -- drafts ----------------------------------------------------------------------------------------


async def create_draft(change: Change, given: Input) -> Changed:
    """Begin a draft: the lines of a version (that in force, unless another is named)."""
    current = await in_force(change.connection, change.at)
    number = given.get("version") or current
    lines = await _sealed(change, number)
    key = await _new_draft(change, _text(given, "title", LONGEST_TITLE), current, lines)
    return _shown(key)


async def edit_draft(change: Change, given: Input) -> Changed:
    """Remove lines and set others, all or nothing.

    A line that is set takes the place of one that says the opposite of the same thing.
    """
    draft = await _own_draft(change, given)
    lines = await draft_lines(change.connection, draft.id)
    removed = {_line(words)[:4] for words in given.get("remove") or ()}
    added = [_as_line(words) for words in given.get("set") or ()]
    said = {_cell(line): line for line in added}
    unknown = removed - {_cell(line) for _, line in lines}
    if unknown:
        raise BadInput("a line that is to be removed is not there")
    gone = [key for key, line in lines if _cell(line) in removed or _cell(line) in said]
    leaving = set(gone)
    kept = [line for key, line in lines if key not in leaving]
    _check_size([*kept, *said.values()])
    for some in batched(gone):
        await change.connection.execute(sa.delete(DRAFT_LINE).where(DRAFT_LINE.c.id.in_(some)))
    await _add_lines(change, draft.id, said.values())
    title = given.get("title")
    values = {"title": _text(given, "title", LONGEST_TITLE)} if title is not None else {}
    await _touch(change, draft.id, **values)
    return _shown(draft.id)


async def import_draft(change: Change, given: Input) -> Changed:
    """Put the lines of a Casbin CSV file in place of all lines."""
    draft = await _own_draft(change, given)
    # Beside the loop: a large file takes as long as many requests, which must not wait for it.
    lines = await asyncio.to_thread(_read, given["csv"], change.policy)
    await _replace_lines(change, draft.id, lines)
    return _shown(draft.id)


def _read(text: str, policy: Policy) -> list[Line]:
    """The lines of a file. Raises `BadInput` for the first ones that no draft could be proposed
    with, by their numbers in the file."""
    try:
        found = numbered(text)
    except PolicyError as error:
        raise BadInput(str(error)) from error
    lines = []
    for number, line in found:
        try:
            received(asdict(line))
            lines.append(_as_line(asdict(line)))
        except BadInput as error:
            raise BadInput(f"line {number}: {error.message}") from error
    _check_size(lines)
    wrong = [
        f"line {found[each.line - 1][0]}: {each.reason} ({written(lines[each.line - 1])})"
        for each in of_lines(lines, policy.reference, policy.coordinates)
        if each.severity is Severity.ERROR
    ]
    if wrong:
        more = f"; {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
        raise BadInput("; ".join(wrong[:MOST_TOLD]) + more)
    return lines


def _check_size(lines: Sequence[Line]) -> None:
    """Raises `BadInput` for more than a policy, or its file, may have."""
    if len(lines) > MOST_LINES:
        raise BadInput(f"a policy has at most {MOST_LINES} lines")
    if size_of(lines) > MOST_BYTES:
        raise BadInput(f"a policy is a file of at most {MOST_BYTES} bytes, with its notes")


async def rebase_draft(change: Change, given: Input) -> Changed:
    """Make the change of a draft to the version that is in force now."""
    draft = await _open_draft(change, given)
    current = await in_force(change.connection, change.at)
    lines = [line for _, line in await draft_lines(change.connection, draft.id)]
    before = await _sealed(change, draft.based_on)
    now = await _sealed(change, current)
    await _replace_lines(change, draft.id, applied(now, before, lines))
    await _touch(change, draft.id, based_on=current)
    return _shown(draft.id)


async def abandon_draft(change: Change, given: Input) -> Changed:
    """Give a draft up; it stays as it is, to be read."""
    draft = await _draft(change, given, DraftState.OPEN)
    await _touch(change, draft.id, state=DraftState.ABANDONED)
    return _shown(draft.id)


# -- proposing and deciding ------------------------------------------------------------------------


async def propose(change: Change, given: Input) -> Changed:
    """Propose a draft. What gives nobody any right is a version at once."""
    await one_at_a_time(change.connection)
    draft = await _draft(change, given, DraftState.OPEN)
    return await _propose(change, draft, _text(given, "reason"), given.get("effectiveFrom"))


async def roll_back(change: Change, given: Input) -> Changed:
    """Propose the lines of an earlier version anew, under today's invariants."""
    await one_at_a_time(change.connection)
    number = given["version"]
    current = await in_force(change.connection, change.at)
    if number == current:
        raise BadInput("this version is in force")
    lines = await _sealed(change, number)
    key = await _new_draft(change, f"version {number} again", current, lines)
    draft = await draft_of(change.connection, key)
    return await _propose(change, draft, _text(given, "reason"), given.get("effectiveFrom"))


async def withdraw(change: Change, given: Input) -> Changed:
    """Take one's own proposal back, to edit it in a new draft with its lines.

    A draft that was proposed never changes again: an approval holds for the lines that were seen.
    """
    draft = await _draft(change, given, DraftState.PROPOSED)
    if draft.proposed_by != change.actor.id:
        raise BadInput("only its proposer takes a proposal back")
    await _touch(change, draft.id, state=DraftState.ABANDONED)
    lines = [line for _, line in await draft_lines(change.connection, draft.id)]
    return _shown(await _new_draft(change, draft.title, draft.based_on, lines, draft.created_by))


async def approve(change: Change, given: Input) -> Changed:
    """Make a proposed draft a version, in force at once or from an instant on."""
    check_approver(change.actor.roles, change.purpose)
    await one_at_a_time(change.connection)
    draft = await _draft(change, given, DraftState.PROPOSED)
    check_somebody_else(change.actor.id, {draft.proposed_by, draft.created_by})
    planned = await _plan(change, draft, given.get("effectiveFrom"))
    held = await roles_of(change.connection, change.actor.id, today())
    await asyncio.to_thread(
        check_not_widened, planned.steps, change.actor.roles, held, change.purpose
    )
    decided = Decided(draft.reason, draft.proposed_by, change.actor.id, _text(given, "reason"))
    return await _enact(change, draft, planned, decided)


async def reject(change: Change, given: Input) -> Changed:
    """Turn a proposed draft down."""
    check_approver(change.actor.roles, change.purpose)
    draft = await _draft(change, given, DraftState.PROPOSED)
    check_somebody_else(change.actor.id, {draft.proposed_by, draft.created_by})
    if change.purpose == APPROVERS[DEPUTY]:
        planned = await _plan(change, draft, None)
        concerned = await asyncio.to_thread(opens_to, planned.steps, [frozenset({DIRECTOR})])
        check_deputy(change.purpose, concerned)
    await _touch(
        change,
        draft.id,
        state=DraftState.REJECTED,
        decided_by=change.actor.id,
        decided_at=change.at,
        decision_reason=_text(given, "reason"),
    )
    return _shown(draft.id)


@dataclass(frozen=True, slots=True)
class _Planned:
    """The versions that a draft becomes, with the policies before and after each."""

    versions: list[Next]
    steps: list[tuple[Policy, Policy]]
    gains: bool


async def _propose(
    change: Change, draft: Any, reason: str, effective_from: dt.datetime | None
) -> Changed:
    planned = await _plan(change, draft, effective_from)
    if planned.gains and effective_from is not None:
        raise BadInput(
            "this gives a right, so whoever approves it says from when: leave `effectiveFrom` out"
        )
    proposed = {"proposed_by": change.actor.id, "proposed_at": change.at, "reason": reason}
    await _touch(change, draft.id, state=DraftState.PROPOSED, **proposed)
    if planned.gains:
        return Changed(rows={"draft": draft.id, "version": None}, values={"needsApproval": True})
    return await _enact(change, draft, planned, Decided(reason, change.actor.id))


async def _plan(change: Change, draft: Any, effective_from: dt.datetime | None) -> _Planned:
    """Work out what a draft changes, now and in every version that waits. Raises `BadInput`."""
    connection = change.connection
    if effective_from is not None and effective_from > change.at + FURTHEST:
        raise BadInput("a version waits at most a year")
    if effective_from is not None and effective_from <= change.at:
        raise BadInput("`effectiveFrom` lies in the past: leave it out for at once")
    if draft.based_on != await in_force(connection, change.at):
        raise BadInput("the policy has changed since the draft was made: rebase it first")
    lines = [line for _, line in await draft_lines(connection, draft.id)]
    before = await _sealed(change, draft.based_on)
    if lines == before and [line.note for line in lines] == [line.note for line in before]:
        raise BadInput("the draft changes nothing")
    versions = await timeline(
        connection, change.policies.chain, lines, draft.based_on, change.at, effective_from
    )
    reference = await change.policies.reference(connection)
    staff = await staff_by_roles(connection, today())
    steps = []
    for version in versions:
        # Each beside the loop, and others in between.
        steps.append(await asyncio.to_thread(_step, version, reference, change.policy))
    gains = await asyncio.to_thread(opens_to, steps, role_sets(reference, staff))
    return _Planned(versions, steps, gains)


def _step(version: Next, reference: Reference, policy: Policy) -> tuple[Policy, Policy]:
    """The policies before and after. Raises `BadInput` for one that must not take force."""
    _check(version, reference, policy)
    old, new = (
        Policy.build(0, side, reference, policy.coordinates)
        for side in (version.before, version.lines)
    )
    check_changeable(new)
    return old, new


def _check(version: Next, reference: Reference, policy: Policy) -> None:
    """Raises `BadInput` with the first error among the findings."""
    waits = f"in the waiting version {version.carries}, " if version.carries else ""
    for finding in validate(version.lines, reference, policy.coordinates):
        if finding.severity is Severity.ERROR:
            where = f"line {finding.line}: " if finding.line else ""
            raise BadInput(f"{waits}{where}{finding.reason}")


async def _enact(change: Change, draft: Any, planned: _Planned, decided: Decided) -> Changed:
    numbers = await write_all(
        change.connection, change.policies.chain, planned.versions, decided, change.at
    )
    by = {}
    if decided.approved_by is not None:
        by = {
            "decided_by": decided.approved_by,
            "decided_at": change.at,
            "decision_reason": decided.approval_reason,
        }
    await _touch(change, draft.id, state=DraftState.ENACTED, version=numbers[0], **by)
    events: tuple[PolicyPublished, ...] = ()
    if planned.versions[0].effective_from <= change.at:
        events = (PolicyPublished(numbers[0]),)
    return Changed(
        rows={"draft": draft.id, "version": numbers[0]},
        values={"needsApproval": False},
        events=events,
    )


async def _sealed(change: Change, number: int) -> list[Line]:
    return await sealed_lines(change.connection, change.policies.chain, number)


# -- rows of drafts --------------------------------------------------------------------------------


async def _draft(change: Change, given: Input, *states: DraftState) -> Any:
    key = change.key_of(given["draft"], "PolicyDraft")
    return await draft_of(change.connection, key, *states, lock=True)


async def _open_draft(change: Change, given: Input) -> Any:
    return await _draft(change, given, DraftState.OPEN)


async def _own_draft(change: Change, given: Input) -> Any:
    """An open draft of the actor's own: who began it made all of it, and does not approve it."""
    draft = await _open_draft(change, given)
    if draft.created_by != change.actor.id:
        raise BadInput("only who began a draft edits it")
    return draft


async def _new_draft(
    change: Change, title: str, based_on: int, lines: Iterable[Line], maker: str | None = None
) -> int:
    made = await change.connection.execute(
        sa.insert(DRAFT).values(
            title=title,
            state=DraftState.OPEN,
            based_on=based_on,
            created_by=maker or change.actor.id,
            created_at=change.at,
            edited_at=change.at,
        )
    )
    assert made.inserted_primary_key is not None
    key = int(made.inserted_primary_key[0])
    await _add_lines(change, key, lines)
    return key


async def _replace_lines(change: Change, key: int, lines: Iterable[Line]) -> None:
    await change.connection.execute(sa.delete(DRAFT_LINE).where(DRAFT_LINE.c.draft_id == key))
    await _add_lines(change, key, lines)
    await _touch(change, key)


async def _add_lines(change: Change, key: int, lines: Iterable[Line]) -> None:
    rows = [
        {
            "draft_id": key,
            "role": line.role,
            "purpose": line.purpose,
            "what": line.what,
            "action": line.action,
            "effect": line.effect,
            "note": line.note,
        }
        for line in lines
    ]
    for some in batched(rows):
        await change.connection.execute(sa.insert(DRAFT_LINE), some)


async def _touch(change: Change, key: int, **values: Any) -> None:
    own = DRAFT.c.id == key
    await change.connection.execute(
        sa.update(DRAFT).where(own).values(edited_at=change.at, **values)
    )


def _shown(key: int) -> Changed:
    return Changed(rows={"draft": key})


# -- input -----------------------------------------------------------------------------------------


def reason_of(given: Input) -> str:
    """Why somebody does it. Raises `BadInput` without."""
    return _text(given, "reason")


def _text(given: Input, name: str, longest: int = LONGEST_REASON) -> str:
    """A text that says something. Raises `BadInput`."""
    text = str(given.get(name) or "").strip()
    if not text or len(text) > longest or "\x00" in text:
        raise BadInput(f"`{name}` is a text of 1 to {longest} characters")
    return text


LONGEST_WORD = {"role": 80, "purpose": 80, "what": 120, "action": 40, "effect": 40}


def _line(words: Input) -> tuple[str, ...]:
    """The words of a line. Raises `BadInput` for one that no line could have."""
    found = []
    for name, longest in LONGEST_WORD.items():
        word = str(words.get(name) or "").strip()
        fits = word.isascii() and word.isprintable() and "," not in word and len(word) <= longest
        if not fits or (not word and name != "effect"):
            raise BadInput(f"`{name}` of a line is a word of at most {longest} characters")
        found.append(word)
    return tuple(found)


def _as_line(words: Input) -> Line:
    role, purpose, what, action, effect = _line(words)
    note = " ".join(str(words.get("note") or "").split())
    if len(note) > LONGEST_NOTE or "\x00" in note:
        raise BadInput(f"`note` of a line has at most {LONGEST_NOTE} characters")
    return Line(role, purpose, what, action, effect or "allow", note)


def _cell(line: Line) -> tuple[str, ...]:
    return line.role, line.purpose, line.what, line.action


EDITS = ("PolicyDraft", "PolicyDraftLine")
PROPOSES = ("PolicyDraft", "PolicyVersion", "PolicyLine")

USE_CASES = (
    UseCase("createPolicyDraft", writes=EDITS, run=create_draft),
    UseCase("editPolicyDraft", writes=EDITS, run=edit_draft),
    UseCase("importPolicyDraft", writes=EDITS, run=import_draft),
    UseCase("rebasePolicyDraft", writes=EDITS, run=rebase_draft),
    UseCase("abandonPolicyDraft", writes=EDITS, run=abandon_draft),
    UseCase("proposePolicy", writes=PROPOSES, run=propose),
    UseCase("withdrawPolicy", writes=PROPOSES, run=withdraw),
    UseCase("rollBackPolicy", writes=PROPOSES, run=roll_back),
    UseCase("approvePolicy", approves=PROPOSES, run=approve),
    UseCase("rejectPolicy", approves=PROPOSES, run=reject),
)
