"""The moves of docker-compose.yml's gateway, made from the machine that runs compose."""

from pathlib import Path
from typing import Final

from strangler.deployment.container_shadow import container_shadow
from strangler.deployment.elsewhere import ElsewhereFile, elsewhere_reader
from strangler.deployment.remote_shadow import shadow_counts
from strangler.deployment.rollouts import rollout_assemble
from strangler.errors import FailedError, UsageError
from strangler.gateway.compose_cli import Compose, last_line
from strangler.gateway.container import ComposeGateway
from strangler.gateway.moves_folder import MovesFolder
from strangler.gateway.settings import CallerKey, GatewaySettings, container_gateway
from strangler.rollout.rollout import Rollout
from strangler.rollout.state_dir import RolloutFolder
from strangler.routes.route import Stack
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings

# In a container of its own, which has the owner's password and the network of the database; this machine has neither.
_RUN: Final = ("run", "--rm", "-T", "--no-deps")
_GRANT: Final = ("python", "-m", "strangler.cli", "grant", "--keep")
_GRANT_SECONDS: Final = 120.0


def container_settings(settings: LocalSettings) -> GatewaySettings:
    """The settings of the container's nginx; the same here and in the service `setup`.

    :raises UsageError: the project file doesn't say where the stacks are among containers, or CALLER_KEY is missing.
    """
    project = settings.project
    for stack, service in (("django", project.django), ("fastapi", project.fastapi)):
        if not service.container:
            message = f"{project.file} doesn't say where {stack} is among containers"
            raise UsageError(message, f'set container = "NAME:PORT" under [{stack}]')
    caller = CallerKey.of(project)
    if caller.is_hashed and not settings.caller_key:
        message = "nginx needs CALLER_KEY, since it knows callers by a hash of their cookie or token"
        raise UsageError(message, "set it to a random text in .env, such as the output of openssl rand -hex 32")
    return container_gateway(
        django=project.django.container,
        fastapi=project.fastapi.container,
        caller=caller,
        trusted_proxies=settings.trusted_networks,
        stack_header_networks=settings.stack_header_cidrs,
        operator_networks=settings.operator_cidrs,
        board=settings.board_address,
        body_size=settings.body_size,
        fastapi_health=project.fastapi.health,
        django_requests=settings.stack_requests[Stack.DJANGO],
        fastapi_requests=settings.stack_requests[Stack.FASTAPI],
        probes=project.probes,
        browsable=project.django.browsable,
        service_metrics=settings.service_metrics,
        tracing=bool(settings.otel_exporter_otlp_endpoint),
    )


def container_rollout(settings: LocalSettings, *, state_dir: Path) -> Rollout:
    """The moves of the containers, with their history in `state_dir`.

    :raises UsageError: COMPOSE can't be read.
    """
    compose, names = Compose(settings.compose, folder=settings.project.root), settings.project.containers
    shadow = container_shadow(settings)
    moves = MovesFolder(Path(settings.moves_folder), command=compose.command) if settings.moves_folder else None
    shell = moves or compose

    def grow_grants(running: RouteTable, wanted: RouteTable) -> None:
        if moves:
            grants_require(running, wanted)
        else:
            grants_grow(compose, running, wanted, setup=names.setup)

    gateway = ComposeGateway(
        settings=container_settings(settings),
        url=settings.proxy_url,
        shell=shell,
        service=names.nginx,
        elsewhere=elsewhere_reader(settings, ElsewhereFile(state_dir), shell),
    )
    return rollout_assemble(
        settings,
        folder=RolloutFolder(state_dir / "rollout"),
        gateway=gateway,
        shadow=lambda routes: shadow_counts(shadow, settings.project, routes),
        grow_grants=grow_grants,
        hint=f"start it with {compose.command} up --build --detach",
    )


def grants_grow(compose: Compose, running: RouteTable, wanted: RouteTable, *, setup: str) -> None:
    """Grant FastAPI the writes of newly moved routes, in a container of `setup`.

    That service revokes them when it runs again and the route is legacy.

    :raises FailedError: the database refuses, or its container can't be reached.
    """
    moving = _moving_writes(running, wanted)
    if not moving:
        return
    routes = [part for name in moving for part in ("--write", name)]
    ended = compose.run(*_RUN, setup, *_GRANT, *routes, seconds=_GRANT_SECONDS)
    if ended.code != 0:
        reason = last_line(ended.stderr).removeprefix("strangler: ") or f"exit code {ended.code}"
        raise FailedError(f"FastAPI's role may not write yet ({reason})", f"see {compose.command} ps")


def grants_require(running: RouteTable, wanted: RouteTable) -> None:
    """Refuse writes that FastAPI's role has no rights for yet, where whoever moves them can grant none.

    :raises UsageError: the routes of those writes.
    """
    if moving := _moving_writes(running, wanted):
        hint = f"grant them by strangler switch {' '.join(moving)} --to parallel, on the host"
        raise UsageError(f"FastAPI's role has no rights yet for the writes of {', '.join(moving)}", hint)


def _moving_writes(running: RouteTable, wanted: RouteTable) -> list[str]:
    return sorted(wanted.moved_writes - running.moved_writes)
