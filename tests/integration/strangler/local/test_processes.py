"""Real processes and a real PostgreSQL, without the servers: started, identified, ended."""

import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from strangler.deployment.local_stack import LocalStack
from strangler.errors import FailedError, UsageError
from strangler.local.children import Children
from strangler.local.ports import port_free_pick, port_is_free, port_owner, port_require_free
from strangler.local.postgres import PostgresServer
from strangler.local.process import Child, Program, child_start
from strangler.local.secret_store import SecretStore
from strangler.local.services import Probe, Service
from strangler.local.state import ProcessRecord, StackState, StateFolder, stale_end
from tests.bad_servers import http, raw_server
from tests.example import ROOT, example_settings

# A leader that ignores being asked to end, with a child of its own.
STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); print('up', flush=True); time.sleep(600)"
)


def python_start(code: str, log_path: Path) -> Child:
    argv = [sys.executable, "-u", "-c", code]
    return child_start(name="python", argv=argv, env={}, cwd=ROOT, log_path=log_path)


def wait_for_text(path: Path, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in path.read_text():
        assert time.monotonic() < deadline, path.read_text()
        time.sleep(0.02)


def test_a_log_that_can_not_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    with pytest.raises(
        FailedError, match=r"python can't be started: .*a\.log isn't writable .*: free some of its disk"
    ):
        python_start("", tmp_path / "logs" / "a.log")


def test_a_state_file_that_was_lost_is_written_again(tmp_path: Path) -> None:
    stack = LocalStack(example_settings(), state_dir=tmp_path / ".run")
    stack.state.phase = "ready"
    stack.kept.restore()
    assert not stack.folder.path.exists()
    stack.folder.path.mkdir()
    for damage in (None, "garbage"):
        if damage is not None:
            (stack.folder.path / "stack.json").write_text(damage)
        stack.kept.restore()
        assert stack.folder.read() == stack.state


def test_a_child_that_does_not_want_to_end_is_ended_with_its_own_children(tmp_path: Path) -> None:
    child = python_start(STUBBORN, tmp_path / "a.log")
    wait_for_text(tmp_path / "a.log", "up")
    family = psutil.Process(child.pid).children(recursive=True)
    assert len(family) == 1
    child.stop(timeout=0.1)
    assert child.exit_code == -signal.SIGKILL
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_what_a_killed_supervisor_left_is_ended(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / ".run")
    child = python_start("import time; print('up'); time.sleep(600)", tmp_path / "a.log")
    wait_for_text(tmp_path / "a.log", "up")
    state = StackState(supervisor=ProcessRecord(pid=1, create_time=0))
    state.services["django"] = ProcessRecord(pid=child.pid, create_time=child.create_time)
    with folder.locked():
        folder.write(state)
        assert stale_end(folder) == ["django"]
    assert child.exit_code is not None
    assert folder.read() is None


def test_workers_without_their_main_process_and_supervisor_are_ended(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / ".run")
    child = python_start(STUBBORN, tmp_path / "a.log")
    wait_for_text(tmp_path / "a.log", "up")
    left = psutil.Process(child.pid).children(recursive=True)
    state = StackState(supervisor=ProcessRecord(pid=1, create_time=0))
    state.services["fastapi"] = ProcessRecord(pid=child.pid, create_time=child.create_time)
    child.process.kill()
    child.process.wait()
    assert child.group_runs
    with folder.locked():
        folder.write(state)
        assert stale_end(folder) == ["fastapi"]
    assert psutil.wait_procs(left, timeout=10)[1] == []
    assert not child.group_runs


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's signal on a parent's death is Linux's")
def test_a_child_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    code = (
        "import time; from pathlib import Path; from strangler.local.process import child_start; import sys;"
        "c = child_start(name='c', argv=[sys.executable, '-c', 'import time; time.sleep(600)'], env={},"
        f" cwd=Path('/'), log_path=Path({str(tmp_path / 'c.log')!r})); print(c.pid, flush=True); time.sleep(600)"
    )
    supervisor = python_start(code, tmp_path / "s.log")
    wait_for_text(tmp_path / "s.log", "\n")
    grandchild = psutil.Process(int((tmp_path / "s.log").read_text()))
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.process.wait(10)
    assert psutil.wait_procs([grandchild], timeout=10)[1] == []


def test_a_failed_command_shows_the_end_of_its_log(tmp_path: Path) -> None:
    children = Children(logs=tmp_path, check=lambda: None)
    argv = (sys.executable, "-c", "print('no such table'); raise SystemExit(3)")
    with pytest.raises(FailedError, match=r"^migrate ended with code 3, so .*\n  no such table$"):
        children.run(Program(name="migrate", argv=argv, env={}, cwd=tmp_path))


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("503 Service Unavailable", r'\(GET /ready answers 503: \{"detail":"no table"\}\)'),
        ("404 Not Found", r"\(GET /ready answers 404: name one that answers 200 as health in the project file\)"),
        (None, r"\(GET /ready isn't answered \(.*refused"),
    ],
)
def test_a_service_that_does_not_get_ready_says_what_it_answers(status: str | None, text: str, tmp_path: Path) -> None:
    children = Children(logs=tmp_path, check=lambda: None, ready_seconds=0)
    body = http(b'{"detail":"no table"}', status=status or "")
    with raw_server(lambda _head: [body]) as url:
        port = int(url.rpartition(":")[2]) if status else port_free_pick()
        probe = Probe(host="127.0.0.1", port=port, path="/ready", host_header="localhost")
        service = Service(name="shop", argv=("true",), env={}, cwd=tmp_path, listens=("", port, ""), probe=probe)
        with pytest.raises(FailedError, match=rf"shop wasn't ready within the 0 s of READY_SECONDS {text}"):
            children.wait_until_ready([service])


def test_a_program_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match=r"nginx can't be started: .*No such file or directory"):
        child_start(name="nginx", argv=["/none/nginx"], env={}, cwd=tmp_path, log_path=tmp_path / "n.log")


def test_a_taken_port_is_reported_with_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not port_is_free(host="127.0.0.1", port=port)
        assert f"(pid {os.getpid()})" in str(port_owner(port))
        with pytest.raises(UsageError, match=f"^port {port} is taken by .* set PROXY_PORT"):
            port_require_free(host="127.0.0.1", port=port, setting="PROXY_PORT")
    port_require_free(host="127.0.0.1", port=port, setting="PROXY_PORT")


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="strangler pg ") as folder:
        path = Path(folder)
        yield PostgresServer(
            data_dir=path / "data",
            secret_store=SecretStore(path / "secrets"),
            port=port_free_pick(),
            log_path=path / "postgres.log",
            durable=False,
        )


def one(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_postgres_keeps_its_data_over_a_restart_and_asks_for_passwords(server: PostgresServer) -> None:
    with server:
        owner = server.database_ensure()
        assert one(owner, "SELECT current_setting('server_version_num')::int / 10000") == 18
        assert one(owner, "SELECT current_user::text || '@' || current_database()") == "strangler_owner@strangler"
        assert one(owner, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        with psycopg.connect(owner) as connection:
            connection.execute("CREATE TABLE kept (id int)")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(owner.replace(server.secret_store.get("owner_password"), "guess"))
    with server:
        assert one(server.database_ensure(), "SELECT count(*) FROM kept") == 0


def test_postgres_ends_a_server_that_a_killed_run_left_on_its_data(server: PostgresServer) -> None:
    with server:
        left = server.child
        assert left is not None
        server.child = None  # what a killed supervisor knows of it
        with server:
            assert server.child is not None
            assert server.child.pid != left.pid
            assert left.process.wait(10) == 0


def test_postgres_with_a_lost_password_is_one_sentence(server: PostgresServer) -> None:
    with server:
        pass
    (server.secret_store.folder / "postgres_password").unlink()
    with pytest.raises(UsageError, match=r"postgres_password isn't the password of .*: restore it"):
        server.start()
    assert server.child is None


def test_an_initdb_that_was_interrupted_is_done_again(server: PostgresServer) -> None:
    draft = server.data_dir.with_name("data.new")
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    with server:
        assert one(server.admin_dsn, "SELECT 1") == 1
    assert not draft.exists()
