"""What the processes of each stack have cost since they began, and the requests that they answered meanwhile."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psutil

from strangler.local.state import StackState
from strangler.routes.route import Stack

_MEGABYTE: Final = 1 << 20
_THOUSAND: Final = 1000


@dataclass(frozen=True, kw_only=True)
class StackCost:
    """Processor seconds of a stack's processes and of those that ended, and their resident memory in MB, shared or not.

    `since` is when the first of them began; `requests` are those of the gateway from then on.
    """

    stack: Stack
    since: dt.datetime
    requests: int
    processor_seconds: float
    memory: float

    @property
    def cells(self) -> tuple[str, ...]:
        """Requests, processor seconds for a thousand, and memory; the start is most of what few have cost."""
        is_many = self.requests >= _THOUSAND
        thousand = f"{self.processor_seconds / self.requests * _THOUSAND:.1f}" if is_many else "-"
        return f"{self.requests:,}", thousand, f"{self.memory:.0f}"


def stack_costs(state: StackState | None, requests: Callable[[Stack, dt.datetime], int]) -> Iterator[StackCost]:
    """The cost of each stack that runs on this machine; `requests` counts a stack's since a moment."""
    for stack in Stack:
        record = state.services.get(stack) if state else None
        main = record.find() if record else None
        if main is None:
            continue
        since = dt.datetime.fromtimestamp(main.create_time(), dt.UTC)
        seconds, memory = 0.0, 0
        for process in (main, *main.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                memory += process.memory_info().rss
                # The last two are of its children that have ended.
                seconds += sum(process.cpu_times()[:4])
        yield StackCost(
            stack=stack,
            since=since,
            requests=requests(stack, since),
            processor_seconds=seconds,
            memory=memory / _MEGABYTE,
        )
