"""Errors of the driver, asyncpg, with and without SQLAlchemy's around them."""

from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError

# asyncpg's own, which have no base in common; of a connection that the server has ended while it was idle the first
# statement is an InternalClientError.
DRIVER_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def driver_error(error: BaseException) -> BaseException:
    """What asyncpg said, where SQLAlchemy has wrapped it."""
    wrapped = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    cause = wrapped.__cause__
    return cause if isinstance(cause, DRIVER_ERRORS) else wrapped
