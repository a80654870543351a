"""The search: seeds, the towns that they lead to, and what is done when a pair differs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from hypothesis.errors import FlakyStrategyDefinition

from tests.generate.dice import Dice, shrink
from tests.oracle.beside import Difference, Site
from tests.oracle.towns import BLOCK, Town, Towns, towns_of, wide_towns
from tests.prove.pairs import Coverage, Leak, Pairs
from tests.prove.trail import Trails
from tests.prove.writes import Writings

WRITING = 15
"""Of a hundred conversations, how many hold mutations."""
TRAILING = 10
"""Of a hundred others, of how many the log's readers read."""


class Search:
    """Conversations by seed. `small`: in small towns only; `writing`: how many of a hundred hold
    mutations; `trailing`: of how many of the others the log is read; other options are those of
    `Pairs`."""

    def __init__(
        self,
        towns: Towns,
        *,
        small: bool = False,
        writing: int = WRITING,
        trailing: int = TRAILING,
        **options: Any,
    ) -> None:
        self.towns = towns
        self.coverage = Coverage()
        self._options = options
        self._small = small
        self.writing = writing
        self.trailing = trailing
        self._trails: dict[int, Trails] = {}
        self._pairs: dict[int, Pairs] = {}
        self._writings: dict[int, Writings] = {}

    def run(self, seed: int) -> None:
        """One conversation over all its states. Raises the smallest `Leak` or `Difference`."""
        if seed % BLOCK == 0:
            self.close()
        dice, here = Dice.seeded(seed), self._towns(seed)
        try:
            self._converse(here, dice)
        except (Leak, Difference) as found:
            found.add_note(f"seed {seed}")
            try:
                shrink(dice.rolls, partial(self._converse, here))
            except FlakyStrategyDefinition:
                found.add_note("not made small: had again, the conversation took another turn")
            raise

    def once(self, seed: int) -> None:
        """One conversation, as it is: what is found is not made small."""
        self._converse(self._towns(seed), Dice.seeded(seed))

    def sites(self) -> Sequence[Site]:
        """The towns that are open."""
        return list(self.towns.opened.values())

    def site(self) -> Site:
        """The second town of the first block: five persons under the first policy."""
        return self.towns.site(towns_of(0)[1])

    def close(self) -> None:
        """Close the towns; later seeds open them anew."""
        for pairs in self._pairs.values():
            pairs.stores.close()
        for writings in self._writings.values():
            writings.close()
        self._pairs.clear()
        self._writings.clear()
        self._trails.clear()
        self.towns.close()

    def _towns(self, seed: int) -> Sequence[Town]:
        block = seed // BLOCK
        first = towns_of(block)
        return [*(first[1:2] if self._small else first), *wide_towns(block)]

    def _converse(self, towns: Sequence[Town], dice: Dice) -> None:
        self.towns.converse(self._talk, towns, dice)

    async def _talk(self, site: Site, dice: Dice) -> None:
        if id(site) not in self._pairs:
            self._pairs[id(site)] = Pairs.over(site, self.coverage, **self._options)
            self._writings[id(site)] = Writings(self._pairs[id(site)])
            self._trails[id(site)] = Trails(self._pairs[id(site)])
        if self.writing and dice.chance(self.writing):
            await self._writings[id(site)].converse(dice)
        elif self.trailing and dice.chance(self.trailing):
            await self._trails[id(site)].converse(dice)
        else:
            await self._pairs[id(site)].converse(dice)
