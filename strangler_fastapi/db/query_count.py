"""Counts the SQL statements of each request, where REPORT_SQL asks for it; elsewhere none of this is in the way."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared_schema.server_timing import HEADER, RequestStatements

_statements: ContextVar[RequestStatements | None] = ContextVar("statements", default=None)


class StatementsMiddleware:
    """Reports how many statements a request took: `Server-Timing: sql;desc="3"`.

    A stream of events goes on after its headers are sent, so it has no `Server-Timing`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own signature
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        statements = RequestStatements()

        async def send_with_number(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if not headers.get("Content-Type", "").startswith("text/event-stream"):
                    headers[HEADER] = statements.header
            await send(message)

        token = _statements.set(statements)
        try:
            await self._app(scope, receive, send_with_number)
        finally:
            _statements.reset(token)


def _counted(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def count_and_send(connection: asyncpg.Connection, query: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as the driver's own
        count_statement(query)
        return await method(connection, query, *args, **options)

    return count_and_send


class CountedConnection(asyncpg.Connection):  # type: ignore[misc] # the driver has no types
    """Counts what is sent to the driver itself.

    SQLAlchemy's own way to the driver is `prepare` and `executemany`, which are left alone: `count_of_engine` sees
    those statements.
    """

    execute = _counted(asyncpg.Connection.execute)
    fetch = _counted(asyncpg.Connection.fetch)
    fetchrow = _counted(asyncpg.Connection.fetchrow)
    fetchval = _counted(asyncpg.Connection.fetchval)


def count_of_engine(engine: AsyncEngine) -> None:
    """Counts what goes through SQLAlchemy, Core or ORM."""
    event.listen(engine.sync_engine, "before_cursor_execute", _count_of_sqlalchemy)


def _count_of_sqlalchemy(_1: object, _2: object, statement: str, parameters: Any, _3: object, many: bool) -> None:  # noqa: ANN401 - SQLAlchemy's own signature
    count_statement(statement, times=len(parameters) if many else 1)


def count_statement(statement: str, *, times: int = 1) -> None:
    """Counts what is sent for the request that is under way, where requests are reported."""
    # Without a request: what the service asks while it starts.
    if (statements := _statements.get()) is not None:
        statements.add(statement, times=times)
