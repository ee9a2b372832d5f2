"""`strangler schema guard` as people and CI call it: what it says, how it ends, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from strangler.local.ports import port_free_pick
from strangler.local.postgres import PostgresServer
from strangler.local.secret_store import SecretStore
from strangler.settings import base_environment
from tests.example import ROOT, example_file
from tests.shared_stack import StackAddresses
from tests.shops import CONSUMER, Shop, leftovers, shop

pytestmark = pytest.mark.long

NAME = f"guarding_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
SAFE = 'migrations.AddField("post", "subtitle", models.TextField(null=True))'
INDEX = 'migrations.AddIndex("post", models.Index(fields=["views"], name="by_views"))'
RENAME = 'migrations.RenameField("post", "title", "headline")'
SLEEP = 'migrations.RunSQL("SELECT pg_sleep(600)", migrations.RunSQL.noop)'
SECONDS = 60


@pytest.fixture(scope="module")
def live(stack: StackAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(admin_dsn=stack.admin_dsn, name=NAME, folder=tmp_path_factory.mktemp("shop") / "project") as made:
        with psycopg.connect(stack.admin_dsn, autocommit=True) as admin:
            admin.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(made.database.owner)))
        yield made


@pytest.fixture
def project(live: Shop, tmp_path: Path) -> Iterator[Shop]:
    (tmp_path / "consumer.json").write_text(CONSUMER.model_dump_json())
    yield live.copy(tmp_path / "project")
    assert leftovers(live.database.admin_dsn, NAME) == []


def command(project: Shop, *options: str) -> list[str]:
    consumer = project.folder.parent / "consumer.json"
    return [sys.executable, "-m", "strangler.cli", "schema", "guard", "--consumer", str(consumer), *options]


def environment(project: Shop, *manage: str) -> dict[str, str]:
    file = example_file(project.folder.parent, manage=manage or project.project.argv)
    return {
        **base_environment(),
        "DATABASE_URL": project.database.owner_dsn,
        "FASTAPI_DATABASE_URL": project.database.dsn(project.role),
        "STRANGLER_PROJECT": str(file),
    }


def run(project: Shop, *options: str) -> "subprocess.CompletedProcess[str]":
    argv = command(project, *options)
    return subprocess.run(argv, env=environment(project), cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - the tool itself


@pytest.mark.parametrize(
    ("operation", "code", "verdict"),
    [
        (SAFE, 0, "all are safe to deploy. Rolling back loses what was written meanwhile."),
        (INDEX, 1, "1 unsafe online; the running FastAPI goes on working. Rolling back is safe."),
        (RENAME, 3, "1 would break the running FastAPI. Rolling back is safe."),
        ('migrations.RunSQL("SELECT 1 / 0")', 4, "the rehearsal is inconclusive. shop.0002_next fails."),
    ],
)
def test_the_last_line_is_the_verdict_and_the_exit_code_says_it_too(
    project: Shop, operation: str, code: int, verdict: str
) -> None:
    project.migration(operation)
    done = run(project)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1] == f"1 migration is pending on {NAME}: {verdict}"
    assert done.stdout.startswith("shop.0002_next  ")


def test_the_report_names_features_and_what_to_do_instead(project: Shop) -> None:
    project.migration(RENAME)
    reported = run(project).stdout
    assert "breaks: Statement page of posts.list fails: column p.title does not exist.\n" in reported
    assert "1. expand: rename it in Python only" in reported
    assert reported.count("1. expand: ") == 1, "the same way is printed once"


def test_nothing_pending_is_fine(project: Shop) -> None:
    done = run(project)
    assert (done.returncode, done.stdout) == (0, f"No migration is pending on {NAME}.\n")


def test_a_machine_reads_the_same(project: Shop) -> None:
    project.migration(RENAME)
    done = run(project, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["verdict"], said["reversibility"]) == (3, "breaks", "safe")
    (migration,) = said["migrations"]
    assert (migration["app"], migration["name"], migration["verdict"]) == ("shop", "0002_next", "breaks")
    gone = next(found for found in migration["breaks"] if found["kind"] == "column-gone")
    assert (gone["table"], gone["column"], gone["features"]) == ("shop_post", "title", ["posts.create", "posts.list"])
    assert gone["steps"]


def test_another_server_has_no_roles_to_look_at(project: Shop) -> None:
    project.migration(RENAME)
    with tempfile.TemporaryDirectory() as folder, another_server(Path(folder)) as server:
        done = run(project, "--scratch", server)
        assert leftovers(server, NAME) == []
    assert done.returncode == 3, done.stderr
    assert "Note: the rights of FastAPI's role weren't checked" in done.stdout


@contextmanager
def another_server(folder: Path) -> Iterator[str]:
    secrets, log = SecretStore(folder / "secrets"), folder / "postgres.log"
    port = port_free_pick()
    with PostgresServer(
        data_dir=folder / "data", secret_store=secrets, port=port, log_path=log, durable=False
    ) as server:
        yield server.admin_dsn


@pytest.mark.parametrize("setting", ["DATABASE_URL", "manage", "--consumer", "--scratch"])
def test_what_is_not_there_is_one_line(project: Shop, setting: str) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nowhere"
    env = environment(project, *([nowhere] if setting == "manage" else []))
    options: list[str] = []
    if setting.startswith("--"):
        options = [setting, nowhere]
    elif setting == "DATABASE_URL":
        env[setting] = nowhere
    done = subprocess.run(  # noqa: S603 - the tool itself
        command(project, *options), env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == (2 if setting == "--consumer" else 4), done.stderr
    assert done.stderr.splitlines()[-1].startswith("strangler: "), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_nothing(project: Shop, number: signal.Signals) -> None:
    project.migration(SLEEP)
    with subprocess.Popen(  # noqa: S603 - the tool itself
        command(project), env=environment(project), cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as running:
        until_it_sleeps(project)
        running.send_signal(number)
        _out, reported = running.communicate(timeout=SECONDS)
    assert running.returncode == 4
    assert reported.splitlines()[-1] == "strangler: stopped: the scratch database is gone again."


def test_a_killed_run_is_cleared_away_by_the_next_one(project: Shop) -> None:
    project.migration(SLEEP)
    with subprocess.Popen(  # noqa: S603 - the tool itself
        command(project), env=environment(project), cwd=ROOT, stderr=subprocess.DEVNULL
    ) as running:
        until_it_sleeps(project)
        running.kill()
    (left,) = leftovers(project.database.admin_dsn, NAME)
    (project.folder / "shop" / "migrations" / "0002_next.py").unlink()
    done = run(project)
    assert f"dropped {left}, which a killed run had left behind" in done.stderr
    assert done.returncode == 0


def until_it_sleeps(project: Shop) -> None:
    """Until Django is in the middle of a migration of the scratch database."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE %s AND wait_event = 'PgSleep'"
    deadline = time.monotonic() + SECONDS
    with psycopg.connect(project.database.admin_dsn, autocommit=True) as admin:
        while admin.execute(query, (f"{NAME}_guard_%",)).fetchone() == (0,):
            assert time.monotonic() < deadline
            time.sleep(0.05)
