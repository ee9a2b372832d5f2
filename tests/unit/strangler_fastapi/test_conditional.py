"""ETags and conditional requests, held against Django's middleware: the same answer goes through both."""

import asyncio
import hashlib
from typing import Any

import httpx
import pytest
from django.http import HttpResponse
from django.middleware.http import ConditionalGetMiddleware as DjangosMiddleware
from django.test import RequestFactory
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response, StreamingResponse

from strangler_fastapi.conditional import ConditionalGetMiddleware

BODY = b'{"title":"one"}'
OURS = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
THEN, LATER, SLOPPY = "Tue, 02 Jan 2024 03:04:05 GMT", "Wed, 03 Jan 2024 03:04:05 GMT", "2024-01-02"
FORMS = ("Tuesday, 02-Jan-24 03:04:05 GMT", "Tue Jan  2 03:04:05 2024", "Tue, 32 Jan 2024 03:04:05 GMT")
DATES = st.sampled_from(["", THEN, LATER, SLOPPY, *FORMS])
ETAGS = st.sampled_from(
    ["", "*", " * ", f'"{OURS}"', f'W/"{OURS}"', f' "x" ,  "{OURS}" ', '"x"', "x", f'"{OURS}", *', 'W/"own"', '"own"']
)
ASKED = st.fixed_dictionaries(
    {"If-Match": ETAGS, "If-None-Match": ETAGS, "If-Modified-Since": DATES, "If-Unmodified-Since": DATES}
)
ANSWERED = st.fixed_dictionaries(
    {
        "ETag": st.sampled_from(["", '"own"', 'W/"own"']),
        "Last-Modified": DATES,
        "Cache-Control": st.sampled_from(["", "no-store", "private , No-Store", "max-age=3"]),
        "Vary": st.sampled_from(["", "Accept"]),
        "X-Other": st.just("yes"),
    }
)


def given_only(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if value}


def of_django(method: str, asked: dict[str, str], answered: dict[str, str], status: int, body: bytes) -> Any:
    answer = HttpResponse(body, status=status, headers=answered, content_type="application/json")
    request = RequestFactory().generic(method, "/", headers=asked)
    found = DjangosMiddleware(lambda _request: answer)(request)
    # Without a body, which the server leaves out of an answer to HEAD.
    content = b"" if method == "HEAD" else found.content
    return found.status_code, content, {name.lower(): value for name, value in found.headers.items()}


async def of_library(method: str, asked: dict[str, str], answered: dict[str, str], status: int, body: bytes) -> Any:
    answer = Response(body, status, answered, "application/json")
    transport = httpx.ASGITransport(ConditionalGetMiddleware(answer))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        found = await client.request(method, "/", headers=asked)
    headers = {name: value for name, value in found.headers.items() if name != "content-length"}
    return found.status_code, found.content, headers


@given(
    method=st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"]),
    asked=ASKED.map(given_only),
    answered=ANSWERED.map(given_only),
    status=st.sampled_from([200, 200, 201, 204, 404, 500]),
    body=st.sampled_from([BODY, BODY, b""]),
)
@settings(max_examples=600, derandomize=True)
def test_an_answer_is_what_djangos_middleware_makes_of_it(
    method: str, asked: dict[str, str], answered: dict[str, str], status: int, body: bytes
) -> None:
    theirs = of_django(method, asked, answered, status, body)
    assert asyncio.run(of_library(method, asked, answered, status, body)) == theirs


async def test_a_stream_goes_on_as_it_comes() -> None:
    answer = StreamingResponse(iter([b"a", b"b"]), headers={"X-Other": "yes"})
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(ConditionalGetMiddleware(answer)), base_url="http://testserver"
    ) as client:
        found = await client.get("/", headers={"If-None-Match": "*"})
    assert (found.status_code, found.content) == (200, b"ab")
    assert "etag" not in found.headers


@pytest.mark.parametrize("names", [[b'"x"', f'"{OURS}"'.encode()]])
async def test_etags_may_come_in_several_headers(names: list[bytes]) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(ConditionalGetMiddleware(Response(BODY))), base_url="http://testserver"
    ) as client:
        found = await client.get("/", headers=[(b"if-none-match", name) for name in names])
    assert found.status_code == 304
