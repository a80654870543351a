"""What one signed-in person can fill: every document that they have not sent before is kept, within
a bound that is reckoned in bytes, and in their own share of it."""

from __future__ import annotations

import contextlib
import gc
import tracemalloc
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import resolvers.read.pipeline
from authz.redis.embedded import EmbeddedRedis
from resolvers.read.cache import Bounded
from resolvers.read.pipeline import Reads
from schema.request.answer import Answerer
from tests.conftest import new_sqlite_file
from tests.world import World, make_stores, running, settings_of

FIELDS = "code fullName residence { address } collections(first: 2) { nodes { dueOn taxAmount } }"
SHAPES = {
    "an alias": f"{{ a%d: addressees(first: 5) {{ totalCount nodes {{ {FIELDS} }} }} }}",
    "a literal": '{ addressee(code: "%015d") { code fullName } }',
    "a page": f"{{ addressees(first: 1%d) {{ nodes {{ {FIELDS} }} }} }}",
    "a name": f"query N%d {{ addressees(first: 2) {{ edges {{ cursor node {{ {FIELDS} }} }} }} }}",
    "many operands": (
        "{ addressees(first: 1, filter: { or: ["
        + " ".join(f'{{ code: {{ eq: "{n}" }} }}' for n in range(20))
        + ' { code: { eq: "%d" } }] }) { nodes { code } } }'
    ),
    "fragments": f"{{ a: addressees {{ ...P }} b%d: addressees {{ ...P }} }}"
    f" fragment P on AddresseeConnection {{ nodes {{ {FIELDS} }} }}",
    "privacy": "{ a%d: addressees(first: 1)"
    " { nodes { privacy { hidden { field reason purposes } } } } }",
    "comments": "{ viewer { id } } # " + "x" * 500 + "%d",
}


class Worker(NamedTuple):
    """A worker, from outside and inside."""

    world: World
    answerer: Answerer

    async def send(self, staff_id: str, documents: Iterable[str]) -> None:
        for document in documents:
            answer = await self.world.ask(staff_id, "consultation", document)
            assert answer.status_code == 200, answer.text

    @contextlib.contextmanager
    def room(self, documents: int, plans: int, nodes: int) -> Iterator[list[Bounded[Any]]]:
        """With caches of these weights, all empty."""
        reads = self.answerer._reads
        caches: list[Bounded[Any]] = [Bounded(documents), Bounded(plans), Bounded(nodes)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.answerer, "_operations", caches[0])
            patch.setattr(reads, "_ready", caches[1])
            patch.setattr(resolvers.read.pipeline, "_parsed", caches[2])
            yield caches


@pytest.fixture(scope="module")
async def worker(
    valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Worker]:
    """On SQLite alone: plans are of the same size on both."""
    folder = tmp_path_factory.mktemp("memory")
    stores = new_sqlite_file(folder, None), new_sqlite_file(folder, None)
    passwords = await make_stores(*stores, folder)
    found: list[Answerer] = []
    made = Answerer.__init__

    def remember(self: Answerer, *given: Any, **named: Any) -> None:
        found.append(self)
        made(self, *given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Answerer, "__init__", remember)
        async with running(settings_of(*stores, valkey.url, folder), passwords) as world:
            yield Worker(world, found[0])


@contextlib.contextmanager
def traced() -> Iterator[None]:
    tracemalloc.start(1)
    try:
        yield
    finally:
        tracemalloc.stop()


NAMES = tracemalloc.Filter(False, "*/graphql/language/visitor.py")
"""Names of methods that the interpreter remembers, some thousands whatever is asked."""


def kept() -> int:
    gc.collect()
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([NAMES]).traces)


def many(shape: str, first: int, last: int) -> Iterator[str]:
    return (SHAPES[shape] % n for n in range(first, last))


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_document_weighs_what_it_keeps(shape: str, worker: Worker) -> None:
    """What the caches reckon is what the memory holds."""
    with worker.room(10**8, 10**8, 10**8) as caches, traced():
        await worker.send("sato", many(shape, 10, 13))
        before, reckoned = kept(), sum(cache.weight for cache in caches)
        await worker.send("sato", many(shape, 13, 33))
        grown = kept() - before
        reckoned = sum(cache.weight for cache in caches) - reckoned
    assert reckoned / 2 <= grown <= 1.2 * reckoned + 10_000


async def test_new_documents_for_ever_take_no_more_memory(worker: Worker) -> None:
    with worker.room(50_000, 500_000, 50_000), traced():
        await worker.send("sato", many("an alias", 0, 40))
        full = kept()
        await worker.send("sato", many("an alias", 40, 100))
        assert kept() < full + 100_000


async def test_one_clerk_s_documents_leave_the_plans_of_others(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[str] = []
    ready = Reads.ready

    def counted(self: Reads, *given: Any) -> Any:
        planned.append("a plan")
        return ready(self, *given)

    with worker.room(50_000, 500_000, 50_000):
        await worker.send("sato", many("a page", 1, 2))
        await worker.send("takahashi", many("a page", 1, 3))
        await worker.send("sato", many("an alias", 0, 80))
        monkeypatch.setattr(Reads, "ready", counted)
        await worker.send("takahashi", many("a page", 1, 3))
        assert not planned
        await worker.send("sato", many("an alias", 0, 1))
        assert planned


async def test_what_is_forgotten_is_free_at_once(worker: Worker) -> None:
    """No walk of the collector is needed for it: it is no cycle."""
    with worker.room(10**8, 10**8, 10**8) as caches:
        await worker.send("sato", [shape % 10 for shape in SHAPES.values()])
        gc.collect()
        gc.disable()
        try:
            for cache in caches:
                cache.clear()
            assert gc.collect() == 0
        finally:
            gc.enable()


BOUND = 10
USES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 30), st.integers(1, 4)), max_size=200
)


@given(USES)
def test_a_cache_is_bounded_and_knows_what_it_weighs(uses: list[tuple[str, int, int]]) -> None:
    cache: Bounded[int] = Bounded(BOUND)
    for author, key, weight in uses:
        if cache.get(key, author) is None:
            cache.put(key, weight, weight, author)
            assert cache.get(key, author) == weight
        left = [found for key in range(31) if (found := cache.get(key)) is not None]
        assert cache.weight == sum(left) <= BOUND
        assert len(cache) == len(left)


@given(st.integers(1, 4), st.integers(0, 100))
def test_who_brings_much_pushes_out_their_own(held: int, brought: int) -> None:
    cache: Bounded[str] = Bounded(BOUND)
    for key in range(held):
        cache.put(("a little", key), "kept", 1, "a")
    for key in range(brought):
        cache.put(("much", key), "kept", 1, "b")
    assert all(cache.get(("a little", key), "a") for key in range(held))


def test_what_two_use_is_everybody_s_up_to_half_of_the_room() -> None:
    cache: Bounded[str] = Bounded(BOUND)
    for key in range(8):
        cache.put(key, "kept", 1, "a")
        cache.get(key, "b")
    for key in range(100):
        cache.put(("new", key), "kept", 1, "c")
    assert [key for key in range(8) if cache.get(key, "a")] == [3, 4, 5, 6, 7]
