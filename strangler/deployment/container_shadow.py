"""The results of the shadow worker that runs in docker-compose.yml's container."""

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from strangler.errors import FailedError
from strangler.gateway.compose_cli import Compose, Ended, last_line
from strangler.settings import LocalSettings

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


def container_shadow(settings: LocalSettings) -> ContainerShadow:
    """The container's worker.

    :raises UsageError: COMPOSE can't be read.
    """
    project = settings.project
    return ContainerShadow(Compose(settings.compose, folder=project.root), project.containers.shadow)
