"""A database, as SQLAlchemy's catalog queries want it: read, and never written."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from strangler.databases.connecting import reason_of
from strangler.errors import FailedError

_CONNECT_SECONDS: Final = 5


@contextmanager
def live_connection(dsn: str) -> Iterator[Connection]:
    """A connection whose transaction reads only.

    :raises FailedError: nobody answers, or the server refuses; the sentence holds no password.
    """
    engine = create_engine("postgresql+psycopg://", creator=lambda: _connect(dsn), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = reason_of(cause) if isinstance(cause, psycopg.Error) else type(error).__name__
        raise FailedError(f"the database can't be asked ({reason}): start it, or mend DATABASE_URL.") from error


def _connect(dsn: str) -> psycopg.Connection:
    connection = psycopg.connect(dsn, connect_timeout=_CONNECT_SECONDS, application_name="strangler")
    connection.read_only = True
    return connection
