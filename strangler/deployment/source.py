"""The database of the stack that the settings name, as a source of copies."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict

from strangler.compare.writes.servers import ServerFactories
from strangler.databases.connections import Source, dsn_to, identity_of
from strangler.deployment.container_copies import container_source
from strangler.deployment.local_stack import LocalStack
from strangler.errors import FailedError, UsageError
from strangler.local.services import stack_service
from strangler.settings import LocalSettings


@contextmanager
def source_open(settings: LocalSettings) -> Iterator[tuple[Source, ServerFactories]]:
    """The database to copy, and what starts a server on a copy.

    :raises UsageError: a setting is wrong, or the database doesn't answer.
    :raises FailedError: containers can't be started.
    """
    if settings.gateway == "kubernetes":
        hint = "set GATEWAY=local, and DATABASE_URL to a copy of it"
        raise UsageError("the cluster's database can't be copied from here", hint)
    if settings.gateway == "container":
        with container_source(settings) as found:
            yield found
    else:
        yield source_of(LocalStack(settings, state_dir=settings.state_dir)), stack_service


def administration(settings: LocalSettings) -> tuple[str, str]:
    """An address of the local stack's server that may make databases, and the name of the stack's own there.

    :raises UsageError: a setting is wrong.
    """
    stack = LocalStack(settings, state_dir=settings.state_dir)
    owner = stack.connections_resolve().owner_dsn
    try:
        name = str(conninfo_to_dict(owner).get("dbname") or "")
    except psycopg.ProgrammingError:
        raise _no_address() from None
    return (owner if settings.database_url else stack.admin_dsn), name


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
        # The error itself quotes the address with its password.
        raise _no_address() from None
    except FailedError as error:
        raise UsageError(str(error).rstrip("."), "start the stack with strangler up") from error
    return Source(
        settings=stack.settings,
        owner_dsn=connections.owner_dsn,
        fastapi_dsn=connections.fastapi_dsn,
        admin_dsn=dsn_to(stack.admin_dsn, name) if own else connections.owner_dsn,
        secrets={"secret_key": connections.secret_key, "jwt_signing_key": connections.jwt_signing_key},
        name=name,
        identity=identity,
    )


def _no_address() -> UsageError:
    return UsageError("DATABASE_URL is no PostgreSQL address", "write postgresql://user:password@host/name")
