"""Server and oracle say the same, byte for byte, to random requests over random towns.

The oracle (`tests/oracle/`) is graphql-core's ordinary execution with a naive resolver for every
field. What differs is printed as a request ready to send, made small by hypothesis.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest
import redis

from authz.redis.embedded import EmbeddedRedis
from tests.conftest import NewDatabase
from tests.generate.dice import Dice, shrink
from tests.oracle.beside import Difference, converse
from tests.oracle.towns import BLOCK, Towns, towns_of


@pytest.fixture(scope="module")
def towns(
    new_database: NewDatabase, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Towns]:
    """No town yet."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    with asyncio.Runner() as runner:
        towns = Towns(new_database, valkey.url, tmp_path_factory.mktemp("towns"), runner)
        yield towns
        towns.close()


def seeds() -> range:
    """The conversations to have: `ATENA_TEST_SEEDS=1000:50000`, else a bounded slice."""
    first, _, last = os.environ.get("ATENA_TEST_SEEDS", "900:1500").partition(":")
    return range(int(first), int(last))


@pytest.mark.slow
def test_server_and_oracle_say_the_same(towns: Towns) -> None:
    for seed in seeds():
        if seed % BLOCK == 0:
            towns.close()
        dice, here = Dice.seeded(seed), towns_of(seed // BLOCK)
        try:
            towns.converse(converse, here, dice)
        except Difference as difference:
            difference.add_note(f"seed {seed}")
            shrink(dice.rolls, partial(towns.converse, converse, here))
            raise
    towns.close()
    assert_populated(towns.counts)


def assert_populated(counts: Counter[str]) -> None:
    """The agreement is about something: every rule of the view was met, and more than once."""
    rare = [name for name, least in AT_LEAST.items() if counts[name] < least]
    assert not rare, f"{rare} in {dict(counts)}"
    assert counts["with rows"] > counts["answer"] // 3, dict(counts)


AT_LEAST = {
    "value": 800,
    "row": 300,
    "carried": 30,  # pages that a cursor asked for
    "hidden": 150,
    "withheld": 30,  # cells
    "left out": 1,  # rows about a covered person
    "bottom": 10,  # operands
    "despite": 2,  # cells and rows read in spite of the cover: by the coordinator alone
    "masked": 2,
    "number": 1,
    "obligation": 100,
    "told": 20,  # in the data
    "OPERAND_HIDDEN": 20,
    "BAD_USER_INPUT": 5,
    "CURSOR_INVALID": 1,
    "FIELD_HIDDEN": 2,
    "LIMIT_EXCEEDED": 1,
    "PURPOSE_NOT_ALLOWED": 2,
    "PURPOSE_REQUIRED": 1,
}
"""What has to occur in a slice, so that nothing is said about nothing."""
