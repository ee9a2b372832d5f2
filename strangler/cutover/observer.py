"""Asks one path again and again while its route moves: which stack answers, how fast, and what fails."""

import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from strangler.errors import FailedError
from strangler.routes.route import Stack

_PAUSE: Final = 0.02
_TIMEOUT: Final = 10.0
_POLL: Final = 0.02
# So many answers in a row come from a stack before the move has taken effect: old and new workers take turns.
SETTLED: Final = 25
_HEADER: Final = "X-Served-By"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One answer: when its request began and how long it took, in seconds; `status` is None where there was none."""

    began: float
    seconds: float
    status: int | None
    stack: str


class Observer:
    """Sends GET requests to `url`, each on a connection of its own: one that is kept stays with nginx's old workers."""

    def __init__(self, url: str, *, host: str) -> None:
        self._url = url
        self._headers = {"Host": host}
        self._stop = threading.Event()
        self._found: list[Observation] = []

    @property
    def observations(self) -> Sequence[Observation]:
        """What came so far, the oldest first."""
        return tuple(self._found)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send requests meanwhile."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def wait_for(self, stack: Stack, *, since: float, seconds: float, check: Callable[[], None]) -> float:
        """Seconds from `since` until the request from which on that stack alone answered; `check` may end the wait.

        :raises FailedError: it doesn't within so many seconds.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            check()
            if (settled := settled_at(self.observations, stack, since=since)) is not None:
                return settled - since
            time.sleep(_POLL)
        last = self._found[-1] if self._found else None
        what = f"{last.stack or 'nobody'} answers, with {last.status}" if last else "nobody answers"
        raise FailedError(f"{stack} doesn't answer {self._url} within {seconds:.0f} s ({what})", "see strangler status")

    def _run(self) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(headers=self._headers, limits=limits, timeout=_TIMEOUT, trust_env=False) as client:
            while not self._stop.is_set():
                self._found.append(self._ask(client))
                self._stop.wait(_PAUSE)

    def _ask(self, client: httpx.Client) -> Observation:
        began = time.monotonic()
        try:
            answer = client.get(self._url)
        except httpx.HTTPError:
            return Observation(began=began, seconds=time.monotonic() - began, status=None, stack="")
        seconds = time.monotonic() - began
        return Observation(
            began=began, seconds=seconds, status=answer.status_code, stack=answer.headers.get(_HEADER, "")
        )


def settled_at(observations: Sequence[Observation], stack: Stack, *, since: float) -> float | None:
    """When the first of the last requests began that this stack alone answered; None while they are too few."""
    first: float | None = None
    run = 0
    for each in reversed(observations):
        if each.began < since or each.stack != stack:
            break
        first, run = each.began, run + 1
    return first if run >= SETTLED else None


def failures(observations: Sequence[Observation], *, status: int) -> dict[str, int]:
    """The requests that got no answer, or another status than before the move: how many of each status."""
    return dict(Counter(str(each.status or "nothing") for each in observations if each.status != status))


def median_and_slowest(observations: Sequence[Observation]) -> tuple[float, float]:
    """Of the answers, in seconds; zeros where there is none."""
    times = [each.seconds for each in observations if each.status is not None]
    return (statistics.median(times), max(times)) if times else (0.0, 0.0)
