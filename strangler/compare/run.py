"""A run: signs callers in, requests every case from both sides within the limits, and collects what came of it."""

import asyncio
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final, Protocol

from strangler.compare.case import Case
from strangler.compare.cases.openapi_document import Document, document_find, ids_find
from strangler.compare.client.auth import Callers, NotSignedInError
from strangler.compare.client.client import Asker, Limits
from strangler.compare.client.errors import AskFailed, Unaskable
from strangler.compare.client.request import Headers
from strangler.compare.client.sides import Side
from strangler.compare.collector import Collector
from strangler.compare.comparison import Judge, Outcome, Rules, Verdict
from strangler.errors import FailedError
from strangler.project import SignInSection

# A case waits for either side in turn, so that both are kept busy only if more cases are under way than one can answer.
_CASES_PER_REQUEST: Final = 3
_BATCH: Final = 64
UNSAFE: Final = "cases that may write, which need --writes"


class Watch:
    """Looks at the last `window` cases of each side.

    Args:
        names: of the left side and the right.
        share: of them that may fail, or be answered with 429 or 5xx, from 0 to 1.
        window: fewer cases than this say nothing.
    """

    def __init__(self, names: tuple[str, str], *, share: float, window: int) -> None:
        self._share = share
        self._last = {name: deque[bool](maxlen=window) for name in names}

    def look(self, verdict: Verdict) -> str:
        """Why to stop after this verdict; empty to go on."""
        for (name, last), asked in zip(self._last.items(), (verdict.left, verdict.right), strict=True):
            failed = verdict.failure is not None and verdict.failure.side == name
            if asked is None and not failed:
                continue
            last.append(failed or (asked is not None and asked.answer.is_unavailable))
            if len(last) == last.maxlen and sum(last) > self._share * len(last):
                return f"{sum(last)} of the last {len(last)} answers of {name} were errors"
        return ""


class Runner:
    """Has each case judged and collected.

    Args:
        judge: asks and compares.
        callers: who asks.
        collector: what is found goes there.
        watch: says when to stop.
        concurrency: requests under way at once, on each side.
        tell: is called after each case.
    """

    def __init__(
        self,
        judge: Judge,
        callers: Callers,
        collector: Collector,
        *,
        watch: Watch,
        concurrency: int,
        tell: Callable[[Outcome], None] = lambda _outcome: None,
    ) -> None:
        self._judge = judge
        self._callers = callers
        self._collector = collector
        self._watch = watch
        self._workers = concurrency * _CASES_PER_REQUEST
        self._tell = tell
        self._stopped = ""
        self._right_first = False

    def stop(self, why: str) -> None:
        """Ask no more cases than those under way."""
        self._stopped = self._stopped or why

    async def run(self, cases: Iterable[Case]) -> str:
        """Ask all; why the run ended before they did, empty if it didn't.

        What `cases` raises is raised.
        """
        source = _Source(cases)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._work(source))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return self._stopped

    async def _work(self, source: "_Source") -> None:
        while not self._stopped and (case := await source.next()) is not None:
            await self._ask(case)

    async def _ask(self, case: Case) -> None:
        if not case.safe:
            self._collector.skipped[UNSAFE] += 1
            return
        credentials: Headers = ()
        # Whoever is asked first finds the database's cache cold: each side as often as the other.
        self._right_first = not self._right_first
        try:
            credentials = await self._callers.credentials(case.caller)
            verdict = await self._judge.judge(case, credentials=credentials, right_first=self._right_first)
        except NotSignedInError:
            self._collector.skipped[f"cases of {case.caller}, whose password nobody knows"] += 1
            return
        except AskFailed as failure:
            verdict = Verdict(outcome=Outcome.FAILED, failure=failure)
        except Exception as error:  # noqa: BLE001 - one answer that nobody thought of must not end the others
            # Its own words, or its trace, could quote the answer.
            stumbled = AskFailed("strangler", f"stumbled over an answer ({type(error).__name__})")
            verdict = Verdict(outcome=Outcome.FAILED, failure=stumbled)
        if isinstance(verdict.failure, Unaskable):
            self._collector.skipped[str(verdict.failure)] += 1
            return
        self._collector.add(case, verdict, secrets=tuple(text for _name, text in credentials))
        self._tell(verdict.outcome)
        if why := self._watch.look(verdict):
            self.stop(why)


class _Source:
    """The cases one after another, fetched in a thread: to read or to make them takes its time."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self._cases = iter(cases)
        self._fetched: list[Case] = []
        self._lock = asyncio.Lock()

    async def next(self) -> Case | None:
        """The next case; None at the end."""
        async with self._lock:
            if not self._fetched:
                self._fetched = await asyncio.to_thread(lambda: list(islice(self._cases, _BATCH))[::-1])
            return self._fetched.pop() if self._fetched else None


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
