"""`strangler render`: the routes file as plain nginx configuration, or as manifests of a cluster."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from strangler.cli.output import note, say
from strangler.deployment.container_rollout import container_settings
from strangler.deployment.leaving import routes_require
from strangler.errors import UsageError
from strangler.gateway.rendering import render_gateway
from strangler.gateway.settings import GatewaySettings
from strangler.gateway.versions import VersionFolder
from strangler.kubernetes.folder import BASE, OVERLAY, folder_write
from strangler.kubernetes.rendering import Mode, render_cluster
from strangler.local.production import require_production
from strangler.project import project_load
from strangler.settings import LocalSettings, settings_load


class RenderTarget(StrEnum):
    """What reads what is rendered."""

    LOCAL = "local"
    CONTAINER = "container"
    KUBERNETES = "kubernetes"


def render(
    out: Annotated[Path, typer.Option("--out", help="The folder to write into; it is made if it isn't there.")],
    target: Annotated[
        RenderTarget,
        typer.Option(
            "--target", help="The nginx of strangler up, that of docker-compose.yml, or a Kubernetes cluster."
        ),
    ] = RenderTarget.LOCAL,
    mode: Annotated[
        Mode | None,
        typer.Option(
            "--mode", help="In a cluster, what chooses the stack: nginx (the default), or the Gateway by HTTPRoutes."
        ),
    ] = None,
    without_django: Annotated[
        bool, typer.Option("--without-django", help="FastAPI answers both APIs; refused while routes are not migrated.")
    ] = False,
) -> None:
    """Write nginx's configuration as a version of its own, which nginx takes up when it starts or reloads.

    For Kubernetes, write a Kustomize base and an example of an overlay:
    strangler render --target kubernetes --out deploy
    """
    if target is RenderTarget.KUBERNETES:
        if without_django:
            raise UsageError("--without-django means nothing to kubernetes", "leave it out")
        _render_cluster(out, mode or Mode.NGINX)
        return
    if mode is not None:
        raise UsageError(f"--mode means nothing to {target}", "add --target kubernetes, or leave it out")
    settings = settings_load()
    require_production(settings)
    table = settings.project.load_routes()
    if without_django:
        routes_require(table, force=False)
    rendered = render_gateway(table, replace(_gateway(target, settings), without_django=without_django))
    versions = VersionFolder(out)
    try:
        versions.install(rendered)
        versions.activate(rendered.version)
    except OSError as error:
        raise UsageError(f"{out} can't be written ({error.strerror}): name another folder with --out.") from error
    say(f"rendered {len(table.routes)} routes as version {rendered.version} into {out}")


def _render_cluster(out: Path, mode: Mode) -> None:
    """Nothing of it depends on the settings of this machine."""
    project = project_load()
    table = project.load_routes()
    rendered = render_cluster(project, table, mode)
    folder_write(rendered, out)
    for sentence in rendered.notes:
        note(sentence)
    say(f"rendered {len(table.routes)} routes into {out / BASE}; {out / OVERLAY} shows how to use it")


def _gateway(target: RenderTarget, settings: LocalSettings) -> GatewaySettings:
    if target is RenderTarget.CONTAINER:
        return container_settings(settings)
    # Here, since the image of the tool brings no nginx along.
    from strangler.deployment.local_gateway import local_gateway

    return local_gateway(settings)
