"""Compressed answers, held against Django's middleware: the same answer goes through both."""

import asyncio
import gzip
import json
import secrets
import zlib
from typing import Any

import httpx
import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.middleware.gzip import GZipMiddleware as DjangosMiddleware
from django.test import RequestFactory
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message

from strangler_fastapi.compression import GZipMiddleware

ROWS = json.dumps([{"title": f"number {number}"} for number in range(50)]).encode()
# Such a body is longer when it is packed.
NOISE = secrets.token_bytes(201)
BODIES = (b"", b"x" * 199, b"x" * 200, ROWS, ROWS * 100, NOISE)
ASKED = ("", "gzip", "br, gzip;q=0.5", "identity", "gzip;q=0", "xgzip", "GZIP", "*")
ANSWERED = st.fixed_dictionaries(
    {},
    optional={
        "ETag": st.sampled_from(['"own"', 'W/"own"']),
        "Vary": st.sampled_from(["Accept", "accept-encoding, Cookie"]),
        "Content-Encoding": st.just("br"),
        "X-Other": st.just("yes"),
    },
)


def unpacked(headers: dict[str, str], content: bytes) -> bytes:
    return gzip.decompress(content) if headers.get("content-encoding") == "gzip" else content


def of_django(method: str, asked: dict[str, str], response: Any) -> Any:
    request = RequestFactory().generic(method, "/", headers=asked)
    found = DjangosMiddleware(lambda _request: response)(request)
    headers = {name.lower(): value for name, value in found.headers.items()}
    content = b"".join(found) if found.streaming else found.content
    return found.status_code, unpacked(headers, content), headers, beyond(headers.pop("content-length", None), content)


def beyond(length: str | None, content: bytes) -> int | None:
    """By how much an answer says that it is longer than it is; how long that is depends on chance."""
    return None if length is None else int(length) - len(content)


async def sent(app: ASGIApp, method: str, asked: dict[str, str]) -> Any:
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def receive() -> Message:
        await asyncio.Future()
        raise AssertionError

    headers = [(name.lower().encode(), value.encode()) for name, value in asked.items()]
    await GZipMiddleware(app)({"type": "http", "method": method, "path": "/", "headers": headers}, receive, send)
    start, *parts = messages
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], named, [part["body"] for part in parts]


async def of_library(method: str, asked: dict[str, str], app: ASGIApp) -> Any:
    status, headers, parts = await sent(app, method, asked)
    content = b"".join(parts)
    return status, unpacked(headers, content), headers, beyond(headers.pop("content-length", None), content)


@given(
    method=st.sampled_from(["GET", "POST"]),
    accepts=st.sampled_from(ASKED),
    answered=ANSWERED,
    status=st.sampled_from([200, 201, 404]),
    body=st.sampled_from(BODIES),
)
@settings(max_examples=300, derandomize=True, deadline=None)
def test_an_answer_is_compressed_as_by_django(
    method: str, accepts: str, answered: dict[str, str], status: int, body: bytes
) -> None:
    asked = {"Accept-Encoding": accepts} if accepts else {}
    theirs = HttpResponse(body, status=status, headers=answered, content_type="application/json")
    theirs.headers["Content-Length"] = str(len(body))
    ours = Response(body, status, answered, "application/json")
    found = asyncio.run(of_library(method, asked, ours))
    assert found == of_django(method, asked, theirs)


@pytest.mark.parametrize("accepts", ["gzip", "br"])
async def test_a_stream_is_compressed_as_by_django(accepts: str) -> None:
    asked, pieces, headers = {"Accept-Encoding": accepts}, [b"a", ROWS, b"b"], {"ETag": '"own"', "Content-Length": "9"}
    ours = StreamingResponse(iter(pieces), headers=headers, media_type="application/json")
    theirs = StreamingHttpResponse(iter(pieces), headers=headers, content_type="application/json")
    found = await of_library("GET", asked, ours)
    assert found[:3] == of_django("GET", asked, theirs)[:3]
    assert (found[3] is None) is (accepts == "gzip")


async def test_each_piece_of_a_stream_arrives_as_it_comes() -> None:
    pieces = [b"data: one\n\n", b"data: two\n\n"]
    _, _, parts = await sent(StreamingResponse(iter(pieces)), "GET", {"Accept-Encoding": "gzip"})
    # A client that waits for the second has the first.
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert [unpack.decompress(part) for part in parts] == [*pieces, b""]
    assert unpack.eof


async def test_the_length_tells_nothing_of_the_content() -> None:
    lengths = set()
    for _ in range(40):
        _, headers, parts = await sent(Response(ROWS), "GET", {"Accept-Encoding": "gzip"})
        assert int(headers["content-length"]) == len(b"".join(parts))
        lengths.add(headers["content-length"])
    assert len(lengths) > 10


async def test_clients_unpack_it() -> None:
    transport = httpx.ASGITransport(GZipMiddleware(Response(ROWS)))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        found = await client.get("/", headers={"Accept-Encoding": "gzip"})
    assert (found.content, found.headers["content-encoding"]) == (ROWS, "gzip")
