"""The root fields of mutations: sign in and out here, what changes data in modules of its own."""

from __future__ import annotations

import strawberry
from strawberry.types import Info

from authz.channel import Channel
from authz.errors import Unauthenticated
from authz.policy.policy import Policy
from authz.sessions.devices import DeviceToken
from authz.staff.sign_in import SignIn
from resolvers.read.viewer import instant, purposes_of_use
from schema.mutations import issue_document as issuing_mutations
from schema.mutations import policy as policy_mutations
from schema.mutations import protection as protection_mutations
from schema.mutations import staff as staff_mutations
from schema.mutations import transfer as transfer_mutations
from schema.types.nouns import fill
from schema.types.scalars import DateTime
from schema.types.viewer import PurposeOfUse, SignedInViewer


@strawberry.input(description="サインインの入力.")
class SignInInput:
    """Staff id and password."""

    staffId: str = strawberry.field(description="職員番号: staff id")
    password: str = strawberry.field(description="パスワード: password")


@strawberry.type(description="サインインの結果: a session. Send `Authorization: Bearer TOKEN`.")
class SignInPayload:
    """A session just opened; the token is told this once."""

    token: str = strawberry.field(description="トークン: keep it in memory, never in a URL")
    expiresAt: DateTime = strawberry.field(description="終了日時: when the session ends anyway")
    idleTimeoutSeconds: int = strawberry.field(description="無操作の秒数: idle timeout in seconds")
    viewer: SignedInViewer = strawberry.field(description="利用者: who signed in")


@strawberry.type(description="サインアウトの結果.")
class SignOutPayload:
    """The session is over."""

    signedOut: bool = strawberry.field(description="終了したか: always true")


class MutationContext:
    """What mutations are handed: the use cases, the token of the request, the policy, the channel.

    `device`: what the client is to show at its next sign-in, once it has signed in.
    """

    def __init__(
        self,
        sign_in: SignIn,
        token: str | None,
        policy: Policy,
        channel: Channel | None = None,
    ) -> None:
        self.sign_in = sign_in
        self.token = token
        self.policy = policy
        self.channel = channel
        self.device: DeviceToken | None = None


async def sign_in(info: Info[MutationContext, None], input: SignInInput) -> SignInPayload | None:
    """Raises `Unauthenticated`, one answer for every cause, or `Unavailable`."""
    context = info.context
    signed_in = await context.sign_in.sign_in(input.staffId, input.password, context.channel)
    context.device = signed_in.device
    actor = signed_in.actor
    opened = purposes_of_use(context.policy, actor)
    return SignInPayload(
        token=signed_in.token,
        expiresAt=DateTime(instant(actor.expires_at)),
        idleTimeoutSeconds=actor.idle_timeout,
        viewer=SignedInViewer(
            id=actor.id,
            roles=sorted(actor.roles),
            purposes=[purpose["code"] for purpose in opened],
            purposesOfUse=[PurposeOfUse(**purpose) for purpose in opened],
        ),
    )


async def sign_out(info: Info[MutationContext, None]) -> SignOutPayload | None:
    """Raises `Unauthenticated` without a session."""
    if info.context.token is None:
        raise Unauthenticated("not signed in")
    await info.context.sign_in.sign_out(info.context.token)
    return SignOutPayload(signedOut=True)


def _mutation() -> type:
    members = {
        "signIn": strawberry.mutation(
            resolver=sign_in, description="サインイン: open a session with staff id and password."
        ),
        "signOut": strawberry.mutation(
            resolver=sign_out, description="サインアウト: end this session at once."
        ),
        **issuing_mutations.CHANGES,
        **policy_mutations.CHANGES,
        **protection_mutations.CHANGES,
        **staff_mutations.CHANGES,
        **transfer_mutations.CHANGES,
    }
    mutation = type("Mutation", (), {})
    fill(mutation, {name: (None, field) for name, field in members.items()})
    return strawberry.type(mutation, description="操作: what changes something.")


Mutation = _mutation()
SESSION = frozenset({"signIn", "signOut"})
"""Mutations about the session itself; the others need one, and a purpose."""
