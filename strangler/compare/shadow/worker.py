"""The worker: receives samples, compares them within a rate limit, and stores the counts each second."""

import asyncio
import logging
import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, HttpUrl, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from strangler.compare.client.client import Limits, RateLimit, SideClient
from strangler.compare.client.sides import Side
from strangler.compare.comparison import CaseComparer, CaseOutcome, Rules
from strangler.compare.declared import DeclaredDifferences, declared_differences
from strangler.compare.differ import DifferenceKind
from strangler.compare.shadow.inbox import Backlog, Inbox, inbox_listen, inbox_open
from strangler.compare.shadow.results_server import is_path, results_served
from strangler.compare.shadow.sample import SampledRequest
from strangler.compare.shadow.store import PLACES_PER_ROUTE, SampleResult, ShadowStore, Tally, sample_result
from strangler.errors import FailedError, UsageError
from strangler.routes.route import Api, Stack
from strangler.settings import require_port

# An empty variable counts as none, so no prefix is written as a slash.
Prefix = Annotated[str, AfterValidator(lambda value: value.rstrip("/"))]
Address = Annotated[str, Field(pattern=r"^([^:]+:[0-9]{1,5})?$"), AfterValidator(require_port)]
# A socket of the file system as well.
ResultsAddress = Annotated[
    str,
    Field(pattern=r"^(/.*|[^:]+:[0-9]{1,5})?$"),
    AfterValidator(lambda value: value if is_path(value) else require_port(value)),
]
Positive = Annotated[int, Field(ge=1)]


class ShadowSettings(BaseSettings):
    """One worker; every field is an environment variable in capitals that begins with `SHADOW_`.

    `declared` is the file of declared differences, None for none. `v1` and `v2` are the public
    prefixes; those of the stacks are part of their addresses.
    `socket` is where nginx sends samples, and `socket_owner` the account that may, if it isn't the worker's own; or
    `listen` is the address where they come by UDP. At the address `results`, if any, the results are served.
    `rate` is comparisons per second, each of two requests; `concurrency` how many are under way at once. Of each route
    `queue_per_route` samples wait, `queue` of all; more are dropped. `timeout` is seconds for one answer, `body_bytes`
    the size of the largest that is compared. Differences of the kinds in `ignore` don't count.
    """

    model_config = SettingsConfigDict(env_prefix="SHADOW_", env_ignore_empty=True, frozen=True)

    socket: Path | None = None
    listen: Address = ""
    results: ResultsAddress = ""
    database: Path
    django_url: HttpUrl
    fastapi_url: HttpUrl
    declared: Path | None = None
    v1: Prefix
    v2: Prefix
    socket_owner: str = ""
    rate: Annotated[float, Field(gt=0)] = 20.0
    concurrency: Positive = 4
    queue: Positive = 500
    queue_per_route: Positive = 50
    timeout: Annotated[float, Field(gt=0)] = 10.0
    body_bytes: Positive = 1_000_000
    ignore: frozenset[DifferenceKind] = frozenset()

    @model_validator(mode="after")
    def _one_inbox(self) -> Self:
        if (self.socket is None) == (not self.listen):
            raise ValueError("name either SHADOW_SOCKET or SHADOW_LISTEN")
        return self


def shadow_settings_load() -> ShadowSettings:
    """The settings in the environment.

    :raises UsageError: names the first variable that is missing or wrong.
    """
    try:
        return ShadowSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"SHADOW_{first['loc'][0] if first['loc'] else 'socket'}".upper()
        raise UsageError(f"{name} can't be read ({first['msg']})", "correct it in the worker's environment") from None


_LOG = logging.getLogger("strangler.shadow")
_WRITE_SECONDS: Final = 1.0


class ShadowWorker:
    """Works while the `async with` block lasts; what waits at its end is dropped, and counted.

    :raises UsageError: at the start, if the socket can't be made.
    :raises FailedError: at the start, if the database can't be used.
    """

    def __init__(self, settings: ShadowSettings) -> None:
        self._settings = settings
        self._store = ShadowStore(settings.database)
        self._tally = self._empty_tally()
        self._rate_limit = RateLimit(settings.rate)
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        settings = self._settings
        try:
            self._store.prepare()
        except (OSError, sqlite3.Error) as error:
            raise FailedError(f"{settings.database} can't be used ({error})", "remove it or name another") from error
        self._backlog = Backlog(
            prefixes={Api.V1: settings.v1, Api.V2: settings.v2},
            limit=settings.queue,
            limit_per_route=settings.queue_per_route,
        )
        clients = [
            await self._exit.enter_async_context(self._client(stack, str(url)))
            for stack, url in ((Stack.DJANGO, settings.django_url), (Stack.FASTAPI, settings.fastapi_url))
        ]
        rules = Rules(DeclaredDifferences(declared_differences(settings.declared)), ignore=settings.ignore)
        self._comparer = CaseComparer(clients[0], clients[1], rules)
        if settings.results:
            self._exit.enter_context(results_served(settings.results, database=settings.database))
        self._exit.enter_context(self._inbox())
        self._tasks = [asyncio.create_task(self._work()) for _ in range(settings.concurrency)]
        self._tasks.append(asyncio.create_task(self._write_on()))
        _LOG.info(
            "compares at most %g samples a second, taken at %s", settings.rate, settings.listen or settings.socket
        )
        return self

    async def __aexit__(self, *_error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._exit.aclose()
        self._backlog.drop_all()
        self._write()

    def _inbox(self) -> Inbox:
        settings = self._settings
        if settings.listen:
            return Inbox(inbox_listen(settings.listen), receive=self._backlog.offer)
        assert settings.socket is not None  # noqa: S101 - one of both is there
        receiver = inbox_open(settings.socket, owner=settings.socket_owner)
        return Inbox(receiver, receive=self._backlog.offer, path=settings.socket)

    def _client(self, stack: Stack, url: str) -> SideClient:
        """Requests a stack directly, with the headers that nginx would send."""
        settings = self._settings
        side = Side(
            name=stack,
            url=url.rstrip("/"),
            links=settings.v1,
            headers=(("User-Agent", "strangler-shadow"), ("X-Forwarded-Prefix", settings.v1 or "/")),
        )
        limits = Limits(concurrency=settings.concurrency, timeout=settings.timeout, body_bytes=settings.body_bytes)
        return SideClient(side, limits)

    def _empty_tally(self) -> Tally:
        return Tally(places_per_route=PLACES_PER_ROUTE)

    async def _work(self) -> None:
        while True:
            sample = await self._backlog.next()
            try:
                await self._rate_limit.wait()
                result = await self._compared(sample)
            except asyncio.CancelledError:
                self._backlog.drop(sample)
                raise
            self._tally.add_result(sample.route, result)

    async def _compared(self, sample: SampledRequest) -> SampleResult:
        try:
            return sample_result(sample, await self._comparer.compare(sample.case))
        except Exception as error:  # noqa: BLE001 - an unexpected sample must not end the worker
            # Its own words, or its trace, could quote the request and its token.
            failure = f"the worker met an unexpected exception ({type(error).__name__})"
            _LOG.error("%s of %s, request %s", failure, sample.route, sample.request_id)
            return SampleResult(
                outcome=CaseOutcome.FAILED, method=sample.method, path="", request_id="", failure=failure
            )

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            self._write()

    def _write(self) -> None:
        """Write what was counted; if that fails, it is counted on and written with the next."""
        self._tally.refused(self._backlog.refused())
        if not self._tally:
            return
        try:
            self._store.add(self._tally)
        except (OSError, sqlite3.Error) as error:
            _LOG.error("the results wait for %s: %s", self._settings.database, error)
        else:
            self._tally = self._empty_tally()
