"""One run: both sides, how they are asked, and what counts."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from strangler.compare.case import Case
from strangler.compare.client.auth import Callers
from strangler.compare.client.client import Asker, Limits
from strangler.compare.client.target import Side
from strangler.compare.collector import Collector
from strangler.compare.judge import Judge, Outcome, Rules
from strangler.compare.openapi_document import Document, document_find, ids_find
from strangler.compare.runner import Runner, Watch
from strangler.errors import FailedError
from strangler.project import SignInSection

# A version is worth no wait for a side that hangs.
_VERSION_SECONDS: Final = 5.0


class Stoppable(Protocol):
    """What works until it is told to stop."""

    def stop(self, why: str) -> None:
        """Ask no more."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How two sides are compared.

    Attributes:
        left, right: the sides.
        limits: of each.
        rules: which differences count.
        sign_in: how callers get their tokens.
        password: of a caller; None where nobody knows it.
        logins: callers that are signed in before anything is asked.
        login_right: the right side gives the tokens, and the left only if the right doesn't answer.
        follow: redirects within a side are followed.
        stop_share: of the last `stop_window` answers of a side that may be errors, from 0 to 1.
    """

    left: Side
    right: Side
    limits: Limits
    rules: Rules
    sign_in: SignInSection
    password: Callable[[str], str | None] = field(repr=False)
    logins: tuple[str, ...] = ()
    login_right: bool = False
    follow: bool = False
    stop_share: float = 0.5
    stop_window: int = 50

    async def run(
        self, cases: Iterable[Case], collector: Collector, *, tell: Callable[[Outcome], None] = lambda _outcome: None
    ) -> str:
        """Ask all cases; why the run ended before they did, empty if it didn't.

        :raises UsageError: a caller is refused; what `cases` raises is raised too.
        """
        async with self._open() as (left, right, callers):
            await callers.require(self.logins)
            runner = Runner(
                Judge(left, right, self.rules),
                callers,
                collector,
                watch=Watch((self.left.name, self.right.name), share=self.stop_share, window=self.stop_window),
                concurrency=self.limits.concurrency,
                tell=tell,
            )
            with interruptible(runner):
                return await runner.run(cases)

    async def learn(self, *, of_right: bool) -> Document:
        """The OpenAPI document of a side, with ids that the first of `logins` finds there.

        :raises UsageError: a caller is refused.
        :raises FailedError: there is no document.
        """
        async with self._open() as (left, right, callers):
            await callers.require(self.logins)
            asker = right if of_right else left
            document = await document_find(asker)
            credentials = await callers.credentials(next(iter(self.logins), ""))
            return replace(document, known=await ids_find(asker, document, credentials))

    async def versions(self) -> tuple[str, str]:
        """What each side's OpenAPI document calls its version; empty where there is none."""
        async with self._open() as (left, right, _callers):
            return await _version(left), await _version(right)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[Asker, Asker, Callers]]:
        async with self._asker(self.left) as left, self._asker(self.right) as right:
            askers = (right, left) if self.login_right else (left, right)
            yield left, right, Callers(askers, self.sign_in, self.password)

    def _asker(self, side: Side) -> Asker:
        return Asker(side, self.limits, follow=self.follow, strict_json=True)


async def _version(asker: Asker) -> str:
    try:
        async with asyncio.timeout(_VERSION_SECONDS):
            return (await document_find(asker)).version
    except (FailedError, TimeoutError):
        return ""


@contextmanager
def interruptible(runner: Stoppable) -> Iterator[None]:
    """The first ^C ends the run with what it has found; the second ends the program."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        runner.stop("interrupted")

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
