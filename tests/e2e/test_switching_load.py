"""Thirty switches in twenty seconds under a hundred connections that are kept alive."""

from pathlib import Path

import pytest

from tests.bench.keepalive import request
from tests.bench.switching import switch_under_load
from tests.rollouts import moves
from tests.upstreams import upstream

pytestmark = pytest.mark.long

CLIENTS = 100
SWITCHES = 30
SECONDS = 20
REQUESTS = 50_000


async def test_thirty_switches_lose_no_request_and_no_answer_is_out_of_turn(tmp_path: Path) -> None:
    """Servers that answer at once stand behind the gateway, so that there are enough requests to lose one."""
    with upstream("django") as django, upstream("fastapi") as fastapi, moves(tmp_path, django, fastapi) as moving:
        host = moving.nginx.url.removeprefix("http://")
        requests = [
            request("GET", "/api/posts/", host=host),
            request("POST", "/api/posts/", host=host, body=b'{"title":"a","content":"b"}'),
        ]
        run = await switch_under_load(
            moving.rollout,
            ["posts.list", "posts.create"],
            requests,
            clients=CLIENTS,
            switches=SWITCHES,
            seconds=SECONDS,
        )
    assert run.load.lost == [], run.summary()
    assert run.refused == [], run.summary()
    assert run.out_of_turn == [], run.summary()
    assert len(run.load.answers) >= REQUESTS, run.summary()
    assert {answer.method for answer in run.load.answers} == {b"GET", b"POST"}
    assert set(run.stacks) == {"django", "fastapi"}
    # Beside other tests; alone it takes under one (docs/runbook.md).
    assert sorted(run.seconds)[SWITCHES // 2] <= 3, run.summary()
