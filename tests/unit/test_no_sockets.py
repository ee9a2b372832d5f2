"""The guard of tests/unit/conftest.py at work."""

import asyncio
import socket

import asyncpg
import psycopg
import pytest

NOWHERE = ("127.0.0.1", 9)
REFUSED = r"^A unit test opened a socket: move it to tests/integration, or give it what it wanted to fetch\.$"


@pytest.mark.parametrize("act", ["connect", "connect_ex", "bind"])
def test_a_socket_is_refused_in_one_sentence(act: str) -> None:
    with socket.socket() as refused, pytest.raises(AssertionError, match=REFUSED):
        getattr(refused, act)(NOWHERE)


def test_a_connection_of_libpq_is_refused() -> None:
    with pytest.raises(AssertionError, match=REFUSED):
        psycopg.connect("postgresql://127.0.0.1:9/none")


async def test_a_connection_of_asyncpg_is_refused() -> None:
    with pytest.raises(AssertionError, match=REFUSED):
        await asyncpg.connect("postgresql://u:p@127.0.0.1:9/none", timeout=5)


async def test_an_event_loop_needs_none_of_them() -> None:
    await asyncio.sleep(0)
