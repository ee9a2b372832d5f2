"""Hooks: commands and URLs that a ramp calls at each of its events."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from strangler.errors import UsageError

_SECONDS: Final = 30.0
_VARIABLE: Final = re.compile(r"\$(\w+|\{\w+\})")
_SHOWN: Final = 200

Hook = Sequence[str] | str
"""The words of a command, or a URL; empty for none."""


class Hooks:
    """Calls hooks by the names of their events, one after the other, away from whoever watches.

    Args:
        hooks: them by event.
        folder: where commands run.
        environ: what `$NAME` in a URL stands for; commands get all of it.

    :raises UsageError: a URL names a variable that isn't set.
    """

    def __init__(self, hooks: Mapping[str, Hook], *, folder: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._folder = folder
        self._environ = dict(environ)
        self._hooks = {event: self._filled(hook) for event, hook in hooks.items() if hook}
        self._pool = ThreadPoolExecutor(max_workers=1)

    def call(self, event: str, document: Mapping[str, Any]) -> Future[str]:
        """Call the hook of an event with `document`; gives why it failed, empty where it did not or there is none."""
        return self._pool.submit(self._call, event, {"event": event, **document})

    def close(self) -> None:
        """Wait for those under way."""
        self._pool.shutdown()

    def _filled(self, hook: Hook) -> Hook:
        if not isinstance(hook, str):
            return tuple(hook)
        names = [found.strip("{}") for found in _VARIABLE.findall(hook)]
        for name in names:
            if name not in self._environ:
                raise UsageError(f"a hook's URL needs ${name}, which isn't set", "set it in the environment")
        return _VARIABLE.sub(lambda found: self._environ[found[1].strip("{}")], hook)

    def _call(self, event: str, document: Mapping[str, Any]) -> str:
        hook = self._hooks.get(event)
        if not hook:
            return ""
        return self._post(hook, document) if isinstance(hook, str) else self._run(hook, document)

    def _run(self, command: Sequence[str], document: Mapping[str, Any]) -> str:
        try:
            done = subprocess.run(  # noqa: S603 - the project file's own command, without a shell
                list(command),
                input=json.dumps(document).encode() + b"\n",
                cwd=self._folder,
                env=self._environ,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"the hook {command[0]} failed ({type(error).__name__})"
        if done.returncode == 0:
            return ""
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        return f"the hook {command[0]} ended with code {done.returncode} ({said[-1][:_SHOWN] if said else 'silent'})"

    @staticmethod
    def _post(url: str, document: Mapping[str, Any]) -> str:
        # Imported here, since few projects have a URL. The address may hold a secret, so no message has it.
        import httpx

        try:
            answer = httpx.post(url, json=document, timeout=_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"the hook's URL failed ({type(error).__name__})"
        return "" if answer.is_success else f"the hook's URL answered {answer.status_code}"
