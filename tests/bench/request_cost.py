"""What a request takes of a core in this checkout and in others, in turn: has a change made it slower?

    git worktree add --detach /tmp/before COMMIT
    .venv/bin/python -m tests.bench.request_cost /tmp/before .

Each checkout's application is in a process of its own, over one PostgreSQL and without HTTP, and has 16 requests under
way at a time. They take turns of a quarter of a second, so that what else the machine does hits all of them alike; the
ratios are medians of the turns' own. PostgreSQL's part is not in it. Exit codes: 0 measured, 2 wrong usage, 4 failed.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import typer

from strangler.cli.output import logged_show, say
from strangler.errors import FailedError
from strangler.local.process import StopSignals
from tests.bench.command import bench_run
from tests.bench.endpoints import Endpoint, endpoints_select
from tests.bench.rows import Rows
from tests.bench.stack import FOLDER, bench_rows, bench_stack
from tests.contract.comparing import V2

_WORKER: Final = Path(__file__).with_name("request_worker.py")
_REQUESTS: Final = 2000


class Checkout:
    """One of those that are compared: its application, in a process that waits for what to do."""

    def __init__(self, folder: Path, given: Path) -> None:
        self.name = str(folder)
        # -P: of this checkout, the worker is all that is imported.
        argv = (sys.executable, "-P", str(_WORKER), str(given))
        environment = {**os.environ, "PYTHONPATH": str(folder.resolve())}
        self._process = subprocess.Popen(  # noqa: S603 - a checkout that was named
            argv, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def take(self, endpoint: str, number: int) -> float:
        """Microseconds of a core for each of so many requests.

        :raises FailedError: it has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{endpoint} {number}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise FailedError(f"the application of {self.name} has ended: what it said is above.")
        return float(line)

    def close(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait()


def bench(
    folders: Annotated[list[Path], typer.Argument(exists=True, file_okay=False, help="Checkouts; the first is 1.00.")],
    only: Annotated[str, typer.Option(help="Endpoints, separated by commas.")] = "own-list,tags,detail,create",
    turns: Annotated[int, typer.Option(min=2, max=500, help="Turns of each checkout.")] = 40,
    number: Annotated[int, typer.Option(min=16, max=5000, help="Requests of a turn.")] = 150,
) -> None:
    """Compare checkouts by what their processes take of a core for a request."""
    with ExitStack() as open_, StopSignals() as signals:
        logged_show()
        stack = open_.enter_context(bench_stack(workers=1, check=signals.check))
        rows = open_.enter_context(bench_rows(stack))
        endpoints = endpoints_select(only)
        given = FOLDER / "request_cost.json"
        url, key = stack.fastapi_dsn, stack.connections.jwt_signing_key
        given.write_text(json.dumps({"url": url, "key": key, "requests": _requests(endpoints, rows)}))
        open_.callback(given.unlink)
        checkouts = [Checkout(folder, given) for folder in folders]
        for checkout in checkouts:
            open_.callback(checkout.close)
        for endpoint in endpoints:
            signals.check()
            _compare(endpoint.name, checkouts, turns, number)
            rows.restore()


def _requests(endpoints: tuple[Endpoint, ...], rows: Rows) -> dict[str, list[tuple[str, str, str]]]:
    """Path, token and body of each request, by endpoint."""
    return {
        endpoint.name: [
            (V2 + request.path, request.token, request.body)
            for request in islice(endpoint.requests(rows, _REQUESTS), _REQUESTS)
        ]
        for endpoint in endpoints
    }


def _compare(endpoint: str, checkouts: list[Checkout], turns: int, number: int) -> None:
    taken: list[list[float]] = [[] for _ in checkouts]
    pairs = [*zip(checkouts, taken, strict=True)]
    for checkout in checkouts:
        checkout.take(endpoint, 2 * number)
    for turn in range(turns):
        for checkout, times in pairs if turn % 2 else reversed(pairs):
            times.append(checkout.take(endpoint, number))
    for checkout, times in pairs:
        ratio = median(own / first for own, first in zip(times, taken[0], strict=True))
        say(f"{endpoint}, {checkout.name}: least {min(times):.0f}, median {median(times):.0f} us; {ratio:.2f}")


if __name__ == "__main__":
    bench_run(bench, name="request_cost")
