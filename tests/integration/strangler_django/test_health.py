"""A probe is answered while every thread of gunicorn works."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from strangler.local.ports import port_free_pick
from tests.example import ROOT

APPLICATION = """
import pathlib, time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/work/":
        pathlib.Path("begun").touch()
    while environ["PATH_INFO"] == "/work/" and not pathlib.Path("done").exists():
        time.sleep(0.02)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]
"""
CONFIGURATION = """
from strangler_django.health import health_first
bind, workers, threads = "127.0.0.1:{port}", 1, 1
worker_class = {worker_class}
"""


@contextmanager
def served(folder: Path, worker_class: str) -> Iterator[str]:
    """One thread of gunicorn's, which works on a request of /work/ until there is a file `done`."""
    port = port_free_pick()
    (folder / "slow.py").write_text(APPLICATION)
    (folder / "configuration.py").write_text(CONFIGURATION.format(port=port, worker_class=worker_class))
    command = [sys.executable, "-m", "gunicorn", "slow:application", "--config", "configuration.py"]
    with (
        subprocess.Popen(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL) as server,  # noqa: S603
        ThreadPoolExecutor() as clients,
    ):
        url = f"http://127.0.0.1:{port}"
        try:
            until_answered(f"{url}/health/")
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
            server.terminate()


def until_answered(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(url, timeout=5).raise_for_status()
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


def test_without_it_the_probe_waits(tmp_path: Path) -> None:
    with served(tmp_path, '"gthread"') as url, pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{url}/health/", timeout=1)
