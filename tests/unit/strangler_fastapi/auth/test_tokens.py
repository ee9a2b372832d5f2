"""A token of simplejwt is a token of FastAPI, the other way round, and both refuse the same ones in the same words."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError as DrfTokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, UntypedToken
from rest_framework_simplejwt.tokens import Token as DrfToken

from shared_schema.contract.contract import load_contract
from shared_schema.contract.token_settings import TokenSettings
from shared_schema.tokens import ACCESS, REFRESH
from strangler_fastapi.auth.tokens import Payload, TokenError, Tokens, expiry
from tests.example import CONTRACT_FILE

KEY: str = settings.SIMPLE_JWT["SIGNING_KEY"]
SETTINGS = load_contract(CONTRACT_FILE).token_settings
TOKENS = Tokens(KEY, SETTINGS)
# Fixed, so that every worker of a run names the tests alike: the year 2100.
SOON = 4_102_444_800
GOOD = {"token_type": "access", "exp": SOON, "iat": 1_700_000_000, "jti": "a" * 32, "user_id": "7"}


def encode(claims: dict[str, Any], key: str | None = KEY, algorithm: str = "HS256") -> str:
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm)


def verdict(token: str, kind: str | None = ACCESS) -> str:
    try:
        payload = TOKENS.decode(token)
        TOKENS.check_claims(payload)
        if kind is not None:
            TOKENS.check_type(payload, kind)
    except TokenError as error:
        return str(error)
    return "accepted"


def drf_verdict(token: str, kind: type[DrfToken] = AccessToken) -> str:
    try:
        kind(token)  # type: ignore[arg-type] # simplejwt's own annotation is wrong: it takes text
    except DrfTokenError as error:
        return str(error)
    return "accepted"


@given(user_id=st.integers(1, 2**63 - 1))
def test_a_new_token_has_simplejwts_claims_in_its_order(user_id: int) -> None:
    user: Any = SimpleNamespace(id=user_id, password="argon2$a hash")
    drf_access = AccessToken.for_user(user).payload
    ours = TOKENS.new_refresh(user_id, datetime.now(UTC), password_hash="argon2$a hash")
    access = TOKENS.access_of(ours, datetime.now(UTC))
    assert [*access] == [*drf_access]
    assert access["user_id"] == drf_access["user_id"] == str(user_id)
    assert access["hash_password"] == drf_access["hash_password"]
    assert not TOKENS.is_revoked(drf_access, user)
    assert TOKENS.is_revoked(drf_access, SimpleNamespace(password="argon2$another"))
    assert access["exp"] - access["iat"] == drf_access["exp"] - drf_access["iat"]


def test_an_access_token_takes_over_what_its_refresh_token_says_beyond_its_own() -> None:
    legacy = RefreshToken()
    legacy["user_id"], legacy["tenant"] = "7", "acme"
    ours = TOKENS.access_of(legacy.payload, datetime.now(UTC))
    theirs = legacy.access_token.payload
    assert [*ours] == [*theirs]
    assert {name: ours[name] for name in ("token_type", "user_id", "tenant")} == {
        name: theirs[name] for name in ("token_type", "user_id", "tenant")
    }
    assert ours["jti"] != legacy["jti"]


def test_a_renewed_token_keeps_its_claims_and_gets_an_id_and_times() -> None:
    old = TOKENS.new_refresh(7, datetime(2025, 1, 1, tzinfo=UTC), password_hash="x") | {"tenant": "acme"}
    now = datetime.now(UTC)
    new = TOKENS.renew_refresh(old, now)
    assert [*new] == [*old, "family", "parent"]
    assert (new["parent"], TOKENS.renew_refresh(new, now)["parent"]) == (old["jti"], new["jti"])
    assert new["family"] == old["jti"] == TOKENS.renew_refresh(new, now)["family"]
    assert (new["user_id"], new["tenant"], new["token_type"]) == ("7", "acme", "refresh")
    assert new["jti"] != old["jti"]
    assert (new["iat"], expiry(new)) == (
        int(now.timestamp()),
        (now + timedelta(seconds=SETTINGS.refresh_token_lifetime)).replace(microsecond=0),
    )


def test_each_reads_what_the_other_signed() -> None:
    ours = TOKENS.new_refresh(7, datetime.now(UTC), password_hash="x")
    assert UntypedToken(TOKENS.encode(ours)).payload == ours  # type: ignore[arg-type] # as above
    theirs = AccessToken()
    theirs["user_id"] = "7"
    assert TOKENS.decode(str(theirs)) == theirs.payload
    assert TOKENS.encode(theirs.payload) == str(theirs)


@pytest.mark.parametrize(
    "claims",
    [
        *({}, {"exp": 1}, {"exp": None}, {"exp": "x"}, {"exp": SOON + 0.5}, {"exp": True}),
        *({"jti": None}, {"jti": 5}, {"jti": ""}, {"token_type": None}, {"token_type": "refresh"}),
        *({"token_type": 1}, {"iat": 2**40}, {"iat": "x"}, {"nbf": 2**40}, {"nbf": 1}, {"aud": "x"}, {"iss": "x"}),
        *({"sub": 5}, {"sub": "7"}, {"user_id": None}, {"user_id": [1]}),
    ],
    ids=str,
)
def test_claims_are_accepted_or_refused_as_by_simplejwt(claims: Payload) -> None:
    token = encode(GOOD | claims)
    assert verdict(token) == drf_verdict(token)
    assert verdict(token, kind=None) == drf_verdict(token, UntypedToken)


@pytest.mark.parametrize(
    "claims",
    [
        *({"exp": 2**60}, {"exp": 10**30}, {"jti": "a\x00b"}),
        {"exp": str(SOON)},
        {"jti": "\ud800"},
    ],
    ids=str,
)
def test_claims_that_no_row_can_hold_are_refused(claims: Payload) -> None:
    assert verdict(encode(GOOD | claims)) == "Token is invalid"


SIGNED = encode(GOOD)
HEAD, BODY, SIGNATURE = SIGNED.split(".")


@pytest.mark.parametrize(
    "token",
    [
        *(encode(GOOD, key="another key, as long as the first one"), encode(GOOD, algorithm="HS384")),
        *(encode(GOOD, key=None, algorithm="none"), f"{HEAD}.{BODY}.", f"{HEAD}.{BODY}", f"{BODY}.{HEAD}.{SIGNATURE}"),
        *("", ".", "..", "a.b.c", "é", SIGNED + "x", SIGNED[:-3], f" {SIGNED}", SIGNED.upper()),
        *(jwt.api_jws.encode(b"[]", KEY), jwt.api_jws.encode(b"{bad", KEY)),
    ],
)
def test_a_forged_or_broken_token_is_refused_as_by_simplejwt(token: str) -> None:
    assert verdict(token) == drf_verdict(token) == "Token is invalid"


@given(position=st.integers(0, len(SIGNED) - 1), character=st.sampled_from("aB3-_.="))
def test_a_token_with_any_character_changed_fares_as_in_simplejwt(position: int, character: str) -> None:
    token = SIGNED[:position] + character + SIGNED[position + 1 :]
    assert verdict(token) == drf_verdict(token)


def test_a_refresh_token_is_no_access_token() -> None:
    token = encode(GOOD | {"token_type": REFRESH})
    assert verdict(token, ACCESS) == "Token has wrong type"
    assert verdict(token, REFRESH) == "accepted"


def test_another_project_has_other_settings() -> None:
    """As simplejwt's TokenBackend, made with the same ones, has it."""
    given = {"algorithm": "HS512", "audience": "shop", "issuer": "till", "leeway": 30}
    key = "of another project, and as long as HS512 wants a key to be: sixty-four bytes"
    ours, theirs = Tokens(key, TokenSettings(**given)), TokenBackend(signing_key=key, **given)
    payload = ours.new_refresh("7f", datetime.now(UTC), password_hash="x")
    assert payload["exp"] - payload["iat"] == 86_400
    assert theirs.decode(ours.encode(payload)) == payload | {"aud": "shop", "iss": "till"}
    assert ours.decode(theirs.encode(payload)) == payload | {"aud": "shop", "iss": "till"}
    late = payload | {"exp": int(datetime.now(UTC).timestamp()) - 10}
    assert ours.decode(theirs.encode(late))["exp"] == theirs.decode(ours.encode(late))["exp"]
    for changed in ({"algorithm": "HS256"}, {"audience": "bank"}, {"issuer": "bank"}):
        with pytest.raises(TokenError, match="Token is invalid"):
            ours.decode(TokenBackend(signing_key=key, **given | changed).encode(payload))


def test_keys_may_be_exchanged_while_one_signs() -> None:
    old, new = Tokens("the key of last year, and long enough", SETTINGS), "the key of this year, and long enough"
    both = Tokens(new, SETTINGS, verifying_keys=(new, old.key))
    for signer in (old, both):
        assert both.decode(signer.encode(GOOD)) == GOOD
    with pytest.raises(TokenError, match="Token is invalid"):
        old.decode(both.encode(GOOD))
    with pytest.raises(TokenError, match="Token is expired"):
        both.decode(old.encode(GOOD | {"exp": 1}))


def test_the_public_half_of_a_key_reads_what_django_has_signed() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    theirs = TokenBackend(algorithm="ES256", signing_key=pem, verifying_key=public)
    ours = Tokens("", TokenSettings(algorithm="ES256"), verifying_keys=(public,))
    assert ours.decode(theirs.encode(GOOD)) == GOOD
    with pytest.raises(LookupError, match="has no key that signs tokens: give Tokens one"):
        ours.encode(GOOD)
    signing = Tokens(pem, TokenSettings(algorithm="ES256"))
    assert signing.decode(theirs.encode(GOOD)) == GOOD
    assert theirs.decode(signing.encode(GOOD)) == GOOD


@pytest.mark.parametrize("keys", [{"key": "a random text of a project's .env"}, {"key": "", "verifying_keys": ("x",)}])
def test_a_key_of_another_algorithm_is_named_at_the_start(keys: dict[str, Any]) -> None:
    settings = TOKENS.settings.model_copy(update={"algorithm": "RS256"})
    with pytest.raises(ValueError, match="The key of tokens is none of RS256") as raised:
        Tokens(settings=settings, **keys)
    assert "random text" not in str(raised.value)
