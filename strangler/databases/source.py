"""The real database: who may copy it, and the proof that nobody who writes was sent there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import conninfo_to_dict

from strangler.databases.connecting import dsn_to, identity_of, is_address
from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.local.settings import LocalSettings
from strangler.local.stack import LocalStack


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
            if is_address(value) and identity_of(value) == self.identity:
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
