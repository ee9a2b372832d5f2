"""The results of a shadow worker whose database is elsewhere: in a container, or in a pod of the cluster."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from strangler.compare.shadow.results import shadow_evidence
from strangler.errors import StranglerError, UsageError
from strangler.project import Project


class RemoteShadow(Protocol):
    """The worker's results, which no process of this machine can read as a file."""

    def fetch(self, folder: Path) -> Path:
        """Copy the database to `folder`; there is no file if nothing was sampled yet.

        :raises FailedError: the worker can't be reached, or its database can't be read.
        """

    def reset(self, names: Iterable[str]) -> None:
        """Forget the results of these routes.

        :raises FailedError: the worker can't be reached, or its database can't be written.
        :raises UsageError: this worker forgets in another way.
        """


def shadow_counts(shadow: RemoteShadow, project: Project, names: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """The worker's counts of the routes that move; empty, without a read, if none of them is sampled.

    Empty too where the worker doesn't answer, which prevents no move.
    """
    try:
        routes = project.load_routes().routes
    except UsageError:
        return {}  # A rollback away from a file that is no routes file.
    if not any(route.shadow and route.name in names for route in routes):
        return {}
    with TemporaryDirectory() as folder:
        try:
            return shadow_evidence(shadow.fetch(Path(folder)), names)
        except StranglerError:
            return {}
