"""A client of the events: one socket, read as it comes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE_SECONDS = 20.0
_UNAVAILABLE = 503


@dataclass(frozen=True)
class StreamEvent:
    """A block of the stream: an event, or only an id or a comment. `at` is when it came, by `time.monotonic`."""

    event: str
    id: str
    data: Any
    comment: str
    at: float

    @property
    def post_id(self) -> int:
        post_id: int = self.data["post_id"]
        return post_id


class Stream:
    """An open stream; `status` and `headers` (names in small letters) are those of the answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._rest = b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.last_id = ""

    async def start(self) -> None:
        """Reads the answer's head."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        self.status = int(head[0].split()[1])
        pairs = (line.partition(": ") for line in head[1:] if line)
        self.headers = {name.lower(): value for name, _, value in pairs}

    async def body(self) -> Any:
        """The whole body of an answer that is no stream."""
        return json.loads(await self._reader.readexactly(int(self.headers["content-length"])))

    async def block(self, seconds: float = PATIENCE_SECONDS) -> StreamEvent | None:
        """The next block, None at a proper end of the answer.

        Raises:
            TimeoutError: nothing came.
            IncompleteReadError: the connection broke.
        """
        async with asyncio.timeout(seconds):
            while b"\n\n" not in self._rest:
                chunk = await self._chunk()
                if not chunk:
                    return None
                self._rest += chunk
        text, _, self._rest = self._rest.partition(b"\n\n")
        event = _parse(text.decode())
        self.last_id = event.id or self.last_id
        return event

    async def next(self, seconds: float = PATIENCE_SECONDS) -> StreamEvent | None:
        """The next event, None at a proper end; heartbeats and the like are passed over."""
        while (event := await self.block(seconds)) is not None and not event.event:
            pass
        return event

    async def of_post(self, post_id: int, count: int) -> list[StreamEvent]:
        """The next events about a post, so many; those about others are passed over."""
        found: list[StreamEvent] = []
        while len(found) < count:
            event = await self.next()
            assert event is not None, f"the stream ended after {found}"
            if event.event != "reset" and event.post_id == post_id:
                found.append(event)
        return found

    async def _chunk(self) -> bytes:
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        chunk = await self._reader.readexactly(size + 2)
        return chunk[:-2]

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def stream(
    base: str, token: str | None, *, path: str = "/api/v2/events/", **headers: str
) -> AsyncIterator[Stream]:
    """An answer of the events' endpoint below `base`, its head read."""
    address = urlsplit(base)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    given = {"Host": address.netloc, **({"Authorization": f"Bearer {token}"} if token else {}), **headers}
    lines = [f"GET {path} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in given.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    opened = Stream(reader, writer)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await opened.start()
        yield opened
    finally:
        opened.close()


@asynccontextmanager
async def stream_of_new_service(base: str, token: str) -> AsyncIterator[Stream]:
    """As `stream`; asks again while a worker that has just started answers 503."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        async with stream(base, token) as opened:
            if opened.status != _UNAVAILABLE or time.monotonic() > deadline:
                yield opened
                return
        await asyncio.sleep(0.05)


def _parse(text: str) -> StreamEvent:
    fields: dict[str, str] = {}
    for line in text.split("\n"):
        name, _, value = line.partition(":")
        fields[name] = value.removeprefix(" ")
    data = json.loads(fields["data"]) if "data" in fields else None
    return StreamEvent(fields.get("event", ""), fields.get("id", ""), data, fields.get("", ""), time.monotonic())
