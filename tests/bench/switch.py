"""`make bench-switch`: what a switch costs and loses. Exit codes: 0 nothing lost, 1 something was, 4 failed."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Final

from rich.text import Text

from strangler.cli.output import err, logged_show, say
from strangler.errors import StranglerError
from strangler.local.process import StopSignals
from strangler.rollout.rollout import Rollout
from tests.bench.keepalive import request
from tests.bench.rows import Rows
from tests.bench.stack import bench_rows, bench_stack
from tests.bench.switching import Switches, switch_under_load
from tests.rollouts import moves
from tests.upstreams import upstream

CLIENTS: Final = 100
SWITCHES: Final = 30
SECONDS: Final = 20.0
REQUESTS: Final = 50_000
_NAMES: Final = ("posts.list", "posts.create")


def fast_servers() -> Switches:
    """Switches before servers that answer at once, so that very many requests are under way."""
    with (
        tempfile.TemporaryDirectory() as folder,
        upstream("django") as django,
        upstream("fastapi") as fastapi,
        moves(Path(folder), django, fastapi) as moving,
    ):
        host = moving.nginx.url.removeprefix("http://")
        requests = [
            request("GET", "/api/posts/", host=host),
            request("POST", "/api/posts/", host=host, body=b'{"title":"a","content":"b"}'),
        ]
        return asyncio.run(_run(moving.rollout, requests))


def real_stacks() -> tuple[Switches, int]:
    """Switches before both stacks; gives the posts that were written, too."""
    with ExitStack() as open_, StopSignals() as signals:
        logged_show()
        stack = open_.enter_context(bench_stack(workers=1, check=signals.check))
        rows = open_.enter_context(bench_rows(stack))
        requests = list(_requests(rows, stack.proxy_url.removeprefix("http://")))
        return asyncio.run(_run(stack.rollout, requests)), rows.posts_written()


def _requests(rows: Rows, host: str) -> Iterator[bytes]:
    """Each user's list and each user's new post in turn."""
    pairs = zip(rows.own_lists(0), rows.creates(0), strict=True)
    for asked in chain.from_iterable(pairs):
        body = (asked.body or "").encode()
        headers = {"Authorization": f"Bearer {asked.token}"}
        yield request("POST" if body else "GET", f"/api{asked.path}", host=host, body=body, headers=headers)


async def _run(rollout: Rollout, requests: list[bytes]) -> Switches:
    return await switch_under_load(rollout, _NAMES, requests, clients=CLIENTS, switches=SWITCHES, seconds=SECONDS)


def _tell(sentence: str) -> None:
    err.print(Text(sentence))


def _whole(run: Switches) -> bool:
    return not run.load.lost and not run.refused and not run.out_of_turn


def main() -> int:
    """Run both, print what came of them, and say whether all is well."""
    _tell(f"{SWITCHES} switches in {SECONDS:.0f} s under {CLIENTS} connections, before servers that answer at once")
    fast = fast_servers()
    say(f"servers that answer at once: {fast.summary()}")
    _tell("the same before both stacks")
    real, written = real_stacks()
    posts = sum(answer.method == b"POST" for answer in real.load.answers)
    say(f"both stacks: {real.summary()}; {posts} posts answered, {written} in the database")
    enough = len(fast.load.answers) >= REQUESTS
    return 0 if _whole(fast) and _whole(real) and enough and posts == written else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StranglerError as error:
        _tell(f"bench-switch: {error}")
        sys.exit(error.exit_code)
