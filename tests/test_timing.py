"""A stopwatch tells no more than the answer does, and would be heard if it did.

A planted delay of 100 µs has to show within as many pairs as are quiet without it. On a machine
whose own noise is louder than that, so much is planted instead. `make prove ARGS=--timing` takes
more pairs.
"""

from __future__ import annotations

import random

import pytest

from tests.prove.processes import searching
from tests.prove.timing import LOUD, measure, signed_rank

PAIRS, PLANTED = 300, 100.0
"""The second in µs."""


@pytest.mark.slow
def test_flipped_pairs_take_the_same_time_and_a_planted_delay_shows() -> None:
    with searching() as search:
        quiet = measure(search, PAIRS)
        planted = max(PLANTED, *(timing.noise["processor"] for timing in quiet.values()))
        late = measure(search, PAIRS, planted=planted / 1e6)
        search.close()
    assert not any(timing.speaks for timing in quiet.values()), quiet
    assert all(timing.speaks for timing in late.values()), (planted, late)


def test_the_statistic_hears_a_shift_and_no_noise() -> None:
    dice = random.Random(1)
    noise = [dice.gauss(0, 300) + dice.choice([*[0] * 8, 5000, -5000]) for _ in range(600)]
    assert abs(signed_rank(noise)) < LOUD
    assert signed_rank([one + 100 for one in noise]) > LOUD
    assert signed_rank([]) == 0
