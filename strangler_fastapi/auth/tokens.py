"""Tokens as simplejwt makes and checks them: the same claims in the same order, the same words when one is refused."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any
from uuid import uuid4

import jwt

from shared_schema.contract.token_settings import TokenSettings
from shared_schema.tokens import ACCESS, FAMILY, PARENT, REFRESH, SLIDING, revoke_claim_value
from strangler_fastapi.auth.published_keys import PublishedKeys
from strangler_fastapi.drf.validators import Invalid, check_storable

Payload = dict[str, Any]

# What its column holds (`token_blacklist.OutstandingToken.jti`).
_LONGEST_JTI = 255


# Asked for with each request, of the password as its row has it now.
_revoke_claim = lru_cache(maxsize=4096)(revoke_claim_value)


class TokenError(Exception):
    """A token that is not accepted; the text is simplejwt's."""


@dataclass(frozen=True)
class Tokens:
    """Makes, signs and reads the tokens of one service.

    Args:
        key: simplejwt's SIGNING_KEY; empty where this service only reads tokens, with the public half of a pair.
        settings: the contract's.
        verifying_keys: simplejwt's VERIFYING_KEY, where the algorithm has two keys, or each key that may have signed
            while keys are exchanged, the one that signs among them; `key`, or its public half, where none is given.
        published: those at simplejwt's JWK_URL, which are asked in place of all others, unless the algorithm has one
            key for both (HS256).

    Raises:
        ValueError: a key is none of the algorithm.
    """

    key: str = field(repr=False)
    settings: TokenSettings
    verifying_keys: tuple[str, ...] = field(default=(), repr=False)
    published: PublishedKeys | None = None

    def __post_init__(self) -> None:
        for key in filter(None, (self.key, *self.verifying_keys)):
            try:
                _verifying(key, self.settings.algorithm)
            except (jwt.InvalidKeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"The key of tokens is none of {self.settings.algorithm}, which Django's SIMPLE_JWT names: give"
                    " Tokens the same key, or the PEM of its public half (VERIFYING_KEY), such as by JWT_SIGNING_KEY."
                ) from error

    def encode(self, payload: Payload) -> str:
        """The signed token.

        Raises:
            LookupError: this service has no key that signs.
        """
        if not self.key:
            raise LookupError(
                "This service has no key that signs tokens: give Tokens one, or leave the views of tokens to Django."
            )
        named = {"aud": self.settings.audience, "iss": self.settings.issuer}
        added = {claim: value for claim, value in named.items() if value is not None}
        return jwt.encode(payload | added, self.key, algorithm=self.settings.algorithm)

    async def read(self, token: str | bytes) -> Payload:
        """The claims of a token whose signature and times are good; its key is fetched where that is published.

        Raises:
            TokenError: they are not, or a claim is one that no row can hold.
        """
        if self.published is None or self.settings.algorithm.startswith("HS"):
            return self.decode(token)
        key = await self.published.find(token)
        if key is None:
            raise TokenError("Token is invalid")
        try:
            return self.decode(token, key)
        except (TypeError, jwt.InvalidKeyError):
            # An issuer may publish keys of other algorithms, too, which any token can name.
            raise TokenError("Token is invalid") from None

    def decode(self, token: str | bytes, key: jwt.PyJWK | None = None) -> Payload:
        """The claims of a token whose signature and times are good, by a key that was published or by this service's.

        Raises:
            TokenError: see `read`.
        """
        payload = self._verified(token, key)
        if "exp" in payload and int(payload["exp"]) <= time.time() - self.settings.leeway:
            raise TokenError("Token is expired")
        return payload

    @cached_property
    def _verified(self) -> Callable[[str | bytes, jwt.PyJWK | None], Payload]:
        """Verifies a token once: it comes with every request and stays good, but for its end, which is looked at.

        Keys that are fetched anew are others.
        """
        keys = self.verifying_keys or (_verifying(self.key, self.settings.algorithm),)

        def verified(token: str | bytes, key: jwt.PyJWK | None) -> Payload:
            return _verify(token, keys if key is None else (key.key,), self.settings)

        return lru_cache(maxsize=4096)(verified)

    def check_claims(self, payload: Payload) -> None:
        """Passes a token that ends and has an id.

        Raises:
            TokenError: it lacks one of the two.
        """
        if "exp" not in payload:
            raise TokenError("Token has no 'exp' claim")
        if self.settings.jti_claim not in payload:
            raise TokenError("Token has no id")

    def check_type(self, payload: Payload, token_type: str) -> None:
        """Passes a token of this type.

        Raises:
            TokenError: it is of another type, or of none.
        """
        if self.settings.token_type_claim not in payload:
            raise TokenError("Token has no type")
        if payload[self.settings.token_type_claim] != token_type:
            raise TokenError("Token has wrong type")

    def new_refresh(self, user_id: object, now: datetime, *, password_hash: str) -> Payload:
        """The claims of a user's new refresh token; the user's id is text in a token.

        `password_hash` is the stored one: with CHECK_REVOKE_TOKEN the token ends when it changes.
        """
        claims = {**self._new(REFRESH, now), self.settings.user_id_claim: str(user_id)}
        if self.settings.check_revoke_token:
            claims[self.settings.revoke_token_claim] = revoke_claim_value(password_hash)
        return claims

    def new_sliding(self, user_id: object, now: datetime, *, password_hash: str) -> Payload:
        """The claims of a user's new sliding token; see `new_refresh`."""
        end = now + timedelta(seconds=self.settings.sliding_token_refresh_lifetime)
        claims = self._new(SLIDING, now)
        claims[self.settings.sliding_token_refresh_exp_claim] = _epoch(end)
        claims[self.settings.user_id_claim] = str(user_id)
        if self.settings.check_revoke_token:
            claims[self.settings.revoke_token_claim] = revoke_claim_value(password_hash)
        return claims

    def slide(self, payload: Payload, now: datetime) -> Payload:
        """A sliding token's claims with new times.

        Raises:
            TokenError: it may no longer be renewed.
        """
        claim = self.settings.sliding_token_refresh_exp_claim
        if claim not in payload:
            raise TokenError(f"Token has no '{claim}' claim")
        if int(payload[claim]) <= now.timestamp() - self.settings.leeway:
            raise TokenError(f"Token '{claim}' claim has expired")
        end = now + timedelta(seconds=self.settings.sliding_token_lifetime)
        return payload | {"exp": _epoch(end), "iat": _epoch(now)}

    def is_revoked(self, payload: Payload, account: object) -> bool:
        """Whether the account's `password` is another than when the token was issued (CHECK_REVOKE_TOKEN)."""
        settings = self.settings
        if not settings.check_revoke_token:
            return False
        # Only then an account needs the attribute.
        encoded: str = account.password  # type: ignore[attr-defined]
        return payload.get(settings.revoke_token_claim) != _revoke_claim(encoded)

    def renew_refresh(self, payload: Payload, now: datetime) -> Payload:
        """A refresh token's claims with a new id and new times."""
        end = now + timedelta(seconds=self.settings.refresh_token_lifetime)
        if self.settings.revoke_token_family:
            spent = payload[self.settings.jti_claim]
            payload = {**payload, FAMILY: self.family_of(payload), PARENT: spent}
        return payload | {self.settings.jti_claim: uuid4().hex, "exp": _epoch(end), "iat": _epoch(now)}

    def family_of(self, payload: Payload) -> Any:  # noqa: ANN401 - whatever the claim holds
        """The id of the first of the refresh tokens that one came of by exchange."""
        return payload.get(FAMILY, payload[self.settings.jti_claim])

    def access_of(self, refresh: Payload, now: datetime) -> Payload:
        """The claims of the access token that goes with a refresh token."""
        own = (self.settings.token_type_claim, "exp", "iat", self.settings.jti_claim)
        return self._new(ACCESS, now) | {claim: value for claim, value in refresh.items() if claim not in own}

    def _new(self, token_type: str, now: datetime) -> Payload:
        settings = self.settings
        seconds = {
            ACCESS: settings.access_token_lifetime,
            REFRESH: settings.refresh_token_lifetime,
            SLIDING: settings.sliding_token_lifetime,
        }[token_type]
        return {
            settings.token_type_claim: token_type,
            "exp": _epoch(now + timedelta(seconds=seconds)),
            "iat": _epoch(now),
            settings.jti_claim: uuid4().hex,
        }


def _verifying(key: str, algorithm: str) -> Any:  # noqa: ANN401 - PyJWT's key
    """What verifies what a key has signed: itself, or its public half."""
    public = getattr(jwt.get_algorithm_by_name(algorithm).prepare_key(key), "public_key", None) if key else None
    return public() if public else key


def _verify(token: str | bytes, keys: tuple[Any, ...], settings: TokenSettings) -> Payload:
    for key in keys:
        try:
            payload = _decoded(token, key, settings)
            break
        except jwt.ExpiredSignatureError:
            raise TokenError("Token is expired") from None
        except jwt.InvalidTokenError:
            continue
    else:
        raise TokenError("Token is invalid")
    if not _is_storable(payload, settings.jti_claim):
        raise TokenError("Token is invalid")
    return payload


def _decoded(token: str | bytes, key: Any, settings: TokenSettings) -> Payload:  # noqa: ANN401 - as above
    payload: Payload = jwt.decode(
        token,
        key,
        algorithms=[settings.algorithm],
        audience=settings.audience,
        issuer=settings.issuer,
        leeway=settings.leeway,
        options={"verify_aud": settings.audience is not None},
    )
    return payload


def unverified_claims(token: str) -> Payload:
    """The claims of a token that this service or Django has stored."""
    claims: Payload = jwt.decode(token, options={"verify_signature": False})
    return claims


def expiry(payload: Payload) -> datetime:
    """When a token ends, in UTC."""
    return datetime.fromtimestamp(payload["exp"], UTC)


def _is_storable(payload: Payload, jti_claim: str) -> bool:
    """Whether PostgreSQL can hold the id and the end; simplejwt answers 500 where it can't."""
    try:
        expiry({"exp": 0} | payload)
        jti = payload.get(jti_claim, "")
        check_storable(jti)
    except (TypeError, ValueError, OverflowError, OSError, Invalid):
        return False
    return len(jti) <= _LONGEST_JTI


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
