"""Compression and conditional requests: asked alike of both sides, and compared by what a client gets."""

import gzip
import json

import pytest

from tests.comparison_runs import Compare
from tests.shadows import Reply, Request, TinyStack

CASES = """
[[case]]
name = "compressed"
get = "/tags/"
headers = { Accept-Encoding = "gzip" }

[[case]]
name = "unchanged"
get = "/posts/"
headers = { If-None-Match = '"1"' }
"""
BODY = json.dumps([{"id": number} for number in range(100)]).encode()


def replied(request: Request, level: int) -> Reply:
    """As both sides should."""
    if request.headers.get("if-none-match") == '"1"':
        return Reply(b"", status=304, headers={"ETag": '"1"'})
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Reply(
            gzip.compress(BODY, level, mtime=level), headers={"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        )
    return Reply(BODY, headers={"ETag": '"1"', "Vary": "Accept-Encoding"})


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("", "equal: 2 cases of 2 routes"),
        ("gzip", "tags.list: header at header content-encoding, in 1 answer"),
        ("if-none-match", "posts.list: status at status, in 1 answer"),
    ],
)
def test_both_sides_compress_and_answer_304(
    fault: str, found: str, compare: Compare, stacks: tuple[TinyStack, TinyStack]
) -> None:
    def faulty(request: Request) -> Reply:
        for name in ("if-none-match", "accept-encoding") if fault else ():
            if fault in (name, request.headers.get(name)):
                request.headers.pop(name, None)
        return replied(request, 9)

    compare.write(CASES)
    stacks[0].reply = lambda request: replied(request, 1)
    stacks[1].reply = faulty
    run = compare.run(*(f"{stack.url}/api" for stack in stacks))
    assert found in run.out, run.out + run.err
    assert run.code == bool(fault)
