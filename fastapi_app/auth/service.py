"""The life of a token, with the rows that simplejwt's token_blacklist app writes."""

from datetime import UTC, datetime

from fastapi_app.auth import queries
from fastapi_app.auth.hashing import hash_off_loop, verify_off_loop
from fastapi_app.auth.tokens import (
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
from fastapi_app.drf.errors import AuthenticationFailed, ValidationFailed
from fastapi_app.sessions import RequestSession
from shared_schema.passwords import needs_rehash
from shared_schema.tokens import JTI_CLAIM, REFRESH, USER_ID_CLAIM


async def token_obtain(*, session: RequestSession, tokens: Tokens, username: str, password: str) -> dict[str, str]:
    """Signs a user in: a new pair of tokens, `last_login` set, and a weak password hash replaced by a strong one.

    Raises:
        AuthenticationFailed: unknown user, wrong password or inactive account; all three take the same time.
    """
    account = (await session.execute(queries.account_by_name(username))).one_or_none()
    # A hash takes a tenth of a second: the connection goes back to the pool meanwhile.
    await session.release()
    if account is None:
        await hash_off_loop(password)
        raise _no_account("with the given credentials")
    if not await verify_off_loop(password, account.password):
        raise _no_account("with the given credentials")
    if not account.is_active:
        raise _no_account("with the given credentials")
    if needs_rehash(account.password):
        encoded = await hash_off_loop(password)
        await session.execute(queries.set_password(account.id, encoded))
    now = datetime.now(UTC)
    refresh = new_refresh(account.id, now)
    await _note_issued(session, tokens, refresh, account.id, now)
    await session.execute(queries.set_last_login(account.id, datetime.now(UTC)))
    await session.commit()
    return {"refresh": tokens.encode(refresh), "access": tokens.encode(access_of(refresh, now))}


async def token_refresh(*, session: RequestSession, tokens: Tokens, refresh: str) -> dict[str, str]:
    """Exchanges a refresh token for a new pair; of several exchanges of one token at once, one succeeds.

    Raises:
        AuthenticationFailed: the token is not accepted, or its user is gone or inactive.
    """
    now = datetime.now(UTC)
    old = await _accepted_refresh(session, tokens, refresh)
    user_id = None
    if claim := old.get(USER_ID_CLAIM):
        account = await queries.account_by_id(session, claim)
        if account is None or not account.is_active:
            raise _no_account("for the given token.")
        user_id = account.id
    await _blacklist(session, tokens, old, user_id, now)
    new = renew_refresh(old, now)
    await _note_issued(session, tokens, new, user_id, now)
    await session.commit()
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
    if await _is_blacklisted(session, payload):
        raise ValidationFailed({"non_field_errors": ["Token is blacklisted"]})
    return {}


async def token_blacklist(*, session: RequestSession, tokens: Tokens, refresh: str) -> dict[str, str]:
    """Ends a refresh token.

    Raises:
        AuthenticationFailed: the token is not accepted, as when it was ended before.
    """
    payload = await _accepted_refresh(session, tokens, refresh)
    account = await queries.account_by_id(session, payload.get(USER_ID_CLAIM))
    await _blacklist(session, tokens, payload, account.id if account else None, datetime.now(UTC))
    await session.commit()
    return {}


async def _accepted_refresh(session: RequestSession, tokens: Tokens, token: str) -> Payload:
    try:
        payload = tokens.decode(token)
        if await _is_blacklisted(session, payload):
            raise TokenError("Token is blacklisted")
        check_claims(payload)
        check_type(payload, REFRESH)
    except TokenError as error:
        raise _not_valid(str(error)) from None
    return payload


async def _is_blacklisted(session: RequestSession, payload: Payload) -> bool:
    return (await session.execute(queries.is_blacklisted(payload.get(JTI_CLAIM)))).first() is not None


async def _note_issued(
    session: RequestSession, tokens: Tokens, refresh: Payload, user_id: int | None, now: datetime
) -> None:
    await session.execute(
        queries.add_outstanding(
            user_id=user_id,
            jti=refresh[JTI_CLAIM],
            token=tokens.encode(refresh),
            created_at=now,
            expires_at=expiry(refresh),
        )
    )


async def _blacklist(
    session: RequestSession, tokens: Tokens, refresh: Payload, user_id: int | None, now: datetime
) -> None:
    await _note_issued(session, tokens, refresh, user_id, now)
    token_id = (await session.execute(queries.outstanding_id(refresh[JTI_CLAIM]))).scalar_one()
    if (await session.execute(queries.add_blacklisted(token_id, now))).first() is None:
        raise _not_valid("Token is blacklisted")


def _no_account(what: str) -> AuthenticationFailed:
    return AuthenticationFailed(f"No active account found {what}")


def _not_valid(reason: str) -> AuthenticationFailed:
    return AuthenticationFailed(reason, code="token_not_valid")
