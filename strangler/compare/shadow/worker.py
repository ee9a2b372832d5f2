"""The worker: receives samples, compares them within a rate limit, and stores the counts each second."""

import asyncio
import logging
import sqlite3
from contextlib import AsyncExitStack
from typing import Final, Self

from strangler.compare.client.client import Limits, RateLimit, SideClient
from strangler.compare.client.sides import Side
from strangler.compare.comparison import CaseComparer, CaseOutcome, Rules
from strangler.compare.declared import DeclaredDifferences, declared_differences
from strangler.compare.shadow.backlog import Backlog
from strangler.compare.shadow.inbox import Inbox
from strangler.compare.shadow.sample import SampledRequest
from strangler.compare.shadow.settings import ShadowSettings
from strangler.compare.shadow.store import PLACES_PER_ROUTE, SampleResult, ShadowStore, Tally, sample_result
from strangler.errors import FailedError
from strangler.routes.route import Api, Stack

_LOG = logging.getLogger("strangler.shadow")
_WRITE_SECONDS: Final = 1.0


class ShadowWorker:
    """Works while the `async with` block lasts; at its end it closes the inbox, and drops and counts what waits.

    :raises UsageError: at the start, if the declared differences can't be read.
    :raises FailedError: at the start, if the database can't be used.
    """

    def __init__(self, settings: ShadowSettings, inbox: Inbox) -> None:
        self._settings = settings
        self._inbox = inbox
        self._store = ShadowStore(settings.database)
        self._tally = self._empty_tally()
        self._rate_limit = RateLimit(settings.rate)
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        settings = self._settings
        rules = self.prepared()
        self._backlog = Backlog(
            prefixes={Api.V1: settings.v1, Api.V2: settings.v2},
            limit=settings.queue,
            limit_per_route=settings.queue_per_route,
        )
        clients = [
            await self._exit.enter_async_context(self._client(stack, url))
            for stack, url in ((Stack.DJANGO, settings.django_url), (Stack.FASTAPI, settings.fastapi_url))
        ]
        self._comparer = CaseComparer(clients[0], clients[1], rules)
        if settings.results:
            # Few workers serve them, and an HTTP server takes memory.
            from strangler.compare.shadow.results_server import results_served

            self._exit.enter_context(results_served(settings.results, database=settings.database))
        self._exit.callback(self._inbox.close)
        self._inbox.hand_to(self._backlog.offer)
        self._tasks = [asyncio.create_task(self._work()) for _ in range(settings.concurrency)]
        self._tasks.append(asyncio.create_task(self._write_on()))
        return self

    def prepared(self) -> Rules:
        """How answers are compared, once the database is ready.

        :raises UsageError: the declared differences can't be read.
        :raises FailedError: the database can't be used.
        """
        settings = self._settings
        try:
            self._store.prepare()
        except (OSError, sqlite3.Error) as error:
            raise FailedError(f"{settings.database} can't be used ({error})", "remove it or name another") from error
        return Rules(DeclaredDifferences(declared_differences(settings.declared)), ignore=settings.ignore)

    async def __aexit__(self, *_error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._exit.aclose()
        self._backlog.drop_all()
        self._write()

    def _client(self, stack: Stack, url: str) -> SideClient:
        """Requests a stack directly, with the headers that nginx would send."""
        settings = self._settings
        side = Side(
            name=stack,
            url=url,
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
