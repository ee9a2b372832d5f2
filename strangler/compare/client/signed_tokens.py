"""Tokens that nobody gets by signing in: expired ones, of another key, changed ones, of users who may not sign in."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from shared_schema.contract.token_settings import TokenSettings
from shared_schema.tokens import ACCESS, REFRESH, revoke_claim_value

_NAME: Final = re.compile(r"(?P<user>.+) \((?P<kind>[a-z]+)\)")
_TIMES: Final = frozenset({"exp", "iat", "nbf"})
_HASHES: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


class TokenKind(StrEnum):
    """What is special about a token; a caller's name in a case file ends with it: `alice (expired)`."""

    EXPIRED = "expired"
    # Good only from an hour on.
    EARLY = "early"
    # Signed by a key that isn't the project's.
    FOREIGN = "foreign"
    # Signed for other claims.
    TAMPERED = "tampered"
    # Says that it needs no signature.
    UNSIGNED = "unsigned"
    # A refresh token in place of an access token.
    REFRESH = "refresh"
    # Of a password that was another one.
    REVOKED = "revoked"
    # Right in every way, for a user who may be unable to sign in.
    ISSUED = "issued"

    def of(self, user: str) -> str:
        """The caller's name."""
        return f"{user} ({self})"


def kind_of(caller: str) -> tuple[str, TokenKind] | None:
    """The user and the kind that a caller's name says; None for a user who signs in."""
    found = _NAME.fullmatch(caller)
    if found is None or found["kind"] not in list(TokenKind):
        return None
    return found["user"], TokenKind(found["kind"])


@dataclass(frozen=True, kw_only=True)
class TokenSigner:
    """Makes tokens as simplejwt does.

    Attributes:
        settings: the contract's.
        key: what the project signs with.
        user: gives a user's id and stored password; None where there is no such user.
    """

    settings: TokenSettings
    key: str = field(repr=False)
    user: Callable[[str], tuple[Any, str] | None] = field(repr=False)

    def token(self, name: str, kind: TokenKind, *, now: int) -> str | None:
        """A token of that kind, made `now` (seconds since 1970); None where it can't be made."""
        found, settings = self.user(name), self.settings
        if found is None or settings.algorithm not in _HASHES:
            return None
        identity, password = found
        life = int(settings.access_token_lifetime)
        issued = now - 10 * life - int(settings.leeway) - 60 if kind is TokenKind.EXPIRED else now
        claims: dict[str, Any] = {
            settings.token_type_claim: REFRESH if kind is TokenKind.REFRESH else ACCESS,
            "exp": issued + life,
            "iat": issued,
            settings.jti_claim: "0" * 32,
            # simplejwt writes ids as texts.
            settings.user_id_claim: str(identity),
        }
        if settings.check_revoke_token:
            stored = f"{password}-changed" if kind is TokenKind.REVOKED else password
            claims[settings.revoke_token_claim] = revoke_claim_value(stored)
        if settings.audience is not None:
            claims["aud"] = settings.audience
        if settings.issuer is not None:
            claims["iss"] = settings.issuer
        if kind is TokenKind.EARLY:
            claims["nbf"] = now + int(settings.leeway) + 3600
        key = f"{self.key}-of-another-service" if kind is TokenKind.FOREIGN else self.key
        signed = _signed(claims, algorithm=settings.algorithm, key=key)
        return _changed(signed, kind)


def token_with(token: str, claims: Mapping[str, Any], key: str, *, now: int) -> str | None:
    """A token with other claims, signed by `key`; None if it can't be. Times (`exp`, …) are in seconds from `now`."""
    try:
        head, body, _signature = token.split(".")
        algorithm = _read(head)["alg"]
        found = _read(body)
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if not key or algorithm not in _HASHES:
        return None
    changed = {
        name: now + value if name in _TIMES and isinstance(value, int) else value for name, value in claims.items()
    }
    return _signed(found | changed, algorithm=algorithm, key=key)


def _changed(token: str, kind: TokenKind) -> str:
    head, body, signature = token.split(".")
    if kind is TokenKind.TAMPERED:
        claims = _read(body)
        return f"{head}.{_part({**claims, 'exp': claims['exp'] + 1})}.{signature}"
    if kind is TokenKind.UNSIGNED:
        return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{body}."
    return token


def _signed(claims: dict[str, Any], *, algorithm: str, key: str) -> str:
    text = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(claims)}"
    digest = hmac.new(key.encode(), text.encode(), _HASHES[algorithm]).digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _read(part: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()
