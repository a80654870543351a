"""A policy as a file: `POST /policy/drafts/ID/lines`, CSV in UTF-8 or CP932, plain or gzip.

It is the mutation `importPolicyDraft` for files that no GraphQL body takes. Who asks, and whether
they may, is decided before the first byte of the body is read; what is read is bounded as it comes,
and what it unpacks to as well.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope

from authz.editing.casbin_csv import MOST_BYTES, decoded
from authz.errors import BadInput
from authz.policy.policy import PolicyError
from schema.http.graphql import GraphQLEndpoint, channel_of, check_upload, next_part, too_large
from schema.request.message import Answer, AnswerRequest, GraphQLRequest

DOCUMENT = """
mutation ImportPolicyFile($input: ImportPolicyDraftInput!) {
  importPolicyDraft(input: $input) { draft { id state lines(first: 1) { totalCount } } }
}
"""
GZIP = 31
"""Window bits of zlib for gzip alone."""

Admit = Callable[[GraphQLRequest], Awaitable[None]]


class PolicyUpload(GraphQLEndpoint):
    """The ASGI endpoint. `admit` refuses who may not make the change; `answer` makes it."""

    def __init__(self, answer: AnswerRequest, admit: Admit, most: int = MOST_BYTES) -> None:
        super().__init__(answer, most)
        self._admit = admit

    async def answer(self, scope: Scope, headers: dict[str, str], receive: Receive) -> Answer:
        """Admit, read, and import."""
        check_upload(scope, headers)
        draft = str(scope["path_params"]["draft"])
        variables = {"input": {"draft": draft, "csv": ""}}
        request = GraphQLRequest(DOCUMENT, variables, None, headers, channel_of(scope, headers))
        await self._admit(request)
        content = await self._content(headers, receive)
        try:
            text = await asyncio.to_thread(decoded, content)
        except PolicyError as error:
            raise BadInput(str(error)) from None
        variables = {"input": {"draft": draft, "csv": text}}
        return await self._answered(request._replace(variables=variables))

    async def _content(self, headers: dict[str, str], receive: Receive) -> bytes:
        """The body, unpacked. Raises `BadInput`, or 413 as soon as it is too large."""
        self._check_length(headers)
        packed = headers.get("content-encoding", "identity") == "gzip"
        unpacking = zlib.decompressobj(GZIP) if packed else None
        parts: list[bytes] = []
        sent = size = 0
        more = True
        while more:
            message = await next_part(receive)
            part, more = message.get("body", b""), message.get("more_body", False)
            sent += len(part)
            if unpacking is not None:
                part = _unpacked(unpacking, part, self._body_limit + 1 - size)
            size += len(part)
            if max(sent, size) > self._body_limit:
                raise too_large(self._body_limit)
            parts.append(part)
        if unpacking is not None and (not unpacking.eof or unpacking.unused_data):
            raise BadInput("the body is not one whole gzip stream")
        return b"".join(parts)


def _unpacked(unpacking: zlib._Decompress, part: bytes, most: int) -> bytes:
    """At most so many bytes: a few kilobytes may unpack to gigabytes."""
    try:
        return unpacking.decompress(part, most)
    except zlib.error:
        raise BadInput("the body is not one whole gzip stream") from None
