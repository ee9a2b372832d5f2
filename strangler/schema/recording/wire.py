"""A relay between a service and its PostgreSQL, which notes each statement that passes.

Whatever the language and the driver, a statement passes in a message of PostgreSQL's protocol
(https://www.postgresql.org/docs/current/protocol-message-formats.html), so nothing of the service is changed but the
address of its database.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from strangler.errors import UsageError

HOST: Final = "127.0.0.1"
_POSTGRES_PORT: Final = 5432
# Requests that come in place of a start: for TLS, for GSSAPI, and to cancel a statement.
_SSL: Final = 80877103
_GSS: Final = 80877104
_CANCEL: Final = 80877102
_REFUSED: Final = b"N"
_QUERY: Final = b"Q"
_PARSE: Final = b"P"
_CHUNK: Final = 65536


@dataclass(frozen=True)
class SeenStatement:
    """A statement's text; one that is `prepared` has its values elsewhere, another one may hold them."""

    text: str
    prepared: bool


@dataclass(frozen=True)
class Target:
    """Where the database is: a host and a port, or the folder of a socket in place of the host."""

    host: str
    port: int

    @classmethod
    def of(cls, dsn: str) -> Self:
        """That of an address, whichever driver it names.

        :raises UsageError: it is none.
        """
        try:
            parts = urlsplit(dsn)
            if parts.scheme.partition("+")[0] in ("postgres", "postgresql") and parts.hostname:
                return cls(parts.hostname, parts.port or _POSTGRES_PORT)
        except ValueError:
            pass
        hint = "write postgresql://role:password@host:5432/database"
        raise UsageError("the address of the service's database can't be read", hint)


class Relay:
    """Listens on this machine, passes everything on to `target`, and hands each statement to `note`."""

    def __init__(self, target: Target, note: Callable[[SeenStatement], None]) -> None:
        self._target = target
        self._note = note
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None  # noqa: S101 - it was entered
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def dsn(self, dsn: str) -> str:
        """The address of a database of the target, by way of here."""
        assert self._server is not None  # noqa: S101 - it was entered
        port = self._server.sockets[0].getsockname()[1]
        parts = urlsplit(dsn)
        login, at, _place = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{login}{at}{HOST}:{port}").geturl()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio starts one for each connection
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, OSError):
                await self._relay(reader, writer)
        finally:
            await _closed(writer)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start = await _start_message(reader, writer)
        back, forth = await asyncio.open_connection(self._target.host, self._target.port)
        forth.write(start)
        if int.from_bytes(start[4:8]) == _CANCEL:
            # PostgreSQL reads it, and closes.
            await back.read()
            await _closed(forth)
            return
        ways = {asyncio.create_task(self._statements(reader, forth)), asyncio.create_task(_copied(back, writer))}
        try:
            # Whoever closes first ends both.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await _closed(forth)

    async def _statements(self, reader: asyncio.StreamReader, forth: asyncio.StreamWriter) -> None:
        """Pass on what the service says, message by message."""
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(int.from_bytes(head[1:]) - 4)
            kind = head[:1]
            if kind == _QUERY:
                self._note(SeenStatement(_text(body, 0), prepared=False))
            elif kind == _PARSE:
                self._note(SeenStatement(_text(body, 1), prepared=True))
            forth.write(head + body)
            await forth.drain()


async def _start_message(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The message that a connection begins with; encryption is refused, since nothing leaves this machine."""
    while True:
        length = await reader.readexactly(4)
        body = await reader.readexactly(int.from_bytes(length) - 4)
        if int.from_bytes(body[:4]) not in (_SSL, _GSS):
            return length + body
        writer.write(_REFUSED)
        await writer.drain()


async def _copied(back: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await back.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _text(body: bytes, place: int) -> str:
    """The text number `place` of a message: each ends with a zero."""
    return body.split(b"\0", place + 1)[place].decode(errors="replace")
