"""The bytes that the clients send: every request of a case to both servers, made beforehand.

Both servers are asked for the same places in the same order.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from benchmarks.cases import BULK, PURPOSE, Case
from benchmarks.load import HEAD_END, NextRequest, ask
from benchmarks.town import code

PLACES = 2000
"""Different requests of one case, at most."""

CURSOR = b'"endCursor":"'


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere in the list of addressees: the sealed cursor, and the code that it hides."""

    cursor: str
    code: str


class Atena:
    """Requests to Atena by a signed-in collection clerk."""

    def __init__(self, token: str) -> None:
        self._head = (
            f"POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n"
            f"purpose-of-use: {PURPOSE}\r\ncontent-type: application/json\r\ncontent-length: "
        ).encode()

    def request(self, document: str, variables: dict[str, str | None]) -> bytes:
        """One request."""
        body = orjson.dumps({"query": document, "variables": variables})
        return self._head + str(len(body)).encode() + HEAD_END + body

    def at(self, case: Case, place: Place) -> bytes:
        """A case's request at one place."""
        if "$code" in case.document:
            return self.request(case.document, {"code": place.code})
        return self.request(case.document, {"after": place.cursor})


class Limit:
    """Requests to the limit, whose SQL has one of two forms."""

    def __init__(self, form: str) -> None:
        self._form = form

    def at(self, case: Case, place: Place) -> bytes:
        """A case's request at one place."""
        path = f"/{self._form}/{case.name}/{place.code}"
        return f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()


Target = Atena | Limit


def sign_in(staff_id: str, password: str) -> bytes:
    """The request that opens a session."""
    document = "mutation ($input: SignInInput!) { signIn(input: $input) { token } }"
    body = orjson.dumps(
        {
            "query": document,
            "variables": {"input": {"staffId": staff_id, "password": password}},
        }
    )
    head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def places(port: int, atena: Atena, people: int) -> list[Place]:
    """Places spread over the whole list, found by paging through it; the last page is left out."""
    found: list[Place] = []
    cursor = None
    for _ in range(people // BULK.answered - 1):
        answer = orjson.loads(await ask(port, atena.request(BULK.document, {"after": cursor})))
        page = answer["data"]["addressees"]
        cursor = page["pageInfo"]["endCursor"]
        found.append(Place(cursor, page["nodes"][-1]["code"]))
    return found


def anybody(people: int) -> list[Place]:
    """Addressees by code, spread over the whole town."""
    return [Place("", code(number)) for number in range(1, people + 1, max(people // PLACES, 1))]


def sources(case: Case, target: Target, where: Sequence[Place], count: int) -> list[NextRequest]:
    """One endless source of requests for each connection, the same places for every target."""
    if case.follows:
        return [_following(case, target, _shuffled(where, seed)) for seed in range(count)]
    return [_anywhere(case, target, _shuffled(where, seed)) for seed in range(count)]


def _shuffled(where: Sequence[Place], seed: int) -> list[Place]:
    shuffled = list(where)
    random.Random(seed).shuffle(shuffled)
    return shuffled


def _anywhere(case: Case, target: Target, where: list[Place]) -> NextRequest:
    requests = itertools.cycle([target.at(case, place) for place in where])
    return lambda answer: next(requests)


def _following(case: Case, target: Target, where: list[Place]) -> NextRequest:
    starts: Iterator[Place] = itertools.cycle(where)

    def following(answer: bytes | bytearray | None) -> bytes:
        at = -1 if answer is None else answer.rfind(CURSOR)
        if answer is None or at < 0:
            return target.at(case, next(starts))
        end = answer.index(b'"', at + len(CURSOR))
        text = answer[at + len(CURSOR) : end].decode()
        return target.at(case, Place(text, text) if text else next(starts))

    return following
