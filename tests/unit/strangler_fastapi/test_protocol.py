"""The transport that writes an answer's head together with what follows it."""

import asyncio

import pytest

from strangler_fastapi.protocol import _OneWrite

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Written(asyncio.Transport):
    """A transport that notes each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


@pytest.fixture
async def written() -> Written:
    return Written()


async def test_a_head_goes_with_its_body(written: Written) -> None:
    transport = _OneWrite(written, asyncio.get_running_loop())
    transport.write(HEAD)
    transport.write(b"{}")
    transport.write(b"more")
    await asyncio.sleep(0)
    assert written.writes == [HEAD + b"{}", b"more"]


async def test_a_head_alone_is_sent_once_its_task_pauses(written: Written) -> None:
    """Of HEAD, and of a stream whose first event is yet to come."""
    transport = _OneWrite(written, asyncio.get_running_loop())
    transport.write(HEAD)
    assert written.writes == []
    await asyncio.sleep(0)
    assert written.writes == [HEAD]


async def test_a_head_is_sent_before_the_end(written: Written) -> None:
    transport = _OneWrite(written, asyncio.get_running_loop())
    transport.write(HEAD)
    transport.close()
    await asyncio.sleep(0)
    assert (written.writes, written.closed) == ([HEAD], True)
