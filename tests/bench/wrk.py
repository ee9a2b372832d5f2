"""wrk (https://github.com/wg/wrk): keeps a number of connections busy for some seconds and measures the answers."""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

import psutil

from strangler.deployment.local_stack import LocalStack
from strangler.errors import FailedError, UsageError
from strangler.local.process import Program
from strangler.settings import base_environment
from tests.bench.processes import cpu_seconds, settle

SCRIPT: Final = Path(__file__).with_name("load.lua")
# Longer than any answer may take, so that a slow one counts with its time instead of as an error.
TIMEOUT_SECONDS: Final = 20
_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; `path` is below the prefix of the API, an empty `token` or `body` is left out."""

    path: str
    token: str = ""
    body: str = ""

    def line(self, prefix: str) -> str:
        """What `load.lua` reads.

        :raises ValueError: a part holds what parts the lines.
        """
        parts = (prefix + self.path, self.token, self.body)
        if any(mark in part for part in parts for mark in "\t\n"):
            raise ValueError(f"a request may hold neither tabs nor line ends: {parts}")
        return "\t".join(parts)


@dataclass(frozen=True, kw_only=True)
class Load:
    """What came of one load; times in milliseconds. `cpu_seconds` is what the whole stack took for it."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    unsent: int
    errors: dict[str, int]
    cpu_seconds: float

    @classmethod
    def parse(cls, text: str, *, cpu_seconds: float) -> Self:
        """The result as `load.lua` writes it."""
        reported = json.loads(text)
        return cls(
            requests=reported["requests"],
            seconds=reported["duration"] / _MICROSECONDS,
            p50_ms=reported["p50"] / 1000,
            p99_ms=reported["p99"] / 1000,
            unsent=reported["unsent"],
            errors={kind: number for kind, number in reported["errors"].items() if number},
            cpu_seconds=cpu_seconds,
        )

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of a core for each request."""
        return self.cpu_seconds * 1000 / self.requests

    def require_clean(self, what: str) -> None:
        """Refuse a load that went wrong; `what` names it in the sentence.

        :raises FailedError: requests ran out, or one was answered with an error or not at all.
        """
        if self.unsent:
            raise FailedError(f"{what} used up its prepared requests: measure for fewer SECONDS.")
        if self.errors:
            kinds = ", ".join(f"{number} {kind}" for kind, number in self.errors.items())
            raise FailedError(f"{what} met errors ({kinds}; {self.requests} requests): read the logs in .run/bench.")

    def require_answered(self, what: str) -> None:
        """Refuse a load that can't be compared.

        :raises FailedError: it was too short for one answer.
        """
        if not self.requests:
            raise FailedError(f"{what} was not answered once: measure for more SECONDS.")


def wrk_find() -> str:
    """Where wrk is.

    :raises UsageError: it isn't installed.
    """
    path = shutil.which("wrk")
    if path is None:
        raise UsageError("wrk isn't installed: apt install wrk.")
    return path


def requests_write(file: Path, requests: Iterable[Request], *, prefix: str, limit: int) -> None:
    """Write the first `limit` of `requests`, a line each."""
    with file.open("w", encoding="ascii") as lines:
        lines.writelines(f"{request.line(prefix)}\n" for request in islice(requests, limit))


class Wrk:
    """Loads a stack from one thread, over as many connections as are given.

    `url` is loaded, its front door where none is given; every request says `headers`.
    """

    def __init__(
        self, stack: LocalStack, *, connections: int, url: str = "", headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._stack = stack
        self._url = url or stack.proxy_url
        self._headers = [part for name, text in headers.items() for part in ("--header", f"{name}: {text}")]
        self._processes = [psutil.Process(record.pid) for record in stack.state.services.values()]
        self._program = wrk_find()
        self._connections = connections
        self.requests = stack.folder.path / "requests.tsv"
        self._result = stack.folder.path / "result.json"

    def load(self, method: str, *, seconds: int, repeatable: bool, most: int | None = None) -> Load:
        """Send what the file `requests` holds, `most` at a time, and wait for the stack to be idle again.

        `repeatable` begins the file anew at its end.

        :raises FailedError: wrk failed, or a part of the stack ended.
        """
        children = self._stack.children
        self._result.unlink(missing_ok=True)
        connections = self._connections if most is None else min(self._connections, most)
        argv = [self._program, "--threads", "1", "--connections", str(connections)]
        argv += ["--duration", f"{seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s"]
        argv += [*self._headers, "--script", str(SCRIPT), self._url]
        before = cpu_seconds(self._processes)
        environment = self._environment(method, repeatable=repeatable)
        children.run(Program(name="wrk", argv=tuple(argv), env=environment, cwd=SCRIPT.parent))
        taken = cpu_seconds(self._processes) - before
        children.require_running()
        settle(self._processes, check=children.check)
        return Load.parse(self._result.read_text(encoding="ascii"), cpu_seconds=taken)

    def _environment(self, method: str, *, repeatable: bool) -> dict[str, str]:
        return base_environment() | {
            "BENCH_METHOD": method,
            "BENCH_REPEAT": "1" if repeatable else "0",
            "BENCH_REQUESTS": str(self.requests),
            "BENCH_RESULT": str(self._result),
        }
