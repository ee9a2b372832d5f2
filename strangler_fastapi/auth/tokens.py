"""Tokens as simplejwt makes and checks them: the same claims in the same order, the same words when one is refused."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import uuid4

import jwt

from shared_schema.tokens import (
    ACCESS,
    ACCESS_TOKEN_LIFETIME,
    ALGORITHM,
    JTI_CLAIM,
    REFRESH,
    REFRESH_TOKEN_LIFETIME,
    TOKEN_TYPE_CLAIM,
    USER_ID_CLAIM,
)
from strangler_fastapi.drf.validators import Invalid, check_storable

Payload = dict[str, Any]

# Claims that an access token has of its own and doesn't take over from its refresh token.
_OWN_CLAIMS = (TOKEN_TYPE_CLAIM, "exp", "iat", JTI_CLAIM)
# What its column holds (`token_blacklist.OutstandingToken.jti`).
_LONGEST_JTI = 255


class TokenError(Exception):
    """A token that is not accepted; the text is simplejwt's."""


@dataclass(frozen=True)
class Tokens:
    """Signs and reads tokens with one key."""

    key: str

    def encode(self, payload: Payload) -> str:
        """The signed token."""
        return jwt.encode(payload, self.key, algorithm=ALGORITHM)

    def decode(self, token: str | bytes) -> Payload:
        """The claims of a token whose signature and times are good.

        Raises:
            TokenError: they are not, or a claim is one that no row can hold.
        """
        payload = _verified(token, self.key)
        if "exp" in payload and int(payload["exp"]) <= time.time():
            raise TokenError("Token is expired")
        return payload


# A caller's token comes with every request, and its signature stays good: only its end must be looked at again.
@lru_cache(maxsize=1024)
def _verified(token: str | bytes, key: str) -> Payload:
    try:
        payload: Payload = jwt.decode(token, key, algorithms=[ALGORITHM], options={"verify_aud": False})
    except jwt.ExpiredSignatureError:
        raise TokenError("Token is expired") from None
    except jwt.InvalidTokenError:
        raise TokenError("Token is invalid") from None
    if not _is_storable(payload):
        raise TokenError("Token is invalid")
    return payload


def check_claims(payload: Payload) -> None:
    """Passes a token that ends and has an id.

    Raises:
        TokenError: it lacks one of the two.
    """
    if "exp" not in payload:
        raise TokenError("Token has no 'exp' claim")
    if JTI_CLAIM not in payload:
        raise TokenError("Token has no id")


def check_type(payload: Payload, token_type: str) -> None:
    """Passes a token of this type.

    Raises:
        TokenError: it is of another type, or of none.
    """
    if TOKEN_TYPE_CLAIM not in payload:
        raise TokenError("Token has no type")
    if payload[TOKEN_TYPE_CLAIM] != token_type:
        raise TokenError("Token has wrong type")


def new_refresh(user_id: int, now: datetime) -> Payload:
    """The claims of a user's new refresh token; the user's id is text in a token."""
    return {**_new(REFRESH, now, REFRESH_TOKEN_LIFETIME), USER_ID_CLAIM: str(user_id)}


def renew_refresh(payload: Payload, now: datetime) -> Payload:
    """A refresh token's claims with a new id and new times."""
    return payload | {JTI_CLAIM: uuid4().hex, "exp": _epoch(now + REFRESH_TOKEN_LIFETIME), "iat": _epoch(now)}


def access_of(refresh: Payload, now: datetime) -> Payload:
    """The claims of the access token that goes with a refresh token."""
    inherited = {claim: value for claim, value in refresh.items() if claim not in _OWN_CLAIMS}
    return _new(ACCESS, now, ACCESS_TOKEN_LIFETIME) | inherited


def expiry(payload: Payload) -> datetime:
    """When a token ends, in UTC."""
    return datetime.fromtimestamp(payload["exp"], UTC)


def _is_storable(payload: Payload) -> bool:
    """Whether PostgreSQL can hold the id and the end; simplejwt answers 500 where it can't."""
    try:
        expiry({"exp": 0} | payload)
        jti = payload.get(JTI_CLAIM, "")
        check_storable(jti)
    except (TypeError, ValueError, OverflowError, OSError, Invalid):
        return False
    return len(jti) <= _LONGEST_JTI


def _new(token_type: str, now: datetime, lifetime: timedelta) -> Payload:
    return {
        TOKEN_TYPE_CLAIM: token_type,
        "exp": _epoch(now + lifetime),
        "iat": _epoch(now),
        JTI_CLAIM: uuid4().hex,
    }


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
