"""The results of the shadow worker that runs in docker-compose.yml's container."""

import base64
import http.client
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from strangler.compare.shadow.results_server import RESULTS_PATH, SocketConnection, results_copy
from strangler.deployment.remote_shadow import RemoteShadow
from strangler.errors import FailedError, UsageError
from strangler.gateway.compose_cli import Compose, Ended, last_line
from strangler.settings import LocalSettings

# SHADOW_RESULTS of docker-compose.yml.
_RESULTS: Final = "/run/shadow/results.sock"
_SECONDS: Final = 10.0
# The file is created with the first sample.
_IF_THERE: Final = '[ -e "$SHADOW_DATABASE" ] || exit 0\n'
_FETCH: Final = f"""{_IF_THERE}exec python -c '
import base64, os, sqlite3
database = sqlite3.connect("file:" + os.environ["SHADOW_DATABASE"] + "?mode=ro", uri=True, timeout=5)
print(base64.b64encode(database.serialize()).decode())'
"""
_RESET: Final = f"""{_IF_THERE}exec python -c '
import os, pathlib, sys
from strangler.compare.shadow.store import ShadowStore
ShadowStore(pathlib.Path(os.environ["SHADOW_DATABASE"])).reset(sys.argv[1:])' "$@"
"""


class ServedShadow:
    """See `RemoteShadow`: its results at a socket, for a container that has no engine to call."""

    def __init__(self, service: str) -> None:
        self._service = service

    def fetch(self, folder: Path) -> Path:
        """See `RemoteShadow`."""
        connection = SocketConnection(_RESULTS, timeout=_SECONDS)
        try:
            connection.request("GET", RESULTS_PATH)
            return results_copy(connection.getresponse().read().decode(), folder)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise FailedError(f"the results of {self._service} can't be read ({error})", "see its log") from error
        finally:
            connection.close()

    def reset(self, names: Iterable[str]) -> None:
        """See `RemoteShadow`."""
        message = f"this container may not have the worker forget {', '.join(names)}"
        raise UsageError(message, "run strangler shadow --reset on the host")


class ContainerShadow:
    """See `RemoteShadow`: its database only its container can read."""

    def __init__(self, compose: Compose, service: str) -> None:
        self._compose = compose
        self._service = service

    def fetch(self, folder: Path) -> Path:
        """See `RemoteShadow`."""
        copy = folder / "shadow.sqlite3"
        content = base64.b64decode(self._inside(_FETCH).stdout)
        if content:
            copy.write_bytes(content)
        return copy

    def reset(self, names: Iterable[str]) -> None:
        """See `RemoteShadow`."""
        self._inside(_RESET, *names)

    def _inside(self, script: str, *arguments: str) -> Ended:
        ended = self._compose.inside(self._service, script, *arguments)
        if ended.code != 0:
            reason = last_line(ended.stderr) or f"exit code {ended.code}"
            hint = f"see {self._compose.command} logs {self._service}"
            raise FailedError(f"the results can't be used ({reason})", hint)
        return ended


def container_shadow(settings: LocalSettings) -> RemoteShadow:
    """The container's worker.

    :raises UsageError: COMPOSE can't be read.
    """
    project = settings.project
    if settings.moves_folder:
        return ServedShadow(project.containers.shadow)
    return ContainerShadow(Compose(settings.compose, folder=project.root), project.containers.shadow)
