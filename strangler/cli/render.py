"""`strangler render`: the routes file as plain nginx configuration."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from strangler.cli.output import say
from strangler.deployment.container_rollout import container_settings
from strangler.errors import UsageError
from strangler.gateway.rendering import render_gateway
from strangler.gateway.settings import GatewaySettings
from strangler.gateway.versions import VersionFolder
from strangler.local.production import require_production
from strangler.settings import LocalSettings, settings_load


class RenderTarget(StrEnum):
    """Which nginx reads what is rendered."""

    LOCAL = "local"
    CONTAINER = "container"


def render(
    out: Annotated[Path, typer.Option("--out", help="The folder to write into; it is made if it isn't there.")],
    target: Annotated[
        RenderTarget, typer.Option("--target", help="Whose nginx: that of strangler up, or that of docker-compose.yml.")
    ] = RenderTarget.LOCAL,
) -> None:
    """Write nginx's configuration, as a version of its own; nginx takes it up when it starts or reloads."""
    settings = settings_load()
    require_production(settings)
    table = settings.project.load_routes()
    rendered = render_gateway(table, _gateway(target, settings))
    versions = VersionFolder(out)
    try:
        versions.install(rendered)
        versions.activate(rendered.version)
    except OSError as error:
        raise UsageError(f"{out} can't be written ({error.strerror}): name another folder with --out.") from error
    say(f"rendered {len(table.routes)} routes as version {rendered.version} into {out}")


def _gateway(target: RenderTarget, settings: LocalSettings) -> GatewaySettings:
    if target is RenderTarget.CONTAINER:
        return container_settings(settings)
    # Here, since the image of the tool brings no nginx along.
    from strangler.deployment.local_gateway import local_gateway

    return local_gateway(settings)
