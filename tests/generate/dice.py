"""Chance, in one small form: rolled from a seed, which is fast, and shrunk by hypothesis.

The simplest outcome of a roll is always the first: what hypothesis shrinks goes there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase, choices_to_bytes
from hypothesis.internal.reflection import function_digest

Thing = TypeVar("Thing")


class Dice:
    """`below(n)` gives a whole number from 0 to n - 1; everything else follows from it."""

    def __init__(self, below: Callable[[int], int]) -> None:
        self._below = below
        self.rolls: list[int] = []

    @classmethod
    def seeded(cls, seed: int) -> Dice:
        """The same rolls for the same seed."""
        return cls(random.Random(seed).randrange)

    @classmethod
    def drawn(cls, data: st.DataObject) -> Dice:
        """Rolls that hypothesis chooses, remembers and shrinks."""
        return cls(lambda count: data.draw(_numbers(count)))

    def below(self, count: int) -> int:
        """From 0 to `count` - 1."""
        if count <= 1:
            return 0
        self.rolls.append(self._below(count))
        return self.rolls[-1]

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred cases; false is the simple outcome."""
        return self.below(100) >= 100 - percent

    def pick(self, things: Sequence[Thing]) -> Thing:
        """One of them."""
        return things[self.below(len(things))]

    def sample(self, things: Sequence[Thing], most: int) -> list[Thing]:
        """From none to `most` of them, each at most once."""
        left, found = list(things), []
        for _ in range(min(self.below(most + 1), len(left))):
            found.append(left.pop(self.below(len(left))))
        return found


@cache
def _numbers(count: int) -> st.SearchStrategy[Any]:
    return st.integers(0, count - 1)


def shrink(rolls: Sequence[int], test: Callable[[Dice], None]) -> None:
    """Run a test that failed with these rolls again, and again with simpler ones.

    Raises what the simplest failing rolls raise; returns if the test no longer fails.
    """
    failed_once = InMemoryExampleDatabase()

    @settings(
        database=failed_once,
        phases=[Phase.reuse, Phase.shrink],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def again(data: st.DataObject) -> None:
        test(Dice.drawn(data))

    inner = again.hypothesis.inner_test  # type: ignore[attr-defined]
    # What is kept under the plain key counts as shrunk already.
    failed_once.save(function_digest(inner) + b".secondary", choices_to_bytes(rolls))
    again()
