"""The moves of the gateway that the settings name."""

from strangler.deployment.local_stack import LocalStack
from strangler.rollout.rollout import Rollout
from strangler.settings import LocalSettings


def rollout_open(settings: LocalSettings) -> Rollout:
    """The moves of this project's gateway.

    :raises UsageError: COMPOSE can't be read.
    :raises FailedError: there is no nginx for this machine.
    """
    if settings.gateway == "container":
        # Imported here, since the unused one of the two would take most of the command's time.
        from strangler.deployment.container_rollout import container_rollout

        return container_rollout(settings, state_dir=settings.state_dir)
    return LocalStack(settings, state_dir=settings.state_dir).rollout
