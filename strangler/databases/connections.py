"""Connections to a project's databases: where an address leads, what a server refuses, and the live database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from strangler.errors import FailedError, UnsafeError
from strangler.settings import LocalSettings

_APPLICATION: Final = "strangler"
_CONNECT_SECONDS: Final = 5
_DATABASE: Final = "SELECT oid::text FROM pg_database WHERE datname = current_database()"
_MAY_ASK: Final = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"
_SERVER: Final = "SELECT system_identifier::text FROM pg_control_system()"
# Some providers keep that for themselves.
_SERVER_INSTEAD: Final = "SELECT pg_postmaster_start_time()::text"


def dsn_to(dsn: str, name: str) -> str:
    """The same login on the same server, to another database."""
    if "://" not in dsn:
        return make_conninfo(dsn, dbname=name)
    return urlsplit(dsn)._replace(path=f"/{quote(name, safe='')}").geturl()


def dsn_as(dsn: str, role: str, password: str) -> str:
    """The same database, as another role."""
    if "://" not in dsn:
        return make_conninfo(dsn, user=role, password=password)
    parts = urlsplit(dsn)
    login = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}").geturl()


def login_of(dsn: str) -> tuple[str, str]:
    """The role and the password that an address names, each empty where it names none or is no address."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return "", ""  # libpq's own message quotes the address, with the password in it
    return str(parts.get("user") or ""), str(parts.get("password") or "")


def is_address(value: str) -> bool:
    """Whether a text is the address of a database."""
    if value.startswith(("postgres://", "postgresql://")):
        return True
    try:
        return "dbname" in conninfo_to_dict(value)
    except psycopg.ProgrammingError:
        return False


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
            dsn, autocommit=True, connect_timeout=_CONNECT_SECONDS, application_name=_APPLICATION
        ) as connection,
    ):
        yield connection


@contextmanager
def refusals(
    *, hint: str = "give the role of DATABASE_URL CREATEDB and the tables, since the work is done on copies"
) -> Iterator[None]:
    """Gives what PostgreSQL refuses as one sentence; `hint` is for a right that is missing.

    :raises FailedError: it has refused something.
    """
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise FailedError(f"the database refuses ({reason_of(error)})", hint) from error
    except psycopg.OperationalError as error:
        raise FailedError(f"the database doesn't answer ({reason_of(error)}).") from error
    except psycopg.Error as error:
        raise FailedError(f"the database refuses ({reason_of(error)}).") from error


def reason_of(error: psycopg.Error) -> str:
    """The first line of what PostgreSQL says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


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
        raise FailedError(f"the database can't be read ({reason})", "start it, or correct DATABASE_URL") from error


def _connect(dsn: str) -> psycopg.Connection:
    connection = psycopg.connect(dsn, connect_timeout=_CONNECT_SECONDS, application_name="strangler")
    connection.read_only = True
    return connection


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
        is_idle: whether nobody else is connected to it, so that PostgreSQL can copy its files.
    """

    settings: LocalSettings = field(repr=False)
    owner_dsn: str = field(repr=False)
    fastapi_dsn: str = field(repr=False)
    admin_dsn: str = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    name: str
    identity: str
    is_idle: bool = False

    def require_elsewhere(self, environment: Mapping[str, str]) -> None:
        """Let no server start whose environment has an address of this database.

        :raises UnsafeError: one of the variables leads here.
        :raises FailedError: nobody answers at an address, so it can't be compared.
        """
        for variable, value in environment.items():
            if not is_address(value):
                continue
            try:
                identity = identity_of(value)
            except FailedError as error:
                raise FailedError(
                    f"{variable} in the environment of a server that is to write may lead to the real database: "
                    + error.message.rstrip("."),
                    f"correct {variable}, or unset it",
                ) from error
            if identity == self.identity:
                raise UnsafeError(
                    f"a server that is to write was given an address of the real database {self.name} by {variable}",
                    "nothing was started; let DATABASE_URL name its database in its path only",
                )
