"""What must be so before a service answers: PostgreSQL answers, the tables and the demo data are there."""

import time
from collections.abc import Callable
from contextlib import suppress

import psycopg
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

from django_app.config.database import CONNECT_TIMEOUT_S
from strangler_django.ownership import is_handed_over

RETRY_S = 0.5
# Held by a connection of its own while the tables change, so that of several containers one migrates after the other.
_LOCK = "SELECT pg_advisory_lock(hashtextextended('django_app.config.startup', 0))"


class DatabaseAbsentError(Exception):
    """PostgreSQL did not answer in time; the text is one sentence that ends with the hint."""


def database_wait(*, url: str, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Try to connect until it succeeds.

    :raises DatabaseAbsentError: when `seconds` are over; it names PostgreSQL's last reason, never the password.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S).close()
        except psycopg.OperationalError as error:
            if time.monotonic() >= deadline:
                reason = str(error).strip().splitlines()[-1]
                msg = f"The database did not answer within {seconds:.0f} s ({reason}): start it, or fix DATABASE_URL."
                raise DatabaseAbsentError(msg) from error
            sleep(RETRY_S)
        else:
            return


def database_prepare(*, url: str) -> None:
    """Migrate, unless Alembic owns the tables; in development seed where there is no user. Needs Django set up."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_LOCK)
        if not is_handed_over(connections[DEFAULT_DB_ALIAS]):
            call_command("migrate", interactive=False)
        if not settings.IS_PRODUCTION and not get_user_model().objects.exists():
            call_command("seed", demo=True)
    for connection in connections.all():
        connection.close()
        connection.close_pool()


def database_open() -> None:
    """Have a process connect before its first request comes, which would wait for that, or for so long that it fails.

    One that can't serves nonetheless, and its health check says so.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    with suppress(OperationalError):
        connection.ensure_connection()
    # Back into the pool.
    connection.close()
