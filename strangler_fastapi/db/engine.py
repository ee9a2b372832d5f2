"""The database: one engine per process, the tables reflected from it, and whether they are what the service needs."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Collection, Generator
from typing import Any, Final

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared_schema.catalog_reading import read_catalog, read_fingerprint
from shared_schema.consumer.consumer import Consumer
from shared_schema.drift.consumer import consumer_mismatches
from shared_schema.drift.privileges import denied_mismatches
from shared_schema.mapping import Mapping
from strangler_fastapi.db.address import asyncpg_address
from strangler_fastapi.db.moments import exact_moments
from strangler_fastapi.db.pool import FairPool
from strangler_fastapi.db.query_count import CountedConnection, count_of_engine
from strangler_fastapi.db.replica import Replica, SingleFlight

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5
# How late a change of the tables is known at the most, where no request meets it before; a check takes 1 ms.
_WATCH_SECONDS = 5.0
_CONNECT_SECONDS = 5
# So long what the watch has seen may be told to probes, while each step of a check would wait behind requests.
_KNOWN_SECONDS = _WATCH_SECONDS + 1.0
# Who waits for longer makes those behind wait, too: a refusal now is worth more than an answer then.
_POOL_WAIT_SECONDS = 2
# By so much later than PostgreSQL has to end a statement the service gives up waiting for it.
_LATE_SECONDS = 2
# Where the next transaction may be another server's, a statement has no name and is known for no longer than that.
_UNPREPARED: Final = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": str,
}


class Database:
    """The engine and whether the tables are what the service needs.

    `problem` is a sentence for a person while no endpoint can work, None once the classes are mapped. What is wrong
    with the tables from then on concerns some endpoints only, and `check` says it. With `report_sql` the statements of
    each request are counted.

    Args:
        url: where it is, as libpq has it.
        setting: the project's name for the setting that holds `url`, for messages.
        service: the service's name, which its connections bear in `pg_stat_activity`.
        mapping: the service's classes, mapped once the database has what they need.
        consumer: what the service's statements need of the tables.
        statement_seconds: after how long PostgreSQL ends a statement of a request; 0 is never.
        optional: features whose rights the role may lack, such as an admin that Django still serves.
        pooler_url: where requests find it behind a pooler that gives a connection for one transaction only, such as
            PgBouncer with `pool_mode = transaction`; empty where there is none. The role's own limits hold there.
        replica_url: where a standby of it answers reads (`strangler_fastapi.db.replica`); empty where there is none.
    """

    def __init__(
        self,
        url: str,
        *,
        setting: str,
        service: str,
        mapping: Mapping,
        consumer: Consumer,
        optional: Collection[str] = (),
        pool_max: int,
        statement_seconds: int = 10,
        report_sql: bool = False,
        pooler_url: str = "",
        replica_url: str = "",
    ) -> None:
        self.is_pooled = bool(pooler_url)
        answer_seconds = statement_seconds + _LATE_SECONDS if statement_seconds else None
        self.engine = _engine(
            pooler_url or url,
            service,
            pool_max,
            # A pooler refuses to set what would outlive the transaction.
            statement_seconds=0 if pooler_url else statement_seconds,
            answer_seconds=answer_seconds,
            report_sql=report_sql,
            is_pooled=self.is_pooled,
        )
        self.replica: Replica | None = None
        if replica_url:
            engine = _engine(
                replica_url,
                service,
                pool_max,
                statement_seconds=statement_seconds,
                answer_seconds=answer_seconds,
                report_sql=report_sql,
            )
            self.replica = Replica(engine, primary_url=url, url=replica_url, service=service)
        # Of its own: while requests wait for every connection of the pool the service is busy, and not unready.
        # A trip each for a ping, a transaction and its end would each wait with requests, in a loop that is busy.
        self._watching = _engine(url, service, 1, answer_seconds=_CONNECT_SECONDS).execution_options(
            isolation_level="AUTOCOMMIT"
        )
        self.problem: str | None = "The database was not checked yet."
        self._setting = setting
        self._mapping = mapping
        self._consumer = consumer
        self._granted = consumer.without(optional)
        self._fingerprint: str | None = None
        self._mismatch: str | None = None
        self._reported: str | None = self.problem
        self._checked = SingleFlight(self._check)
        self._checked_at = -_KNOWN_SECONDS

    async def watch(self) -> None:
        """Reflects and maps once the database answers and holds what is needed; goes on looking for what changes."""
        while True:
            problem = await self.check()
            await asyncio.sleep(_WATCH_SECONDS if problem is None else _RETRY_SECONDS)

    async def check_first(self) -> None:
        """The check before the first request: a database that hangs keeps no service from starting, and saying so."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self.check()

    async def check(self) -> str | None:
        """What is wrong now, as a sentence; None where all is well.

        The tables are looked at only if they have changed since they were looked at last. Maps the classes the first
        time that all is well. Calls during a check share the next one (single flight).
        """
        return await self._checked()

    async def probe(self) -> str | None:
        """What `check` says; while all connections are at work, what it said last, seconds ago at the most."""
        pool: Any = self.engine.pool
        if pool.is_busy and time.monotonic() - self._checked_at < _KNOWN_SECONDS:
            return self._reported
        return await self.check()

    def renew(self) -> None:
        """Has each connection replaced before it is used again, with what was prepared on it."""
        for engine in (self.engine, *([self.replica.engine] if self.replica else [])):
            pool: Any = engine.pool
            pool.renew()

    async def close(self) -> None:
        """Closes every connection."""
        await self.engine.dispose()
        if self.replica is not None:
            await self.replica.close()
        await self._watching.dispose()

    async def _check(self) -> str | None:
        self._report(await self._inspect())
        self._checked_at = time.monotonic()
        return self._reported

    async def _inspect(self) -> str | None:
        try:
            try:
                return await self._inspect_once()
            except DBAPIError as error:
                # It broke while it was idle.
                if not error.connection_invalidated:
                    raise
                return await self._inspect_once()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            return f"The database does not answer ({_reason(error)}): start it, or fix {self._setting}."

    async def _inspect_once(self) -> str | None:
        async with self._watching.connect() as connection:
            return await connection.run_sync(self._look)

    def _look(self, connection: Connection) -> str | None:
        fingerprint = read_fingerprint(connection, self._consumer.tables)
        if fingerprint == self._fingerprint:
            return self._mismatch
        catalog = read_catalog(connection)
        mismatches = consumer_mismatches(self._consumer, catalog)
        mismatches = mismatches or denied_mismatches(connection, self._granted, catalog)
        if not mismatches and not self._mapping.tables:
            self._mapping.map(self._mapping.reflect(connection))
        self._mismatch = str(mismatches[0]) if mismatches else None
        if self._fingerprint is not None:
            self.renew()
        self._fingerprint = fingerprint
        return self._mismatch

    def _report(self, problem: str | None) -> None:
        """One line for each change; the first time that all is well, the endpoints may begin."""
        if problem != self._reported:
            self._reported = problem
            if problem is not None:
                logger.warning("not ready: %s", problem)
            else:
                logger.info("ready: the tables are %s", "as needed again" if self.problem is None else "reflected")
        if problem is None or self.problem is not None:
            self.problem = problem


@contextlib.asynccontextmanager
async def watched(database: Database) -> AsyncIterator[None]:
    """Watches `database` in the background while the service runs, and closes it at the end.

    The first check comes before the first request, so that a new worker is no worse than those beside it.
    """
    await database.check_first()
    task = asyncio.create_task(database.watch())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await database.close()


class _Connecting:
    """A connection that is opened once it is awaited.

    A session tries the pool without waiting, and SQLAlchemy throws away what it would have to wait for: this is no
    coroutine that Python misses then.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the driver's own
        self._options = options

    def __await__(self) -> Generator[Any, None, asyncpg.Connection]:
        return self._open().__await__()

    async def _open(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(**self._options)
        try:
            await exact_moments(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection


def _engine(
    url: str,
    service: str,
    pool_max: int,
    *,
    statement_seconds: int = 0,
    answer_seconds: float | None = None,
    report_sql: bool = False,
    is_pooled: bool = False,
) -> AsyncEngine:
    limits = {"statement_timeout": f"{statement_seconds}s"} if statement_seconds else {}
    address, options = asyncpg_address(url)
    engine = create_async_engine(
        address,
        poolclass=FairPool,
        pool_size=pool_max,
        max_overflow=0,
        # Values of rows are e-mails, password hashes and tokens: they stay out of messages and logs.
        hide_parameters=True,
        pool_timeout=_POOL_WAIT_SECONDS,
        connect_args={
            **options,
            "async_creator_fn": _Connecting,
            "timeout": _CONNECT_SECONDS,
            # A server that hangs, or a network that is cut, ends no statement by itself.
            "command_timeout": answer_seconds,
            "server_settings": {"application_name": service, **limits},
            **({"connection_class": CountedConnection} if report_sql else {}),
            **(_UNPREPARED if is_pooled else {}),
        },
    )
    if report_sql:
        count_of_engine(engine)
    return engine


def _reason(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = str(cause).strip().splitlines()
    return text[-1].removeprefix("<class 'asyncpg.exceptions.").rstrip(".") if text else type(cause).__name__
