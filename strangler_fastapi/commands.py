"""Commands of a service: work on its database outside of any request, and one transaction for each."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from strangler_fastapi.db.driver_errors import driver_error
from strangler_fastapi.db.engine import Database
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.errors import ApiError

Result = TypeVar("Result")


class CommandError(Exception):
    """A command can't do its work; the text is one sentence for a person."""


def command_run(database: Callable[[], Database], work: Callable[[RequestSession], Awaitable[Result]]) -> Result:
    """Do `work` in one transaction, which is committed where it returns.

    Raises:
        CommandError: the tables aren't what the service needs, a value is refused, or the database is.
    """
    return asyncio.run(command_do(database, work))


async def command_do(make: Callable[[], Database], work: Callable[[RequestSession], Awaitable[Result]]) -> Result:
    """The same, for a loop that runs already, such as a worker's.

    Raises:
        CommandError: as above.
    """
    database = make()
    try:
        if (problem := await database.check()) is not None:
            raise CommandError(problem)
        session = RequestSession(database.engine, is_pooled=database.is_pooled)
        try:
            result = await work(session)
            await session.commit()
        finally:
            await session.close()
    except ApiError as error:
        raise CommandError(_sentences(error.body)) from None
    except DBAPIError as error:
        reason = str(driver_error(error)).splitlines()[0]
        raise CommandError(f"The database refuses: {reason}.") from None
    finally:
        await database.close()
    return result


def _sentences(detail: object) -> str:
    """What is wrong with each value, in one line."""
    if isinstance(detail, dict):
        return " ".join(f"{name}: {_sentences(inner)}" for name, inner in detail.items())
    return " ".join(str(each) for each in detail) if isinstance(detail, list) else str(detail)
