"""The content of a transfer: `GET /transfers/CODE`, as NDJSON, as CSV, or as a list to print.

A request that broke off is resumed with `Range` and `If-Range` (RFC 9110, 13 and 14). `Repr-Digest`
(RFC 9530) is the SHA-256 of the whole, whatever part is sent. An answer that must not go on breaks
off: it never looks complete.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from authz.access_log import AccessLog, Kind, LoggedOperation, Record
from authz.actor import Actor
from authz.channel import Channel
from authz.errors import BadInput, Refused, TooManyRequests
from authz.policy.policy import Policy
from authz.policy.store import PolicyStore
from authz.refusals import Refusals
from authz.sessions.revocations import Revocations
from authz.sessions.session import Touched
from authz.staff.sign_in import SignIn
from resolvers.read.pipeline import Terms
from resolvers.transfer.delivery import Asked, Delivery, Form, TransferFiles, Undeliverable
from schema.http.graphql import channel_of, failed
from schema.http.oauth import headers_of, written
from schema.request.answer import bearer_token, terms_of
from schema.request.message import CHALLENGE

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_CODE = re.compile(r"[a-z0-9-]{1,100}")
_PRIVATE = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "vary": "Accept, Authorization, Purpose-Of-Use",
}


@dataclass(frozen=True, slots=True)
class TransferServices:
    """What the endpoint needs of its worker."""

    sign_in: SignIn
    policies: PolicyStore
    revocations: Revocations
    files: TransferFiles
    log: AccessLog
    refusals: Refusals


def transfer_routes(services: Callable[[], TransferServices]) -> list[Route]:
    """The route. `services` gives the worker's, once it has started."""

    async def fetch(request: Request) -> Response:
        try:
            return await _fetch(services(), request)
        except (Undeliverable, Refused) as error:
            return error_answer(error)
        except Exception as error:
            failed(error)
            return written(500, {"error": "server_error"})

    return [Route("/transfers/{code}", fetch, methods=["GET", "HEAD"])]


async def _fetch(services: TransferServices, request: Request) -> Response:
    asked = await _asked(services, request)
    delivery = await services.files.open(asked)
    if asked.form is Form.PRINT:
        if request.method == "HEAD":
            return Response(headers=_PRIVATE, media_type=asked.form.value)
        return await _streamed(services.files.print(asked, delivery), 200, _media(asked.form), {})
    headers = {
        "etag": delivery.etag,
        "accept-ranges": "bytes",
        "repr-digest": f"sha-256=:{base64.b64encode(delivery.digest).decode()}:",
    }
    chosen = _range(request, delivery)
    if chosen is None:
        return Response(
            status_code=416,
            headers=_PRIVATE | headers | {"content-range": f"bytes */{delivery.size}"},
        )
    start, stop = chosen
    part = (start, stop) != (0, delivery.size)
    if part:
        headers["content-range"] = f"bytes {start}-{stop - 1}/{delivery.size}"
    headers["content-length"] = str(stop - start)
    status = 206 if part else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=_PRIVATE | headers, media_type=asked.form.value)
    content = services.files.stream(asked, delivery, start, stop)
    return await _streamed(content, status, _media(asked.form), headers)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, under which policy, and what they state."""

    touched: Touched
    policy: Policy
    terms: Terms

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return self.touched.actor


async def who_asks(
    services: TransferServices, request: Request, kind: Kind, operation: LoggedOperation
) -> Asking:
    """Who asks, as for GraphQL; a client's token states its purpose. Raises `Refused`, after it is
    on the log."""
    channel = channel_of(request.scope, {})
    try:
        channel = channel_of(request.scope, headers_of(request))
        return await _who_asks(services, channel)
    except Refused as refused:
        record = Record(kind=kind, outcome=refused.code)
        await services.refusals.record(channel, record, operation)
        raise


async def _who_asks(services: TransferServices, channel: Channel) -> Asking:
    headers = channel.headers
    touched = await services.sign_in.authenticate(bearer_token(headers), channel)
    policy = await services.policies.at_least(touched.policy_version)
    terms = terms_of(headers)
    limits = touched.actor.limits
    if limits is not None and terms.purpose is None:
        terms = Terms(limits.purpose, terms.case_reference, terms.mode)
    return Asking(touched, policy, terms)


async def _asked(services: TransferServices, request: Request) -> Asked:
    form = _form(request.headers.get("accept", ""))
    refused = LoggedOperation.of("transfer:refused", ())
    asking = await who_asks(services, request, Kind.OUTPUT, refused)
    code = str(request.path_params["code"])
    return Asked(
        code if _CODE.fullmatch(code) else "-",
        form,
        asking.actor,
        asking.policy,
        asking.terms,
        lambda: services.revocations.check(asking.touched.session),
    )


def _form(accept: str) -> Form:
    """What the client takes: the first that it names, NDJSON where it names none."""
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    for name in named:
        if name in {form.value for form in Form}:
            return Form(name)
    if not accept or "*/*" in named:
        return Form.NDJSON
    raise Undeliverable("not_acceptable", 406, "the content is NDJSON, CSV, or HTML to print")


def _media(form: Form) -> str:
    return form.value if form is Form.NDJSON else f"{form.value}; charset=utf-8"


def _range(request: Request, delivery: Delivery) -> tuple[int, int] | None:
    """First byte and the one after the last; `None` for a range that is not there."""
    # A range is asked for by GET alone (RFC 9110, 14.2).
    size, asked = delivery.size, request.headers.get("range") if request.method == "GET" else None
    validator = request.headers.get("if-range")
    if asked is None or (validator is not None and validator != delivery.etag):
        return 0, size
    found = _RANGE.fullmatch(asked.replace(" ", ""))
    if found is None or not any(found.groups()):
        # Other units, several ranges: a server may ignore them.
        return 0, size
    first, last = found.groups()
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    return (start, stop) if start < stop else None


async def _streamed(
    content: AsyncIterator[bytes], status: int, media: str, headers: dict[str, str]
) -> Response:
    """The answer, once its first part may go out: what forbids that is still an error."""
    first = await anext(content, b"")

    async def parts() -> AsyncIterator[bytes]:
        yield first
        async for part in content:
            yield part

    return StreamingResponse(parts(), status, _PRIVATE | headers, media)


def error_answer(error: Undeliverable | Refused) -> Response:
    """A refusal in JSON, as RFC 6750 (3.1) names it where it does."""
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["www-authenticate"] = CHALLENGE
    if isinstance(error, TooManyRequests):
        headers["retry-after"] = str(error.retry_after)
    code = error.code if isinstance(error, Undeliverable) else CODES.get(error.code, "refused")
    return written(error.status, {"error": code, "error_description": error.message}, headers)


CODES = {
    "UNAUTHENTICATED": "invalid_token",
    "UNAVAILABLE": "temporarily_unavailable",
    "RATE_LIMITED": "temporarily_unavailable",
    "PURPOSE_REQUIRED": "purpose_required",
    "PURPOSE_NOT_ALLOWED": "purpose_not_allowed",
    BadInput.code: "invalid_request",
}
