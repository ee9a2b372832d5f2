"""A run: signs callers in, requests every case from both sides within the limits, and collects what came of it."""

import asyncio
import json
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice
from typing import Final

from strangler.compare.case import Case
from strangler.compare.client.auth import Callers, NotSignedInError
from strangler.compare.client.client import Limits, SideClient
from strangler.compare.client.errors import RequestError, UnsendableError
from strangler.compare.client.response import Headers
from strangler.compare.client.sides import Side
from strangler.compare.client.signed_tokens import TokenSigner
from strangler.compare.collector import Collector
from strangler.compare.comparison import CaseComparer, CaseOutcome, CaseResult, Rules
from strangler.sections import SignInSection

# A case waits for either side in turn, so that both are kept busy only if more cases are under way than one can answer.
_CASES_PER_REQUEST: Final = 3
_BATCH: Final = 64
UNSAFE: Final = "cases that may write, which need --writes"


class ErrorWatch:
    """Counts errors among the last `window` cases of each side.

    Args:
        names: of the left side and the right.
        share: of them that may fail, or be answered with 429 or 5xx, from 0 to 1.
        window: fewer cases than this say nothing.
    """

    def __init__(self, names: tuple[str, str], *, share: float, window: int) -> None:
        self._share = share
        self._last = {name: deque[bool](maxlen=window) for name in names}

    def look(self, result: CaseResult) -> str:
        """Why to stop after this verdict; empty to go on."""
        for (name, last), asked in zip(self._last.items(), (result.left, result.right), strict=True):
            failed = result.failure is not None and result.failure.side == name
            if asked is None and not failed:
                continue
            # What isn't ported yet says nothing about the server.
            ported = asked is None or asked.answer.status != HTTPStatus.NOT_IMPLEMENTED
            last.append((failed or (asked is not None and asked.answer.is_unavailable)) and ported)
            if len(last) == last.maxlen and sum(last) > self._share * len(last):
                return f"{sum(last)} of the last {len(last)} answers of {name} were errors"
        return ""


class Runner:
    """Compares each case and collects its result.

    Args:
        compare: requests and compares.
        callers: give the credentials.
        collector: receives the results.
        watch: decides when to stop.
        concurrency: requests under way at once, on each side.
    """

    def __init__(
        self,
        compare: CaseComparer,
        callers: Callers,
        collector: Collector,
        *,
        watch: ErrorWatch,
        concurrency: int,
    ) -> None:
        self._comparer = compare
        self._callers = callers
        self._collector = collector
        self._watch = watch
        self._workers = concurrency * _CASES_PER_REQUEST
        self._stopped = ""
        self._right_first = False

    def stop(self, why: str) -> None:
        """Start no more cases."""
        self._stopped = self._stopped or why

    async def run(self, cases: Iterable[Case]) -> str:
        """Compare all; returns why the run ended early, empty if it didn't.

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
        while not self._stopped and (numbered := await source.next()) is not None:
            await self._process(*numbered)

    async def _process(self, number: int, case: Case) -> None:
        if not case.safe:
            self._collector.skipped[UNSAFE] += 1
            return
        credentials: Headers = ()
        # The first request finds the database's cache cold: the sides take turns.
        self._right_first = not self._right_first
        try:
            credentials = await self._callers.credentials(case.caller)
            result = await self._comparer.compare(case, credentials=credentials, right_first=self._right_first)
        except NotSignedInError:
            self._collector.skipped[f"cases of {case.caller} without a password"] += 1
            return
        except RequestError as failure:
            result = CaseResult(outcome=CaseOutcome.FAILED, failure=failure)
        except Exception as error:  # noqa: BLE001 - an unexpected response must not end the run
            # Its own words, or its trace, could quote the answer.
            unexpected = RequestError("strangler", f"met an unexpected exception ({type(error).__name__})")
            result = CaseResult(outcome=CaseOutcome.FAILED, failure=unexpected)
        if isinstance(result.failure, UnsendableError):
            self._collector.skipped[str(result.failure)] += 1
            return
        self._collector.add(case, result, number=number, secrets=tuple(text for _name, text in credentials))
        if why := self._watch.look(result):
            self.stop(why)


class _Source:
    """The cases one after another, fetched in a thread: to read or to make them takes its time."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self._cases = enumerate(cases)
        self._fetched: list[tuple[int, Case]] = []
        self._lock = asyncio.Lock()

    async def next(self) -> tuple[int, Case] | None:
        """The next case with its place among them; None at the end."""
        async with self._lock:
            if not self._fetched:
                self._fetched = await asyncio.to_thread(lambda: list(islice(self._cases, _BATCH))[::-1])
            return self._fetched.pop() if self._fetched else None


# Where drf-spectacular, FastAPI, drf-yasg and others put their OpenAPI document.
_PLACES: Final = ("/schema/?format=json", "/openapi.json", "/swagger.json", "/schema/", "/api-docs")
_ACCEPT: Final = (("Accept", "application/json, application/vnd.oai.openapi+json"),)
# A version is worth no wait for a side that hangs.
_VERSION_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class RequestOptions:
    """How both sides are requested.

    Attributes:
        limits: of each.
        sign_in: how callers get their tokens.
        password: of a caller; None where there is none.
        signer: makes tokens that nobody gets by signing in; None where the key isn't known.
    """

    limits: Limits
    sign_in: SignInSection
    password: Callable[[str], str | None] = field(repr=False)
    signer: TokenSigner | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class ComparisonSession(RequestOptions):
    """How two sides are compared.

    Attributes:
        left, right: the sides.
        rules: which differences count.
        logins: callers that are signed in before the first request.
        login_right: the right side gives the tokens, and the left only if the right doesn't answer.
        follow: redirects within a side are followed.
        stop_share: of the last `stop_window` answers of a side that may be errors, from 0 to 1.
    """

    left: Side
    right: Side
    rules: Rules
    logins: tuple[str, ...] = ()
    login_right: bool = False
    follow: bool = False
    stop_share: float = 0.5
    stop_window: int = 50

    async def run(self, cases: Iterable[Case], collector: Collector) -> str:
        """Compare all cases; returns why the run ended early, empty if it didn't.

        :raises UsageError: a caller is refused; what `cases` raises is raised too.
        """
        async with self._open() as (left, right, callers):
            await callers.require(self.logins)
            runner = Runner(
                CaseComparer(left, right, self.rules),
                callers,
                collector,
                watch=ErrorWatch((self.left.name, self.right.name), share=self.stop_share, window=self.stop_window),
                concurrency=self.limits.concurrency,
            )
            with interruptible(runner.stop):
                return await runner.run(cases)

    async def versions(self) -> tuple[str, str]:
        """What each side's OpenAPI document calls its version; empty where there is none."""
        async with self._open() as (left, right, _callers):
            return await _version(left), await _version(right)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[SideClient, SideClient, Callers]]:
        async with self._client(self.left) as left, self._client(self.right) as right:
            clients = (right, left) if self.login_right else (left, right)
            yield left, right, Callers(clients, self.sign_in, self.password, signer=self.signer)

    def _client(self, side: Side) -> SideClient:
        return SideClient(side, self.limits, follow=self.follow, strict_json=True)


async def _version(client: SideClient) -> str:
    try:
        async with asyncio.timeout(_VERSION_SECONDS):
            for place in _PLACES:
                answer = (await client.send(Case(method="GET", target=place, headers=_ACCEPT))).answer
                if answer.status == HTTPStatus.OK and (version := _version_in(answer.body)):
                    return version
    except (RequestError, TimeoutError):
        pass
    return ""


def _version_in(body: bytes) -> str:
    try:
        return str(json.loads(body)["info"]["version"] or "")
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


@contextmanager
def interruptible(stop: Callable[[str], None]) -> Iterator[None]:
    """The first ^C ends the run with what it has found; the second ends the program."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        stop("interrupted")

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
