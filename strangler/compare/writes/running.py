"""Collects what became of the writes, as the runner does for reads."""

from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing

from strangler.compare.collector import Collector
from strangler.compare.judge import Outcome
from strangler.compare.writes.play import Played
from strangler.errors import FailedError


class WriteRunner:
    """Has each step of `writes_compare` collected.

    Args:
        collector: what is found goes there.
        chosen: the routes that count; the others are played, since scenarios need them. Empty for all.
        tell: is called after each step that counts.
    """

    def __init__(
        self,
        collector: Collector,
        *,
        chosen: Collection[str] = (),
        tell: Callable[[Outcome], None] = lambda _outcome: None,
    ) -> None:
        self._collector = collector
        self._chosen = frozenset(chosen)
        self._tell = tell
        self._stopped = ""

    def stop(self, why: str) -> None:
        """Play no more steps than the one under way."""
        self._stopped = self._stopped or why

    async def run(self, steps: AsyncGenerator[Played, None]) -> str:
        """Play all; why the run ended before they did, empty if it didn't.

        A database that can't be copied or a server that doesn't start is a failure of the report.

        :raises UnsafeError: a server would have been told of the real database.
        """
        try:
            async with aclosing(steps):
                async for played in steps:
                    self._add(played)
                    if self._stopped:
                        break
        except FailedError as error:
            # Its other lines are the end of a log.
            self._collector.failed(str(error).splitlines()[0])
        return self._stopped

    def _add(self, played: Played) -> None:
        if self._chosen and played.case.route not in self._chosen:
            return
        if played.verdict is None:
            self._collector.skipped[played.skipped] += 1
            return
        self._collector.add(played.case, played.verdict, rows=played.rows, secrets=played.secrets)
        self._tell(Outcome.DIFFERENT if played.rows else played.verdict.outcome)
