"""The handover of a project that the tool has never seen, with its Django, on a real PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from shared_schema.catalog_reading import read_catalog
from shared_schema.contract.contract import Contract
from shared_schema.drift.contract import contract_mismatches
from strangler.databases.connections import live_connection
from strangler.errors import FailedError, StalePlanError, UnsafeError, UsageError
from strangler.handover.baseline import upgrade
from strangler.handover.execution import LockPatience
from strangler.handover.handover import handover_apply, handover_rollback, handover_verify
from strangler.handover.journal import HandoverFolder
from strangler.handover.plan import Handover, handover_plan
from strangler.handover.rehearsal import RehearsalSubject
from strangler.schema.django_side import ManageCommand, django_contract, is_installed, manage_output
from tests.databases import OwnDatabase, changed, empty_database, foreign_database, foreign_project
from tests.example import ROOT
from tests.foreign_migrations import migration_source, with_migrations
from tests.handovers import INTENT, database_source
from tests.shared_stack import StackAddresses

pytestmark = pytest.mark.long

FORCED = replace(INTENT, reason="it was made by hand", forced=True)


@pytest.fixture
def database(stack: StackAddresses) -> Iterator[OwnDatabase]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with foreign_database(admin_dsn=stack.admin_dsn, name=f"handing_{worker}") as made:
        yield made


@pytest.fixture(scope="module")
def contract() -> Contract:
    return django_contract(foreign_project("postgresql://nobody@127.0.0.1:1/none"))


@pytest.fixture
def handover(database: OwnDatabase, contract: Contract, tmp_path: Path) -> Handover:
    return handover_of(database, contract, foreign_project(database.owner_dsn), tmp_path)


def handover_of(database: OwnDatabase, contract: Contract, project: ManageCommand, folder: Path) -> Handover:
    source = database_source(database)
    return Handover(
        subject=RehearsalSubject(source=source, project=project, contract=contract),
        folder=HandoverFolder(folder / "state"),
        alembic=folder / "alembic",
        variable="DATABASE_URL",
        patience=LockPatience(timeout=0.5, tries=3),
    )


def test_the_whole_way_and_back(handover: Handover, contract: Contract) -> None:
    plan = handover_plan(handover)
    assert (plan.unclean, plan.drift) == ((), ())
    titles = [step.title for step in plan.steps.steps]
    assert "lending_member.home_id → lending_branch ON DELETE SET DEFAULT" in titles
    assert "lending_loan.branch_id has SET('main'): PostgreSQL refuses the delete instead" in plan.steps.unkept
    with pytest.raises(StalePlanError, match="plan 0123456789 is stale"):
        handover_apply(handover, plan, checksum="0123456789", intent=INTENT)
    handover_apply(handover, plan, checksum=plan.checksum, intent=INTENT)

    assert [*handover_verify(handover).values()] == [[], []]
    with live_connection(handover.source.owner_dsn) as connection:
        assert contract_mismatches(contract, read_catalog(connection)) == []
    project = handover.subject.project
    for refused in (["migrate", "--noinput"], ["makemigrations"]):
        with pytest.raises(FailedError, match=r"Alembic owns the tables.*strangler handover rollback"):
            manage_output(project, *refused)
    manage_output(project, "makemigrations", "--check")
    manage_output(project, "migrate", "--check")

    with changed(database_of(handover), "CREATE INDEX planted ON books_book (pages)", "DROP INDEX planted"):
        found = handover_verify(handover)
        assert [*found.values()] == [[], ["only the live database: index planted"]]
    handover_rollback(handover, intent=INTENT)
    manage_output(project, "migrate", "--noinput")
    assert [entry.outcome for entry in handover.folder.entries()] == ["applied", "verified", "verified", "rolled back"]


def database_of(handover: Handover) -> OwnDatabase:
    return OwnDatabase(name=handover.source.name, admin_dsn=handover.source.admin_dsn)


@pytest.mark.parametrize(
    ("change", "back", "sentence"),
    [
        pytest.param(
            "DELETE FROM django_migrations WHERE name = '0003_main_branch'",
            "INSERT INTO django_migrations (app, name, applied) VALUES ('lending', '0003_main_branch', now())",
            "Migration lending.0003_main_branch is not applied",
            id="unapplied",
        ),
        pytest.param(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('lending', '0009_gone', now())",
            "DELETE FROM django_migrations WHERE name = '0009_gone'",
            "Migration lending.0009_gone is applied and missing in Django's code",
            id="unknown",
        ),
    ],
)
def test_a_state_that_is_not_clean(handover: Handover, change: str, back: str, sentence: str) -> None:
    with changed(database_of(handover), change, back):
        plan = handover_plan(handover)
        assert [each.startswith(sentence) for each in plan.unclean] == [True]
        with pytest.raises(UnsafeError, match="the starting state isn't clean"):
            handover_apply(handover, plan, checksum=plan.checksum, intent=FORCED)
    assert handover.folder.read() is None


def test_a_migration_that_was_faked(database: OwnDatabase, contract: Contract, tmp_path: Path) -> None:
    faked = migration_source(
        "lending", "0003_main_branch", 'migrations.RunSQL("CREATE INDEX faked ON lending_copy (id)")'
    )
    more = with_migrations(tmp_path, "lending", {"0004_faked": faked})
    project = foreign_project(database.owner_dsn, more)
    manage_output(project, "migrate", "--fake", "lending")
    handover = handover_of(database, contract, project, tmp_path)
    plan = handover_plan(handover)
    assert plan.unclean == ()
    assert plan.drift == ("only Django's migrations: index faked",)
    with pytest.raises(UnsafeError, match="--force --reason TEXT"):
        handover_apply(handover, plan, checksum=plan.checksum, intent=INTENT)
    handover_apply(handover, plan, checksum=plan.checksum, intent=FORCED)
    assert [*handover_verify(handover).values()] == [[], []]
    assert handover.folder.entries()[0].forced == list(plan.drift)
    handover_rollback(handover, intent=INTENT)


def test_somebody_elses_alembic_is_left_alone(handover: Handover) -> None:
    made = "CREATE TABLE alembic_version (version_num text); GRANT SELECT ON alembic_version TO PUBLIC"
    with changed(database_of(handover), made, "DROP TABLE alembic_version"):
        with pytest.raises(UsageError, match="alembic_version is there already"):
            handover_plan(handover)
        # Its table has no mark of ours.
        manage_output(handover.subject.project, "migrate", "--noinput")
    (handover.alembic / "versions").mkdir(parents=True)
    with pytest.raises(UsageError, match="holds revisions already"):
        handover_plan(handover)


def test_alembic_s_own_command_finds_its_database(handover: Handover) -> None:
    plan = handover_plan(handover, without=["checks", "on delete", "defaults"])
    assert plan.steps.steps == ()
    handover_apply(handover, plan, checksum=plan.checksum, intent=INTENT)
    assert [*handover_verify(handover).values()] == [[], []]
    alembic = ["alembic", "--config", str(handover.alembic / "alembic.ini")]
    environment = {**handover.subject.project.env, "PATH": os.environ["PATH"]}

    def run(*arguments: str) -> str:
        argv = [str(Path(sys.executable).parent / alembic[0]), *alembic[1:], *arguments]
        return subprocess.run(argv, env=environment, check=True, capture_output=True, text=True).stdout  # noqa: S603

    assert run("current").strip() == "baseline (head)"
    assert "CREATE TABLE public.books_book" in run("upgrade", "head", "--sql")
    run("revision", "--message", "of a test")
    run("upgrade", "head")
    with pytest.raises(UnsafeError, match="Alembic has gone on to"):
        handover_rollback(handover, intent=INTENT)
    run("downgrade", "baseline")
    (next(file for file in (handover.alembic / "versions").glob("*_of_a_test.py"))).unlink()
    handover_rollback(handover, intent=INTENT)
    with psycopg.connect(handover.source.owner_dsn) as connection:
        assert connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,)


def settings_of(folder: Path, text: str) -> dict[str, str]:
    """The environment in which the project has other settings too."""
    (folder / "others.py").write_text(f"from tests.foreign.settings import *\n{text}\n")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "DJANGO_SETTINGS_MODULE": "others"}


def test_a_project_without_the_app_is_not_handed_over(
    database: OwnDatabase, contract: Contract, tmp_path: Path
) -> None:
    more = settings_of(tmp_path, "INSTALLED_APPS = INSTALLED_APPS[:-1]")
    project = foreign_project(database.owner_dsn, more)
    with_commands = (project.argv[0], "-m", "strangler_django", *project.argv[1:])
    for argv in (project.argv, with_commands):
        assert is_installed(replace(foreign_project(database.owner_dsn), argv=argv))
        assert not is_installed(replace(project, argv=argv))
    plan = handover_plan(handover_of(database, contract, replace(project, argv=with_commands), tmp_path))
    assert [sentence.partition(",")[0] for sentence in plan.unclean] == ["strangler_django isn't installed"]


TESTS = """
from django.db import connection
from django.test import TestCase
from tests.foreign.lending.models import Branch


class BranchTest(TestCase):
    def test_a_row_is_written(self):
        Branch(pk="one").save()
        assert Branch.objects.filter(pk="one").exists()
        assert ("alembic_version" in connection.introspection.table_names()) is {templated}
"""


@pytest.mark.parametrize("templated", [False, True])
def test_test_databases_can_still_be_made(handover: Handover, tmp_path: Path, templated: bool) -> None:
    plan = handover_plan(handover)
    handover_apply(handover, plan, checksum=plan.checksum, intent=INTENT)
    options = f"'NAME': '{handover.source.name}_tests'"
    with empty_database(admin_dsn=handover.source.admin_dsn, name=f"{handover.source.name}_template") as template:
        if templated:
            upgrade(handover.alembic, template.superuser_dsn)
            options += f", 'TEMPLATE': '{template.name}', 'MIGRATE': False"
        # Its tables are in another schema by a trick with quotes, by which Django doesn't find them again.
        apps = "INSTALLED_APPS = [name for name in INSTALLED_APPS if not name.endswith('audit')]"
        more = settings_of(tmp_path, f"DATABASES['default']['TEST'] = {{{options}}}\n{apps}")
        (tmp_path / "test_of_a_team.py").write_text(TESTS.replace("{templated}", str(templated)))
        project = foreign_project(database_of(handover).superuser_dsn, more)
        argv = [*project.argv, "test", "--noinput", "test_of_a_team"]
        done = subprocess.run(argv, env=dict(project.env), cwd=ROOT, capture_output=True, text=True)  # noqa: S603
        assert done.returncode == 0, done.stdout + done.stderr
