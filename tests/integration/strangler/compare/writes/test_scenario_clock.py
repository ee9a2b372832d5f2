"""A case file's clock is that of both services, of PostgreSQL's functions, and of the tokens that the tool signs."""

import dataclasses
import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from strangler.compare.cases.case_files import scenarios_from_files
from strangler.compare.comparison import CaseOutcome
from strangler.compare.writes.play import PlayedStep
from strangler.compare.writes.scenario_clock import ScenarioClock
from strangler.databases.connections import Source
from strangler.errors import FailedError
from strangler.local.services import Connections, Service, stack_service
from strangler.routes.route import Stack
from strangler.settings import LocalSettings
from tests.example import load_routes
from tests.shared_stack import StackAddresses
from tests.write_plays import own_source, steps_played

pytestmark = pytest.mark.long

NAME = f"clocks_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
MOMENT = dt.datetime(2031, 3, 30, 0, 59, tzinfo=dt.UTC)
CASES = """
clock = 2031-03-30T00:59:00Z

[[given]]
sql = "UPDATE posts SET title = 'of ' || now()::date, published = true WHERE id = 1"

[[case]]
as = ["alice"]
get = "/posts/1/"

[[case]]
name = "this night"
as = ["alice"]
post = "/posts/"
json = { title = "a", content = "b", published = true }

[[case]]
as = ["alice"]
get = "/posts/?created_after=2031-03-30T00:59:00Z"

[[case]]
as = ["alice"]
claims = { exp = -600 }
get = "/users/me/"

[[case]]
as = ["alice"]
claims = { exp = 60 }
get = "/users/me/"
"""


@pytest.fixture(scope="module")
def source(stack: StackAddresses) -> Iterator[Source]:
    with own_source(stack, NAME) as made:
        yield made


def without_path(settings: LocalSettings, connections: Connections, stack: Stack) -> Service | None:
    """FastAPI by a Python that reads no PYTHONPATH."""
    service = stack_service(settings, connections, stack)
    if service is None or stack is Stack.DJANGO:
        return service
    return dataclasses.replace(service, argv=(service.argv[0], "-E", *service.argv[1:]))


async def test_both_sides_run_at_the_clock_of_the_case_file(source: Source, tmp_path: Path) -> None:
    (tmp_path / "night.toml").write_text(CASES)
    scenarios = scenarios_from_files(tmp_path, load_routes(source.settings.project.routes))
    played: list[PlayedStep] = [each async for each in steps_played(source, scenarios, tmp_path)]
    results = [each.result for each in played if each.result]
    assert [each.outcome for each in results] == [CaseOutcome.EQUAL] * 5, results
    answers = [each.left.answer for each in results if each.left]
    assert [each.status for each in answers] == [200, 201, 200, 401, 200]
    given, made, listed = (json.loads(each.body) for each in answers[:3])
    assert given["title"] == "of 2031-03-30"
    assert dt.timedelta(0) < dt.datetime.fromisoformat(made["created_at"]) - MOMENT < dt.timedelta(minutes=5)
    assert [each["title"] for each in listed["results"]] == ["a"]
    # Rows as well.
    assert [each.has_written for each in played] == [False, True, False, False, False]


async def test_a_server_that_the_clock_does_not_reach_is_not_compared(source: Source, tmp_path: Path) -> None:
    (tmp_path / "night.toml").write_text(CASES)
    scenarios = scenarios_from_files(tmp_path, load_routes(source.settings.project.routes))
    with pytest.raises(FailedError, match="fastapi doesn't run at the clock of its case file"):
        [each async for each in steps_played(source, scenarios, tmp_path, starting=without_path)]


def test_postgresql_shows_the_clock_in_functions_and_defaults(source: Source) -> None:
    clock = ScenarioClock.at(MOMENT)
    with psycopg.connect(source.admin_dsn, autocommit=True) as inside:
        inside.execute(
            "CREATE TABLE times (a timestamptz DEFAULT CURRENT_TIMESTAMP, b timestamptz DEFAULT now(), c int)"
        )
        inside.execute(
            "CREATE FUNCTION one_of_those() RETURNS timestamptz LANGUAGE plpgsql AS 'BEGIN RETURN now(); END'"
        )
        try:
            clock.database_set(inside, source.name, inside)
            inside.execute("INSERT INTO times (c) VALUES (1)")
            # Another session has it by the database's setting.
            with psycopg.connect(source.fastapi_dsn) as session:
                clock.database_require(session)
                query = "SELECT now(), statement_timestamp(), clock_timestamp(), one_of_those()"
                found = [*session.execute(query).fetchall()[0], *inside.execute("SELECT a, b FROM times").fetchall()[0]]
                ((schema,),) = session.execute("SELECT current_schema()").fetchall()
                session.execute("SET search_path TO public")
                with pytest.raises(FailedError, match="doesn't show the clock of a case file to"):
                    clock.database_require(session)
        finally:
            inside.execute("DROP TABLE times; DROP FUNCTION one_of_those()")
    assert schema == "public"
    assert all(dt.timedelta(0) <= each - MOMENT < dt.timedelta(minutes=1) for each in found), found


def test_a_process_has_the_clock_and_its_own_sitecustomize(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import builtins; builtins.found = True")
    code = """import datetime, sys, time
print(time.time(), datetime.datetime.now().timestamp(), found, 'pytest' in sys.modules)"""
    env = ScenarioClock(3_600_000.0).environment({"PYTHONPATH": str(own)}, seen=tmp_path / "seen")
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)  # noqa: S603 - this Python
    first, second, found, has_pytest = done.stdout.split()
    now = dt.datetime.now(dt.UTC).timestamp() + 3_600_000
    assert abs(float(first) - now) < 60
    assert abs(float(second) - now) < 60
    assert (found, has_pytest, (tmp_path / "seen").exists()) == ("True", "False", True)


def test_a_process_without_time_machine_ends_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "time_machine.py").write_text("raise ImportError")
    env = ScenarioClock(60.0).environment({"PYTHONPATH": str(tmp_path)}, seen=tmp_path / "seen")
    done = subprocess.run([sys.executable, "-c", "print(1)"], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "which needs time-machine in this environment: install it there" in done.stderr
