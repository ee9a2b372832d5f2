"""`strangler schema check`, `diff`, `graph` and `guard`, called for the foreign project as its team would."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from shared_schema.consumer.consumer import Consumer
from shared_schema.contract.contract import Contract
from strangler.schema.django_side import ManageCommand
from strangler.schema.grants import apply_grants
from strangler.settings import base_environment
from tests.databases import PASSWORD, OwnDatabase, foreign_database, foreign_project
from tests.example import ROOT, example_file
from tests.foreign_migrations import migration_source, with_migrations
from tests.shared_stack import StackAddresses

NAME = f"commands_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
ROLE = f"{NAME}_service"
RENAME = 'migrations.RenameField("wish", "weight", "heaviness")'

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def own(stack: StackAddresses, stated: Consumer) -> Iterator[OwnDatabase]:
    with foreign_database(admin_dsn=stack.admin_dsn, name=NAME) as database:
        apply_grants(
            owner_dsn=database.owner_dsn, role=ROLE, password=PASSWORD, consumer=stated, writers=stated.features
        )
        with psycopg.connect(stack.admin_dsn, autocommit=True) as admin:
            admin.execute(f"ALTER ROLE {database.owner} CREATEDB")
        yield database
        with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
            admin.execute(f"DROP OWNED BY {ROLE}")
            admin.execute(f"DROP ROLE {ROLE}")


@pytest.fixture
def files(tmp_path: Path, foreign_contract: Contract, stated: Consumer) -> tuple[str, ...]:
    """The project's two files, as options."""
    contract, consumer = tmp_path / "contract.json", tmp_path / "consumer.json"
    contract.write_text(json.dumps(foreign_contract.model_dump(mode="json", exclude_unset=True)))
    consumer.write_text(stated.model_dump_json())
    return ("--contract", str(contract), "--consumer", str(consumer))


@pytest.fixture
def run(own: OwnDatabase, tmp_path_factory: pytest.TempPathFactory) -> Run:
    def called(*arguments: str, project: ManageCommand | None = None) -> "subprocess.CompletedProcess[str]":
        project = project or foreign_project(own.owner_dsn)
        env = {
            **project.env,
            **base_environment(),
            "DATABASE_URL": own.owner_dsn,
            "FASTAPI_DATABASE_URL": own.dsn(ROLE),
            "STRANGLER_PROJECT": str(example_file(tmp_path_factory.mktemp("project"), manage=project.argv)),
        }
        argv = [sys.executable, "-m", "strangler.cli", "schema", *arguments]
        return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - the tool itself

    return called


@pytest.mark.long
def test_all_agree_and_what_does_not_is_named(run: Run, own: OwnDatabase, files: tuple[str, ...]) -> None:
    agreeing = run("check", *files)
    assert (agreeing.returncode, agreeing.stdout.count("ok  ")) == (0, 6), agreeing.stdout + agreeing.stderr
    same = run("diff", files[1], "live")
    assert (same.returncode, same.stdout) == (0, ""), same.stderr
    with psycopg.connect(own.owner_dsn, autocommit=True) as owner:
        owner.execute('ALTER TABLE "Order Items" RENAME "Unit Price" TO price')
        try:
            checked, differing = run("check", *files), run("diff", files[1], "live")
        finally:
            owner.execute('ALTER TABLE "Order Items" RENAME price TO "Unit Price"')
    assert checked.returncode == differing.returncode == 1
    assert "Column Order Items.Unit Price is missing (needed by orders, whole): " in checked.stdout
    assert [line[:2] for line in differing.stdout.splitlines()] == ["- ", "+ "]
    assert "Order Items.Unit Price" in differing.stdout


def test_the_picture_has_every_table_and_who_uses_it(
    run: Run, files: tuple[str, ...], foreign_contract: Contract
) -> None:
    drawn = run("graph", *files).stdout
    assert drawn.startswith("flowchart LR")
    assert drawn.count("[(") == len(foreign_contract.tables)
    assert '[("Order Items")]' in drawn
    assert "audit#46;entries" in drawn


@pytest.mark.long
def test_the_guard_names_a_migration_that_breaks_the_service(
    run: Run, own: OwnDatabase, files: tuple[str, ...], tmp_path: Path
) -> None:
    nothing = run("guard", *files)
    assert (nothing.returncode, nothing.stdout) == (0, f"No migration is pending on {NAME}.\n"), nothing.stderr
    source = migration_source("lending", "0003_main_branch", RENAME)
    more = with_migrations(tmp_path, "lending", {"0004_heaviness": source})
    found = run("guard", *files, project=foreign_project(own.owner_dsn, more))
    assert found.returncode == 3, found.stdout + found.stderr
    assert "breaks: Column lending_wish.weight no longer exists (is it lending_wish.heaviness now?)" in found.stdout
