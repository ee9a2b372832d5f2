"""One run: both sides, how they are asked, and what counts."""

import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field

from strangler.compare.asking import Asker, Limits
from strangler.compare.callers import Callers, SignIn
from strangler.compare.cases.case import Case
from strangler.compare.collecting import Collector
from strangler.compare.judging import Judge, Outcome, Rules
from strangler.compare.runner import Runner
from strangler.compare.side import Side
from strangler.compare.watching import Watch


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
    sign_in: SignIn
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
        async with AsyncExitStack() as stack:
            left, right = [await stack.enter_async_context(self._asker(side)) for side in (self.left, self.right)]
            callers = Callers((right, left) if self.login_right else (left, right), self.sign_in, self.password)
            await callers.require(self.logins)
            runner = Runner(
                Judge(left, right, self.rules),
                callers,
                collector,
                watch=Watch((self.left.name, self.right.name), share=self.stop_share, window=self.stop_window),
                concurrency=self.limits.concurrency,
                tell=tell,
            )
            with _interruptible(runner):
                return await runner.run(cases)

    def _asker(self, side: Side) -> Asker:
        return Asker(side, self.limits, follow=self.follow, strict_json=True)


@contextmanager
def _interruptible(runner: Runner) -> Iterator[None]:
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
