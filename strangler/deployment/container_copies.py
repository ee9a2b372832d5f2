"""Copies of the containers' database: another PostgreSQL of docker-compose.yml, and both stacks on its databases.

The services are those of the profile `copies`. Their network is their own, so none of them reaches the database itself.
"""

import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from strangler.compare.writes.servers import ServerFactories
from strangler.databases.connections import Source, connected, dsn_as, identity_of
from strangler.errors import FailedError, UsageError
from strangler.gateway.compose_cli import Compose, last_line
from strangler.local.ports import port_free_pick
from strangler.local.services import Connections, Probe, Service
from strangler.routes.route import Stack
from strangler.settings import HOST, LocalSettings

_SERVER: Final = "copies"
_PROFILE: Final = ("--profile", _SERVER)
_DATABASE: Final = "postgres"
_SUPERUSER: Final = "postgres"
# Images may have to be built, and a busy machine starts containers slowly.
_START_SECONDS: Final = 600.0
_COPY_SECONDS: Final = 3600.0
_POLL_SECONDS: Final = 0.2
_DATA: Final = '--username="$1" --dbname="$POSTGRES_DB"'
_DUMP: Final = f"exec pg_dump --format=custom --no-publications --no-subscriptions {_DATA}"
# Rights are given anew; other roles than those of the image's start are not there.
_RESTORE: Final = f"exec pg_restore --exit-on-error --no-privileges {_DATA}"
_OWNER: Final = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"


@contextmanager
def container_source(settings: LocalSettings) -> Iterator[tuple[Source, ServerFactories]]:
    """A copy of the containers' database on a server of its own, and what starts either stack on a copy of that.

    :raises UsageError: the database isn't the container's.
    :raises FailedError: the copy can't be made.
    """
    if settings.database_url:
        hint = "set GATEWAY=local for it, which counts for the containers too"
        raise UsageError("--writes copies the database of the container postgres, and DATABASE_URL names another", hint)
    password, port = secrets.token_hex(16), port_free_pick()
    env = {"COPIES_PASSWORD": password, "COPIES_PORT": str(port)}
    compose = Compose(settings.compose, folder=settings.project.root, env=env)
    # Those of a run that was killed.
    _remove(compose, settings)
    try:
        _compose_run(compose, "up", "--detach", "--no-deps", _SERVER)
        admin_dsn = f"postgresql://{_SUPERUSER}:{password}@{HOST}:{port}/{_name(compose)}"
        _wait(admin_dsn, compose)
        _copy(compose)
        with connected(admin_dsn) as connection:
            ((owner,),) = connection.execute(_OWNER).fetchall()
        yield (
            Source(
                settings=settings,
                owner_dsn=dsn_as(admin_dsn, owner, password),
                fastapi_dsn=dsn_as(admin_dsn, settings.project.database.fastapi_role, password),
                admin_dsn=admin_dsn,
                # The containers have theirs from compose.
                secrets={"secret_key": "", "jwt_signing_key": settings.signing_key},
                name=urlsplit(admin_dsn).path.removeprefix("/"),
                identity=identity_of(admin_dsn),
                is_idle=True,
            ),
            lambda settings, connections, stack: _service(compose, settings, connections, stack),
        )
    finally:
        _remove(compose, settings)


def _service(compose: Compose, settings: LocalSettings, connections: Connections, stack: Stack) -> Service:
    """A stack's container on the database that `connections` name, in the foreground."""
    dsn, port, workers = {
        Stack.DJANGO: (connections.owner_dsn, settings.django_port, settings.django_workers),
        Stack.FASTAPI: (connections.fastapi_dsn, settings.fastapi_port, settings.fastapi_workers),
    }[stack]
    env = {
        "COPIES_DATABASE": urlsplit(dsn).path.removeprefix("/"),
        "COPIES_WORKERS": str(workers),
        f"COPIES_{stack.upper()}_PORT": str(port),
    }
    return Service(
        name=stack,
        argv=(*compose.argv, *_PROFILE, "up", "--no-deps", "--force-recreate", _copy_of(settings, stack)),
        env=compose.env | env,
        cwd=compose.folder,
        listens=(HOST, port, f"COPIES_{stack.upper()}_PORT"),
        probe=Probe(host=HOST, port=port, path=settings.project.stack(stack).health, host_header=settings.probe_host),
        stop_seconds=30.0,
    )


def _copy_of(settings: LocalSettings, stack: Stack) -> str:
    """The service of docker-compose.yml that runs a stack on a copy."""
    return f"{settings.project.stack(stack).container.partition(':')[0]}-copy"


def _remove(compose: Compose, settings: LocalSettings) -> None:
    _compose_run(compose, "down", *(_copy_of(settings, stack) for stack in Stack), _SERVER)


def _compose_run(compose: Compose, *arguments: str) -> None:
    ended = compose.run(*_PROFILE, *arguments, seconds=_START_SECONDS)
    if ended.code != 0:
        reason = last_line(ended.stderr) or f"exit code {ended.code}"
        message = f"{compose.command} {arguments[0]} of the copies failed ({reason})"
        raise FailedError(message, f"see {compose.command} --profile copies config")


def _name(compose: Compose) -> str:
    ended = compose.inside(_DATABASE, 'printf %s "$POSTGRES_DB"')
    return ended.stdout.strip()


def _wait(dsn: str, compose: Compose) -> None:
    """Until the server takes connections; the one that only makes the data folder listens on a socket alone."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with connected(dsn):
                return
        except FailedError as error:
            if time.monotonic() > deadline:
                hint = f"see {compose.command} --profile copies logs copies"
                raise FailedError(f"the database of the copies doesn't answer ({error})", hint) from error
        time.sleep(_POLL_SECONDS)


def _copy(compose: Compose) -> None:
    """All of the database, as one consistent snapshot, of which nothing is locked but against DDL."""

    def started(service: str, script: str, **streams: object) -> "subprocess.Popen[bytes]":
        command = [*compose.argv, *_PROFILE, "exec", "-T", service, "sh", "-euc", script, "sh", _SUPERUSER]
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return] # noqa: S603 - the operator's own compose
            command, cwd=compose.folder, env=compose.env, stderr=subprocess.PIPE, **streams
        )

    with started(_DATABASE, _DUMP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as dump:
        with started(_SERVER, _RESTORE, stdin=dump.stdout, stdout=subprocess.DEVNULL) as loading:
            if dump.stdout is not None:
                dump.stdout.close()
            try:
                _, said = loading.communicate(timeout=_COPY_SECONDS)
            except subprocess.TimeoutExpired as error:
                loading.kill()
                dump.kill()
                raise FailedError(f"the database was not copied in {_COPY_SECONDS:.0f} s") from error
        _, stderr = dump.communicate()
    if loading.returncode or dump.returncode:
        reason = last_line((stderr + said).decode(errors="replace")) or "pg_dump says nothing"
        raise FailedError(f"the database can't be copied ({reason})", "fix that, then run it again")
