"""The token endpoints: every kind of body, and tokens of every kind."""

import json
import time

import httpx
import jwt
import pytest

from tests.contract.comparing import Ask, Comparison, as_json, key_shape
from tests.shared_stack import DEMO_PASSWORD, StackAddresses

ENDPOINTS = ("/auth/token/", "/auth/token/refresh/", "/auth/token/verify/", "/auth/token/blacklist/")
JSON = {"Content-Type": "application/json"}
BODIES = (
    *(b"", b"{}", b"null", b"[]", b"5", b'"x"', b"true", b"1.5", b"{bad", b"[1,", b"NaN", b"{}x", b"\xff\xfe", b"  "),
    *(b'{"username":NaN}', b'{"username":"alice"}', b'{"username":"","password":""}', b'{"username": Infinity}'),
    *(b'{"username":null,"password":null}', b'{"username":5,"password":true}', b'{"username":[],"password":{}}'),
    *(b'{"username":"a\\u0000b","password":"x"}', b'{"username":"\\ud800","password":"x"}', b"\xef\xbb\xbf{}"),
    *(b'{"username":"alice","password":"wrong"}', b'{"username":"nobody","password":"wrong"}'),
    *(b'{"username":1e400,"password":"a"}', b'{"username":1.50,"password":1}', b'{"username":"\\u0000"}'),
    *(b'{"username":"alice","username":"nob","password":"x"}', b'{"username":"' + b"a" * 500 + b'","password":"x"}'),
    *('{"username":"é\u2028","password":"x"}'.encode(), b'{"refresh":"x","token":"x"}', b'{"refresh":5,"token":5}'),
    *(b'{"refresh":"a.b.c","token":"a.b.c"}', b'{"refresh":"","token":" "}', b'{"refresh":null,"token":null}'),
)
CONTENT_TYPES = (
    *("application/json", "application/json; charset=utf-8", "application/json; charset=latin-1", "text/plain", ""),
    *("application/json; charset=bogus", "application/json; charset=utf-16", "application/x-www-form-urlencoded"),
    *("multipart/form-data", "multipart/form-data; boundary=x", "APPLICATION/JSON", "application/vnd.api+json"),
    *("application/json;x=y", "*/*", "application/*"),
)
RAW_BODIES = (
    *(b"", b"{}", b'{"username":"alice"}', b"username=alice&password=x", b"username=a&username=&password=%00"),
    *(b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nal\r\n--x--\r\n', "username=é".encode()),
)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_json_bodies(comparison: Comparison, path: str) -> None:
    for body in BODIES:
        comparison.ask(Ask("POST", path, JSON, body), served_by="fastapi")


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_content_types(comparison: Comparison, path: str, content_type: str) -> None:
    for body in RAW_BODIES:
        headers = {"Content-Type": content_type} if content_type else {}
        comparison.ask(Ask("POST", path, headers, body), served_by="fastapi")


@pytest.mark.parametrize(
    "body",
    [
        (JSON, json.dumps({"username": "alice", "password": DEMO_PASSWORD}).encode()),
        (JSON, json.dumps({"username": " alice\n", "password": f" {DEMO_PASSWORD}"}).encode()),
        ({"Content-Type": "application/x-www-form-urlencoded"}, f"username=alice&password={DEMO_PASSWORD}".encode()),
    ],
    ids=["json", "untrimmed", "form"],
)
def test_signing_in_has_the_same_shape(front: httpx.Client, body: tuple[dict[str, str], bytes]) -> None:
    comparison = Comparison(front)
    first, second = comparison.ask(Ask("POST", "/auth/token/", *body), served_by="fastapi")
    assert first.status_code == second.status_code == 200
    assert key_shape(as_json(first)) == key_shape(as_json(second))
    for kind in ("refresh", "access"):
        claims = [jwt.decode(as_json(r)[kind], options={"verify_signature": False}) for r in (first, second)]
        assert [*claims[0]] == [*claims[1]]
        assert claims[0]["user_id"] == claims[1]["user_id"]
        # simplejwt reads the clock for either claim, and a second may begin between the two.
        v1_seconds, v2_seconds = (c["exp"] - c["iat"] for c in claims)
        assert abs(v1_seconds - v2_seconds) <= 1
        assert all(len(c["jti"]) == 32 for c in claims)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": None},
        {"exp": "x"},
        {"exp": 1e30},
        {"jti": None},
        {"jti": 5},
        {"jti": "a\x00"},
        {"token_type": None},
        {"token_type": "access"},
        {"user_id": "999999"},
        {"user_id": "abc"},
        {"user_id": "9" * 30},
        {"user_id": [1]},
        {"user_id": {"a": 1}},
        {"iat": 2**40},
        {"nbf": 2**40},
        {"aud": "x"},
        {"sub": 5},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ENDPOINTS[1:])
def test_odd_tokens(comparison: Comparison, stack: StackAddresses, path: str, claims: dict[str, object]) -> None:
    name = "token" if path.endswith("verify/") else "refresh"
    asks = []
    for side in ("v1", "v2"):
        payload = {"token_type": "refresh", "exp": int(time.time()) + 600, "iat": int(time.time()), "user_id": "2"}
        payload |= {"jti": f"{side}{path}{claims}"[:255]} | claims
        token = jwt.encode({k: v for k, v in payload.items() if v is not None}, stack.jwt_signing_key, "HS256")
        asks.append(Ask("POST", path, JSON, json.dumps({name: token}).encode()))
    comparison.ask(*asks, served_by="fastapi")
