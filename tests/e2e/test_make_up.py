"""`strangler up` for real, in a checkout of its own with a space in its path: good starts, bad starts, orderly ends."""

import json
import os
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from strangler.local.account import account_for_postgres
from strangler.local.state import StackState
from tests.checkouts import PORTS, Checkout, assert_one_sentence

pytestmark = pytest.mark.xdist_group("make up")


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    # Not in pytest's own folder: each pytest that starts takes back the search bit that PostgreSQL's account needs.
    with tempfile.TemporaryDirectory(prefix="strangler e2e ") as folder:
        checkout = Checkout(Path(folder))
        # The first start makes the data and secrets that the tests go on with, in whatever order they run.
        first = checkout.up()
        first.terminate()
        first.communicate(timeout=60)
        yield checkout
        checkout.strangler("down")


def alive(state: StackState) -> list[str]:
    return [name for name, record in state.services.items() if record.find()]


@pytest.mark.long
def test_up_serves_both_stacks_and_ctrl_c_leaves_nothing(checkout: Checkout) -> None:
    supervisor = checkout.up()
    state = checkout.running()
    assert alive(state) == ["postgres", "shadow", "django", "fastapi", "worker", "nginx"]

    door = f"http://127.0.0.1:{checkout.ports['PROXY_PORT']}"
    served = {path: httpx.get(door + path) for path in ("/api/feed/", "/api/v2/feed/")}
    assert {path: answer.headers["X-Served-By"] for path, answer in served.items()} == {
        "/api/feed/": "django",
        "/api/v2/feed/": "fastapi",
    }
    assert served["/api/feed/"].json()["results"] == served["/api/v2/feed/"].json()["results"]

    again = checkout.strangler("up")
    assert again.returncode == 0
    assert f"already runs (pid {supervisor.pid}); strangler down ends it" in again.stdout
    assert door in again.stdout

    status = checkout.strangler("status", "--json")
    assert status.returncode == 0
    assert {row["service"]: row["state"] for row in json.loads(status.stdout)["services"]} == dict.fromkeys(
        state.services, "ready"
    )

    logs = checkout.strangler("logs", "nginx")
    assert logs.returncode == 0
    assert "/api/v2/feed/" in logs.stdout

    supervisor.send_signal(signal.SIGINT)
    output = supervisor.communicate(timeout=60)[0]
    assert supervisor.returncode == 0, output
    assert f"curl -i {door}/api/v2/feed/" in output
    assert "strangler-demo" in output
    assert alive(state) == []
    assert checkout.state.read() is None
    assert checkout.strangler("status").returncode == 1


@pytest.mark.long
def test_requests_under_way_are_answered_before_it_ends(checkout: Checkout) -> None:
    """They wait for a lock, on both stacks, when the end is asked for."""
    supervisor = checkout.up()
    django = checkout.running().services["django"].find()
    assert django is not None
    door = f"http://127.0.0.1:{checkout.ports['PROXY_PORT']}"
    with psycopg.connect(django.environ()["DATABASE_URL"]) as holder, ThreadPoolExecutor() as threads:
        holder.execute("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")
        asked = [threads.submit(httpx.get, door + path, timeout=60) for path in ("/api/feed/", "/api/v2/feed/")]
        deadline = time.monotonic() + 30
        while holder.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() != (2,):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        supervisor.terminate()
        # nginx takes no more connections: the end has begun.
        while connects(door):
            assert time.monotonic() < deadline
        assert [each.done() for each in asked] == [False, False]
        holder.rollback()
        assert [each.result().status_code for each in asked] == [200, 200]
    supervisor.communicate(timeout=60)
    assert supervisor.returncode == 0


@pytest.mark.long
def test_secrets_are_readable_by_their_owner_only(checkout: Checkout) -> None:
    secrets = checkout.state.path / "secrets"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()} == {0o600}


@pytest.mark.long
def test_a_killed_run_is_recovered_from_and_down_ends_the_next(checkout: Checkout) -> None:
    killed = checkout.up()
    before = checkout.running()
    killed.kill()
    killed.communicate()
    orphaned = checkout.strangler("status")
    assert orphaned.returncode == 1
    assert (
        f"the supervisor (pid {killed.pid}) has ended, so nothing is started again: run strangler up" in orphaned.stderr
    )
    result = checkout.strangler("up", "--detach")
    assert result.returncode == 0, result.stderr
    after = checkout.running()
    assert alive(before) == []
    assert alive(after) == ["postgres", "shadow", "django", "fastapi", "worker", "nginx"]
    # The services' logs are bounded; a copy of them in the supervisor's would grow for as long as the stack runs.
    assert checkout.strangler("status").returncode == 0
    assert "/gateway/version" in checkout.strangler("logs", "nginx").stdout
    assert "nginx    | " not in (checkout.state.path / "supervisor.log").read_text()
    assert checkout.strangler("down").returncode == 0
    assert alive(after) == []
    assert checkout.state.read() is None


@pytest.mark.long
def test_a_postmaster_pid_of_another_process_does_not_stop_the_start(checkout: Checkout) -> None:
    account = account_for_postgres()
    # PostgreSQL believes the file only if the process is one that its own account may signal.
    user = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, **user) as other:
        (checkout.state.path / "postgres" / "postmaster.pid").write_text(f"{other.pid}\n/elsewhere\n")
        supervisor = checkout.up()
        supervisor.terminate()
        assert "ended" in supervisor.communicate(timeout=60)[0]
        assert supervisor.returncode == 0
        assert other.poll() is None


@pytest.mark.long
def test_whatever_dies_is_started_again_and_ends_nothing(checkout: Checkout) -> None:
    supervisor = checkout.up()
    door = f"http://127.0.0.1:{checkout.ports['PROXY_PORT']}"
    for name, record in checkout.running().services.items():
        process = record.find()
        assert process is not None
        process.kill()
        deadline = time.monotonic() + 90
        while (again := checkout.running().services[name]).pid == process.pid or not answers(door):
            assert time.monotonic() < deadline, name
            time.sleep(0.05)
        assert (again.restarts, again.find() is not None) == (1, True)
    # Workers of FastAPI go on without their main process, until another has taken their place.
    while "fastapi-new" in checkout.running().services:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    status = checkout.strangler("status")
    assert status.returncode == 0, status.stdout
    assert status.stdout.count("ready") == 6
    for name in ("postgres", "shadow", "django", "fastapi", "worker", "nginx"):
        assert f"s 1, {name} was ended by SIGKILL at 20" in status.stdout
    supervisor.terminate()
    output = supervisor.communicate(timeout=60)[0]
    assert supervisor.returncode == 0
    assert "nginx was ended by SIGKILL; it is started again at once" in output
    assert "shadow was ended by SIGKILL, which clients don't need; it is started again at once" in output
    assert again.find() is None


def connects(door: str) -> bool:
    """Whether the front door takes connections."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", int(door.rpartition(":")[2]))) == 0


def answers(door: str) -> bool:
    """Whether both stacks answer through nginx."""
    try:
        return all(httpx.get(f"{door}{path}").is_success for path in ("/api/feed/", "/api/v2/feed/"))
    except httpx.HTTPError:
        return False


@pytest.mark.long
@pytest.mark.parametrize("setting", PORTS)
def test_a_taken_port_is_named_with_its_owner_and_the_setting(checkout: Checkout, setting: str) -> None:
    with socket.create_server(("127.0.0.1", checkout.ports[setting])):
        result = checkout.strangler("up")
    port = str(checkout.ports[setting])
    assert_one_sentence(result, code=2, words=[f"port {port} is taken by", f"(pid {os.getpid()})", f"set {setting}"])
    assert checkout.state.read() is None


@pytest.mark.long
def test_a_data_folder_of_another_major_is_refused_and_left_alone(checkout: Checkout) -> None:
    version = checkout.state.path / "postgres" / "PG_VERSION"
    before = version.read_text()
    version.write_text("17\n")
    try:
        result = checkout.strangler("up")
        assert_one_sentence(result, code=2, words=["PostgreSQL 17", "18", "remove it"])
        assert version.read_text() == "17\n"
    finally:
        version.write_text(before)


@pytest.mark.long
@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"ENVIRONMENT": "production"}, ["SECRET_KEY is missing"]),
        ({"ENVIRONMENT": "production", "SECRET_KEY": "change-me"}, ["SECRET_KEY is a placeholder"]),
        ({"PROXY_PORT": "none"}, ["PROXY_PORT is 'none'"]),
        ({"DATABASE_URL": "postgresql://u:hidden@127.0.0.1:1/d"}, ["the database doesn't answer", "DATABASE_URL"]),
        ({"STRANGLER_PROJECT": "none.toml"}, ["none.toml can't be read", "--project FILE"]),
    ],
)
def test_a_wrong_setting_is_one_sentence(checkout: Checkout, environment: dict[str, str], words: list[str]) -> None:
    result = checkout.strangler("up", **environment)
    assert_one_sentence(result, code=2, words=words)
    assert "hidden" not in result.stderr
    assert checkout.state.read() is None


def test_a_run_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout")
    checkout.state.path.touch()
    assert_one_sentence(checkout.strangler("up"), code=2, words=[".run isn't writable", "to the user who starts"])


def test_make_refuses_a_python_that_is_too_old(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout")
    old = tmp_path / "old python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    result = checkout.run("make", "up", f"PYTHON={old}")
    assert result.returncode == 2
    assert f"make: {old} is no Python >= 3.11: install one, or name it with PYTHON=" in result.stderr
    assert not (checkout.path / ".venv").exists()


def test_make_help_lists_every_target(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout")
    listed = checkout.run("make").stdout
    for target in ("up", "status", "logs", "down", "seed", "test", "lint", "lock", "clean"):
        assert f"make {target} " in listed
