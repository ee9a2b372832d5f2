"""The moves of the gateway that the settings name."""

from collections.abc import Callable

from strangler.local.settings import LocalSettings
from strangler.local.stack import LocalStack
from strangler.rollout.rollout import Rollout


def rollout_open(settings: LocalSettings, *, tell: Callable[[str], None]) -> Rollout:
    """The moves of this checkout's gateway; `tell` receives what the operator should know besides.

    :raises FailedError: there is no nginx for this machine.
    """
    return LocalStack(settings, tell=tell).rollout
