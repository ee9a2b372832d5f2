"""Tokens that nobody gets by signing in, as PyJWT reads them."""

import time

import jwt
import pytest

from shared_schema.contract.token_settings import TokenSettings
from shared_schema.tokens import revoke_claim_value
from strangler.compare.client.signed_tokens import TokenKind, TokenSigner, kind_of, token_with

KEY = "k" * 40
NOW = 1_900_000_000
SETTINGS = TokenSettings(check_revoke_token=True, audience="shop", issuer="us")


def token(kind: TokenKind, **settings: object) -> str | None:
    signer = TokenSigner(settings=SETTINGS.model_copy(update=settings), key=KEY, user={"ann": (7, "hash")}.get)
    return signer.token("ann", kind, now=int(time.time()))


def read(text: str | None) -> dict[str, object]:
    assert text
    return jwt.decode(text, KEY, algorithms=["HS256"], audience="shop", issuer="us")


def test_an_issued_token_is_right_in_every_way() -> None:
    claims = read(token(TokenKind.ISSUED))
    assert (claims["user_id"], claims["token_type"], claims["hash_password"]) == (
        "7",
        "access",
        revoke_claim_value("hash"),
    )


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (TokenKind.EXPIRED, jwt.ExpiredSignatureError),
        (TokenKind.EARLY, jwt.ImmatureSignatureError),
        (TokenKind.FOREIGN, jwt.InvalidSignatureError),
        (TokenKind.TAMPERED, jwt.InvalidSignatureError),
        (TokenKind.UNSIGNED, jwt.InvalidTokenError),
    ],
)
def test_others_are_refused_for_one_reason(kind: TokenKind, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(token(kind))


def test_a_refresh_token_and_one_of_an_older_password_are_signed_well() -> None:
    assert read(token(TokenKind.REFRESH))["token_type"] == "refresh"
    assert read(token(TokenKind.REVOKED))["hash_password"] != revoke_claim_value("hash")


def test_what_cannot_be_signed_is_none() -> None:
    assert token(TokenKind.ISSUED, algorithm="RS256") is None
    assert (
        TokenSigner(settings=SETTINGS, key=KEY, user=lambda _name: None).token("ann", TokenKind.ISSUED, now=NOW) is None
    )


def test_the_kind_stands_behind_the_name() -> None:
    assert kind_of(TokenKind.EXPIRED.of("ann@x.org")) == ("ann@x.org", TokenKind.EXPIRED)
    assert [kind_of(name) for name in ("ann", "ann (other)", "(expired)")] == [None, None, None]


def test_a_token_gets_other_claims_and_a_good_signature() -> None:
    old = jwt.encode({"user_id": "1", "exp": 2_000_000_000, "jti": "a"}, KEY, algorithm="HS256")
    changed = token_with(old, {"user_id": "2", "exp": 60, "nbf": -5}, KEY, now=NOW)
    assert changed is not None
    claims = jwt.decode(changed, KEY, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False})
    assert (claims["user_id"], claims["jti"]) == ("2", "a")
    assert (claims["exp"], claims["nbf"]) == (NOW + 60, NOW - 5)


@pytest.mark.parametrize(("text", "key"), [("no token", "key"), ("a.b.c", "key"), ("e30.e30.x", "key"), ("", "key")])
def test_what_is_no_token_gets_no_claims(text: str, key: str) -> None:
    assert token_with(text, {"exp": 1}, key, now=NOW) is None


def test_without_a_key_nothing_is_signed() -> None:
    assert token_with(jwt.encode({}, KEY, algorithm="HS256"), {"exp": 1}, "", now=NOW) is None
