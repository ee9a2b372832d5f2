"""`make test-torture`: 1,000 open streams on one process, directly and through nginx."""

import asyncio
import resource
import statistics
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import psutil
import psycopg
import pytest

from strangler.cli.output import say
from strangler.local.ports import port_free_pick
from tests.fastapi_process import fastapi_process
from tests.gateways import gateway, routes_at
from tests.shared_stack import StackAddresses
from tests.streams import Stream, stream_of_new_service

pytestmark = [pytest.mark.torture, pytest.mark.xdist_group("torture")]

STREAMS = 1000
ROUNDS = 5
OPENING_AT_ONCE = 50
SECONDS_TO_ALL = 1.0
KILOBYTES_PER_STREAM = 100


@dataclass(frozen=True)
class Service:
    """One FastAPI process, where clients reach it."""

    url: str
    process: psutil.Process

    @property
    def memory(self) -> int:
        size: int = self.process.memory_info().rss
        return size


@pytest.fixture(autouse=True)
def open_files() -> None:
    """The clients are here: each is a file of this process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture(params=["directly", "through nginx"])
def service(request: pytest.FixtureRequest, stack: StackAddresses) -> Iterator[Service]:
    port = port_free_pick()
    with fastapi_process(stack, port=port, LOG_LEVEL="warning", EVENT_STREAMS_OF_USER=str(STREAMS)) as url:
        (process,) = [
            child for child in psutil.Process().children() if child.environ().get("FASTAPI_PORT") == str(port)
        ]
        if request.param == "directly":
            yield Service(url, process)
            return
        with gateway(routes_at({"*": "parallel"}), django=stack.django_url, fastapi=url) as made:
            yield Service(made.url, process)


async def test_a_thousand_streams_on_one_process(
    service: Service, stack: StackAddresses, access_tokens: dict[str, str]
) -> None:
    async with AsyncExitStack() as opened:
        before, started = service.memory, time.monotonic()
        streams = await _open(opened, service.url, list(access_tokens.values()))
        say(f"{STREAMS} streams opened in {time.monotonic() - started:.1f} s")
        each = (service.memory - before) / STREAMS / 1000
        say(f"{each:.0f} kB of memory for each, {_connections(stack)} database connections")
        slowest = [await _seconds_to_all(streams, stack, access_tokens["alice"]) for _ in range(ROUNDS)]
        service.process.terminate()
        stopped = time.monotonic()
        ends = await asyncio.gather(*(one.next() for one in streams))
        say(f"all ended {time.monotonic() - stopped:.2f} s after SIGTERM")
    assert ends == [None] * STREAMS
    assert each < KILOBYTES_PER_STREAM
    assert statistics.median(slowest) < SECONDS_TO_ALL


async def _open(opened: AsyncExitStack, url: str, tokens: list[str]) -> list[Stream]:
    turn = asyncio.Semaphore(OPENING_AT_ONCE)

    async def one(number: int) -> Stream:
        async with turn:
            made = await opened.enter_async_context(stream_of_new_service(url, tokens[number % len(tokens)]))
            assert made.status == 200
            await made.block()
            return made

    return await asyncio.gather(*(one(number) for number in range(STREAMS)))


async def _seconds_to_all(streams: list[Stream], stack: StackAddresses, token: str) -> float:
    """From the answer to the write until the last of the streams has heard of it."""
    waiting = [asyncio.create_task(one.next()) for one in streams]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
        body = {"title": "to all", "content": "c", "published": True}
        answer = await client.post(f"{stack.parallel_url}/api/posts/", json=body)
    written = time.monotonic()
    reported = [event for event in await asyncio.gather(*waiting) if event is not None]
    assert {event.post_id for event in reported} == {answer.json()["id"]}
    assert len(reported) == len(streams)
    delays = sorted(event.at - written for event in reported)
    say(f"heard after {statistics.median(delays) * 1000:.0f} ms in the median, {delays[-1] * 1000:.0f} ms by all")
    return delays[-1]


def _connections(stack: StackAddresses) -> int:
    """Of FastAPI's role: those of the shared stack's two processes, too."""
    with psycopg.connect(stack.admin_dsn) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'strangler_fastapi'").fetchone()
    assert row is not None
    count: int = row[0]
    return count
