"""The programs of the stack: their command lines, environments and readiness probes."""

import http.client
import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from strangler.errors import UsageError
from strangler.local.keeper import Helper
from strangler.local.process import Program
from strangler.local.secret_store import SecretStore
from strangler.project import Project, command_fill, template_fill
from strangler.routes.route import Stack
from strangler.settings import HOST, LocalSettings, base_environment

# Where this package is imported from, for processes that are started in another folder.
_SOURCES: Final = Path(__file__).parents[2]
# Streams of events end with the services behind nginx, which wait for it to end.
_NGINX_STOP_SECONDS: Final = 5.0
# A worker ends the jobs that it has begun.
_WORKER_STOP_SECONDS: Final = 15.0
_SHOWN_BYTES: Final = 600


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A GET that is answered with 200 once a service is ready."""

    host: str
    port: int
    path: str
    host_header: str

    def answers(self, *, timeout: float = 1.0) -> bool:
        """Whether it is ready, within `timeout` seconds."""
        return not self.refusal(timeout=timeout)

    def refusal(self, *, timeout: float = 1.0) -> str:
        """What it answers while it isn't ready, within `timeout` seconds; empty once it is."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request("GET", self.path, headers={"Host": self.host_header, "Connection": "close"})
            answer = connection.getresponse()
            if answer.status == http.client.OK:
                return ""
            if answer.status < http.client.INTERNAL_SERVER_ERROR:
                # The service runs, and the path is no health check: its page, of HTML mostly, helps nobody.
                hint = "name one that answers 200 as health in the project file"
                return f"GET {self.path} answers {answer.status}: {hint}"
            body = answer.read(_SHOWN_BYTES).decode(errors="replace").strip()
            return f"GET {self.path} answers {answer.status}{f': {body}' if body else ''}"
        except (OSError, http.client.HTTPException) as error:
            return f"GET {self.path} isn't answered ({error})"
        finally:
            connection.close()


@dataclass(frozen=True, kw_only=True)
class PostgresProbe:
    """PostgreSQL takes connections there; neither a login nor a database is needed to know that."""

    host: str
    postgres_port: int

    def answers(self, *, timeout: float = 1.0) -> bool:
        """Whether it is ready, within `timeout` seconds, of which libpq counts 2 at least."""
        from psycopg.pq import PGconn, Ping

        address = f"host={self.host} port={self.postgres_port} connect_timeout={max(2, round(timeout))}"
        return PGconn.ping(address.encode()) == Ping.OK


@dataclass(frozen=True, kw_only=True)
class Service(Program):
    """A program that runs as long as the stack does; it listens at an address (host, port, the setting of the port)."""

    listens: tuple[str, int, str]
    probe: Probe


@dataclass(frozen=True, kw_only=True)
class Connections:
    """Secrets and database addresses, resolved."""

    owner_dsn: str = field(repr=False)
    fastapi_dsn: str = field(repr=False)
    secret_key: str = field(repr=False)
    jwt_signing_key: str = field(repr=False)


def manage_argv(project: Project, *arguments: str, stack: Stack = Stack.DJANGO) -> tuple[str, ...]:
    """A management command of the project's Django, or one of its FastAPI service's own.

    :raises UsageError: the project file doesn't say how they are called.
    """
    if (command := project.stack(stack).manage) is None:
        example = '["python", "manage.py"]' if stack is Stack.DJANGO else '["{python}", "-m", "your_service"]'
        hint = f"add manage = {example} to [{stack}] of {project.file.name}"
        raise UsageError("the project's management commands can't be called", hint)
    return (*command_fill(command, {"python": sys.executable}), *arguments)


def manage_environment(settings: LocalSettings, connections: Connections, stack: Stack) -> dict[str, str]:
    """The environment of a management command: that of its service, and what the project file adds to it."""
    added = settings.project.fastapi.manage_environment if stack is Stack.FASTAPI else {}
    values = _values(settings, connections, stack)
    filled = {name: template_fill(text, values) for name, text in added.items()}
    return stack_environment(settings, connections, stack) | filled


def worker_helper(settings: LocalSettings, connections: Connections) -> Helper | None:
    """What does the background jobs of the new service; None where the project file names none."""
    command = settings.project.fastapi.worker
    if command is None:
        return None
    return Helper(
        name="worker",
        argv=command_fill(command, _values(settings, connections, Stack.FASTAPI)),
        env=manage_environment(settings, connections, Stack.FASTAPI),
        cwd=stack_folder(settings.project, Stack.FASTAPI),
        address="background jobs",
        stop_seconds=_WORKER_STOP_SECONDS,
    )


def stack_folder(project: Project, stack: Stack) -> Path:
    """Where a service and its commands are started."""
    return project.root / project.stack(stack).folder


def stack_environment(settings: LocalSettings, connections: Connections, stack: Stack) -> dict[str, str]:
    """The environment of a service, and of Django's management commands."""
    section = settings.project.stack(stack)
    own = dict(os.environ) if section.inherit else {}
    values = _values(settings, connections, stack)
    filled = {name: template_fill(text, values) for name, text in section.environment.items()}
    return own | base_environment() | filled


def stack_services(
    settings: LocalSettings, connections: Connections, *, stacks: Iterable[Stack] = Stack
) -> list[Service]:
    """The services of the project that are started here."""
    services = (stack_service(settings, connections, stack) for stack in stacks)
    return [service for service in services if service is not None]


def stack_service(settings: LocalSettings, connections: Connections, stack: Stack) -> Service | None:
    """A service of the project; None if the project file has no command for it, since it runs elsewhere."""
    section = settings.project.stack(stack)
    if section.command is None:
        return None
    values = _values(settings, connections, stack)
    port = int(values["port"])
    return Service(
        name=stack,
        argv=command_fill(section.command, values),
        env=stack_environment(settings, connections, stack),
        cwd=stack_folder(settings.project, stack),
        listens=(HOST, port, f"{stack.upper()}_PORT"),
        probe=Probe(host=HOST, port=port, path=section.health, host_header=settings.probe_host),
    )


def _values(settings: LocalSettings, connections: Connections, stack: Stack) -> dict[str, str]:
    """The values of the project file's placeholders."""
    django = stack is Stack.DJANGO
    return {
        "python": sys.executable,
        "host": HOST,
        "port": str(settings.django_port if django else settings.fastapi_port),
        "workers": str(settings.django_workers if django else settings.fastapi_workers),
        "threads": str(settings.django_threads),
        "pool": str(settings.db_pool_max),
        "environment": settings.environment,
        "log_level": settings.log_level,
        "statement_timeout": str(settings.statement_timeout),
        "report_sql": "1" if settings.reports_sql else "0",
        "service_metrics": "1" if settings.service_metrics else "0",
        "otlp_endpoint": settings.otel_exporter_otlp_endpoint,
        "read_only": "1" if settings.fastapi_read_only else "0",
        "allowed_hosts": settings.allowed_hosts,
        "owner_url": connections.owner_dsn,
        "fastapi_url": connections.fastapi_dsn,
        "pooler_url": settings.fastapi_pooler_url,
        "replica_url": settings.fastapi_replica_url,
        "secret_key": connections.secret_key,
        "jwt_signing_key": connections.jwt_signing_key,
        "demo_password": settings.demo_password if settings.is_development else "",
    }


def nginx_service(settings: LocalSettings, *, argv: tuple[str, ...], folder: Path) -> Service:
    """Nginx, whose own folder is `folder`; without CALLER_KEY its key is kept in `secrets` beside that folder."""
    key = settings.caller_key or SecretStore(folder.parent / "secrets").get("caller_key")
    address = settings.proxy_url.removeprefix("http://").rpartition(":")[0].strip("[]")
    return Service(
        name="nginx",
        argv=argv,
        env=base_environment() | {"CALLER_KEY": key},
        cwd=folder,
        # nginx's graceful end: it takes no more connections, and finishes what is under way.
        stop_signal=signal.SIGQUIT,
        stop_seconds=_NGINX_STOP_SECONDS,
        listens=(settings.plain_host, settings.proxy_port, "PROXY_PORT"),
        probe=Probe(host=address, port=settings.proxy_port, path="/gateway/version", host_header=settings.probe_host),
    )


def shadow_socket(state_dir: Path) -> Path:
    """The socket that nginx sends samples to; in nginx's own folder, so that its relative path is short."""
    return state_dir / "nginx" / "shadow.sock"


def shadow_database(state_dir: Path) -> Path:
    """The database of the shadow worker's comparisons."""
    return state_dir / "shadow.sqlite3"


def shadow_helper(settings: LocalSettings, *, state_dir: Path, sender: str) -> Helper:
    """The worker that repeats requests on both stacks; `sender` is the account of nginx's workers, or empty."""
    socket, prefixes = shadow_socket(state_dir), settings.project.prefixes
    return Helper(
        name="shadow",
        argv=(sys.executable, "-m", "strangler.compare.shadow"),
        env=base_environment()
        | {
            "PYTHONPATH": str(_SOURCES),
            "SHADOW_DATABASE": str(shadow_database(state_dir).absolute()),
            "SHADOW_DECLARED": str(settings.project.declared or ""),
            "SHADOW_DJANGO_URL": settings.stack_url(Stack.DJANGO) + prefixes.django,
            "SHADOW_FASTAPI_URL": settings.stack_url(Stack.FASTAPI) + prefixes.fastapi,
            "SHADOW_RATE": str(settings.shadow_rate),
            "SHADOW_SOCKET": socket.name,
            "SHADOW_SOCKET_OWNER": sender,
            "SHADOW_V1": prefixes.v1 or "/",
            "SHADOW_V2": prefixes.v2 or "/",
        },
        # A socket's path has 108 characters at most.
        cwd=socket.parent,
        address=f"unix:{socket.name}",
    )
