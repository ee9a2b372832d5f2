"""Copies of the database: whole, apart from the real one, and gone afterwards, however the run ends."""

import asyncio
import dataclasses
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest

from shared_schema.consumer.consumer import load_consumer
from strangler.compare.comparison import CaseOutcome
from strangler.compare.writes.copies import Copies
from strangler.compare.writes.play import PlayedStep
from strangler.compare.writes.servers import servers_run
from strangler.compare.writes.tables import tables_of
from strangler.databases.connections import Source, dsn_to, identity_of
from strangler.deployment.local_stack import LocalStack
from strangler.deployment.source import source_of
from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.local.ports import port_free_pick
from strangler.routes.route import Stack
from tests.databases import OwnDatabase, migrated_database
from tests.example import example_settings
from tests.shared_stack import StackAddresses
from tests.write_plays import databases_like, own_source, playing

pytestmark = pytest.mark.long

NAME = f"copies_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
READ = '[[case]]\nget = "/feed/"\n\n[[case]]\nget = "/tags/"\n'
WRITE = '[[case]]\nas = ["alice"]\npost = "/tags/"\njson = { name = "made here" }\n'


@pytest.fixture(scope="module")
def source(stack: StackAddresses) -> Iterator[Source]:
    with own_source(stack, NAME) as source:
        yield source


def copies_of(source: Source) -> Copies:
    project = source.settings.project
    return Copies(
        source,
        consumer=load_consumer(project.consumer),
        check=lambda: None,
    )


def rows(dsn: str) -> dict[str, object]:
    with psycopg.connect(dsn) as connection:
        return {
            table.full_name: connection.execute(
                f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table.full_name} AS t"  # type: ignore[arg-type] # noqa: S608 - names of the catalogue
            ).fetchone()
            for table in tables_of(connection)
        }


def test_a_copy_is_whole_and_has_the_owner_and_the_settings_of_the_real_one(source: Source) -> None:
    with psycopg.connect(source.admin_dsn, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {NAME} SET search_path TO public, pg_catalog")  # type: ignore[arg-type]
    real = rows(source.admin_dsn)
    assert len(real) > 10
    with copies_of(source) as copies, copies.fresh(copies.snapshot) as names:
        assert databases_like(source.admin_dsn, source.name) == sorted([copies.snapshot, *names])
        for name in names:
            dsn = copies.reading_dsn(name)
            assert rows(dsn) == real
            with psycopg.connect(dsn) as connection:
                query = "SELECT pg_get_userbyid(datdba), datlocprovider, datlocale FROM pg_database WHERE datname = %s"
                found = [connection.execute(query, (each,)).fetchone() for each in (name, source.name)]
                path = connection.execute("SHOW search_path").fetchone()
            assert found[0] == found[1]
            assert path == ("public, pg_catalog",)
    assert databases_like(source.admin_dsn, source.name) == []


def test_fastapi_may_write_in_the_copies_only(source: Source) -> None:
    query = "SELECT has_any_column_privilege(current_user, 'posts', 'INSERT')"
    with psycopg.connect(source.owner_dsn) as owner:
        owner.execute("REVOKE INSERT ON posts FROM strangler_fastapi")
    with copies_of(source) as copies, copies.fresh(copies.snapshot) as names:
        for dsn, allowed in ((source.fastapi_dsn, False), (dsn_to(source.fastapi_dsn, names[1]), True)):
            with psycopg.connect(dsn) as connection:
                assert connection.execute(query).fetchone() == (allowed,)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1"])
def test_the_real_database_is_known_by_whatever_name(source: Source, host: str) -> None:
    spelled = source.owner_dsn.replace("127.0.0.1", host)
    assert identity_of(spelled) == source.identity
    assert identity_of(dsn_to(spelled, "postgres")) != source.identity
    others = {"PORT": "8080", "PASSWORD": "strangler-demo", "LINE": "a=b"}
    with pytest.raises(UnsafeError, match=f"an address of the real database {NAME} by REPLICA_URL"):
        source.require_elsewhere({**others, "REPLICA_URL": spelled})
    source.require_elsewhere({**others, "REPLICA_URL": dsn_to(spelled, "postgres")})


def test_an_address_that_nobody_answers_at_is_named(source: Source) -> None:
    nowhere = f"postgresql://me:hidden@127.0.0.1:{port_free_pick()}/other"
    with pytest.raises(FailedError, match=r"^OLD_URL in .* the database doesn't answer .* unset it\.$") as raised:
        source.require_elsewhere({"PORT": "8080", "OLD_URL": nowhere})
    assert "hidden" not in str(raised.value)


def test_no_server_is_started_that_would_write_to_the_real_database(source: Source, tmp_path: Path) -> None:
    # libpq takes the name in the query before that in the path.
    hidden = dataclasses.replace(source, owner_dsn=f"{source.owner_dsn}?dbname={source.name}")
    servers = servers_run(
        hidden, ("postgres", "postgres"), stacks=(Stack.FASTAPI, Stack.DJANGO), logs=tmp_path, check=lambda: None
    )
    with pytest.raises(UnsafeError, match="nothing was started"), servers:
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_is_cleared_away_and_a_living_one_is_left_alone(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "strangler")
    script = (
        "import sys, time\nfrom tests.integration.strangler.compare.writes.test_copies import *\n"
        "source = Source(**eval(sys.stdin.read()))\n"
        "with copies_of(source) as copies, copies.fresh(copies.snapshot):\n"
        "    print('made', flush=True)\n    time.sleep(600)\n"
    )
    fields = {field.name: getattr(source, field.name) for field in dataclasses.fields(source)}
    settings = {"postgres_port": source.settings.postgres_port, "routes_file": str(source.settings.project.routes)}
    text = repr(fields | {"settings": None}).replace(
        "'settings': None", f"'settings': example_settings(**{settings!r})"
    )
    with subprocess.Popen(  # noqa: S603 - this very file
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as killed:
        try:
            assert killed.stdin is not None
            assert killed.stdout is not None
            killed.stdin.write(text)
            killed.stdin.close()
            assert killed.stdout.readline() == "made\n"
            left = databases_like(source.admin_dsn, source.name)
            assert len(left) == 3
            with copies_of(source):
                assert set(left) < set(databases_like(source.admin_dsn, source.name)), "it lives"
            assert caplog.messages == []
        finally:
            killed.kill()
    with copies_of(source) as copies:
        assert databases_like(source.admin_dsn, source.name) == [copies.snapshot]
    assert sorted(caplog.messages) == [f"dropped {name}, which a killed run had left behind" for name in left]


async def test_a_run_that_is_cancelled_leaves_nothing(source: Source, tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def run() -> None:
        async with playing(source, tmp_path, chosen=("tags.list",), creates=WRITE, reads=READ) as steps:
            async for step in steps:
                assert step.case.route == "feed.list", "the scenario that asks for no chosen route is left out"
                begun.set()
                await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await asyncio.wait_for(begun.wait(), 120)
    assert len(databases_like(source.admin_dsn, source.name)) == 3
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert databases_like(source.admin_dsn, source.name) == []
    assert servers() == []


async def test_a_server_that_dies_is_one_sentence_and_the_next_scenario_is_played(
    source: Source, tmp_path: Path
) -> None:
    played: list[PlayedStep] = []
    async with playing(source, tmp_path, a=READ + WRITE + READ, b=WRITE) as steps:
        async for step in steps:
            played.append(step)
            if len(played) == 2:
                # The next scenario's servers may be there already.
                both = (each for each in servers() if "fastapi_app" in each.cmdline())
                min(both, key=psutil.Process.create_time).send_signal(signal.SIGKILL)
    outcomes = [step.result and step.result.outcome for step in played]
    assert outcomes == [CaseOutcome.EQUAL, CaseOutcome.EQUAL, CaseOutcome.FAILED, None, None, CaseOutcome.EQUAL]
    failure = str(played[2].result.failure) if played[2].result else ""
    assert failure.startswith("fastapi was ended by SIGKILL")
    assert "\n" not in failure
    assert played[3].skipped == "cases after a server of their scenario had ended"


def servers() -> list[psutil.Process]:
    """The servers of a comparison: children of this very process."""
    return [
        child
        for child in psutil.Process().children()
        if {"fastapi_app", "gunicorn"} & set(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.fixture
def foreign(stack: StackAddresses) -> Iterator[OwnDatabase]:
    """A database as DATABASE_URL names one: its owner is no superuser."""
    with migrated_database(admin_dsn=stack.admin_dsn, name=f"{NAME}_foreign") as database:
        yield database


def test_the_owner_of_a_database_elsewhere_needs_no_more_than_createdb(
    stack: StackAddresses, foreign: OwnDatabase, tmp_path: Path
) -> None:
    settings = example_settings(
        database_url=foreign.owner_dsn,
        fastapi_database_url=dsn_to(stack.fastapi_dsn, foreign.name),
        routes_file=Path(stack.folder) / "routes.toml",
    )
    source = source_of(LocalStack(settings, state_dir=tmp_path))
    with pytest.raises(FailedError, match=r"permission denied to create database.*CREATEDB"), copies_of(source):
        pass
    with psycopg.connect(stack.admin_dsn, autocommit=True) as admin:
        admin.execute(f"ALTER ROLE {foreign.owner} CREATEDB")  # type: ignore[arg-type]
    with ExitStack() as exits:
        copies = exits.enter_context(copies_of(source))
        names = exits.enter_context(copies.fresh(copies.snapshot))
        assert rows(dsn_to(source.owner_dsn, names[0])) == rows(foreign.owner_dsn)
        with psycopg.connect(dsn_to(source.fastapi_dsn, names[1])) as connection:
            connection.execute("INSERT INTO tags (name) VALUES ('x')")
    assert databases_like(stack.admin_dsn, foreign.name) == []


def test_what_is_given_is_in_both_copies_and_nowhere_else(source: Source) -> None:
    before = rows(source.admin_dsn)
    sql = "INSERT INTO tags (name) VALUES ('given%s'); UPDATE users SET is_active = false"
    with copies_of(source) as copies:
        with (
            copies.given("a.toml", [sql, "DELETE FROM blog_post_tags; DELETE FROM posts"]) as snapshot,
            copies.fresh(snapshot) as names,
        ):
            left, right, made = (rows(copies.reading_dsn(name)) for name in (*names, snapshot))
        assert left == right == made != before
        assert left["public.posts"] == (0, None)
        assert rows(copies.reading_dsn(copies.snapshot)) == before
        refused = r"a\.toml: the database refuses what is given \(.*\bnone\b.*\): correct the sql"
        with pytest.raises(FailedError, match=refused), copies.given("a.toml", ["SELECT * FROM none"]):
            pass
        assert databases_like(source.admin_dsn, source.name) == [copies.snapshot]
    assert rows(source.admin_dsn) == before


def test_a_database_that_does_not_answer_is_said_so_without_its_password(stack: StackAddresses, tmp_path: Path) -> None:
    for url, sentence in (
        (dsn_to(stack.owner_dsn, "nowhere"), "the database doesn't answer.*strangler up"),
        ("postgresql://x:hidden@[", "DATABASE_URL is no PostgreSQL address"),
        ("postgresql://x:hidden@localhost/x?y=z", "DATABASE_URL is no PostgreSQL address"),
    ):
        with pytest.raises(UsageError, match=sentence) as caught:
            source_of(LocalStack(example_settings(database_url=url), state_dir=tmp_path))
        assert "hidden" not in str(caught.value)
        assert stack.owner_dsn.split(":")[2].split("@")[0] not in str(caught.value)
