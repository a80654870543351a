"""GraphQL over HTTP: one endpoint that turns a request into `GraphQLRequest` and back to bytes.

It follows the draft of the GraphQL over HTTP specification and is stricter where that protects
personal data: POST only and nothing in the URL (URLs end up in histories and proxy logs), JSON only
(a form of another site cannot send it), one operation per request, each security header at most
once. An answer depends on nothing but the request and what `answer` returns.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from starlette.types import Message, Receive, Scope, Send

from authz.channel import Channel
from authz.errors import BadInput, Refused
from models.store.failures import trace_of
from schema.request.errors import BAD_USER_INPUT, internal, refusal, refused
from schema.request.limits import DEFAULT_LIMITS, LIMIT_EXCEEDED, Limits, check_nesting, check_texts
from schema.request.message import CHALLENGE, Answer, AnswerRequest, GraphQLRequest

__all__ = ["Answer", "AnswerRequest", "GraphQLEndpoint", "GraphQLRequest"]

BODY_LIMIT = 64 * 1024
"""Bytes. The widest query of use has 6 KB, 200 codes in a variable about 4 KB."""

_NEW_TYPE = "application/graphql-response+json"
_OLD_TYPE = "application/json"

_NOT_PERSISTED = "PersistedQueryNotSupported"
"""Clients that send the hash of a document first look for this text, and then send the document."""

_ONCE = frozenset(
    {
        b"authorization",
        b"purpose-of-use",
        b"case-reference",
        b"privacy-mode",
        b"content-type",
        b"dpop",
        b"client-cert",
    }
)

_ALWAYS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)

_log = logging.getLogger("atena.http")


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the client takes. `only_old`: it rules `application/graphql-response+json` out."""

    media_type: str
    only_old: bool


@lru_cache(maxsize=64)
def accepted(accept: str) -> Accepted | None:
    """The media type to answer with, or None where the client takes neither (406).

    No header and wildcards get `application/json`, which every client reads.
    """
    ranges = [_media_range(part) for part in accept.split(",") if part.strip()]
    if not ranges:
        return Accepted(_OLD_TYPE, only_old=False)
    new, old = _quality(_NEW_TYPE, ranges), _quality(_OLD_TYPE, ranges)
    if max(new, old) <= 0:
        return None
    named = any(media_type == _NEW_TYPE for media_type, _ in ranges)
    if new > old or (new == old and named):
        return Accepted(_NEW_TYPE, only_old=False)
    return Accepted(_OLD_TYPE, only_old=new <= 0)


def _media_range(text: str) -> tuple[str, float]:
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = 1.0
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                quality = float(parameter[2:])
            except ValueError:
                quality = 0.0
    return media_type, quality


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    """The quality of the most specific range that covers the type; 0 where none does."""
    for covering in (media_type, "application/*", "*/*"):
        found = [quality for name, quality in ranges if name == covering]
        if found:
            return max(found)
    return 0.0


@lru_cache(maxsize=64)
def is_json(content_type: str) -> bool:
    """Whether a body of this type is taken: JSON, and UTF-8 where a charset is named."""
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [
        parameter.partition("=")[2].strip('"')
        for parameter in parameters
        if parameter.startswith("charset")
    ]
    return media_type == _OLD_TYPE and all(charset in ("utf-8", "utf8") for charset in charsets)


class _Rejected(Exception):
    """The HTTP request is not one that carries a GraphQL request."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _Gone(Exception):
    """The client went away before its body was complete."""


def _reject(
    status: int,
    message: str,
    code: str = BAD_USER_INPUT,
    headers: tuple[tuple[str, str], ...] = (),
) -> _Rejected:
    return _Rejected(refused(code, message, status)._replace(headers=headers))


class GraphQLEndpoint:
    """The ASGI endpoint. `answer` answers a well-formed request; what it raises is written here.

    `body_limit` in bytes.
    """

    def __init__(
        self, answer: AnswerRequest, body_limit: int = BODY_LIMIT, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._answer = answer
        self._body_limit = body_limit
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        media_type, only_old = _OLD_TYPE, False
        try:
            headers = _headers(scope["headers"])
            takes = accepted(headers.get("accept", ""))
            if takes is not None:
                media_type, only_old = takes.media_type, takes.only_old
            if takes is None and scope["method"] == "POST":
                raise _reject(406, f"The answer is {_NEW_TYPE} or {_OLD_TYPE}.")
            answer = await self.answer(scope, headers, receive)
        except _Gone:
            return
        except _Rejected as rejected:
            answer = rejected.answer
        except Refused as error:
            answer = refusal(error)
        await _send(send, answer, media_type, only_old)

    async def answer(self, scope: Scope, headers: dict[str, str], receive: Receive) -> Answer:
        """Read the request, and answer it."""
        _check_head(scope, headers)
        body = await self._body(headers, receive)
        channel = channel_of(scope, headers)
        return await self._answered(_request(body, headers, self._limits, channel))

    async def _answered(self, request: GraphQLRequest) -> Answer:
        try:
            return await self._answer(request)
        except Refused:
            raise
        except Exception as error:
            failed(error)
            return internal()

    async def _body(self, headers: dict[str, str], receive: Receive) -> bytes:
        limit = self._body_limit
        self._check_length(headers)
        message = await next_part(receive)
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            body = await self._rest(body, receive)
        if len(body) > limit:
            raise too_large(limit)
        return body

    def _check_length(self, headers: dict[str, str]) -> None:
        """Refuse what is said to be too large before any of it is read."""
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:19]) > self._body_limit:
            raise too_large(self._body_limit)

    async def _rest(self, first: bytes, receive: Receive) -> bytes:
        chunks, size, more = [first], len(first), True
        while more and size <= self._body_limit:
            message = await next_part(receive)
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            more = message.get("more_body", False)
        return b"".join(chunks)


async def next_part(receive: Receive) -> Message:
    """The next part of a body; the end of the request where the client went away."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _Gone
    return message


def too_large(limit: int) -> _Rejected:
    """413, to be raised."""
    return _reject(413, f"The request body may have at most {limit} bytes.", LIMIT_EXCEEDED)


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in lower case; a repeated header is joined by commas, a security header is refused."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        if key in headers:
            if name in _ONCE:
                raise _reject(400, f"The header {key} may be given only once.")
            text = f"{headers[key]}, {text}"
        headers[key] = text
    return headers


def check_upload(scope: Scope, headers: dict[str, str]) -> None:
    """Whether it brings a file of text, plain or packed; its bytes say in which encoding."""
    _check_place(scope)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "text/csv":
        raise _reject(415, "The request body must be text/csv.")
    if headers.get("content-encoding", "identity") not in {"identity", "gzip"}:
        raise _reject(415, "The request body is plain, or gzip.")


def _check_place(scope: Scope) -> None:
    if scope["method"] != "POST":
        by_post = (("allow", "POST"),)
        if b"persistedQuery" in scope["query_string"]:
            raise _reject(405, _NOT_PERSISTED, "PERSISTED_QUERY_NOT_SUPPORTED", by_post)
        raise _reject(405, "Send it by POST.", headers=by_post)
    if scope["query_string"]:
        raise _reject(400, "The address takes no parameters: everything goes into the body.")


def _check_head(scope: Scope, headers: dict[str, str]) -> None:
    _check_place(scope)
    if not is_json(headers.get("content-type", "")):
        raise _reject(415, "The request body must be application/json in UTF-8.")
    if headers.get("content-encoding", "identity") != "identity":
        raise _reject(415, "The request body must not be compressed.")


def channel_of(scope: Scope, headers: dict[str, str]) -> Channel:
    """How a request came; who is believed about that is decided later (`authz/channel.py`)."""
    peer = scope.get("client")
    return Channel(peer[0] if peer else None, scope["method"], scope["path"], headers)


def _request(
    body: bytes, headers: dict[str, str], limits: Limits, channel: Channel
) -> GraphQLRequest:
    content = _json_object(body)
    document = content.get("query")
    operation_name = content.get("operationName")
    extensions = _map(content, "extensions")
    if not document and ("persistedQuery" in extensions or "documentId" in content):
        raise BadInput(_NOT_PERSISTED, "PERSISTED_QUERY_NOT_SUPPORTED")
    if not isinstance(document, str):
        raise BadInput("The member query must be a string.")
    if not isinstance(operation_name, str | None):
        raise BadInput("The member operationName must be a string or null.")
    variables = _map(content, "variables")
    check_nesting(variables, limits)
    check_texts((document, operation_name, variables))
    return GraphQLRequest(document, variables, operation_name, headers, channel)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        # Without the cause: its text and its `doc` hold the body.
        raise BadInput("The request body is not JSON.") from None
    if isinstance(content, list):
        raise BadInput("Requests are not taken in batches.")
    if not isinstance(content, dict):
        raise BadInput("The request body must be a JSON object.")
    return content


def _map(content: dict[str, Any], member: str) -> dict[str, Any]:
    value = content.get(member)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadInput(f"The member {member} must be an object or null.")
    return value


async def _send(send: Send, answer: Answer, media_type: str, only_old: bool) -> None:
    status = 200 if answer.request_error and only_old else answer.status
    headers = [
        (b"content-type", _content_type(media_type)),
        (b"content-length", str(len(answer.body)).encode()),
        *_ALWAYS,
    ]
    if status == 401:
        headers.append((b"www-authenticate", CHALLENGE.encode()))
    for name, value in answer.headers:
        headers.append((name.encode("latin-1"), value.encode("latin-1")))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


@lru_cache(maxsize=2)
def _content_type(media_type: str) -> bytes:
    return f"{media_type}; charset=utf-8".encode()


def failed(error: Exception) -> None:
    """Where it happened and its class. Never its text: drivers put values into theirs."""
    _log.error("a request failed with %s\n%s", type(error).__name__, trace_of(error))
