"""Clients that read and write without a pause on connections that are kept alive, and a ledger of what they heard."""

import asyncio
import json
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

# Longer than nginx's own limit, so that each request hears how it ended.
_ANSWER_SECONDS: Final = 70.0
_PAUSE_SECONDS: Final = 0.05
_SERVER_ERROR: Final = 500
_CREATED: Final = 201
# Statuses that nginx gives where it has no answer of a stack.
LOST: Final = "lost"
REFUSED: Final = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One request: who sent it, when (monotonic seconds), and how it ended: a status, `lost` or `refused`."""

    client: str
    sent: float
    ended: float
    end: str

    @property
    def failed(self) -> bool:
        """Whether the client has no good answer."""
        return not self.end.isdigit() or int(self.end) >= _SERVER_ERROR


@dataclass
class Ledger:
    """What the clients have seen; `acknowledged` are the titles of writes that were answered with 201."""

    outcomes: list[Outcome] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    run: str = field(default_factory=lambda: f"torture {uuid4().hex[:12]}")

    def failures(self, kind: str) -> Counter[str]:
        """How the failed requests of one kind of client have ended."""
        return Counter(each.end for each in self.outcomes if each.client.startswith(kind) and each.failed)

    def summary(self) -> str:
        """Who failed how, and the longest answer."""
        ends = Counter(f"{each.client} {each.end}" for each in self.outcomes if each.failed)
        longest = max((each.ended - each.sent for each in self.outcomes), default=0.0)
        failed = ", ".join(f"{number} × {end}" for end, number in sorted(ends.items()))
        return f"{failed or 'none failed'}; the longest answer took {longest:.1f} s"

    def last_failure(self, *kinds: str) -> float:
        """When the last failed request of such clients ended; 0 where none has failed."""
        return max((each.ended for each in self.outcomes if each.client.startswith(kinds) and each.failed), default=0.0)

    def answered_since(self, moment: float) -> set[str]:
        """The clients that have had a good answer to a request sent since then."""
        return {each.client for each in self.outcomes if each.sent >= moment and not each.failed}


@dataclass(frozen=True, kw_only=True)
class Client:
    """So many clients of one kind: `read`, `write`, or `blocked`, who read what the fault holds back.

    A patient one waits for as long as `Retry-After` says; `pause` seconds lie between an answer and the next request.
    They come from the `address` of this machine.
    """

    kind: str
    path: str
    number: int = 1
    patient: bool = False
    pause: float = 0.0
    address: str = "127.0.0.1"

    @property
    def name(self) -> str:
        """Its kind and path."""
        return f"{self.kind} {self.path}"


@asynccontextmanager
async def load(url: str, clients: Iterable[Client], *, token: str) -> AsyncIterator[Ledger]:
    """Let the clients ask until the block ends; each finishes the request that it has under way."""
    ledger, over = Ledger(), asyncio.Event()
    numbers = count()
    made = [_Loop(url, client, token, ledger, over, numbers) for client in clients for _ in range(client.number)]
    tasks = [asyncio.create_task(each.run()) for each in made]
    try:
        yield ledger
    finally:
        over.set()
        await asyncio.gather(*tasks)


class _Loop:
    """One client in a closed loop."""

    def __init__(
        self, url: str, client: Client, token: str, ledger: Ledger, over: asyncio.Event, numbers: "count[int]"
    ) -> None:
        address = urlsplit(url)
        self._address = (str(address.hostname), int(address.port or 80))
        self._client = client
        self._head = f"Host: {address.netloc}\r\nAuthorization: Bearer {token}\r\n"
        self._ledger = ledger
        self._over = over
        self._numbers = numbers
        self._retry_after = 0.0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self) -> None:
        while not self._over.is_set():
            title, sent = f"{self._ledger.run} {next(self._numbers)}", time.monotonic()
            end = await self._request(title)
            outcome = Outcome(client=self._client.name, sent=sent, ended=time.monotonic(), end=end)
            self._ledger.outcomes.append(outcome)
            if end == str(_CREATED):
                self._ledger.acknowledged.add(title)
            pause = self._client.pause
            if outcome.failed:
                pause = self._retry_after if self._client.patient and self._retry_after else _PAUSE_SECONDS
            if pause:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), pause)
        self._close()

    async def _request(self, title: str) -> str:
        """How it ended; a connection that the server has announced to close is opened anew, as every client does."""
        if self._streams is None:
            try:
                self._streams = await asyncio.open_connection(*self._address, local_addr=(self._client.address, 0))
            except OSError:
                return REFUSED
        try:
            return await asyncio.wait_for(self._exchange(title), _ANSWER_SECONDS)
        except (OSError, EOFError, ssl.SSLError, ValueError, TimeoutError):
            self._close()
            return LOST

    async def _exchange(self, title: str) -> str:
        assert self._streams is not None
        reader, writer = self._streams
        writer.write(self._bytes(title))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
        await _body(reader, fields)
        self._retry_after = float(fields.get("retry-after", "0"))
        if fields.get("connection") == "close":
            self._close()
        return head[9:12]

    def _bytes(self, title: str) -> bytes:
        if self._client.kind != "write":
            return f"GET {self._client.path} HTTP/1.1\r\n{self._head}\r\n".encode()
        body = json.dumps({"title": title, "content": "c", "published": False}).encode()
        head = f"POST {self._client.path} HTTP/1.1\r\n{self._head}"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _body(reader: asyncio.StreamReader, fields: dict[str, str]) -> None:
    if fields.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    else:
        await reader.readexactly(int(fields.get("content-length", "0")))
