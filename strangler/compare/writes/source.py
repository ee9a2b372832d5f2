"""The real database: who may copy it, and the proof that nobody who writes was sent there."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.local.settings import LocalSettings
from strangler.local.stack import LocalStack

APPLICATION: Final = "strangler compare"
CONNECT_SECONDS: Final = 5
_DATABASE: Final = "SELECT oid::text FROM pg_database WHERE datname = current_database()"
_MAY_ASK: Final = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"
_SERVER: Final = "SELECT system_identifier::text FROM pg_control_system()"
# Some providers keep that for themselves.
_SERVER_INSTEAD: Final = "SELECT pg_postmaster_start_time()::text"


@dataclass(frozen=True, kw_only=True)
class Source:
    """The database that is copied.

    Attributes:
        settings: of the stack that works on it.
        owner_dsn: the role that owns the tables.
        fastapi_dsn: FastAPI's role.
        admin_dsn: a role that may make databases.
        secrets: what the servers sign with, by the name of the setting, and FastAPI's password.
        identity: server and database, however an address spells them.
    """

    settings: LocalSettings = field(repr=False)
    owner_dsn: str = field(repr=False)
    fastapi_dsn: str = field(repr=False)
    admin_dsn: str = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    name: str
    identity: str

    def require_elsewhere(self, environment: Iterable[str]) -> None:
        """Let no server start that was told an address of this database.

        :raises UnsafeError: one of the values leads here.
        :raises FailedError: where it leads can't be told, since nobody answers.
        """
        for value in environment:
            if _is_address(value) and identity_of(value) == self.identity:
                raise UnsafeError(
                    f"a server that is to write was told an address of the real database {self.name}: "
                    "nothing was started; let DATABASE_URL name its database in its path only."
                )


def source_of(stack: LocalStack) -> Source:
    """The database of a stack, whether the stack runs or not; a database of its own must run.

    :raises UsageError: a setting is wrong, or the database doesn't answer.
    """
    own = not stack.settings.database_url
    try:
        connections = stack.connections_resolve()
        name = str(conninfo_to_dict(connections.owner_dsn).get("dbname") or "")
        identity = identity_of(connections.owner_dsn)
    except (psycopg.ProgrammingError, ValueError):
        # Its own words quote the address, with the password in it.
        raise UsageError("DATABASE_URL is no PostgreSQL address: write postgresql://user:password@host/name.") from None
    except FailedError as error:
        raise UsageError(f"{error} Start it first (make up).") from error
    return Source(
        settings=stack.settings,
        owner_dsn=connections.owner_dsn,
        fastapi_dsn=connections.fastapi_dsn,
        admin_dsn=dsn_to(stack.admin_dsn, name) if own else connections.owner_dsn,
        secrets={"secret_key": connections.secret_key, "jwt_signing_key": connections.jwt_signing_key},
        name=name,
        identity=identity,
    )


def dsn_to(dsn: str, name: str) -> str:
    """The same login on the same server, to another database."""
    if "://" not in dsn:
        return make_conninfo(dsn, dbname=name)
    return urlsplit(dsn)._replace(path=f"/{quote(name, safe='')}").geturl()


def identity_of(dsn: str) -> str:
    """Which database of which server an address leads to: the same text for the same one, whatever the spelling.

    :raises FailedError: nobody answers there.
    """
    with connected(dsn) as connection:
        ((may_ask,),) = connection.execute(_MAY_ASK).fetchall()
        ((server,),) = connection.execute(_SERVER if may_ask else _SERVER_INSTEAD).fetchall()
        ((database,),) = connection.execute(_DATABASE).fetchall()
    return f"{server}/{database}"


@contextmanager
def connected(dsn: str) -> Iterator[psycopg.Connection]:
    """A connection that commits each statement by itself.

    :raises FailedError: nobody answers, or the server refuses; the sentence holds no password.
    """
    with (
        refusals(),
        psycopg.connect(
            dsn, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name=APPLICATION
        ) as connection,
    ):
        yield connection


@contextmanager
def refusals() -> Iterator[None]:
    """Gives what PostgreSQL refuses as one sentence.

    :raises FailedError: it has refused something.
    """
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise FailedError(
            f"the database refuses ({reason_of(error)}): give the role of DATABASE_URL CREATEDB and the tables, "
            "since writes are compared on copies."
        ) from error
    except psycopg.OperationalError as error:
        raise FailedError(f"the database doesn't answer ({reason_of(error)}).") from error
    except psycopg.Error as error:
        raise FailedError(f"the database refuses ({reason_of(error)}).") from error


def reason_of(error: psycopg.Error) -> str:
    """The first line of what PostgreSQL says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _is_address(value: str) -> bool:
    if value.startswith(("postgres://", "postgresql://")):
        return True
    try:
        return "dbname" in conninfo_to_dict(value)
    except psycopg.ProgrammingError:
        return False
