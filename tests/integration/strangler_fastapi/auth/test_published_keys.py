"""Tokens by keys that another publishes: simplejwt and FastAPI ask the same server for them, and accept the same."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken

from shared_schema.contract.token_settings import TokenSettings
from strangler_fastapi.auth.published_keys import PublishedKeys
from strangler_fastapi.auth.tokens import TokenError, Tokens

SETTINGS = TokenSettings(algorithm="RS256")
GOOD = {"token_type": "access", "exp": 4_102_444_800, "iat": 1_700_000_000, "jti": "a" * 32, "user_id": "7"}
KEYS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]


class Issuer:
    """A server that publishes keys by their names; `answer` is what it says in their place.

    It has them come byte by byte as long as it isn't `ready`.
    """

    def __init__(self) -> None:
        self.published: dict[str, rsa.RSAPrivateKey] = {}
        self.others: list[dict[str, Any]] = []
        self.answer: tuple[int, bytes] | None = None
        self.asked = 0
        self.ready = threading.Event()
        self.ready.set()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                status, body = issuer.answer or (200, issuer.document())
                self.send_response(status)
                self.end_headers()
                while not issuer.ready.wait(0.05):
                    self.wfile.write(b" ")
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys?token=hidden"

    def document(self) -> bytes:
        keys = [
            RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": name, "use": "sig", "alg": "RS256"}
            for name, key in self.published.items()
        ]
        return json.dumps({"keys": [*keys, *self.others]}).encode()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.ready.set()
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def signed(key: rsa.RSAPrivateKey, name: str | None = "one", claims: dict[str, Any] = GOOD) -> str:
    return jwt.encode(claims, key, "RS256", headers={} if name is None else {"kid": name})


async def both(tokens: Tokens, theirs: TokenBackend, token: str) -> Any:
    """What each of the two reads, or the words that simplejwt's tokens have for the error."""
    try:
        ours: Any = await tokens.read(token)
    except TokenError as error:
        ours = str(error)
    try:
        django: Any = theirs.decode(token)
    except TokenBackendExpiredToken:
        django = "Token is expired"
    except TokenBackendError:
        django = "Token is invalid"
    assert ours == django
    return ours


async def test_tokens_are_accepted_by_the_keys_that_are_published(issuer: Issuer) -> None:
    issuer.published = {"one": KEYS[0]}
    tokens = Tokens("", SETTINGS, published=PublishedKeys(issuer.url))
    theirs = TokenBackend("RS256", jwk_url=issuer.url)
    assert await both(tokens, theirs, signed(KEYS[0])) == GOOD
    for refused in (
        signed(KEYS[1]),
        signed(KEYS[0], "two"),
        signed(KEYS[0], None),
        jwt.encode(GOOD, "a key of which the public half is none", "HS256", headers={"kid": "one"}),
        "no token",
    ):
        assert await both(tokens, theirs, refused) == "Token is invalid"
    assert await both(tokens, theirs, signed(KEYS[0], claims=GOOD | {"exp": 1})) == "Token is expired"
    # Each of the two has asked once: a name that isn't there is asked for again after a while only.
    assert issuer.asked == 2


async def test_a_new_key_is_fetched_and_an_old_one_forgotten(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer.published = {"one": KEYS[0]}
    tokens = Tokens("", SETTINGS, published=PublishedKeys(issuer.url))
    assert await tokens.read(signed(KEYS[0])) == GOOD
    issuer.published = {"two": KEYS[1]}
    # The set that is known is good for five minutes.
    assert await tokens.read(signed(KEYS[0])) == GOOD
    monkeypatch.setattr("jwt.jwks_client.time", SimpleNamespace(monotonic=lambda: time.monotonic() + 31))
    assert await tokens.read(signed(KEYS[1], "two")) == GOOD
    with pytest.raises(TokenError, match="Token is invalid"):
        await tokens.read(signed(KEYS[0]))


async def test_an_issuer_that_fails_is_named_without_what_its_address_hides(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    keys = PublishedKeys(issuer.url)
    tokens = Tokens("", SETTINGS, published=keys)
    with caplog.at_level(logging.INFO, logger="strangler_fastapi"):
        for issuer.answer in ((503, b""), (200, b"[]"), (200, b'{"keys": []}')):
            with pytest.raises(TokenError, match="Token is invalid"):
                await tokens.read(signed(KEYS[0]))
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "the keys of tokens can't be fetched from 127.0.0.1: see JWK_URL"
    assert len(said) == 3
    assert "hidden" not in "".join(said)


async def test_keys_of_other_algorithms_verify_nothing(issuer: Issuer) -> None:
    """simplejwt answers 500, and so anybody could have FastAPI fail."""
    curve = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True)
    issuer.others = [curve | {"kid": "curve"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}]
    tokens = Tokens("", SETTINGS, published=PublishedKeys(issuer.url))
    for name in ("curve", "shared"):
        with pytest.raises(TokenError, match="Token is invalid"):
            await tokens.read(signed(KEYS[0], name))


async def test_all_wait_for_one_fetch_and_nothing_else_does(issuer: Issuer) -> None:
    issuer.published = {"one": KEYS[0]}
    issuer.ready.clear()
    tokens = Tokens("", SETTINGS, published=PublishedKeys(issuer.url))
    reads = [asyncio.create_task(tokens.read(signed(KEYS[0]))) for _ in range(40)]
    await asyncio.sleep(0)
    try:
        # More than asyncio has threads.
        assert await asyncio.wait_for(asyncio.to_thread(int), 2) == 0
    finally:
        issuer.ready.set()
    assert await asyncio.gather(*reads) == [GOOD] * 40
    assert issuer.asked == 1


async def test_a_fetch_that_takes_too_long_isnt_waited_for(issuer: Issuer) -> None:
    issuer.published = {"one": KEYS[0]}
    issuer.ready.clear()
    tokens = Tokens("", SETTINGS, published=PublishedKeys(issuer.url, timeout=0.2))
    try:
        with pytest.raises(TokenError, match="Token is invalid"):
            await asyncio.wait_for(tokens.read(signed(KEYS[0])), 3)
    finally:
        # The loop's end waits for its threads.
        issuer.ready.set()


def test_keys_are_fetched_over_http_alone() -> None:
    with pytest.raises(ValueError, match="set JWK_URL to such"):
        PublishedKeys("file:///etc/passwd")
