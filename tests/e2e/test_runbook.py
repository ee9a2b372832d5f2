"""The runbook's pages, played on one stack: each command stands on its page, and shows what the page says."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.checkouts import ENVIRONMENT, Checkout
from tests.example import ROOT

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("runbook")]

DEADLINE = 120
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
ROUTE, PATH = "tags.list", "/api/tags/"


class Operator:
    """Somebody with the runbook open, before a stack of the test's own."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.door = f"http://127.0.0.1:{checkout.ports['PROXY_PORT']}"
        self._page = ""

    def open(self, title: str) -> None:
        """Turn to a page: only its commands may be run from now on."""
        self._page = RUNBOOK.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        assert self._page, title

    def run(self, command: str, *more: str, code: int = 0) -> str:
        """Run a command of the page, with options that say yes for a person."""
        assert f"strangler {command}" in self._page
        words = [word.strip("'") for word in command.split()]
        done = self.checkout.strangler(*words, *more)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def status(self) -> str:
        """What `strangler status` prints, whatever its code."""
        assert "strangler status" in self._page
        return self.checkout.strangler("status").stdout

    def get(self, path: str = PATH) -> httpx.Response:
        return httpx.get(self.door + path, timeout=30)

    def screen(self, command: str, *, columns: int) -> str:
        """The first whole screen of a command on a terminal, which Ctrl-C then ends."""
        assert f"strangler {command}" in self._page
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        with subprocess.Popen(  # noqa: S603 - the tool itself
            [sys.executable, "-m", "strangler.cli", command],
            cwd=self.checkout.path,
            env={**ENVIRONMENT, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            seen = b""
            deadline = time.monotonic() + DEADLINE
            while b"routes  " not in seen:
                assert time.monotonic() < deadline, seen
                assert process.poll() is None, seen
                if select.select([ours], [], [], 1)[0]:
                    seen += os.read(ours, 65536)
            process.send_signal(signal.SIGINT)
            with suppress(OSError):
                # A terminal whose other end is closed can't be read.
                while os.read(ours, 65536):
                    pass
            os.close(ours)
        assert process.returncode == 0
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r", "")

    @contextmanager
    def broken_code(self) -> Iterator[None]:
        """FastAPI's code can't be started in the block."""
        main = self.checkout.path / "fastapi_app" / "main.py"
        good = main.read_text()
        main.write_text(f"{good}\nraise RuntimeError('planted by the test')\n")
        try:
            yield
        finally:
            main.write_text(good)

    def kill(self, service: str) -> None:
        """End a service with all of its processes, as the system does when memory is short."""
        main = psutil.Process(self.checkout.running().services[service].pid)
        for process in [main, *main.children(recursive=True)]:
            process.send_signal(signal.SIGKILL)


def wait_for(find: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not find():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def operator() -> Iterator[Operator]:
    # Not in pytest's own folder: each pytest that starts takes back the search bit that PostgreSQL's account needs.
    with tempfile.TemporaryDirectory(prefix="strangler runbook ") as folder:
        checkout = Checkout(Path(folder))
        with (checkout.path / ".env").open("a") as file:
            file.write("EVIDENCE_EQUAL=0\nDJANGO_WORKERS=1\nFASTAPI_WORKERS=1\nDB_POOL_MAX=5\n")
        started = checkout.strangler("up", "--detach")
        assert started.returncode == 0, started.stderr
        try:
            yield Operator(checkout)
        finally:
            checkout.strangler("down")


def test_is_it_going_well(operator: Operator) -> None:
    """The figures are those of whoever sent the requests, in `status` and for Prometheus."""
    operator.open("Is it going well?")
    sent: Counter[tuple[str, str, str]] = Counter()
    for path, route in ((PATH, ROUTE), ("/api/v2/tags/", ROUTE), ("/api/tags/none/", "tags.retrieve")):
        for _ in range(7):
            answer = operator.get(path)
            sent[route, answer.headers["X-Served-By"], f"{answer.status_code // 100}xx"] += 1
    said = operator.run("status")
    assert set(re.findall(r"^(\w+) \d+ \S+ ready", said, re.MULTILINE)) >= {"django", "fastapi", "nginx", "postgres"}
    assert "fastapi v2, last 5 min: requests 7, " in said

    def exported() -> Counter[tuple[str, str, str]]:
        answer = httpx.get(f"{operator.door}/gateway/metrics")
        lines = re.findall(
            r'^strangler_requests_total\{route="(tags[^"]*)",api="v.",stack="(\w+)",class="(\w+)"\} (\d+)$',
            answer.text,
            re.MULTILINE,
        )
        return Counter({(route, stack, kind): int(count) for route, stack, kind, count in lines})

    assert "top needs a terminal: run strangler status" in operator.run("top", code=2)
    screen = operator.screen("top", columns=80)
    assert re.search(r"^ *fastapi +\d+ .* ready ", screen, re.MULTILINE), screen
    assert max(map(len, screen.splitlines())) <= 80
    wait_for(lambda: exported() == sent)
    assert httpx.get(f"{operator.door}/gateway/metrics", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 403


def test_fastapi_is_down(operator: Operator) -> None:
    """No read of a route with fallback fails while FastAPI is dead, and once it is back it answers again."""
    operator.open("FastAPI is down")
    operator.run("switch '*' --fallback", "--yes")
    assert operator.get("/api/v2/tags/").headers["X-Served-By"] == "fastapi"
    with operator.broken_code():
        # Without that it might be back before anybody has looked.
        operator.kill("fastapi")
        fastapi_is_dead(operator)
    wait_for(lambda: "FastAPI is in again" in operator.status())
    assert operator.get("/api/v2/tags/").headers["X-Served-By"] == "fastapi"


def fastapi_is_dead(operator: Operator) -> None:
    answers = [operator.get("/api/v2/tags/") for _ in range(30)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["X-Served-By"] for answer in answers} == {"django"}
    said = operator.status()
    assert "FastAPI is out of reads since" in said
    wait_for(lambda: "planted by the test" in operator.run("logs fastapi"))


def test_the_database_is_down(operator: Operator) -> None:
    operator.open("The database is down")
    operator.kill("postgres")
    wait_for(lambda: "postgres was ended by SIGKILL" in operator.status())
    wait_for(lambda: {operator.get(path).status_code for path in (PATH, "/api/v2/tags/")} == {200})
    assert operator.run("logs postgres")


def test_the_schema_has_drifted(operator: Operator) -> None:
    operator.open("The schema has drifted")
    operator.run("schema check")
    with operator.checkout.owner() as connection:
        connection.execute("ALTER TABLE tags RENAME COLUMN name TO label")
        try:
            assert "Column tags.name is missing" in operator.run("schema check", code=1)
            operator.run("switch 'tags.*' --to legacy", "--yes")
            assert operator.get("/api/v2/tags/").headers["X-Served-By"] == "django"
        finally:
            connection.execute("ALTER TABLE tags RENAME COLUMN label TO name")
    operator.run("schema check")
    operator.run("rollback --yes")


def test_a_bad_deploy(operator: Operator) -> None:
    operator.open("A bad deploy")
    with operator.broken_code():
        operator.run("deploy fastapi", code=4)
        assert "planted by the test" in operator.run("logs fastapi-new")
        assert operator.get("/api/v2/tags/").headers["X-Served-By"] == "fastapi"
    assert "fastapi is deployed" in operator.run("deploy fastapi")


def test_a_ramp_stopped(operator: Operator) -> None:
    operator.open("A ramp stopped")
    command = (sys.executable, "-m", "strangler.cli", "ramp", ROUTE, "--steps", "50,100", "--hold", "10m")
    with subprocess.Popen(  # noqa: S603 - the tool itself
        command, cwd=operator.checkout.path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as ramp:
        wait_for(lambda: f"ramp of {ROUTE}: watching at 50%" in operator.status())
        ramp.kill()
    assert "nobody watches it: strangler ramp resume" in operator.status()
    operator.run("ramp abort")
    assert "returned" in operator.run("ramp log")
    assert "aborted by" in operator.run("history")
    assert operator.get().headers["X-Served-By"] == "django"
