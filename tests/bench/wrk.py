"""wrk (https://github.com/wg/wrk): keeps a number of connections busy for some seconds and measures the answers."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Self

from strangler.errors import FailedError, UsageError
from strangler.local.children import Children
from strangler.local.settings import base_environment

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
    """What came of one load; times in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    unsent: int
    errors: dict[str, int]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The result as `load.lua` writes it."""
        told = json.loads(text)
        return cls(
            requests=told["requests"],
            seconds=told["duration"] / _MICROSECONDS,
            p50_ms=told["p50"] / 1000,
            p99_ms=told["p99"] / 1000,
            unsent=told["unsent"],
            errors={kind: number for kind, number in told["errors"].items() if number},
        )

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

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
    """Loads one front door from one thread, as many connections as are given.

    `folder` takes the requests and the result of the load under way.
    """

    def __init__(self, *, children: Children, folder: Path, url: str, connections: int) -> None:
        self._children = children
        self._program = wrk_find()
        self._url = url
        self._connections = connections
        self.requests = folder / "requests.tsv"
        self.result = folder / "result.json"

    def load(self, method: str, *, seconds: int, repeatable: bool) -> Load:
        """Send what the file `requests` holds; `repeatable` begins it anew at its end.

        :raises FailedError: wrk failed.
        """
        self.result.unlink(missing_ok=True)
        argv = [self._program, "--threads", "1", "--connections", str(self._connections)]
        argv += ["--duration", f"{seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s", "--script", str(SCRIPT), self._url]
        self._children.run("wrk", argv, self._environment(method, repeatable=repeatable))
        return Load.parse(self.result.read_text(encoding="ascii"))

    def _environment(self, method: str, *, repeatable: bool) -> dict[str, str]:
        return base_environment() | {
            "BENCH_METHOD": method,
            "BENCH_REPEAT": "1" if repeatable else "0",
            "BENCH_REQUESTS": str(self.requests),
            "BENCH_RESULT": str(self.result),
        }
