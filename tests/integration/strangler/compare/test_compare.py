"""`strangler compare` as a process, between small real servers: what it finds, survives and never tells."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from strangler.local.settings import ROOT, base_environment
from tests.bad_servers import Bytes, endless, http, nobody, raw_server
from tests.shadows import Reply, Request, TinyStack

SECONDS = 60
CASES = """
[[case]]
get = "/posts/?page=2"

[[case]]
get = "/tags/"
"""


@dataclass(frozen=True)
class Run:
    """A run that has ended, and all that it has written."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return found

    @property
    def suites(self) -> dict[str | None, ET.Element]:
        return {suite.get("name"): suite for suite in ET.parse(self.folder / "junit.xml").getroot()}  # noqa: S314 - the same

    def route(self, name: str) -> dict[str, Any]:
        return next(route for route in self.report["routes"] if route["route"] == name)


class Compare:
    """Runs the command in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases = folder / "cases"
        self.cases.mkdir()
        self.write(CASES)

    def write(self, text: str) -> None:
        (self.cases / "all.toml").write_text(text)

    def start(self, left: str, right: str, *options: str, **environment: str) -> subprocess.Popen[str]:
        names = {"--json": "report.json", "--junit": "junit.xml", "--html": "report.html"}
        files = tuple(part for option, name in names.items() for part in (option, str(self.folder / name)))
        sources = () if "--from-log" in options else ("--cases", str(self.cases))
        return subprocess.Popen(  # noqa: S603 - the command under test
            [sys.executable, "-m", "strangler.cli", "compare", left, right, *sources, *files, *options],
            env=base_environment() | {"PYTHONPATH": str(ROOT), "STRANGLER_PASSWORD": "demo"} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, left: str, right: str, *options: str, piped: str = "", **environment: str) -> Run:
        process = self.start(left, right, *options, **environment)
        out, err = process.communicate(piped, timeout=SECONDS)
        return Run(process.returncode, out, err, self.folder)


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    return Compare(tmp_path)


@pytest.fixture
def stacks() -> Iterator[tuple[TinyStack, TinyStack]]:
    pair = (TinyStack(lambda _request: Reply()), TinyStack(lambda _request: Reply()))
    yield pair
    for stack in pair:
        stack.stop()


def test_equal_stacks(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    left, right = stacks
    run = compare.run(f"{left.url}/api", f"{right.url}/api/v2/")
    assert (run.code, run.err) == (0, "")
    assert "equal: 2 cases of 2 routes" in run.out
    assert {request.target for request in left.asked} == {"/api/posts/?page=2", "/api/tags/"}
    assert {request.target for request in right.asked} == {"/api/v2/posts/?page=2", "/api/v2/tags/"}
    assert run.report["exit_code"] == 0
    assert run.route("posts.list")["equal"] == 1
    assert run.suites["posts.list"].get("failures") == "0"


def test_a_difference_is_shown_with_its_place_its_values_and_a_command(
    compare: Compare, stacks: tuple[TinyStack, TinyStack]
) -> None:
    left, right = stacks
    left.reply = lambda request: Reply(json.dumps({"next": f"{left.url}/api{request.target[4:]}", "n": 1}).encode())
    right.reply = lambda request: Reply(json.dumps({"next": f"{right.url}/api{request.target[4:]}", "n": 2}).encode())
    run = compare.run(f"{left.url}/api", f"{right.url}/api")
    assert run.code == 1
    assert "posts.list: value at $.n, in 1 answer" in run.out
    assert "left   $.n = 1\n  right  $.n = 2\n" in run.out
    assert f"curl -si '{left.url}/api/posts/?page=2' -H 'User-Agent: strangler-compare'" in run.out
    assert "different: 2 of 2 cases of 2 routes" in run.out
    (group,) = run.route("tags.list")["groups"]
    assert (group["kind"], group["pattern"], group["count"]) == ("value", "$.n", 1)
    assert run.suites["tags.list"].get("failures") == "1"
    assert "$.n" in (run.folder / "report.html").read_text()


BAD: dict[str, tuple[Bytes, str]] = {
    "what is no HTTP": (lambda _head: [b"SSH-2.0-OpenSSH\r\n\r\n"], "right answered with what is no HTTP (posts.list)"),
    "nothing": (lambda _head: [], "right broke its answer off (posts.list)"),
    "half an answer": (lambda _head: [http(b"{}")[:-1]], "right broke its answer off (posts.list)"),
    "broken JSON": (lambda _head: [http(b'{"count":')], "right answered with JSON that can't be read (posts.list)"),
    "an endless body": (endless, "right answered with more than 1,000,000 bytes (posts.list)"),
    "a huge body": (
        lambda _head: [http(b'"' + b"x" * 50_000_000 + b'"')],
        "right answered with more than 1,000,000 bytes (posts.list)",
    ),
    "a bomb": (
        lambda _head: [http(b"no gzip", more="Content-Encoding: gzip\r\n")],
        "right broke its answer off (posts.list)",
    ),
    "itself": (
        lambda _head: [http(b"", status="302 Found", more="Location: /posts/?page=2\r\n")],
        "right redirects in a circle (posts.list)",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_answer_is_one_line_and_the_rest_is_reported(
    compare: Compare, stacks: tuple[TinyStack, TinyStack], what: str
) -> None:
    answer, sentence = BAD[what]
    good = http(b'{"count":1}')
    with raw_server(lambda head: answer(head) if b"/posts/" in head else [good]) as url:
        run = compare.run(stacks[0].url, url, "--max-body", "1000000")
    assert run.code == 4
    assert f"failed: {sentence}, once\n" in run.out
    assert run.out.count("failed: ") == 1
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
    assert "failed: right took longer than 0.4 s (posts.list), once\n" in run.out
    assert run.route("tags.list")["equal"] == 1


def test_a_side_that_is_down_is_one_line(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    run = compare.run(stacks[0].url, nobody())
    assert run.code == 4
    assert "failed: right does not answer (connection refused), 2 times\n" in run.out
    assert "not compared as a whole: 2 cases of 2 routes" in run.out
    assert run.route("tags.list")["failed"] == 1


def test_tls_that_fails_is_one_line(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    run = compare.run(stacks[0].url, stacks[1].url.replace("http:", "https:"))
    assert run.code == 4
    (line,) = [line for line in run.out.splitlines() if line.startswith("failed: ")]
    assert line.startswith("failed: right does not answer (TLS: ")
    assert line.endswith("), 2 times")


def test_redirects_are_answers_unless_they_are_to_be_followed(
    compare: Compare, stacks: tuple[TinyStack, TinyStack]
) -> None:
    def reply(request: Request) -> Reply:
        if request.target.endswith("/there/"):
            return Reply(b'{"count":2}')
        return Reply(b"", status=301, headers={"Location": f"/api{request.target[4:].partition('?')[0]}there/"})

    for stack in stacks:
        stack.reply = reply
    addresses = [f"{stack.url}/api" for stack in stacks]
    assert compare.run(*addresses).code == 0
    assert not any("there" in request.target for request in stacks[0].asked)
    assert compare.run(*addresses, "--follow").code == 0
    assert sum("there" in request.target for request in stacks[0].asked) == 2
    # A circle of two is found when it is walked.
    circle = {"/api/posts/?page=2": "/api/tags/", "/api/tags/": "/api/posts/?page=2"}
    stacks[1].reply = lambda request: Reply(b"", status=302, headers={"Location": circle[request.target]})
    run = compare.run(*addresses, "--follow")
    assert run.code == 4
    assert "failed: right redirects in a circle (posts.list), once\n" in run.out


def test_a_run_stops_by_itself_where_a_side_fails(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    compare.write('[[case]]\nget = "/posts/"\n' * 200)
    stacks[0].reply = stacks[1].reply = lambda _request: Reply(b'{"detail":"x"}', status=500)
    run = compare.run(stacks[0].url, stacks[1].url, "--stop-window", "20", "--concurrency", "1")
    assert run.code == 4
    assert "stopped: 20 of the last 20 answers of left were errors" in run.out
    assert run.report["stopped"]
    assert 20 <= len(stacks[0].asked) < 40


def test_no_more_is_asked_than_the_rate(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    compare.write('[[case]]\nget = "/posts/"\n' * 21)
    came: dict[int, list[float]] = {0: [], 1: []}
    for number, stack in enumerate(stacks):
        stack.reply = lambda _request, number=number: (came[number].append(time.monotonic()), Reply())[1]  # type: ignore[misc]
    assert compare.run(stacks[0].url, stacks[1].url, "--rate", "40", "--concurrency", "8").code == 0
    for times in came.values():
        assert len(times) == 21
        assert times[-1] - times[0] >= 20 / 40 - 0.05


def test_no_more_is_under_way_than_the_concurrency(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    compare.write('[[case]]\nget = "/posts/"\n' * 40)
    lock, under_way, most = threading.Lock(), [0], [0]

    def reply(_request: Request) -> Reply:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.01)
        with lock:
            under_way[0] -= 1
        return Reply()

    stacks[0].reply = reply
    assert compare.run(stacks[0].url, stacks[1].url, "--concurrency", "3").code == 0
    assert most[0] == 3


def test_an_interrupt_ends_the_run_with_its_report(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    compare.write('[[case]]\nget = "/posts/"\n' * 1000)
    process = compare.start(stacks[0].url, stacks[1].url, "--rate", "20")
    deadline = time.monotonic() + SECONDS
    while len(stacks[1].asked) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    run = Run(process.returncode, out, err, compare.folder)
    assert (run.code, run.report["stopped"]) == (4, "interrupted")
    assert "stopped: interrupted" in run.out


def test_no_secret_is_told(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    """Not the password, the token, a header or a cookie; not even by stacks that repeat them where they can."""
    compare.write(
        '[[case]]\nas = ["alice"]\nget = "/posts/?token=geheim-query"\nheaders = { X-Api-Key = "geheim-key" }\n'
    )

    def reply(side: str, request: Request) -> Reply:
        said = {name: request.headers.get(name, "") for name in ("authorization", "x-api-key", "x-secret-too")}
        body = {
            "detail": f"{side} {said} {request.target}",
            "access": f"geheim-{side}",
            "list": [{"password": "geheim-x"}],
        }
        headers = {"Set-Cookie": f"geheim={side}", "X-Said": said["authorization"] + side}
        return Reply(json.dumps(body).encode(), headers=headers)

    def left(request: Request) -> Reply:
        return Reply(b'{"access":"geheim-token"}') if "auth" in request.target else reply("left", request)

    stacks[0].reply, stacks[1].reply = left, lambda request: reply("right", request)
    options = ("--header", "X-Secret-Too: geheim-header", "--login", "alice")
    run = compare.run(stacks[0].url, stacks[1].url, *options, STRANGLER_PASSWORD="geheim-password")
    assert run.code == 1
    assert stacks[1].asked[0].headers["authorization"] == "Bearer geheim-token"
    written = b"".join(file.read_bytes() for file in run.folder.iterdir() if file.is_file())
    assert b"geheim-" not in written + run.out.encode() + run.err.encode()
    assert b"geheim=" not in written + run.out.encode()


def test_a_log_is_asked_and_its_writes_are_not(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    lines = [
        {"method": "GET", "uri": "/api/posts/?page=3", "route": "posts.list", "caller": "user:1"},
        {"method": "POST", "uri": "/api/posts/", "route": "posts.create", "caller": "user:1"},
    ]
    log = "".join(json.dumps({"time": "2026-01-01T00:00:00+00:00", "status": 200, **line}) + "\n" for line in lines)
    run = compare.run(stacks[0].url, stacks[1].url, "--from-log", "-", piped=log + "no line of nginx\n")
    assert [request.target for request in stacks[0].asked] == ["/posts/?page=3"], run.out + run.err
    assert run.code == 0
    assert dict(run.report["skipped"])["requests of the log that may write"] == 1


def test_expired_and_unmet_declarations_fail_the_run(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    entry = '[[difference]]\nroute = "posts.list"\nreason = "r."\nowner = "o"\n'
    declared = compare.folder / "declared.toml"
    declared.write_text(f'{entry}expires = 2001-01-01\npath = "$.a"\n{entry}expires = 2999-01-01\nheader = "x-a"\n')
    run = compare.run(stacks[0].url, stacks[1].url, "--declared", str(declared))
    assert run.code == 1
    assert run.report["declared_faults"] == [
        "the declared difference of posts.list ($.a) has expired on 2001-01-01: mend it, or declare it anew",
        "the declared difference of posts.list (x-a) was never met: remove it",
    ]
    assert run.suites["declared differences"].get("failures") == "2"
    only_tags = compare.run(stacks[0].url, stacks[1].url, "--declared", str(declared), "--route", "tags.*")
    assert (only_tags.code, [route["route"] for route in only_tags.report["routes"]]) == (0, ["tags.list"])


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("http://h:1",), 2, "name two base addresses, LEFT and RIGHT, or none for the local stack."),
        (("ftp://h", "http://h"), 2, "LEFT is no base address: write it like http://127.0.0.1:8001/api."),
        (("http://u:geheim@h", "http://h"), 2, "LEFT holds a name or a password"),
        (("http://h", "http://h", "--header", "geheim"), 2, "a --header is no header"),
        (("http://h", "http://h", "--route", "nothing.*"), 2, "no route is named nothing.*"),
        (("http://h", "http://h", "--junit", "/nowhere/at/all.xml"), 2, "/nowhere/at/all.xml can't be written"),
        (("http://h", "http://h", "--from-log", "/nowhere.log"), 2, "/nowhere.log can't be read"),
        (("http://h", "http://h", "--declared", "/nowhere.toml"), 2, "/nowhere.toml can't be read"),
    ],
)
def test_wrong_usage_is_one_sentence(compare: Compare, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    left, *rest = arguments
    sources = [] if "--from-log" in arguments else ["--cases", str(compare.cases)]
    found = subprocess.run(  # noqa: S603 - the command under test
        [sys.executable, "-m", "strangler.cli", "compare", left, *rest, *sources],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert found.returncode == code, found.stderr
    assert found.stderr.startswith("strangler: ")
    assert sentence in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
    assert "geheim" not in found.stderr


def test_a_refused_login_is_one_sentence(compare: Compare, stacks: tuple[TinyStack, TinyStack]) -> None:
    stacks[0].reply = lambda _request: Reply(b'{"detail":"no"}', status=401)
    run = compare.run(stacks[0].url, stacks[1].url, "--login", "alice")
    assert (run.code, run.out) == (2, "")
    assert run.err == "strangler: left does not sign alice in (status 401): check the name and STRANGLER_PASSWORD.\n"
