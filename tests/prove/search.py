"""The search: seeds, the towns that they lead to, and what is done when a pair differs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tests.generate.dice import Dice, shrink
from tests.oracle.beside import Difference, Site
from tests.oracle.towns import BLOCK, Town, Towns, towns_of
from tests.prove.pairs import Coverage, Leak, Pairs


class Search:
    """Conversations by seed. `compare`: each also with the oracle."""

    def __init__(self, towns: Towns, *, compare: bool = True) -> None:
        self.towns = towns
        self.coverage = Coverage()
        self._compare = compare
        self._pairs: dict[int, Pairs] = {}

    def run(self, seed: int) -> None:
        """One conversation over all its states. Raises the smallest `Leak` or `Difference`."""
        dice, here = Dice.seeded(seed), towns_of(seed // BLOCK)
        if seed % BLOCK == 0:
            self.close()
        try:
            self._converse(here, dice)
        except (Leak, Difference) as found:
            found.add_note(f"seed {seed}")
            shrink(dice.rolls, partial(self._converse, here))
            raise

    def close(self) -> None:
        """Close the towns; later seeds open them anew."""
        for pairs in self._pairs.values():
            pairs.stores.close()
        self._pairs.clear()
        self.towns.close()

    def _converse(self, towns: Sequence[Town], dice: Dice) -> None:
        self.towns.converse(self._talk, towns, dice)

    async def _talk(self, site: Site, dice: Dice) -> None:
        if id(site) not in self._pairs:
            self._pairs[id(site)] = Pairs.over(site, self.coverage, compare=self._compare)
        await self._pairs[id(site)].converse(dice)
