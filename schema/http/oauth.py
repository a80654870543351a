"""The endpoints of tokens: `/oauth/token`, `/oauth/introspect`, `/oauth/revoke`, and what they are.

Requests are forms (RFC 6749, 4.4.2), answers and errors JSON (5.1, 5.2). No error repeats a value
of the request, and every one is on the log.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from authz.channel import Channel
from authz.clients import assertion as client_assertion
from authz.clients import dpop
from authz.clients.tokens import Form, OAuthRefused, Tokens
from authz.errors import BadInput, Refused, TooManyRequests, Unavailable
from authz.scopes import ACTIONS, BUSINESS, RESOURCES
from schema.http.graphql import channel_of, failed

FORM_LIMIT = 32 * 1024
"""Bytes: an assertion and two hundred scopes are less."""

_HEADERS = {
    "cache-control": "no-store",
    "pragma": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
_FORM = "application/x-www-form-urlencoded"
_ONCE = ("authorization", "dpop", "client-cert", "content-type")

TokensOf = Callable[[], Tokens]
Endpoint = Callable[[Tokens, Form, Channel], Awaitable[dict[str, Any] | None]]


def oauth_routes(tokens: TokensOf) -> list[Route]:
    """The routes. `tokens` gives the worker's use cases, once it has started."""

    def route(path: str, name: str, endpoint: Endpoint) -> Route:
        async def answer(request: Request) -> Response:
            return await _answer(tokens(), name, endpoint, request)

        return Route(path, answer, methods=["POST"])

    async def metadata(request: Request) -> Response:
        return written(200, server_metadata(tokens()))

    return [
        route("/oauth/token", "token", _token),
        route("/oauth/introspect", "introspect", Tokens.introspect),
        route("/oauth/revoke", "revoke", Tokens.revoke),
        Route("/.well-known/oauth-authorization-server", metadata, methods=["GET"]),
    ]


def server_metadata(tokens: Tokens) -> dict[str, Any]:
    """What this authorization server does (RFC 8414, 2)."""
    issuer = tokens.front.public_url
    methods = ["private_key_jwt", "client_secret_jwt"]
    if tokens.basic:
        methods.append("client_secret_basic")
    algorithms = [*client_assertion.PRIVATE_KEY_ALGORITHMS, *client_assertion.SECRET_ALGORITHMS]
    metadata: dict[str, Any] = {
        "issuer": issuer,
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": [
            f"{BUSINESS}:{resource}:{action}"
            for resource in sorted(RESOURCES)
            for action in ACTIONS
        ],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": True,
    }
    for name, path in (
        ("token", "/oauth/token"),
        ("introspection", "/oauth/introspect"),
        ("revocation", "/oauth/revoke"),
    ):
        metadata[f"{name}_endpoint"] = issuer + path
        metadata[f"{name}_endpoint_auth_methods_supported"] = methods
        metadata[f"{name}_endpoint_auth_signing_alg_values_supported"] = algorithms
    return metadata


async def _token(tokens: Tokens, form: Form, channel: Channel) -> dict[str, Any]:
    issued = await tokens.issue(form, channel)
    return {
        "access_token": issued.token,
        "token_type": issued.token_type,
        "expires_in": issued.expires_in,
        "scope": issued.scope,
    }


async def _answer(tokens: Tokens, name: str, endpoint: Endpoint, request: Request) -> Response:
    try:
        try:
            form, headers = await _form(request), headers_of(request)
        except (OAuthRefused, BadInput) as refused:
            await tokens.refused(name, "MALFORMED", channel_of(request.scope, {}))
            raise _malformed(refused.message) from None
        content = await endpoint(tokens, form, channel_of(request.scope, headers))
    except ClientDisconnect:
        return Response(status_code=400)
    except (OAuthRefused, Refused) as error:
        return oauth_error(error)
    except Exception as error:
        failed(error)
        return written(500, {"error": "server_error"})
    return written(200, {} if content is None else content)


def oauth_error(error: OAuthRefused | Refused) -> Response:
    """A refusal as RFC 6749 (5.2) writes it."""
    headers: dict[str, str] = {}
    code = error.code
    if isinstance(error, Unavailable | TooManyRequests):
        code = "temporarily_unavailable"
    if isinstance(error, TooManyRequests):
        headers["retry-after"] = str(error.retry_after)
    if error.status == 401:
        headers["www-authenticate"] = 'Basic realm="oauth"'
    return written(error.status, {"error": code, "error_description": error.message}, headers)


def written(
    status: int, content: dict[str, Any], headers: dict[str, str] | None = None
) -> Response:
    """A JSON answer that nobody keeps."""
    return Response(orjson.dumps(content), status, _HEADERS | (headers or {}), "application/json")


def headers_of(request: Request) -> dict[str, str]:
    """Headers by name in lower case; one that decides who asks may stand there once.

    Raises `BadInput`.
    """
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        if name in headers:
            if name in _ONCE:
                raise BadInput("a header is given twice")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise _malformed(f"the body is {_FORM}")
    if request.url.query:
        raise _malformed("the address takes no parameters")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_LIMIT:
            raise _malformed(f"the body may have at most {FORM_LIMIT} bytes")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=20,
        )
    except ValueError:
        raise _malformed("the body is no form") from None
    form = {name: value for name, value in pairs if value}
    if len(dict(pairs)) != len(pairs):
        raise _malformed("a parameter is given twice")
    return form


def _malformed(message: str) -> OAuthRefused:
    return OAuthRefused("invalid_request", "MALFORMED", message)
