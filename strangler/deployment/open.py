"""What the gateway of the settings has: its moves, its ramps, and its shadow worker's results."""

from typing import TYPE_CHECKING

from strangler.ramp.store import RampFolder, RampStore
from strangler.rollout.rollout import Rollout
from strangler.settings import LocalSettings

if TYPE_CHECKING:
    from strangler.deployment.remote_shadow import RemoteShadow


def ramps_open(settings: LocalSettings) -> RampStore:
    """The ramps of this project's gateway.

    :raises UsageError: nothing says where the cluster is.
    """
    if settings.gateway == "kubernetes":
        from strangler.deployment.cluster_rollout import cluster_ramps

        return cluster_ramps(settings)
    return ramps_folder(settings)


def ramps_folder(settings: LocalSettings) -> RampFolder:
    """The ramps of a gateway whose state is on this machine."""
    return RampFolder(settings.state_dir / "rollout" / "ramp")


def rollout_open(settings: LocalSettings) -> Rollout:
    """The moves of this project's gateway.

    :raises UsageError: COMPOSE can't be read, or nothing says where the cluster is.
    :raises FailedError: there is no nginx for this machine.
    """
    # Imported here, since the unused ones would take most of the command's time, and the tool's image has no nginx.
    if settings.gateway == "kubernetes":
        from strangler.deployment.cluster_rollout import cluster_rollout

        return cluster_rollout(settings, state_dir=settings.state_dir)
    if settings.gateway == "container":
        from strangler.deployment.container_rollout import container_rollout

        return container_rollout(settings, state_dir=settings.state_dir)
    from strangler.deployment.local_stack import LocalStack

    return LocalStack(settings, state_dir=settings.state_dir).rollout


def shadow_open(settings: LocalSettings) -> "RemoteShadow | None":
    """The shadow worker of this project's gateway; None where it is a process of this machine.

    :raises UsageError: COMPOSE can't be read, or nothing says where the cluster is.
    """
    # Imported here, as above.
    if settings.gateway == "kubernetes":
        from strangler.deployment.cluster_shadow import cluster_shadow

        return cluster_shadow(settings)
    if settings.gateway == "container":
        from strangler.deployment.container_shadow import container_shadow

        return container_shadow(settings)
    return None
