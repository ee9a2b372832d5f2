"""The database: one engine per process, and the tables reflected from it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fastapi_app.statements import CountedConnection, count_of_engine
from shared_schema.drift import Mismatch, find_denied, find_mismatches
from shared_schema.models import BLOG

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5
_CONNECT_SECONDS = 5
_POOL_WAIT_SECONDS = 5


class Database:
    """The engine and whether the tables are what the service needs.

    `problem` is a sentence for a person while the service can't work, None once the classes are mapped. With
    `report_sql` the statements of each request are counted.
    """

    def __init__(self, url: str, *, pool_max: int, report_sql: bool = False) -> None:
        self.engine = _engine(url, pool_max, report_sql=report_sql)
        self.problem: str | None = "The database was not asked yet."

    async def prepare(self) -> None:
        """Reflects and maps; tries again until the database answers and holds what is needed."""
        while (problem := await self.check()) is not None:
            if problem != self.problem:
                logger.warning("not ready: %s", problem)
            self.problem = problem
            await asyncio.sleep(_RETRY_SECONDS)
        self.problem = None
        logger.info("ready: the tables are reflected")

    async def check(self) -> str | None:
        """What is wrong now, as a sentence; None where all is well. Maps the classes the first time it is."""
        try:
            async with self.engine.connect() as connection:
                mismatches = await connection.run_sync(_reflect_and_map)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            return f"The database does not answer ({_reason(error)}): start it, or mend FASTAPI_DATABASE_URL."
        return str(mismatches[0]) if mismatches else None

    async def close(self) -> None:
        """Closes every connection."""
        await self.engine.dispose()


@contextlib.asynccontextmanager
async def prepared(database: Database) -> AsyncIterator[None]:
    """Prepares `database` in the background while the service runs, and closes it at the end."""
    task = asyncio.create_task(database.prepare())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await database.close()


def _reflect_and_map(connection: Connection) -> list[Mismatch]:
    metadata = BLOG.reflect(connection)
    mismatches = find_mismatches(BLOG, metadata) or find_denied(BLOG, connection)
    if not mismatches:
        BLOG.map(metadata)
    return mismatches


def _engine(url: str, pool_max: int, *, report_sql: bool) -> AsyncEngine:
    engine = create_async_engine(
        _asyncpg_url(url),
        pool_size=pool_max,
        max_overflow=0,
        # Values of rows are e-mails, password hashes and tokens: they stay out of messages and logs.
        hide_parameters=True,
        pool_timeout=_POOL_WAIT_SECONDS,
        connect_args={
            "timeout": _CONNECT_SECONDS,
            "server_settings": {"application_name": "fastapi_app"},
            **({"connection_class": CountedConnection} if report_sql else {}),
        },
    )
    if report_sql:
        count_of_engine(engine)
    event.listen(engine.sync_engine, "checkout", _refuse_dead)
    return engine


def _refuse_dead(connection: Any, *_: object) -> None:  # noqa: ANN401 - SQLAlchemy's adapter
    """Has a connection that died replaced before a request meets it; a ping would cost a trip."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _asyncpg_url(url: str) -> URL:
    """A libpq address as asyncpg reads it: `sslmode` is called `ssl` there."""
    parsed = make_url(url).set(drivername="postgresql+asyncpg")
    if (mode := parsed.query.get("sslmode")) is not None:
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return parsed


def _reason(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = str(cause).strip().splitlines()
    return text[-1].removeprefix("<class 'asyncpg.exceptions.").rstrip(".") if text else type(cause).__name__
