"""Several workers of the service: forked from the main process where that is safe, else as uvicorn starts them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from strangler.local.ports import port_free_pick
from strangler.local.services import Probe

_DEADLINE_SECONDS = 30
_POLL_SECONDS = 0.05
# An application of two workers that has begun whatever `BEGUN` says by the time that it is made.
_SERVICE = """
import os
import socket
import threading
import time

import uvicorn

from strangler_fastapi.workers import fork_workers

def create():
    {begun}

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await send({{"type": "http.response.start", "status": 200}})
            await send({{"type": "http.response.body", "body": str(os.getpid()).encode()}})

    return app

if __name__ == "__main__":
    fork_workers()
    uvicorn.run("service:create", factory=True, port={port}, workers=2, lifespan="off")
"""
_NOTHING = "pass"
_THREAD = "threading.Thread(target=time.sleep, args=(60,), daemon=True, name='sender').start()"
_CONNECTION = "create.kept = socket.socket()"


@contextmanager
def _service(folder: Path, begun: str) -> Iterator[psutil.Process]:
    port = port_free_pick()
    (folder / "service.py").write_text(_SERVICE.format(begun=begun, port=port), encoding="utf-8")
    probe = Probe(host="127.0.0.1", port=port, path="/", host_header="localhost")
    environment = os.environ | {"PYTHONPATH": f"{folder}:{Path.cwd()}"}
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen([sys.executable, "service.py"], cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        _wait(probe.answers)
        yield psutil.Process(service.pid)
    finally:
        # Workers go on without their main process.
        left = psutil.Process(service.pid).children(recursive=True) if service.poll() is None else []
        service.kill()
        service.wait()
        for each in left:
            with suppress(psutil.NoSuchProcess):
                each.kill()


def _wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(_POLL_SECONDS)


def _forked(main: psutil.Process) -> list[psutil.Process]:
    """The workers that are copies of the main process; others are a Python that was started anew."""
    return [child for child in main.children() if child.cmdline() == main.cmdline()]


def test_workers_are_forked_and_share_what_the_application_takes(tmp_path: Path) -> None:
    with _service(tmp_path, _NOTHING) as main:
        _wait(lambda: len(_forked(main)) == 2)
        assert len(main.children()) == 2


def test_a_worker_that_ends_is_forked_again(tmp_path: Path) -> None:
    with _service(tmp_path, _NOTHING) as main:
        _wait(lambda: len(_forked(main)) == 2)
        ended = _forked(main)[0]
        ended.kill()
        _wait(lambda: ended not in main.children() and len(_forked(main)) == 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_main_process_and_its_workers(tmp_path: Path, number: signal.Signals) -> None:
    with _service(tmp_path, _NOTHING) as main:
        everything = [main, *main.children()]
        main.send_signal(number)
        _ended, alive = psutil.wait_procs(everything, timeout=_DEADLINE_SECONDS)
    assert alive == []


def test_a_worker_takes_a_signal_that_the_main_process_only_notes(tmp_path: Path) -> None:
    with _service(tmp_path, _NOTHING) as main:
        _wait(lambda: len(_forked(main)) == 2)
        (ended, _other) = _forked(main)
        ended.send_signal(signal.SIGHUP)
        _wait(lambda: ended not in main.children())


@pytest.mark.parametrize(
    ("begun", "named"), [(_THREAD, "the thread sender"), (_CONNECTION, "socket:[")], ids=["thread", "connection"]
)
def test_an_application_that_began_something_is_made_by_each_worker(tmp_path: Path, begun: str, named: str) -> None:
    with _service(tmp_path, begun) as main:
        assert _forked(main) == []
        log = (tmp_path / "log").read_text(encoding="utf-8")
    assert "each worker makes the application anew" in log
    assert named in log
