"""The programs of the stack: what each is called with, what it is told, and how it shows that it is ready."""

import http.client
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strangler.local.helpers import Helper
from strangler.settings import ROOT, LocalSettings, base_environment

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A GET that is answered with 200 once a service is ready."""

    host: str
    port: int
    path: str
    host_header: str


@dataclass(frozen=True, kw_only=True)
class Service:
    """A program that runs as long as the stack does.

    `listens` is the address it takes (host, port, the setting of the port). `stop_seconds` is how long it may
    finish requests after it is asked to end.
    """

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    listens: tuple[str, int, str]
    probe: Probe
    stop_seconds: float = 15.0
    cwd: Path = ROOT


@dataclass(frozen=True, kw_only=True)
class Connections:
    """Secrets and database addresses, resolved."""

    owner_dsn: str
    fastapi_dsn: str
    secret_key: str
    jwt_signing_key: str


def manage_argv(*arguments: str) -> tuple[str, ...]:
    """A management command of Django."""
    return (sys.executable, str(ROOT / "django_app" / "manage.py"), *arguments)


def django_environment(settings: LocalSettings, connections: Connections) -> dict[str, str]:
    """What DRF and its management commands read."""
    return _common(settings, connections) | {
        "BIND": f"{HOST}:{settings.django_port}",
        "DATABASE_URL": connections.owner_dsn,
        "DEMO_PASSWORD": settings.demo_password if settings.is_development else "",
        "DJANGO_THREADS": str(settings.django_threads),
        "DJANGO_WORKERS": str(settings.django_workers),
        "SECRET_KEY": connections.secret_key,
    }


def fastapi_environment(settings: LocalSettings, connections: Connections) -> dict[str, str]:
    """What FastAPI reads: neither the owner's database address nor Django's secret."""
    return _common(settings, connections) | {
        "FASTAPI_DATABASE_URL": connections.fastapi_dsn,
        "FASTAPI_HOST": HOST,
        "FASTAPI_PORT": str(settings.fastapi_port),
        "FASTAPI_READ_ONLY": "1" if settings.fastapi_read_only else "0",
        "FASTAPI_WORKERS": str(settings.fastapi_workers),
    }


def django_service(settings: LocalSettings, connections: Connections) -> Service:
    """DRF under gunicorn."""
    return Service(
        name="django",
        argv=(
            *(sys.executable, "-m", "gunicorn", "django_app.config.wsgi:application"),
            *("--config", str(ROOT / "django_app" / "config" / "gunicorn.py")),
        ),
        env=django_environment(settings, connections),
        listens=(HOST, settings.django_port, "DJANGO_PORT"),
        probe=Probe(host=HOST, port=settings.django_port, path="/api/health/", host_header=settings.probe_host),
    )


def fastapi_service(settings: LocalSettings, connections: Connections) -> Service:
    """FastAPI under uvicorn, which it starts itself."""
    return Service(
        name="fastapi",
        argv=(sys.executable, "-m", "fastapi_app"),
        env=fastapi_environment(settings, connections),
        listens=(HOST, settings.fastapi_port, "FASTAPI_PORT"),
        probe=Probe(
            host=HOST, port=settings.fastapi_port, path="/api/v2/health/ready", host_header=settings.probe_host
        ),
    )


def nginx_service(settings: LocalSettings, *, argv: tuple[str, ...], folder: Path) -> Service:
    """Nginx, whose own folder is `folder`."""
    address = settings.proxy_url.removeprefix("http://").rpartition(":")[0].strip("[]")
    return Service(
        name="nginx",
        argv=argv,
        env=base_environment(),
        cwd=folder,
        listens=(settings.proxy_host, settings.proxy_port, "PROXY_PORT"),
        probe=Probe(host=address, port=settings.proxy_port, path="/api/health/", host_header=settings.probe_host),
    )


def shadow_socket(state_dir: Path) -> Path:
    """Where nginx sends samples: in its own folder, which it names in few characters from within."""
    return state_dir / "nginx" / "shadow.sock"


def shadow_database(state_dir: Path) -> Path:
    """Where the worker counts how alike the stacks answer."""
    return state_dir / "shadow.sqlite3"


def shadow_helper(settings: LocalSettings, *, state_dir: Path, sender: str) -> Helper:
    """The worker that asks both stacks again; `sender` is the account of nginx's workers, empty for its own."""
    socket = shadow_socket(state_dir)
    return Helper(
        name="shadow",
        argv=(sys.executable, "-m", "strangler.compare.shadow"),
        env=base_environment()
        | {
            "PYTHONPATH": str(ROOT),
            "SHADOW_DATABASE": str(shadow_database(state_dir).absolute()),
            "SHADOW_DECLARED": str(settings.declared_file),
            "SHADOW_DJANGO_URL": f"http://{HOST}:{settings.django_port}",
            "SHADOW_FASTAPI_URL": f"http://{HOST}:{settings.fastapi_port}",
            "SHADOW_RATE": str(settings.shadow_rate),
            "SHADOW_SOCKET": socket.name,
            "SHADOW_SOCKET_OWNER": sender,
        },
        # The path of a socket has 108 characters at most.
        cwd=socket.parent,
        address=f"unix:{socket.name}",
    )


def _common(settings: LocalSettings, connections: Connections) -> dict[str, str]:
    return base_environment() | {
        "ALLOWED_HOSTS": settings.allowed_hosts,
        "DB_POOL_MAX": str(settings.db_pool_max),
        "ENVIRONMENT": settings.environment,
        "JWT_SIGNING_KEY": connections.jwt_signing_key,
        "LOG_LEVEL": settings.log_level,
        "REPORT_SQL": "1" if settings.reports_sql else "0",
    }


def probe_answers(probe: Probe, *, timeout: float = 1.0) -> bool:
    """Whether the service answers 200 within `timeout` seconds."""
    connection = http.client.HTTPConnection(probe.host, probe.port, timeout=timeout)
    try:
        connection.request("GET", probe.path, headers={"Host": probe.host_header, "Connection": "close"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
