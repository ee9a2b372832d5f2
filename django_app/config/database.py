"""Django's DATABASES entry from a PostgreSQL address."""

from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from django_app.config.environment import EnvironmentInvalidError

CONNECT_TIMEOUT_S = 5
# A pool pauses between attempts to connect, each time twice as long, until it gives up; the next request begins anew.
# As long as a request waits, so that a database that was away for minutes is used again within seconds.
POOL_WAIT_S = 2.0
# A machine or a network that is gone closes no connection: the kernel gives one up that takes nothing, and asks of one
# that is silent. libpq's names; an address may say otherwise.
_DEAD_AFTER = {"tcp_user_timeout": 10_000, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
# Those of `strangler grant` for FastAPI's role.
_WAITS = {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s"}


def time_limits_set(settings: dict[str, Any], *, statement_seconds: int) -> None:
    """Have PostgreSQL end every statement of the connections to come after so many seconds; 0 is never.

    It waits for locks, and for a transaction that does nothing, as long as it does for FastAPI's role. For the server
    alone: a migration may take longer.
    """
    limits = _WAITS | ({"statement_timeout": f"{statement_seconds}s"} if statement_seconds else {})
    options = settings["OPTIONS"]
    added = " ".join(f"-c {name}={limit}" for name, limit in limits.items())
    options["options"] = f"{options.get('options', '')} {added}".strip()


def database_settings(*, url: str, pool_max: int) -> dict[str, Any]:
    """Settings of one database with a psycopg pool of 1 to `pool_max` connections in each process.

    :param url: `postgresql://user:password@host:port/name?option=value`, or libpq's `key=value` form.
    :raises EnvironmentInvalidError: when libpq can't read the address, or it names no database.
    """
    try:
        options = conninfo_to_dict(url)
    except ProgrammingError:
        # Not chained: libpq's own message quotes the address, with the password in it.
        raise EnvironmentInvalidError(
            "DATABASE_URL is no PostgreSQL address: write postgresql://user:password@host:port/name."
        ) from None
    name = options.pop("dbname", None)
    if not name:
        raise EnvironmentInvalidError("DATABASE_URL names no database: end the address with /name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": options.pop("user", ""),
        "PASSWORD": options.pop("password", ""),
        "HOST": options.pop("host", ""),
        "PORT": str(options.pop("port", "")),
        "ATOMIC_REQUESTS": True,
        # The pool keeps connections; Django must hand each back at the end of its request.
        "CONN_MAX_AGE": 0,
        # A connection that died with a restarted server is replaced before a request meets it.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": CONNECT_TIMEOUT_S,
            **_DEAD_AFTER,
            **options,
            "pool": {
                "min_size": 1,
                "max_size": pool_max,
                "timeout": POOL_WAIT_S,
                "reconnect_timeout": POOL_WAIT_S,
            },
        },
    }
