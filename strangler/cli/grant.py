"""`strangler grant`: FastAPI's database role gets what the routes ask for, and nothing else."""

import time
from typing import Annotated

import typer

from strangler.cli.output import say
from strangler.databases.connections import login_of
from strangler.errors import FailedError, UsageError
from strangler.schema.grants import apply_grants, require_tables, writing_features
from strangler.settings import LocalSettings, settings_load

_POLL_SECONDS = 0.5


def grant(
    wait: Annotated[
        float,
        typer.Option(
            "--wait", min=0, metavar="SECONDS", help="Try again so long: until the tables are as FastAPI needs them."
        ),
    ] = 0,
    write: Annotated[
        list[str] | None,
        typer.Option(
            "--write", metavar="ROUTE", help="Write for this route too, before it moves: --write users.create"
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Revoke nothing: while FastAPI still runs in another version too.")
    ] = False,
    without_django: Annotated[
        bool, typer.Option("--without-django", help="Grant what FastAPI writes once it answers both APIs alone.")
    ] = False,
) -> None:
    """Give FastAPI's role its grants on the database of DATABASE_URL, or of the local stack."""
    settings = settings_load()
    owner_dsn, fastapi_dsn = _addresses(settings)
    role, password = _role(fastapi_dsn)
    deadline = time.monotonic() + wait
    routes = settings.project.load_routes()
    routes = routes.without_django if without_django else routes
    consumer = settings.project.load_consumer().without(routes.unused_features)
    moved = routes.moved_writes.union(write or ())
    writers = sorted(() if settings.fastapi_read_only else writing_features(moved, consumer))
    while True:
        try:
            if wait:
                # Between two migrations a column may be there that a later one replaces, and its grants with it.
                require_tables(owner_dsn, consumer)
            apply_grants(
                owner_dsn=owner_dsn,
                role=role,
                password=password,
                consumer=consumer,
                writers=writers,
                keep=keep,
            )
            break
        except FailedError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_SECONDS)
    say(
        f"granted {role} what FastAPI reads, and what {', '.join(writers)} write"
        if writers
        else f"granted {role} what FastAPI reads"
    )


def _addresses(settings: LocalSettings) -> tuple[str, str]:
    """The database as the tables' owner and as FastAPI's role."""
    if settings.database_url and settings.fastapi_database_url:
        return settings.database_url, settings.fastapi_database_url
    # Here, since the image of the tool brings no PostgreSQL along.
    from strangler.deployment.local_stack import LocalStack

    connections = LocalStack(settings).connections_resolve()
    return connections.owner_dsn, connections.fastapi_dsn


def _role(fastapi_dsn: str) -> tuple[str, str]:
    role, password = login_of(fastapi_dsn)
    if not role or not password:
        raise UsageError(
            "FASTAPI_DATABASE_URL names no role with a password: write postgresql://role:password@host:5432/database."
        )
    return role, password
