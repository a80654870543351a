"""The HTTP endpoint by itself: what it takes, what it refuses, and with which bytes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import orjson
import pytest
from starlette.types import Message, Scope

from authz.errors import BadInput, Unauthenticated, Unavailable
from schema.http.graphql import Answer, GraphQLEndpoint, GraphQLRequest, accepted

NEW = "application/graphql-response+json"
OLD = "application/json"
DATA = b'{"data":{"__typename":"Query"}}'
GOOD: dict[str, Any] = {"query": "{ __typename }"}


class Recorder:
    """An answer function that keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[GraphQLRequest] = []
        self.answer: Answer | Exception = Answer(200, DATA)

    async def __call__(self, request: GraphQLRequest) -> Answer:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def client(recorder: Recorder) -> AsyncIterator[httpx2.AsyncClient]:
    endpoint = GraphQLEndpoint(recorder, body_limit=1000)
    transport = httpx2.ASGITransport(endpoint)
    async with httpx2.AsyncClient(transport=transport, base_url="http://atena") as client:
        yield client


def code_of(response: httpx2.Response) -> str:
    body = response.json()
    assert set(body) == {"errors"}
    code: str = body["errors"][0]["extensions"]["code"]
    return code


async def test_a_request_reaches_the_answer_function(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    asked = {"query": "query Q($a: Int) { x }", "variables": {"a": 1}, "operationName": "Q"}
    response = await client.post(
        "/", json=asked, headers={"Authorization": "Bearer t", "Purpose-Of-Use": "consultation"}
    )
    assert response.content == DATA
    (request,) = recorder.requests
    assert request.document == asked["query"]
    assert request.variables == {"a": 1}
    assert request.operation_name == "Q"
    assert request.headers["authorization"] == "Bearer t"
    assert request.headers["purpose-of-use"] == "consultation"


HASH = {"persistedQuery": {"version": 1, "sha256Hash": "ecf4edb46db40b5132295c0291d62fb6"}}


@pytest.mark.parametrize(
    "asked",
    [
        {"extensions": HASH},
        {"extensions": HASH, "operationName": "Q", "variables": {"a": 1}},
        {"query": None, "extensions": HASH},
        {"query": "", "extensions": HASH},
        {"extensions": {"persistedQuery": True}},
        {"documentId": "sha256:ecf4edb46db40b51"},
    ],
)
@pytest.mark.parametrize("accept", [NEW, OLD, "*/*"])
async def test_a_client_that_sends_a_hash_first_is_told_to_send_the_document(
    asked: dict[str, Any], accept: str, client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    """In the words for which Apollo Client and urql look."""
    response = await client.post("/", json=asked, headers={"Accept": accept})
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["message"] == "PersistedQueryNotSupported"
    assert error["extensions"] == {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}
    assert not recorder.requests
    assert (await client.post("/", json={**GOOD, "extensions": HASH})).content == DATA


async def test_a_hash_in_the_url_is_answered_in_the_same_words(client: httpx2.AsyncClient) -> None:
    response = await client.get("/", params={"extensions": orjson.dumps(HASH).decode()})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert code_of(response) == "PERSISTED_QUERY_NOT_SUPPORTED"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_only_post(client: httpx2.AsyncClient, recorder: Recorder, method: str) -> None:
    response = await client.request(method, "/?query={__typename}", headers={"Accept": NEW})
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert not recorder.requests


async def test_nothing_is_taken_from_the_address(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    response = await client.post("/?operationName=Q", json=GOOD)
    assert (response.status_code, code_of(response)) == (400, "BAD_USER_INPUT")
    assert not recorder.requests


@pytest.mark.parametrize(
    ("accept", "media_type", "only_old"),
    [
        ("", OLD, False),
        ("*/*", OLD, False),
        ("application/*", OLD, False),
        (NEW, NEW, False),
        (OLD, OLD, True),
        (f"{NEW}, {OLD};q=0.9", NEW, False),
        (f"{OLD}, {NEW}", NEW, False),
        (f"{NEW};q=0.1, {OLD}", OLD, False),
        (f"{OLD}, text/plain, */*", OLD, False),
        (f"{NEW};charset=utf-8", NEW, False),
        ("text/html, application/json;q=0.5", OLD, True),
        (f"{NEW};q=0, */*", OLD, True),
        ("Application/JSON", OLD, True),
    ],
)
def test_accepted(accept: str, media_type: str, only_old: bool) -> None:
    found = accepted(accept)
    assert found is not None
    assert (found.media_type, found.only_old) == (media_type, only_old)


@pytest.mark.parametrize("accept", ["text/html", "application/xml", f"{OLD};q=0", f"{OLD};q=x"])
async def test_not_acceptable(client: httpx2.AsyncClient, recorder: Recorder, accept: str) -> None:
    response = await client.post("/", json=GOOD, headers={"Accept": accept})
    assert (response.status_code, code_of(response)) == (406, "BAD_USER_INPUT")
    assert not recorder.requests


@pytest.mark.parametrize("accept", [NEW, OLD, "*/*"])
async def test_the_content_type_is_the_accepted_one(
    client: httpx2.AsyncClient, accept: str
) -> None:
    response = await client.post("/", json=GOOD, headers={"Accept": accept})
    expected = NEW if accept == NEW else OLD
    assert response.headers["content-type"] == f"{expected}; charset=utf-8"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=shift_jis",
        "application/jsonp",
        "text/plain; application/json",
    ],
)
async def test_only_json_is_taken(
    client: httpx2.AsyncClient, recorder: Recorder, content_type: str
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await client.post("/", content=orjson.dumps(GOOD), headers=headers)
    assert (response.status_code, code_of(response)) == (415, "BAD_USER_INPUT")
    assert not recorder.requests


@pytest.mark.parametrize(
    "content_type",
    ["application/json", 'Application/JSON; Charset="UTF-8"', "application/json;charset=utf-8"],
)
async def test_json_in_every_spelling(client: httpx2.AsyncClient, content_type: str) -> None:
    response = await client.post(
        "/", content=orjson.dumps(GOOD), headers={"Content-Type": content_type}
    )
    assert response.status_code == 200


async def test_no_compressed_body(client: httpx2.AsyncClient) -> None:
    response = await client.post("/", json=GOOD, headers={"Content-Encoding": "gzip"})
    assert response.status_code == 415


@pytest.mark.parametrize(
    "name", ["Authorization", "Purpose-Of-Use", "Case-Reference", "Privacy-Mode"]
)
async def test_a_security_header_occurs_once(
    client: httpx2.AsyncClient, recorder: Recorder, name: str
) -> None:
    twice = [(name, "a"), (name.lower(), "a")]
    response = await client.post("/", json=GOOD, headers=twice)
    assert (response.status_code, code_of(response)) == (400, "BAD_USER_INPUT")
    assert not recorder.requests


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'"query"',
        b"null",
        b'[{"query":"{ __typename }"}]',
        b"{}",
        b'{"query":null}',
        b'{"query":{"a":1}}',
        b'{"query":"{a}","variables":"x"}',
        b'{"query":"{a}","variables":[1]}',
        b'{"query":"{a}","extensions":0}',
        b'{"query":"{a}","operationName":7}',
        b'{"query":"{a}","variables":{"a":NaN}}',
        b'{"query":"{a}","variables":{"a":"\\ud800"}}',
        b'{"query":"{a}","variables":{"a":"x\\u0000y"}}',
        b'{"query":"{a}","variables":{"a":[{"x\\u0000y":1}]}}',
        b'{"query":"{a}","operationName":"\\u0000"}',
        b'{"query":"{a} #\\u0000"}',
        '{"query":"{宛名}"}'.encode("cp932"),
    ],
)
async def test_an_ill_formed_request(
    client: httpx2.AsyncClient, recorder: Recorder, body: bytes
) -> None:
    for accept in (NEW, OLD):
        response = await client.post(
            "/", content=body, headers={"Content-Type": OLD, "Accept": accept}
        )
        assert (response.status_code, code_of(response)) == (400, "BAD_USER_INPUT")
    assert not recorder.requests


@pytest.mark.parametrize("member", ["variables", "operationName", "extensions"])
async def test_a_member_may_be_null(client: httpx2.AsyncClient, member: str) -> None:
    response = await client.post("/", json=GOOD | {member: None})
    assert response.status_code == 200


async def test_the_body_is_bounded(client: httpx2.AsyncClient, recorder: Recorder) -> None:
    async def in_chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    for content in (b" " * 1001, in_chunks()):
        response = await client.post("/", content=content, headers={"Content-Type": OLD})
        assert (response.status_code, code_of(response)) == (413, "LIMIT_EXCEEDED")
    assert not recorder.requests


async def test_an_endless_body_is_not_read_to_its_end(recorder: Recorder) -> None:
    read: list[int] = []
    sent: list[Message] = []

    async def receive() -> Message:
        read.append(1)
        return {"type": "http.request", "body": b" " * 100, "more_body": len(read) < 1000}

    async def send(message: Message) -> None:
        sent.append(message)

    await GraphQLEndpoint(recorder, body_limit=1000)(_scope(), receive, send)
    assert sent[0]["status"] == 413
    assert len(read) < 20


async def test_a_body_in_chunks_is_put_together(client: httpx2.AsyncClient) -> None:
    async def in_chunks() -> AsyncIterator[bytes]:
        for byte in orjson.dumps(GOOD):
            yield bytes([byte])

    response = await client.post("/", content=in_chunks(), headers={"Content-Type": OLD})
    assert response.content == DATA


def _scope() -> Scope:
    return {
        "type": "http",
        "method": "POST",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }


async def test_a_client_that_goes_away_is_not_answered(recorder: Recorder) -> None:
    sent: list[Message] = []
    incoming: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await GraphQLEndpoint(recorder)(_scope(), receive, send)
    assert not sent
    assert not recorder.requests


async def test_variables_nest_within_bounds(client: httpx2.AsyncClient) -> None:
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    response = await client.post("/", json=GOOD | {"variables": {"a": deep}})
    assert (response.status_code, code_of(response)) == (400, "LIMIT_EXCEEDED")


async def test_headers_that_keep_the_answer_private(client: httpx2.AsyncClient) -> None:
    for response in (await client.post("/", json=GOOD), await client.get("/")):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "access-control-allow-origin" not in response.headers


async def test_equal_requests_get_equal_bytes(client: httpx2.AsyncClient) -> None:
    for body in (orjson.dumps(GOOD), b"{", b"[]"):
        answers = {
            (response.status_code, response.content, tuple(response.headers.raw))
            for response in [
                await client.post("/", content=body, headers={"Content-Type": OLD})
                for _ in range(3)
            ]
        }
        assert len(answers) == 1


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unauthenticated("Sign in."), 401, "UNAUTHENTICATED"),
        (BadInput("No.", "CURSOR_INVALID"), 400, "CURSOR_INVALID"),
        (Unavailable("Later."), 503, "UNAVAILABLE"),
    ],
)
async def test_a_refusal_keeps_its_status_in_both_media_types(
    client: httpx2.AsyncClient, recorder: Recorder, error: Exception, status: int, code: str
) -> None:
    recorder.answer = error
    for accept in (NEW, OLD):
        response = await client.post("/", json=GOOD, headers={"Accept": accept})
        assert (response.status_code, code_of(response)) == (status, code)
        challenge = 'DPoP algs="ES256 EdDSA", Bearer' if status == 401 else None
        assert response.headers.get("www-authenticate") == challenge


async def test_request_errors_are_200_for_those_who_take_only_the_older_type(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    recorder.answer = Answer(400, b'{"errors":[]}', request_error=True)
    statuses = [
        (await client.post("/", json=GOOD, headers={"Accept": accept})).status_code
        for accept in (NEW, OLD, "*/*", f"{NEW}, {OLD}")
    ]
    assert statuses == [400, 200, 400, 400]


def _deep() -> None:
    individual_number = "123456789018"
    raise ValueError(f"duplicate key {individual_number}")


async def test_the_unforeseen_tells_nothing(
    client: httpx2.AsyncClient, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.answer = _raised(_deep)
    with caplog.at_level(logging.DEBUG):
        response = await client.post("/", json=GOOD)
    assert response.status_code == 500
    assert response.json() == {
        "errors": [{"message": "Internal error.", "extensions": {"code": "INTERNAL"}}]
    }
    assert "ValueError" in caplog.text
    assert "_deep" in caplog.text
    assert "123456789018" not in caplog.text


def _raised(function: Callable[[], None]) -> Exception:
    try:
        function()
    except ValueError as error:
        return error
    raise AssertionError
