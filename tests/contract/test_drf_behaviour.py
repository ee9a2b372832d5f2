"""What holds for every endpoint, as in DRF: negotiation, methods, credentials."""

import time

import httpx
import jwt
import pytest

from tests.contract.comparing import V1, V2, Ask, Comparison
from tests.shared_stack import StackAddresses

ACCEPTS = (
    *("text/html", "*/*", "application/*", "application/json; q=0", "application/json;indent=2", "", "foo", "text/*"),
    *("text/html, */*;q=0.1", "*/json", "APPLICATION/JSON", "application/xml,application/json", "*/*;indent=4"),
    *("application/json; indent=99, */*", "application/json;indent=x", "application/json;indent=0", "a" * 300),
    ", ".join(["text/plain"] * 70 + ["*/*"]),
)
MOVED = (
    *("/feed/", "/feed/highlights/", "/users/active/", "/users/1/posts/", "/posts/recent/"),
    *("/auth/token/", "/auth/token/refresh/", "/auth/token/verify/", "/auth/token/blacklist/"),
)
METHODS = ("OPTIONS", "PUT", "POST", "PATCH", "DELETE", "GET", "HEAD", "PROPFIND", "MKCOL")
HEADERS = (
    *("Bearer", "Bearer x", "Bearer x y", "bearer x", "Basic abc", "Token x", "", "Bearer  x", "BEARER x", "Bearer é"),
    *("Bearer a.b.c", "Bearer eyJhbGciOiJub25lIn0.e30."),
)


@pytest.mark.parametrize("path", ["/feed/", "/posts/", "/tags/1/", "/users/999999/"])
def test_negotiation(comparison: Comparison, credentials: dict[str, str], path: str) -> None:
    for accept in ACCEPTS:
        comparison.ask(Ask("GET", path, credentials | {"Accept": accept}), served_by="fastapi")


@pytest.mark.parametrize(
    "lines",
    [
        ("text/html", "application/json"),
        ("application/json;indent=4", "*/*"),
        ("text/html", "text/plain"),
        ("", "application/json"),
        ("application/json", "text/html;a=,*/*"),
    ],
)
def test_several_lines_of_accept_are_one_list(parallel: httpx.Client, lines: tuple[str, ...]) -> None:
    first, second = (
        parallel.get(f"{prefix}/feed/?page_size=1", headers=[("Accept", line) for line in lines]) for prefix in (V1, V2)
    )
    assert first.status_code == second.status_code
    assert (first.text.count("\n") > 0) is (second.text.count("\n") > 0)


@pytest.mark.parametrize(
    "host", ["localhost.", "LOCALHOST:99", "localhost.:1", "evil.example", "127.0.0.1", "local_host"]
)
def test_hosts(comparison: Comparison, host: str) -> None:
    for path in ("/feed/?page_size=1", "/feed"):
        comparison.ask(Ask("GET", path, {"Host": host}), served_by="fastapi")


@pytest.mark.parametrize("path", MOVED)
def test_every_method_of_a_path_that_has_moved(comparison: Comparison, credentials: dict[str, str], path: str) -> None:
    for method in METHODS:
        comparison.ask(Ask(method, path, credentials), served_by="fastapi")


def test_a_method_of_no_standard_is_refused_by_the_gateway(parallel: httpx.Client) -> None:
    for prefix in (V1, V2):
        answer = parallel.request("FOO", f"{prefix}/feed/")
        assert (answer.status_code, answer.json()) == (405, {"detail": 'Method "FOO" not allowed.'})


def test_authorization_headers(comparison: Comparison) -> None:
    for header in HEADERS:
        for path in ("/feed/", "/posts/", "/tags/", "/users/me/"):
            comparison.ask(Ask("GET", path, {"Authorization": header}), served_by="fastapi")


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": 1},
        {"exp": None},
        {"exp": "x"},
        {"jti": None},
        {"token_type": None},
        {"token_type": "refresh"},
        {"user_id": None},
        {"user_id": "999999"},
        {"user_id": "9" * 30},
        {"user_id": "abc"},
        {"user_id": [1]},
        {"user_id": ""},
        {"user_id": 2},
        {"user_id": 2.0},
        {"user_id": 2.5},
        {"user_id": " 2 "},
        {"iat": 2**40},
        {"nbf": 2**40},
        {"aud": "x"},
        {"sub": 5},
    ],
    ids=str,
)
def test_access_tokens(comparison: Comparison, stack: StackAddresses, claims: dict[str, object]) -> None:
    payload = {"token_type": "access", "exp": int(time.time()) + 600, "iat": int(time.time()), "jti": "x" * 32}
    payload |= {"user_id": "2"} | claims
    token = jwt.encode({k: v for k, v in payload.items() if v is not None}, stack.jwt_signing_key, "HS256")
    comparison.ask(Ask("GET", "/users/me/", {"Authorization": f"Bearer {token}"}), served_by="fastapi")


def test_tampered_tokens(comparison: Comparison, access_tokens: dict[str, str]) -> None:
    good = access_tokens["alice"]
    head, body, signature = good.split(".")
    for token in (
        good + "x",
        good[:-3],
        f"{head}.{body}.",
        f"{head}.{body[:-2]}.{signature}",
        f"{body}.{head}.{signature}",
    ):
        for path in ("/feed/", "/posts/"):
            first, _ = comparison.ask(Ask("GET", path, {"Authorization": f"Bearer {token}"}), served_by="fastapi")
            assert first.status_code == 401
