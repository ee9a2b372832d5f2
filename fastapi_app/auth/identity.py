"""Who a request is from: the user of its bearer token (simplejwt's `JWTAuthentication`)."""

from fastapi import Request

from fastapi_app.auth.queries import Account, account_by_id
from fastapi_app.auth.tokens import Payload, TokenError, Tokens, check_claims, check_type
from fastapi_app.drf.errors import AuthenticationFailed
from fastapi_app.sessions import RequestSession
from shared_schema.tokens import ACCESS, AUTH_HEADER_TYPE, USER_ID_CLAIM

_PARTS = 2


async def identify(request: Request, session: RequestSession) -> Account | None:
    """The caller, None without a bearer token.

    Raises:
        AuthenticationFailed: there is a bearer token, and it is not accepted, on public endpoints too.
    """
    token = _bearer_token(request.headers.get("authorization", ""))
    if token is None:
        return None
    payload = _accepted_access(request.app.state.tokens, token)
    if USER_ID_CLAIM not in payload:
        raise AuthenticationFailed("Token contained no recognizable user identification", code="token_not_valid")
    account = await account_by_id(session, payload[USER_ID_CLAIM])
    if account is None:
        raise AuthenticationFailed("User not found", code="user_not_found")
    if not account.is_active:
        raise AuthenticationFailed("User is inactive", code="user_inactive")
    return account


def _bearer_token(header: str) -> bytes | None:
    parts = header.encode("latin-1").split()
    if not parts or parts[0] != AUTH_HEADER_TYPE.encode():
        return None
    if len(parts) != _PARTS:
        sentence = "Authorization header must contain two space-delimited values"
        raise AuthenticationFailed(sentence, code="bad_authorization_header")
    return parts[1]


def _accepted_access(tokens: Tokens, token: bytes) -> Payload:
    try:
        payload = tokens.decode(token)
        check_claims(payload)
        check_type(payload, ACCESS)
    except TokenError as error:
        message = {"token_class": "AccessToken", "token_type": ACCESS, "message": str(error)}
        raise AuthenticationFailed(
            "Given token not valid for any token type", code="token_not_valid", messages=[message]
        ) from None
    return payload
