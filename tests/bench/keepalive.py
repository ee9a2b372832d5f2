"""Clients that ask without a pause, each on a connection that is kept alive, and note every answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final
from urllib.parse import urlsplit

_END: Final = b"\r\n\r\n"
_CLOSE: Final = b"connection: close"
_SERVED_BY: Final = b"\r\nx-served-by: "
_LENGTH: Final = b"\r\ncontent-length: "


@dataclass(frozen=True, slots=True)
class Answered:
    """One request: when it was sent and answered whole (monotonic seconds), its method, by whom, and the status."""

    sent: float
    received: float
    method: bytes
    served_by: str
    status: int


@dataclass
class Load:
    """What the clients have seen; `lost` are requests that got no whole answer."""

    answers: list[Answered] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


class _Client(asyncio.Protocol):
    """One client in a closed loop; opens another connection only when the server has announced to close this one."""

    def __init__(self, load: Load, address: tuple[str, int], requests: Sequence[bytes], first: int) -> None:
        self._load = load
        self._address = address
        self._requests = requests
        self._numbers = count(first)
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._waiting = False
        self._closing = False
        self._sent = 0.0
        self._method = b""
        self.ending = False
        self.ended = asyncio.Event()

    async def open(self) -> None:
        """Connect and send the first request."""
        await asyncio.get_running_loop().create_connection(lambda: self, *self._address)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""
        self._closing = False
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(_END)
        if not found:
            return
        lower = head.lower() + b"\r\n"
        if len(body) < int(_value(lower, _LENGTH) or b"0"):
            return
        now = time.monotonic()
        served_by = _value(lower, _SERVED_BY).decode()
        self._load.answers.append(Answered(self._sent, now, self._method, served_by, int(head[9:12])))
        self._waiting = False
        self._received = b""
        self._closing = _CLOSE in lower
        if self.ending or self._closing:
            assert self._transport is not None
            self._transport.close()
        else:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting:
            self._waiting = False
            self._load.lost.append(
                f"{self._method.decode()} after {time.monotonic() - self._sent:.3f} s: {exc or 'closed'}"
            )
        if self.ending:
            self.ended.set()
        else:
            self._reopening = asyncio.ensure_future(self._reopen())

    async def _reopen(self) -> None:
        try:
            await self.open()
        except OSError as error:
            self._load.lost.append(f"connect: {error}")
            self.ended.set()

    def _ask(self) -> None:
        request = self._requests[next(self._numbers) % len(self._requests)]
        self._method = request.split(b" ", 1)[0]
        self._waiting = True
        self._sent = time.monotonic()
        assert self._transport is not None
        self._transport.write(request)


@asynccontextmanager
async def load(url: str, requests: Sequence[bytes], *, clients: int) -> AsyncIterator[Load]:
    """So many clients that ask these requests in turn, each beginning with another, until the block ends."""
    address = urlsplit(url)
    seen = Load()
    made = [_Client(seen, (str(address.hostname), int(address.port or 80)), requests, n) for n in range(clients)]
    for client in made:
        await client.open()
    try:
        yield seen
    finally:
        for client in made:
            client.ending = True
        await asyncio.wait_for(asyncio.gather(*(client.ended.wait() for client in made)), timeout=60)


def request(method: str, path: str, *, host: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """A request as it goes over the wire."""
    fields = {"Host": host, **(headers or {})}
    if body:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + _END + body


def _value(head: bytes, name: bytes) -> bytes:
    _before, found, rest = head.partition(name)
    return rest.split(b"\r\n", 1)[0].strip() if found else b""
