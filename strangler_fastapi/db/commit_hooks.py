"""What follows a commit: functions that are called once a session has committed, and not at all where it rolls back."""

import logging
from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutinefunction

from sqlalchemy.orm import SessionTransaction
from starlette.concurrency import run_in_threadpool

logger = logging.getLogger(__name__)

Committed = Callable[[], Awaitable[object] | object]


class CommitHooks:
    """The functions of one session, in their order."""

    def __init__(self) -> None:
        self._waiting: list[tuple[SessionTransaction | None, Committed]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, function: Committed, within: SessionTransaction | None) -> None:
        """Registers a function; `within` is the savepoint whose fate it shares."""
        self._waiting.append((within, function))

    def forget(self, ended: SessionTransaction) -> None:
        """Drops those of a transaction that was rolled back."""
        self._waiting = [each for each in self._waiting if not _is_within(each[0], ended)]

    def clear(self) -> None:
        """Drops all of them."""
        self._waiting = []

    async def run(self, *, commit: Callable[[], Awaitable[None]], release: Callable[[], Awaitable[None]]) -> None:
        """Calls them, and those that they register, with the session's connection given back by `release`.

        What one writes by the session is committed by `commit` when it returns. What it raises is logged.
        """
        waiting, self._waiting = self._waiting, []
        # They may take long, and a connection is dear.
        await release()
        while waiting:
            _, function = waiting.pop(0)
            try:
                try:
                    made = function() if iscoroutinefunction(function) else await run_in_threadpool(function)
                    if isawaitable(made):
                        await made
                    await commit()
                    waiting += self._waiting
                finally:
                    await release()
            except Exception:
                logger.exception("%s failed after a commit", getattr(function, "__qualname__", function))


def _is_within(transaction: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while transaction is not None and transaction is not outer:
        transaction = transaction.parent
    return transaction is outer
