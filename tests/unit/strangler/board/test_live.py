"""The live page: it goes on, whatever becomes of a read."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from strangler.board import live
from strangler.board.board import Board, BoardState
from strangler.board.live import LivePage
from strangler.board.page import PageRenderer


class Breaking:
    """A board whose first read and first renewal end with what nobody has foreseen."""

    def __init__(self, snapshot: BoardState) -> None:
        self.snapshot = snapshot
        self.reads = self.renewals = 0

    def first(self) -> BoardState:
        return self.snapshot

    def read(self) -> BoardState:
        self.reads += 1
        if self.reads == 1:
            raise RuntimeError("unforeseen")
        return replace(self.snapshot, problems=(f"read {self.reads}",))

    def renew(self) -> None:
        self.renewals += 1


async def test_what_nobody_has_foreseen_is_a_sentence_and_reading_goes_on(
    empty_board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_PAUSE_SECONDS", 0.01)
    board: Any = Breaking(empty_board.first())
    page = LivePage(board, PageRenderer("1"))
    seen = [page.page]
    async with page.running():
        for _ in range(2):
            seen.append(await asyncio.wait_for(page.after(seen[-1].number), 5))
    assert seen[1].snapshot.problems[-1] == "The board can't be read (RuntimeError): what is shown may be old."
    assert "(RuntimeError)" in seen[1].sections["problems"].html
    assert seen[2].snapshot.problems == ("read 2",)
    assert board.renewals > 0
    await page.close()
    # Nobody waits for a page that never comes.
    assert await asyncio.wait_for(page.after(page.page.number), 5) is page.page
