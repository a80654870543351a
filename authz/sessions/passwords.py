"""Passwords: argon2id, computed aside from the event loop, with one cost for every sign-in.

`STRONG` is the second recommended option of RFC 9106 §4 (3 passes, 64 MiB, 4 lanes): about 0.17 s
of CPU per verification, above every figure of the OWASP password storage sheet. At most
`CONCURRENCY` run at once (2 x 64 MiB) and `QUEUE` wait, so a flood of sign-ins can neither exhaust
memory nor starve the answers. `QUICK` is for tests and the demo town alone.
"""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from authz.errors import Unavailable

LONGEST = 256
CONCURRENCY = 2
QUEUE = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """Parameters of argon2id: passes, memory in KiB, lanes."""

    passes: int
    memory: int
    lanes: int


STRONG = Cost(passes=3, memory=65_536, lanes=4)
QUICK = Cost(passes=1, memory=1_024, lanes=1)


def fresh_password() -> str:
    """A password to hand out: 96 random bits in groups that can be read aloud."""
    return "-".join(secrets.token_hex(2) for _ in range(6))


class Passwords:
    """Hashes and verifies at one cost.

    Every stored hash must have been made at this cost too: an unknown id is answered in the time
    that it takes.
    """

    def __init__(self, cost: Cost = STRONG) -> None:
        self._hasher = PasswordHasher(cost.passes, cost.memory, cost.lanes)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))
        self._threads = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="argon2")
        self._pending = 0

    async def hash(self, password: str) -> str:
        """The hash to store. Raises `ValueError` above `LONGEST` characters."""
        if len(password) > LONGEST:
            raise ValueError(f"a password has at most {LONGEST} characters")
        return await self._aside(lambda: self._hasher.hash(_bytes(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password belongs to the stored hash.

        `stored=None` (nobody has this id), and a text that is no hash (nobody has the password),
        cost the same and are never true. A password above
        `LONGEST` characters is refused before any work. Raises `Unavailable` in a flood.
        """
        if len(password) > LONGEST:
            return False
        genuine = await self._aside(lambda: self._matches(stored or self._nobody, password))
        return genuine and stored is not None

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, _bytes(password))
        except VerificationError:
            return False
        except InvalidHashError:
            # A record without a password: it must take as long to say so.
            self._matches(self._nobody, password)
            return False

    async def _aside(self, work: Callable[[], T]) -> T:
        if self._pending >= CONCURRENCY + QUEUE:
            raise Unavailable("too many sign-ins at once")
        self._pending += 1
        future = self._threads.submit(work)
        # A cancelled caller leaves its thread running: it counts until the work has ended.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda done: self._count_down(loop, done))
        return await asyncio.wrap_future(future)

    def _count_down(self, loop: asyncio.AbstractEventLoop, _done: Future[T]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._one_less)

    def _one_less(self) -> None:
        self._pending -= 1


def _bytes(password: str) -> bytes:
    """One spelling for what a keyboard may compose in two ways (NIST SP 800-63B: NFKC)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
