"""What auditor and director read of a conversation in the log, over two states of the town.

Somebody reads what they may; the town is changed so that they may well get another answer, and so
that nobody else comes in by their code alone (`tests/oracle/`); they read the same again. What the
log's readers are shown of the records must be the same. Released is how each request ended: where
that differs, the pair says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from models.facts import CLASSES
from tests.generate.actor import Person
from tests.generate.dice import Dice
from tests.oracle.answer import Request
from tests.prove.change import AnyChange, Changing, make
from tests.prove.observe import body_of
from tests.prove.pairs import Leak, Pairs, Turn, _undone

PAGE = 200
LIST = """query ($after: String, $least: Int!) {
  accessRecords(first: 200, after: $after%s) {
    nodes { %s }
    pageInfo { endCursor hasNextPage }
  }
}"""
SHOWN = """actor kind roles purpose policyVersion persons personCount personsThrough outcome
      operation { normalForm coordinates }"""
EVERYTHING = LIST.replace(", $least: Int!", "") % ("", SHOWN)
COUNTED = LIST % (", filter: {personCount: {gte: $least}}", "actor personCount")
BRANCH = "branch"
GROUP = 5
"""Changes that are kept together, or not at all."""

Records = list[dict[str, Any]]


@dataclass
class Stream:
    """One list of the log that somebody reads on from where they were."""

    person: Person
    purpose: str
    document: str
    variables: dict[str, Any]
    after: str | None = None
    held: frozenset[str] = field(default_factory=frozenset)


class Trails:
    """Conversations over one town, and what the log's readers are shown of them."""

    def __init__(self, pairs: Pairs) -> None:
        # What the server answers is compared with the oracle elsewhere.
        self.pairs = replace(pairs, compare=False)
        auditor = Person(frozenset({"privacy-auditor"}), BRANCH)
        director = Person(frozenset({"collection-director"}), BRANCH)
        self.streams = [
            *(Stream(auditor, "audit", COUNTED, {"least": least}) for least in (1, 2, 3)),
            Stream(auditor, "audit", EVERYTHING, {}),
            Stream(director, "audit", EVERYTHING, {}),
            Stream(director, "policy-administration", EVERYTHING, {}),
        ]
        book = pairs.site.oracle.book
        for stream in self.streams:
            decider = book.decider(stream.person.roles, stream.purpose, False)
            stream.held = frozenset(c for c in decider.seen_in_the_log if CLASSES[c].personal)

    async def converse(self, dice: Dice) -> None:
        """One conversation over the town as it is, and over other states. Raises `Leak`."""
        turns, _ = await self.pairs._begin(dice)
        turns = [turn for turn in turns if turn.sight is not None and turn.sight.reads]
        if not turns:
            return
        self.pairs.coverage.conversations += 1
        told = await self._had(turns)
        named = [turn.sight.by_code() for turn in turns if turn.sight]
        for _ in range(self.pairs.states):
            await self._over_another(dice, turns, named, told)

    async def _had(self, turns: Sequence[Turn]) -> list[Records]:
        """Have the conversation, and read of it what each reader may."""
        for stream in self.streams:
            await self._read_on(stream)
        for turn in turns:
            await self.pairs._observe(turn)
        actors = {(await self.pairs.site.signed(turn.person))[1].id for turn in turns}
        found = []
        for stream in self.streams:
            records = await self._read_on(stream)
            found.append([one for one in records if one["actor"] in actors])
        return found

    async def _read_on(self, stream: Stream) -> Records:
        """The records since somebody last looked; nothing, for whoever may not look."""
        found: Records = []
        while True:
            given = {**stream.variables, "after": stream.after}
            request = Request(stream.document, given, stream.purpose)
            turn = Turn(stream.person, request, body_of(request.document, given), None)
            content = orjson.loads((await self.pairs._observe(turn)).body)
            page = (content.get("data") or {}).get("accessRecords")
            if page is None:
                return []
            found += page["nodes"]
            stream.after = page["pageInfo"]["endCursor"] or stream.after
            if not page["pageInfo"]["hasNextPage"]:
                return found

    async def _over_another(
        self,
        dice: Dice,
        turns: Sequence[Turn],
        named: Sequence[Any],
        told: Sequence[Records],
    ) -> None:
        changes: list[AnyChange] = []
        views = [turn.sight.view() for turn in turns if turn.sight] if self._held() else []
        try:
            self._change(dice, turns, named, changes)
            if not changes:
                return
            same = not views or views == [turn.sight.view() for turn in turns if turn.sight]
            await self.pairs.stores.make(changes)
            again = await self._had(turns)
        finally:
            back = _undone(self.pairs.site.oracle.state, changes)
            await self.pairs.stores.make(back)
        self.pairs.coverage.pairs += 1
        self.pairs.coverage.changes["(the trail)", "read over two states"] += 1
        if _endings(told) != _endings(again):
            return
        for stream, before, after in zip(self.streams, told, again, strict=True):
            if before != after and (same or not stream.held):
                raise Leak(_report(stream, turns, changes, before, after))

    def _held(self) -> bool:
        return any(stream.held for stream in self.streams)

    def _change(
        self,
        dice: Dice,
        turns: Sequence[Turn],
        named: Sequence[Any],
        changes: list[AnyChange],
    ) -> None:
        """Add changes, made, after which the same people are found by their code."""
        state = self.pairs.site.oracle.state
        sights = [turn.sight for turn in turns if turn.sight]
        changing = Changing(dice, state, {what for sight in sights for what, _ in sight.asked})
        for _ in range(dice.pick([1, 3, 6])):
            kept = len(changes)
            # Many at once: most of them change nothing that anybody came in by.
            for _ in range(GROUP):
                change = changing.propose()
                if change is not None:
                    make(state, change)
                    changes.append(change)
            if [sight.by_code() for sight in sights] != named:
                _undone(state, changes[kept:])
                del changes[kept:]


def _endings(told: Sequence[Records]) -> list[list[Any]]:
    """How the requests ended."""
    return [[one.get("outcome") for one in records if "outcome" in one] for records in told]


def _report(
    stream: Stream,
    turns: Sequence[Turn],
    changes: Sequence[AnyChange],
    before: Records,
    after: Records,
) -> str:
    return "\n".join(
        [
            f"{'+'.join(stream.person.roles)} for {stream.purpose} reads in the log of",
            *(
                f"{'+'.join(sorted(turn.person.roles))} for {turn.request.purpose}:"
                f" {turn.body.decode()}"
                for turn in turns
            ),
            "may not see, and yet it matters:",
            *(f"  {change}" for change in changes),
            str(before),
            str(after),
        ]
    )
