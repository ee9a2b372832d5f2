"""Who a request is from: the user of its bearer token (simplejwt's `JWTAuthentication`)."""

from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from fastapi import Request

from shared_schema.tokens import ACCESS
from strangler_fastapi.auth.tokens import Payload, TokenError, Tokens
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.errors import AuthenticationFailed, PasswordChanged

_PARTS = 2


class Account(Protocol):
    """The user of a token."""

    @property
    def id(self) -> int:
        """The primary key."""

    @property
    def is_active(self) -> bool:
        """Whether the account may sign in."""


Found = TypeVar("Found", bound=Account)


class BearerIdentity(Generic[Found]):
    """Tells the caller of a request: the account of its bearer token.

    Args:
        find: the account that a token's claim names, None where there is none.
    """

    def __init__(self, find: Callable[[RequestSession, object], Awaitable[Found | None]]) -> None:
        self._find = find

    async def __call__(self, request: Request, session: RequestSession) -> Found | None:
        """The caller, None without a bearer token.

        Raises:
            AuthenticationFailed: there is a bearer token, and it is not accepted, on public endpoints too.
        """
        tokens: Tokens = request.app.state.tokens
        token = _bearer_token(request.headers.get("authorization", ""), tokens.settings.auth_header_types)
        if token is None:
            return None
        payload = _accepted_access(tokens, token)
        if tokens.settings.user_id_claim not in payload:
            raise AuthenticationFailed("Token contained no recognizable user identification", code="token_not_valid")
        account = await self._find(session, payload[tokens.settings.user_id_claim])
        if account is None:
            raise AuthenticationFailed("User not found", code="user_not_found")
        if not account.is_active:
            raise AuthenticationFailed("User is inactive", code="user_inactive")
        if tokens.is_revoked(payload, account):
            raise PasswordChanged
        return account


def _bearer_token(header: str, types: tuple[str, ...]) -> bytes | None:
    parts = header.encode("latin-1").split()
    if not parts or parts[0] not in [name.encode() for name in types]:
        return None
    if len(parts) != _PARTS:
        sentence = "Authorization header must contain two space-delimited values"
        raise AuthenticationFailed(sentence, code="bad_authorization_header")
    return parts[1]


def _accepted_access(tokens: Tokens, token: bytes) -> Payload:
    try:
        payload = tokens.decode(token)
        tokens.check_claims(payload)
        tokens.check_type(payload, ACCESS)
    except TokenError as error:
        message = {"token_class": "AccessToken", "token_type": ACCESS, "message": str(error)}
        raise AuthenticationFailed(
            "Given token not valid for any token type", code="token_not_valid", messages=[message]
        ) from None
    return payload
