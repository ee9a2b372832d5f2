"""How a stream goes out, and that it is closed whatever happens to the client."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from fastapi_app.events import response as module
from fastapi_app.events.response import EventStreamResponse, no_events
from strangler_fastapi.protocol import ABORT
from tests.unit.fastapi_app.asking import make_scope


class Chunks:
    """Says "x" for ever; knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def stream(self) -> AsyncGenerator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            self.closed = True


class Client:
    """Takes `takes` messages, then nothing; hangs up on demand."""

    def __init__(self, takes: int) -> None:
        self.takes = takes
        self.messages: list[Message] = []
        self.stuck = asyncio.Event()
        self.gone = asyncio.Event()

    async def send(self, message: Message) -> None:
        if len(self.messages) >= self.takes:
            self.stuck.set()
            await asyncio.Event().wait()
        self.messages.append(message)

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def test_nobody_stores_it_and_nginx_does_not_hold_it_back() -> None:
    client = Client(takes=10)
    await EventStreamResponse(no_events())(make_scope(), client.receive, client.send)
    start, end = client.messages
    assert dict(start["headers"]) == {
        b"content-type": b"text/event-stream; charset=utf-8",
        b"cache-control": b"no-store",
        b"x-accel-buffering": b"no",
    }
    assert (end["body"], end["more_body"]) == (b"", False)


async def test_a_client_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SEND_SECONDS", 0.02)
    chunks, client, aborted = Chunks(), Client(takes=3), asyncio.Event()
    scope = make_scope() | {"extensions": {ABORT: aborted.set}}
    await EventStreamResponse(chunks.stream())(scope, client.receive, client.send)
    assert chunks.closed
    assert len(client.messages) == 3
    assert aborted.is_set()


async def test_a_stream_is_closed_when_the_client_hangs_up() -> None:
    chunks, client = Chunks(), Client(takes=3)
    answering = asyncio.create_task(EventStreamResponse(chunks.stream())(make_scope(), client.receive, client.send))
    await client.stuck.wait()
    client.gone.set()
    await answering
    assert chunks.closed
