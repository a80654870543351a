"""What comes in and what goes out: a GraphQL request and its answer, free of HTTP machinery."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from authz.channel import Channel
from authz.clients.dpop import ALGORITHMS

CHALLENGE = f'DPoP algs="{" ".join(ALGORITHMS)}", Bearer'
"""How to ask again after 401: a department's bound token, or a session (RFC 6750, RFC 9449)."""


class GraphQLRequest(NamedTuple):
    """One well-formed request. `headers` has lower-case names; the security headers occur once.

    `channel` is how it came, for the tokens of departments' clients.
    """

    document: str
    variables: dict[str, Any]
    operation_name: str | None
    headers: Mapping[str, str]
    channel: Channel | None = None


class Answer(NamedTuple):
    """The whole answer to one request: `body` is ready JSON in UTF-8.

    `request_error` marks syntax, validation and variable errors. A client that takes nothing but
    `application/json` gets them with status 200, as GraphQL over HTTP asks for that older type.
    """

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    request_error: bool = False


AnswerRequest = Callable[[GraphQLRequest], Awaitable[Answer]]
