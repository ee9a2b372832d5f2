"""Reads the board again and again, and tells those who wait that there is a newer page."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from strangler.board.board import Board, BoardState
from strangler.board.page import PageRenderer, PageSection

_LOG: Final = logging.getLogger(__name__)
_PAUSE_SECONDS: Final = 1.0
# A busy log is read less often: a tenth of a core is what a page may cost.
_PAUSE_TIMES: Final = 9


@dataclass(frozen=True, kw_only=True)
class PageVersion:
    """The page that is shown from now on, and its number."""

    number: int
    snapshot: BoardState
    sections: Mapping[str, PageSection]


class LivePage:
    """The newest page of a board, while `running` lasts."""

    def __init__(self, board: Board, renderer: PageRenderer) -> None:
        self._board = board
        self.renderer = renderer
        self._newer = asyncio.Condition()
        self._number = 0
        self.closed = False
        self.page = self._rendered(board.first())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read on in the background, in threads."""
        tasks = [asyncio.create_task(self._repeat(each)) for each in (self._refresh, self._renew)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def after(self, number: int) -> PageVersion:
        """The newest page, once there is one with another number."""
        async with self._newer:
            await self._newer.wait_for(lambda: self.closed or self.page.number != number)
        return self.page

    async def close(self) -> None:
        """Let those go who wait."""
        async with self._newer:
            self.closed = True
            self._newer.notify_all()

    async def _repeat(self, work: Callable[[], PageVersion | None]) -> None:
        noted = ""
        while True:
            begun = time.monotonic()
            try:
                found = await asyncio.to_thread(work)
            except Exception as error:  # noqa: BLE001 - the page says so, and goes on
                if noted != (noted := repr(error)):
                    _LOG.warning("the board can't be read: %r", error, exc_info=error)
                sentence = f"The board can't be read ({type(error).__name__}): what is shown may be old."
                found = await asyncio.to_thread(self._rendered, _with_problem(self.page.snapshot, sentence))
            if found is not None:
                async with self._newer:
                    self.page = found
                    self._newer.notify_all()
            await asyncio.sleep(max(_PAUSE_SECONDS, _PAUSE_TIMES * (time.monotonic() - begun)))

    def _refresh(self) -> PageVersion:
        return self._rendered(self._board.read())

    def _renew(self) -> None:
        self._board.renew()

    def _rendered(self, snapshot: BoardState) -> PageVersion:
        self._number += 1
        return PageVersion(number=self._number, snapshot=snapshot, sections=self.renderer.sections(snapshot))


def _with_problem(snapshot: BoardState, sentence: str) -> BoardState:
    return replace(snapshot, problems=(*dict.fromkeys([*snapshot.problems, sentence]),))
