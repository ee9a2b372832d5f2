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
from tests.databases import OwnDatabase
from tests.integration.fastapi_app.running import JWT_KEY

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
# What the main process makes before it forks, and what of it a fork could not share.
_MADE = """
from fastapi_app.main import create_served
from fastapi_app.models import BLOG
from strangler_fastapi.workers import _unshareable

before = _unshareable()
create_served()
print(len(BLOG.tables) > 0, _unshareable() - before)
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


@pytest.mark.parametrize(("answers", "mapped"), [(True, "True set()"), (False, "False set()")], ids=["there", "away"])
def test_the_main_process_maps_the_tables_that_its_workers_share(
    own_database: OwnDatabase, template: OwnDatabase, answers: bool, mapped: str
) -> None:
    url = own_database.dsn(f"{template.name}_fastapi")
    if not answers:
        url = f"postgresql://nobody@127.0.0.1:{port_free_pick()}/{own_database.name}"
    environment = os.environ | {"FASTAPI_DATABASE_URL": url, "JWT_SIGNING_KEY": JWT_KEY}
    made = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", _MADE], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert made.stdout.strip() == mapped
    assert ("does not answer" in made.stderr) is not answers
