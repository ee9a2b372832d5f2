"""The clients of `make torture-instances`: readers and writers, who see that each answer is that of their request."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import psycopg

from tests.databases import OwnDatabase

HOST: Final = "blog.example.com"
PORT: Final = 21680
TAGS: Final = 50
# Requests of a connection: clients come and go.
_ON_ONE: Final = 100
_TITLE: Final = "instances"
_WRITTEN: Final = "SELECT title, count(*) FROM posts WHERE starts_with(title, %s) GROUP BY title"


@dataclass
class Seen:
    """What the clients have heard: good answers by method and stack, how the others ended, and what was written.

    `acknowledged` are the titles of writes that were answered with 201.
    """

    answers: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    acknowledged: set[str] = field(default_factory=set)

    @property
    def sent(self) -> int:
        """All requests."""
        return self.answers.total() + self.lost.total()

    def by_stack(self) -> Counter[str]:
        """Good answers of each stack."""
        found: Counter[str] = Counter()
        for name, number in self.answers.items():
            found[name.split()[1]] += number
        return found

    def compare(self, database: OwnDatabase) -> tuple[int, int]:
        """How many acknowledged writes the database doesn't have, and how many it has twice."""
        with psycopg.connect(database.owner_dsn) as connection:
            written = dict(connection.execute(_WRITTEN, [_TITLE]).fetchall())
        return len(self.acknowledged - written.keys()), sum(number > 1 for number in written.values())


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request, and what its answer has to be."""

    request: bytes
    status: str
    text: bytes
    title: str = ""


def reads(number: int) -> Iterator[Exchange]:
    """Of one tag after the other: each answer has to be that tag."""
    for tag in itertools.cycle(range(number % TAGS + 1, TAGS + 1)):
        request = f"GET /api/tags/{tag}/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        yield Exchange(request=request, status="200", text=f'"id":{tag},'.encode())


def writes(number: int, token: str) -> Iterator[Exchange]:
    """Of posts whose titles are there once."""
    for count in itertools.count():
        title = f"{_TITLE} {number} {count}"
        body = json.dumps({"title": title, "content": "c", "published": False}).encode()
        head = f"POST /api/posts/ HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        yield Exchange(request=head.encode() + body, status="201", text=f'"{title}"'.encode(), title=title)


async def call(number: int, exchanges: Iterator[Exchange], ready: list[str], seen: Seen, over: asyncio.Event) -> None:
    """A client without a pause, who takes one of the front doors that are ready after the other."""
    turns = itertools.count(number)
    while not over.is_set():
        address = ready[next(turns) % len(ready)]
        try:
            # A canary is a share of the callers, whom nginx knows by their addresses here, or by their tokens.
            reader, writer = await asyncio.open_connection(address, PORT, local_addr=(f"127.8.0.{number + 1}", 0))
        except OSError as error:
            seen.lost[f"connect {type(error).__name__}"] += 1
            continue
        try:
            for _ in range(_ON_ONE):
                if not await _asked(reader, writer, next(exchanges), seen) or over.is_set():
                    break
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: Exchange, seen: Seen) -> bool:
    """Send a request and see that the answer is its own; gives whether the connection stays."""
    method = asked.request.split(b" ", 1)[0].decode()
    writer.write(asked.request)
    try:
        async with asyncio.timeout(60):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
            body = await reader.readexactly(int(fields["content-length"]))
    except (OSError, EOFError, TimeoutError) as error:
        seen.lost[f"{method} {type(error).__name__}"] += 1
        return False
    status = head.split(" ", 2)[1]
    if status != asked.status:
        seen.lost[f"{method} {status}"] += 1
    elif asked.text not in body:
        seen.lost[f"{method} another answer"] += 1
    else:
        seen.answers[f"{method} {fields['x-served-by']}"] += 1
        if asked.title:
            seen.acknowledged.add(asked.title)
    return fields.get("connection") != "close"
