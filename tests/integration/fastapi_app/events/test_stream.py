"""A stream before its first event: what it takes from the process's other requests."""

import asyncio
from typing import Literal

import pytest

from fastapi_app.events import broadcaster
from tests.databases import OwnDatabase
from tests.integration.fastapi_app.conftest import Start
from tests.integration.fastapi_app.running import ALICE, bearer

STREAMS = 3
_DEADLINE = 20


class WaitedFor(asyncio.Event):
    """Says when all of the streams wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.many = asyncio.Event()
        self._number = 0

    async def wait(self) -> Literal[True]:
        self._number += 1
        if self._number == STREAMS:
            self.many.set()
        return await super().wait()


async def test_streams_that_wait_for_the_first_read_leave_the_pool_to_others(
    start: Start, database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the events may not be read, or the server has no connection left for them."""
    async with start(database, pool_max=1) as running:
        begun = WaitedFor()
        monkeypatch.setattr(running.app.state.events.broadcaster, "_begun", begun)
        monkeypatch.setattr(broadcaster, "_FIRST_READ_SECONDS", 60)
        waiting = [asyncio.create_task(running.client.get("/events/", headers=bearer(ALICE))) for _ in range(STREAMS)]
        for _ in range(STREAMS):
            assert (await running.client.get("/posts/", headers=bearer(ALICE))).status_code == 200
        assert not any(task.done() for task in waiting)
        async with asyncio.timeout(_DEADLINE):
            await begun.many.wait()
        running.app.state.events.broadcaster.close()
        running.app.state.events.broadcaster._begun.set()
        answers = await asyncio.gather(*waiting)
    assert [answer.status_code for answer in answers] == [503] * STREAMS
    assert answers[0].json() == {"detail": "The service is stopping: try again in a few seconds."}
