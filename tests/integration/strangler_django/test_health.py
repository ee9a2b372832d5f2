"""A probe is answered while every thread of gunicorn works."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from strangler.local.ports import port_free_pick
from tests.example import ROOT

APPLICATION = """
import itertools, pathlib, time

calls = itertools.count()

def application(environ, start_response):
    if environ["PATH_INFO"] == "/work/":
        pathlib.Path("begun").touch()
    while environ["PATH_INFO"] == "/work/" and not pathlib.Path("done").exists():
        time.sleep(0.02)
    status = "503 Ill" if pathlib.Path("ill").exists() else "200 OK"
    number = next(calls)
    said = {"calls": str(number), "caller": f"{environ.get('HTTP_AUTHORIZATION')} {number}"}
    said |= {"address": f"{environ['REMOTE_ADDR']} {number}", "cookie": str(number)}
    body = said.get(environ["QUERY_STRING"], environ["PATH_INFO"]).encode()
    cookies = [("Set-Cookie", f"visit={number}")] if environ["QUERY_STRING"] == "cookie" else []
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), *cookies])
    return [body]
"""
CONFIGURATION = """
from strangler_django.health import health_first
bind, workers, threads = "127.0.0.1:{port}", 1, 1
# Longer than any pause of a busy machine: a client may not see at once that a connection was closed.
keepalive = 75
worker_class = {worker_class}
"""


@contextmanager
def started(folder: Path, worker_class: str) -> Iterator[int]:
    """One process of gunicorn's with one thread; its port."""
    port = port_free_pick()
    (folder / "slow.py").write_text(APPLICATION)
    (folder / "configuration.py").write_text(CONFIGURATION.format(port=port, worker_class=worker_class))
    command = [sys.executable, "-m", "gunicorn", "slow:application", "--config", "configuration.py"]
    environment = {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as server:  # noqa: S603
        try:
            yield port
        finally:
            server.terminate()


@contextmanager
def served(folder: Path, worker_class: str) -> Iterator[str]:
    """A thread that works on a request of /work/ until there is a file `done`, and one request that waits for it."""
    with started(folder, worker_class) as port, ThreadPoolExecutor() as clients:
        url = f"http://127.0.0.1:{port}"
        try:
            until_answered(f"{url}/health/", httpx.get)
            working = clients.submit(httpx.get, f"{url}/work/", timeout=60)
            deadline = time.monotonic() + 60
            while not (folder / "begun").exists():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            waiting = clients.submit(httpx.get, f"{url}/other/", timeout=60)
            yield url
            assert not working.done()
            assert not waiting.done()
            (folder / "done").touch()
            assert (working.result().text, waiting.result().text) == ("/work/", "/other/")
        finally:
            (folder / "done").touch()


def until_answered(url: str, get: Callable[[str], httpx.Response]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            get(url).raise_for_status()
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_a_probe_does_not_wait_for_a_thread(tmp_path: Path) -> None:
    with served(tmp_path, 'health_first("/health/")') as url, httpx.Client(base_url=url, timeout=20) as kept:
        # On a connection of its own each, and on one that is kept.
        assert httpx.get(f"{url}/health/?full=1", timeout=20).text == "/health/"
        assert [kept.get("/health/").status_code, kept.head("/health/").status_code] == [200, 200]
        with pytest.raises(httpx.ReadTimeout):
            kept.get("/health/other/", timeout=1)


def known(probe: Callable[[], str]) -> str:
    """Probes until an answer is one that was given before: the application counts its calls."""
    deadline = time.monotonic() + 60
    said = probe()
    while (now := probe()) != said:
        assert time.monotonic() < deadline
        said = now
        time.sleep(0.02)
    return said


def test_a_worker_that_is_busy_answers_by_what_it_asked_itself_a_moment_ago(tmp_path: Path) -> None:
    with served(tmp_path, 'health_first("/health/")') as url, httpx.Client(base_url=url, timeout=20) as kept:
        said = known(lambda: kept.get("/health/?calls", headers={"X-Request-ID": uuid4().hex}).text)
        deadline = time.monotonic() + 60
        while kept.get("/health/?calls", headers={"X-Request-ID": "1"}).text == said:
            assert time.monotonic() < deadline, "the answer is not renewed"
            time.sleep(0.02)
        # A body is part of its own request, and what an answer depends on is not mixed up.
        assert kept.request("GET", "/health/?calls", content=b"GET /other/ HTTP/1.1\r\n\r\n").text != said
        assert kept.get("/health/").text == "/health/"


def test_nobody_gets_what_another_caller_was_answered(tmp_path: Path) -> None:
    with served(tmp_path, 'health_first("/health/")') as url, httpx.Client(base_url=url, timeout=20) as kept:

        def ask(caller: str) -> str:
            return kept.get("/health/?caller", headers={"Authorization": caller}).text

        known(lambda: ask("alice"))
        callers = ["alice", "bob", "alice", "carol"]
        assert [ask(caller).split()[0] for caller in callers] == callers


def test_nobody_gets_what_another_address_was_answered(tmp_path: Path) -> None:
    with served(tmp_path, 'health_first("/health/")') as url, ExitStack() as stack:
        addresses = ["127.0.0.1", "127.0.0.2"]
        ways = [httpx.HTTPTransport(local_address=each) for each in addresses]
        clients = [stack.enter_context(httpx.Client(base_url=url, timeout=20, transport=each)) for each in ways]
        said = [known(lambda client=client: client.get("/health/?address").text) for client in clients]  # type: ignore[misc] # of each
        assert [each.split()[0] for each in said] == addresses


def test_a_cookie_is_for_one_client(tmp_path: Path) -> None:
    with served(tmp_path, 'health_first("/health/")') as url, httpx.Client(base_url=url, timeout=20) as kept:
        set_cookies = set()
        # Long enough for two renewals, of which the first one makes known what would be answered.
        deadline = time.monotonic() + 2.5
        while time.monotonic() < deadline:
            kept.cookies.clear()
            answer = kept.get("/health/?cookie")
            assert answer.cookies["visit"] not in set_cookies
            set_cookies.add(answer.cookies["visit"])
            time.sleep(0.1)


def test_what_a_busy_worker_knows_is_never_older_than_a_failure(tmp_path: Path) -> None:
    with served(tmp_path, 'health_first("/health/")') as url, httpx.Client(base_url=url, timeout=20) as kept:
        known(lambda: kept.get("/health/?calls").text)
        (tmp_path / "ill").touch()
        deadline = time.monotonic() + 10
        while kept.get("/health/?calls").status_code == 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        (tmp_path / "ill").unlink()
        assert kept.get("/health/?calls").status_code == 200, "a failure is not kept"


def answered_behind_a_body(port: int, first: str, second: str) -> bytes:
    """What comes of two requests in one piece: who reads the first one's body away has read the second too."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(
            f"{first} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
            f"{second} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
        )
        with client.makefile("rb") as stream:
            return stream.read()


def test_a_request_behind_a_body_that_nobody_reads_is_answered(tmp_path: Path) -> None:
    with started(tmp_path, 'health_first("/health/")') as port:
        until_answered(f"http://127.0.0.1:{port}/health/", httpx.get)
        assert b"/second/" in answered_behind_a_body(port, "POST /first/", "GET /second/")


def test_a_probe_behind_a_body_that_nobody_reads_does_not_wait(tmp_path: Path) -> None:
    with served(tmp_path, 'health_first("/health/")') as url:
        answers = answered_behind_a_body(int(url.rpartition(":")[2]), "GET /health/?calls", "GET /health/")
        assert answers.endswith(b"/health/")


def test_with_tls_in_gunicorn_a_kept_connection_is_answered(tmp_path: Path) -> None:
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*argv, "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603 - openssl
    tls = '; certfile, keyfile = "cert.pem", "key.pem"'
    paths = ["/other/", "/health/", "/other/"]
    with (
        started(tmp_path, f'health_first("/health/"){tls}') as port,
        httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=False, timeout=20) as kept,  # noqa: S501 - made above
    ):
        until_answered("/health/", kept.get)
        assert [kept.get(path).text for path in paths] == paths


def test_without_it_the_probe_waits(tmp_path: Path) -> None:
    with served(tmp_path, '"gthread"') as url, pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{url}/health/", timeout=1)
