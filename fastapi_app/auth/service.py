"""The life of a token, with the rows that simplejwt's token_blacklist app writes."""

from datetime import UTC, datetime

from fastapi_app.auth import queries
from shared_schema.passwords import needs_rehash
from shared_schema.tokens import JTI_CLAIM, REFRESH, USER_ID_CLAIM
from strangler_fastapi.auth.hashing import hash_off_loop, verify_off_loop
from strangler_fastapi.auth.tokens import (
    Payload,
    TokenError,
    Tokens,
    access_of,
    check_claims,
    check_type,
    expiry,
    new_refresh,
    renew_refresh,
)
from strangler_fastapi.db.query import fetch, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.errors import AuthenticationFailed, ValidationFailed


async def token_obtain(*, session: RequestSession, tokens: Tokens, username: str, password: str) -> dict[str, str]:
    """Signs a user in: a new pair of tokens, `last_login` set, and a weak password hash replaced by a strong one.

    Raises:
        AuthenticationFailed: unknown user, wrong password or inactive account; all three take the same time.
    """
    found = await fetch(session, queries.account_by_name(username))
    # A hash takes a tenth of a second: the connection goes back to the pool meanwhile.
    await session.release()
    if not found:
        await hash_off_loop(password)
        raise _no_account("with the given credentials")
    user_id, stored, is_active = found[0]
    if not await verify_off_loop(password, stored) or not is_active:
        raise _no_account("with the given credentials")
    renewed = await hash_off_loop(password) if needs_rehash(stored) else None
    now = datetime.now(UTC)
    refresh = new_refresh(user_id, now)
    if renewed is not None:
        await fetch(session, queries.set_password(user_id, renewed))
    await _note_issued(session, tokens, refresh, user_id, now)
    await fetch(session, queries.set_last_login(user_id, datetime.now(UTC)))
    return {"refresh": tokens.encode(refresh), "access": tokens.encode(access_of(refresh, now))}


async def token_refresh(*, session: RequestSession, tokens: Tokens, refresh: str) -> dict[str, str]:
    """Exchanges a refresh token for a new pair; of several exchanges of one token at once, one succeeds.

    Raises:
        AuthenticationFailed: the token is not accepted, or its user is gone or inactive.
    """
    now = datetime.now(UTC)
    old, issued_id = await _accepted_refresh(session, tokens, refresh)
    user_id = None
    if claim := old.get(USER_ID_CLAIM):
        account = await queries.account_by_id(session, claim)
        if account is None or not account.is_active:
            raise _no_account("for the given token.")
        user_id = account.id
    new = renew_refresh(old, now)
    await _blacklist(session, tokens, old, issued_id, user_id, now)
    await _note_issued(session, tokens, new, user_id, now)
    return {"access": tokens.encode(access_of(old, now)), "refresh": tokens.encode(new)}


async def token_verify(*, session: RequestSession, tokens: Tokens, token: str) -> dict[str, str]:
    """Answers nothing for a good token of either type.

    Raises:
        AuthenticationFailed: the token is not accepted.
        ValidationFailed: it is blacklisted.
    """
    try:
        payload = tokens.decode(token)
        check_claims(payload)
    except TokenError as error:
        raise _not_valid(str(error)) from None
    _, is_blacklisted = await _issued(session, payload)
    if is_blacklisted:
        raise ValidationFailed({"non_field_errors": ["Token is blacklisted"]})
    return {}


async def token_blacklist(*, session: RequestSession, tokens: Tokens, refresh: str) -> dict[str, str]:
    """Ends a refresh token.

    Raises:
        AuthenticationFailed: the token is not accepted, as when it was ended before.
    """
    payload, issued_id = await _accepted_refresh(session, tokens, refresh)
    account = await queries.account_by_id(session, payload.get(USER_ID_CLAIM))
    await _blacklist(session, tokens, payload, issued_id, account.id if account else None, datetime.now(UTC))
    return {}


async def _accepted_refresh(session: RequestSession, tokens: Tokens, token: str) -> tuple[Payload, int | None]:
    """The claims of a good refresh token, and the id of its row where it is noted as issued."""
    try:
        payload = tokens.decode(token)
        issued_id, is_blacklisted = await _issued(session, payload)
        if is_blacklisted:
            raise TokenError("Token is blacklisted")
        check_claims(payload)
        check_type(payload, REFRESH)
    except TokenError as error:
        raise _not_valid(str(error)) from None
    return payload, issued_id


async def _issued(session: RequestSession, payload: Payload) -> tuple[int | None, bool]:
    """The id of the token's row, None where it has none, and whether it is blacklisted."""
    found = await fetch(session, queries.issued_token(payload.get(JTI_CLAIM)))
    return (found[0][0], found[0][1]) if found else (None, False)


async def _note_issued(
    session: RequestSession, tokens: Tokens, refresh: Payload, user_id: int | None, now: datetime
) -> int | None:
    """Notes a token as issued; returns the row's id, None if another request noted it first."""
    row_id: int | None = await fetch_value(
        session,
        queries.add_outstanding(
            user_id=user_id,
            jti=refresh[JTI_CLAIM],
            token=tokens.encode(refresh),
            created_at=now,
            expires_at=expiry(refresh),
        ),
    )
    return row_id


async def _blacklist(
    session: RequestSession,
    tokens: Tokens,
    refresh: Payload,
    issued_id: int | None,
    user_id: int | None,
    now: datetime,
) -> None:
    if issued_id is None:
        issued_id = await _note_issued(session, tokens, refresh, user_id, now)
    if issued_id is None:
        issued_id, _ = await _issued(session, refresh)
    if issued_id is None or await fetch_value(session, queries.add_blacklisted(issued_id, now)) is None:
        raise _not_valid("Token is blacklisted")


def _no_account(what: str) -> AuthenticationFailed:
    return AuthenticationFailed(f"No active account found {what}")


def _not_valid(reason: str) -> AuthenticationFailed:
    return AuthenticationFailed(reason, code="token_not_valid")
