"""Whether a statement is run by the plan that PostgreSQL keeps for it, or planned anew for its values.

A driver's statement is prepared once, and after five executions PostgreSQL keeps a plan that fits the average value.
Planning anew takes longer than most reads do. But for a value that many rows have where others have few, such as the
author of a twentieth of all posts, the kept plan may take three times as long. Django's statements never have one.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import asyncpg

from strangler_fastapi.db.query_count import count_statement

# Planning is at most a twentieth of that.
_SLOW_SECONDS: Final = 0.05
# After so many quick runs that were planned anew the kept plan is tried again, and planning after so many by that one.
_RUNS: Final = 100
# Planning anew is in vain if it takes as large a share of the kept plan's time, so many times in a row.
_VAIN_SHARE: Final = 0.8
_MOST_VAIN: Final = 5
# The kept plan is the worse one if it takes so many times as long after all: it was none yet when they were compared.
_WORSE: Final = 1.5


class PlanChoice:
    """The choice for one statement: what was slow is planned anew, until it is quick or no quicker for it.

    A database that is slow by itself, being overloaded say, is thereby kept from planning besides.
    """

    __slots__ = ("_anew_seconds", "_kept_seconds", "_left", "_vain", "is_slow")
    # Reads of this process.
    under_way: ClassVar[int] = 0

    def __init__(self) -> None:
        self.is_slow = False
        # So many runs are still planned anew; below 0 so many are not.
        self._left = self._vain = 0
        self._kept_seconds = self._anew_seconds = 0.0

    @property
    def is_anew(self) -> bool:
        """Whether the next run is planned for its values."""
        return self._left > 0

    @contextmanager
    def timed(self) -> Iterator[bool]:
        """Gives whether a run is planned anew, and notes what it takes if it succeeds.

        That is its share of the time, of all reads that are under way: where many share the cores each takes long, and
        to plan each of them anew besides would take longer still.
        """
        PlanChoice.under_way += 1
        is_anew, most, started = self.is_anew, PlanChoice.under_way, time.perf_counter()
        try:
            yield is_anew
            self.took((time.perf_counter() - started) / max(most, PlanChoice.under_way), is_anew=is_anew)
        finally:
            PlanChoice.under_way -= 1

    def took(self, seconds: float, *, is_anew: bool) -> None:
        """Note what a run took, and whether it was planned anew.

        Of runs at the same time some began before the choice was made that the others were run by: they don't say
        anything of it.
        """
        self.is_slow = seconds >= _SLOW_SECONDS
        if is_anew is not self.is_anew:
            return
        if is_anew:
            self._took_anew(seconds)
        elif self._left < 0 and seconds < _WORSE * self._anew_seconds:
            self._left += 1
        elif self.is_slow:
            self._kept_seconds, self._left, self._vain = seconds, _RUNS, 0

    def _took_anew(self, seconds: float) -> None:
        self._vain = self._vain + 1 if seconds >= _VAIN_SHARE * self._kept_seconds else 0
        if self._vain == _MOST_VAIN:
            self._anew_seconds, self._left = seconds, -_RUNS
        else:
            self._left = _RUNS if self.is_slow else self._left - 1


async def fetch_anew(driver: asyncpg.Connection, text: str, arguments: list[Any]) -> list[asyncpg.Record]:
    """The rows of a statement that is planned for its values: one without a name, which costs a second trip.

    Raises:
        asyncpg.PostgresError: as of the driver's `fetch`, and the rest.
    """
    count_statement(text)
    statement = await driver.prepare(text, name="")
    records: list[asyncpg.Record] = await statement.fetch(*arguments)
    return records
