"""Scripts for nginx's container from another container, which has no engine to call: through a volume that both have.

The other side is a loop of docker-compose.yml's nginx: it reads the names of requests from a pipe, runs each request's
script as `compose exec` would, and leaves what came of it beside the script.
"""

import os
import secrets
import shutil
import time
from pathlib import Path
from typing import Final

from strangler.errors import FailedError
from strangler.gateway.compose_cli import EXEC_SECONDS, Ended

_PIPE: Final = "requests"
_POLL_SECONDS: Final = 0.02
# Of a request; nothing else in the folder has a name as long.
_NAME_LENGTH: Final = 16


class MovesFolder:
    """The volume as a folder; `command` is how the operator calls compose, for hints."""

    def __init__(self, folder: Path, *, command: str) -> None:
        self.command = command
        self._folder = folder

    def clear(self) -> None:
        """Remove the requests of a process that was killed; there is one process at a time."""
        for request in self._folder.glob("?" * _NAME_LENGTH):
            shutil.rmtree(request, ignore_errors=True)

    def inside(self, service: str, script: str, *arguments: str, stdin: bytes = b"") -> Ended:
        """A script of `sh` in the container of `service`, which is given `arguments` (without spaces) and `stdin`.

        :raises FailedError: nobody there takes it, or the script took too long.
        """
        request = self._folder / secrets.token_hex(_NAME_LENGTH // 2)
        try:
            request.mkdir()
            (request / "script").write_text(script, encoding="utf-8")
            (request / "arguments").write_text("\n".join(arguments), encoding="utf-8")
            (request / "stdin").write_bytes(stdin)
            # The other side writes here, and has the folder's group alone in common with this one. Not before: a link
            # that it makes would have this side write elsewhere.
            request.chmod(0o2770)
            self._announce(request.name)
            self._wait(request / "code")
            return Ended(
                code=int((request / "code").read_text()),
                stdout=(request / "stdout").read_text("utf-8", errors="replace"),
                stderr=(request / "stderr").read_text("utf-8", errors="replace"),
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            hint = f"start it with {self.command} up --detach"
            raise FailedError(f"the container {service} can't be reached ({reason})", hint) from error
        finally:
            shutil.rmtree(request, ignore_errors=True)

    def _announce(self, name: str) -> None:
        """Pass the name on; refused at once where nobody reads."""
        pipe = os.open(self._folder / _PIPE, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(pipe, f"{name}\n".encode())
        finally:
            os.close(pipe)

    @staticmethod
    def _wait(code: Path) -> None:
        deadline = time.monotonic() + EXEC_SECONDS
        while not code.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer within {EXEC_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)
