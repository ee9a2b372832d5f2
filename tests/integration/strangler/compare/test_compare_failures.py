"""`strangler compare` before servers that answer badly or not at all: one line each, and a report of the rest."""

import pytest

from tests.bad_servers import Bytes, endless, http, nobody, raw_server
from tests.comparison_runs import Compare
from tests.parameters import rest_long
from tests.shadows import Reply, TinyStack

BAD: dict[str, tuple[Bytes, str]] = {
    "what is no HTTP": (lambda _head: [b"SSH-2.0-OpenSSH\r\n\r\n"], "right sent an invalid HTTP response (posts.list)"),
    "nothing": (lambda _head: [], "right interrupted its response (posts.list)"),
    "half an answer": (lambda _head: [http(b"{}")[:-1]], "right interrupted its response (posts.list)"),
    "broken JSON": (lambda _head: [http(b'{"count":')], "right sent invalid JSON (posts.list)"),
    "an endless body": (endless, "right answered with more than 1,000,000 bytes (posts.list)"),
    "a huge body": (
        lambda _head: [http(b'"' + b"x" * 50_000_000 + b'"')],
        "right answered with more than 1,000,000 bytes (posts.list)",
    ),
    "a bomb": (
        lambda _head: [http(b"no gzip", more="Content-Encoding: gzip\r\n")],
        "right interrupted its response (posts.list)",
    ),
    "itself": (
        lambda _head: [http(b"", status="302 Found", more="Location: /posts/?page=2\r\n")],
        "right redirects in a circle (posts.list)",
    ),
}


@pytest.mark.parametrize("what", rest_long(BAD))
def test_a_bad_answer_is_one_line_and_the_rest_is_reported(
    compare: Compare, stacks: tuple[TinyStack, TinyStack], what: str
) -> None:
    answer, sentence = BAD[what]
    good = http(b'{"count":1}')
    with raw_server(lambda head: answer(head) if b"/posts/" in head else [good]) as url:
        run = compare.run(stacks[0].url, url, "--max-body", "1000000")
    assert run.code == 4
    assert f"not compared: {sentence}, once\n" in run.out
    assert run.out.count("not compared: ") == 1
    assert "Traceback" not in run.out + run.err
    assert run.report["failures"] == [[sentence, 1]]
    assert run.route("posts.list")["failed"] == 1
    # The small stack says a little more of itself than the raw one.
    assert run.route("tags.list")["failed"] == 0
    assert run.suites["the run"].get("errors") == "1"


def test_an_answer_that_never_comes_is_one_line(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    stacks[1].reply = lambda request: Reply(after=5 if "posts" in request.target else 0)
    run = compare.run(stacks[0].url, stacks[1].url, "--timeout", "0.4")
    assert run.code == 4
    assert "not compared: right took longer than 0.4 s (posts.list), once\n" in run.out
    assert run.route("tags.list")["equal"] == 1


def test_a_side_that_is_down_is_one_line(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    run = compare.run(stacks[0].url, nobody())
    assert run.code == 4
    assert "not compared: right does not answer (connection refused), 2 times\n" in run.out
    assert "not compared as a whole: 2 cases of 2 routes" in run.out
    assert run.route("tags.list")["failed"] == 1


def test_tls_that_fails_is_one_line(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    run = compare.run(stacks[0].url, stacks[1].url.replace("http:", "https:"))
    assert run.code == 4
    (line,) = [line for line in run.out.splitlines() if line.startswith("not compared: ")]
    assert line.startswith("not compared: right does not answer (TLS: ")
    assert line.endswith("), 2 times")
