"""What surrounds every request, and what is answered before anybody looks at it."""

import io
import json
import logging
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fastapi_app import main
from fastapi_app.config import Settings
from fastapi_app.main import create_app
from strangler_fastapi.logs import JsonFormatter, request_id
from strangler_fastapi.middleware import CommonMiddleware, RequestMiddleware

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is logged, as it is written."""
    monkeypatch.setattr(main, "configure_logs", lambda _level: None)
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(JsonFormatter())
    monkeypatch.setattr(logging.getLogger("fastapi_app"), "handlers", [handler])
    monkeypatch.setattr(logging.getLogger("fastapi_app"), "level", logging.INFO)
    return handler.stream


@pytest.fixture
def app(log: io.StringIO) -> FastAPI:  # noqa: ARG001 - the application's own handler would outlive the test
    """The application, not started: it has no database."""
    return create_app(
        Settings(
            fastapi_database_url="postgresql://nobody@127.0.0.1:1/nowhere",
            jwt_signing_key=SecretStr("the signing key of the tests, long enough"),
            allowed_hosts="testserver",
        )
    )


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/api/v2/feed", "/api/v2/feed/"),
        ("/api/v2/posts/1?a=%20&b=1", "/api/v2/posts/1/?a=%20&b=1"),
        ("/api/v2/posts/é=", "/api/v2/posts/%C3%A9%3D/"),
        ("/api/v2/auth/token", "/api/v2/auth/token/"),
    ],
)
async def test_a_missing_slash_is_added_before_anything_else(
    client: httpx.AsyncClient, method: str, path: str, location: str
) -> None:
    refused = {"Authorization": "Bearer nonsense", "Accept": "text/html"}
    response = await client.request(method, path, headers=refused)
    assert (response.status_code, response.content) == (301, b"")
    assert response.headers["Location"] == location
    assert {name: response.headers.get(name) for name in SECURITY} == SECURITY
    assert "X-Frame-Options" not in response.headers


async def test_the_location_has_the_prefix_that_the_client_used(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v2/feed", headers={"X-Forwarded-Prefix": "/api"})
    assert response.headers["Location"] == "/api/feed/"


@pytest.mark.parametrize(
    "path", ["/api/v2/nope", "/feed", "/api/v2/posts/1/2", "/api/v2/openapi.json", "/api/v2//feed"]
)
async def test_what_would_be_unknown_with_a_slash_too_is_not_redirected(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code != 301


async def test_a_path_that_is_known_as_it_is_stays_as_it_is() -> None:
    both = CommonMiddleware(Response("as it is"), is_known_path=lambda _: True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(both), base_url="http://testserver") as client:
        assert (await client.get("/api/v2/feed")).text == "as it is"


async def test_djangos_security_headers_are_on_every_answer(client: httpx.AsyncClient) -> None:
    for path in ("/api/v2/health/live", "/api/v2/nope/", "/api/v2/openapi.json"):
        headers = (await client.get(path)).headers
        assert {name: headers.get(name) for name in SECURITY} == SECURITY, path
        assert headers["X-Frame-Options"] == "DENY"


async def test_another_host_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v2/health/live", headers={"Host": "evil.example"})).status_code == 400


@pytest.mark.parametrize(
    ("given", "logged"),
    [
        (ID, ID),
        ("A.b-c_9", "A.b-c_9"),
        ("x" * 128, "x" * 128),
        *((odd, None) for odd in ("", "x" * 129, "a b", 'a"b', "é", "-", "-a", "a\tb")),
    ],
)
async def test_a_request_is_logged_once_with_its_id_or_a_new_one(
    client: httpx.AsyncClient, log: io.StringIO, given: str, logged: str | None
) -> None:
    await client.get("/api/v2/health/live?token=in-the-query", headers={"X-Request-ID": given.encode("latin-1")})
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    answered = [line for line in lines if line["logger"] == "fastapi_app.request"]
    assert [(line["method"], line["path"], line["status"]) for line in answered] == [
        ("GET", "/api/v2/health/live", 200)
    ]
    found = answered[0]["request_id"]
    assert found == logged if logged else re.fullmatch("[0-9a-f]{32}", found)
    assert answered[0]["duration_ms"] >= 0
    assert "in-the-query" not in json.dumps(lines)


async def test_an_app_that_fails_is_answered_and_logged_as_500_and_its_id_ends_with_it(log: io.StringIO) -> None:
    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        assert request_id.get() == ID
        raise RuntimeError("broken")

    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(RequestMiddleware(fail, service="fastapi_app")),
        base_url="http://testserver",
    )
    assert (await client.get("/x", headers={"X-Request-ID": ID})).status_code == 500
    await client.aclose()
    assert [json.loads(line).get("status") for line in log.getvalue().splitlines()] == [None, 500]
    assert request_id.get() == "-"


@pytest.fixture
async def failed(app: FastAPI, client: httpx.AsyncClient) -> httpx.Response:
    """The answer where an endpoint fails as nobody thought of."""

    @app.get("/api/v2/broken/")
    async def broken() -> None:
        raise LookupError("inner workings")

    return await client.get("/api/v2/broken/", headers={"X-Request-ID": ID})


async def test_an_unforeseen_error_is_500_in_json_and_tells_nothing(failed: httpx.Response, log: io.StringIO) -> None:
    assert (failed.status_code, failed.json()) == (500, {"detail": "A server error occurred."})
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert any("inner workings" in line.get("exception", "") for line in lines)


async def test_an_unforeseen_error_is_logged_with_the_requests_id(failed: httpx.Response, log: io.StringIO) -> None:
    assert failed.status_code == 500
    assert {json.loads(line)["request_id"] for line in log.getvalue().splitlines()} == {ID}


async def test_an_unforeseen_error_has_the_security_headers(failed: httpx.Response) -> None:
    assert {name: failed.headers.get(name) for name in SECURITY} == SECURITY


@pytest.mark.parametrize("length", [8190, 8191])
async def test_an_address_is_as_long_as_gunicorn_takes(client: httpx.AsyncClient, length: int) -> None:
    path = "/api/v2/health/live?"
    response = await client.get(path + "a" * (length + 1 - len(path)))
    answers = {8190: (200, {"status": "ok"}), 8191: (414, {"detail": "Request address is too long: send less."})}
    assert (response.status_code, response.json()) == answers[length]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(f"x{number}", "1") for number in range(95)], 200),
        ([(f"x{number}", "1") for number in range(101)], 431),
        ([("x", "1" * 8189)], 200),
        ([("x", "1" * 8190)], 431),
    ],
    ids=["95", "101", "8190 bytes", "8191 bytes"],
)
async def test_headers_are_as_many_and_as_long_as_gunicorn_takes(
    client: httpx.AsyncClient, headers: list[tuple[str, str]], status: int
) -> None:
    assert (await client.get("/api/v2/health/live", headers=headers)).status_code == status
