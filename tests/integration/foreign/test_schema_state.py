from pathlib import Path

import psycopg
import pytest

from strangler.errors import FailedError
from strangler.schema.django_side import ManageCommand, MigrationName, MissingMigration, django_state
from tests.databases import OwnDatabase, foreign_project
from tests.foreign_migrations import migration_source, with_migrations

SECRET = "a secret that nobody may see"


@pytest.fixture
def project(foreign: OwnDatabase) -> ManageCommand:
    return foreign_project(foreign.owner_dsn)


def test_a_migrated_database_agrees_with_the_code(project: ManageCommand) -> None:
    state = django_state(project)
    assert state.unmade == state.conflicts == state.pending == state.unknown == ()


def test_a_migration_that_is_not_applied_is_pending(foreign: OwnDatabase, tmp_path: Path) -> None:
    source = migration_source("lending", "0003_main_branch", 'migrations.RunSQL("SELECT 1")')
    state = django_state(
        foreign_project(foreign.owner_dsn, with_migrations(tmp_path, "lending", {"0004_more": source}))
    )
    assert state.pending == (MigrationName(app="lending", name="0004_more"),)
    assert state.unmade == state.unknown == ()


def test_what_no_migration_makes_is_unmade_and_what_the_code_lost_unknown(foreign: OwnDatabase, tmp_path: Path) -> None:
    lost = with_migrations(tmp_path, "audit", {"0003_entry_relations": None})
    state = django_state(foreign_project(foreign.owner_dsn, lost))
    actor = MissingMigration(
        app="audit", description="Add field actor to entry", table="audit.entries", column="actor_id"
    )
    assert actor in state.unmade
    assert state.unknown == (MigrationName(app="audit", name="0003_entry_relations"),)


def test_two_ends_are_a_conflict(foreign: OwnDatabase, tmp_path: Path) -> None:
    source = migration_source("lending", "0002_legacy_accounts", 'migrations.RunSQL("SELECT 1")')
    two = with_migrations(tmp_path, "lending", {"0003_other": source})
    (conflict,) = django_state(foreign_project(foreign.owner_dsn, two)).conflicts
    assert (conflict.app, conflict.names) == ("lending", ("0003_main_branch", "0003_other"))


def test_a_squashed_history_is_known(foreign: OwnDatabase, tmp_path: Path) -> None:
    """The files of what was squashed may be gone, while the database has their names."""
    old = (Path(__file__).parents[2] / "foreign/lending/migrations/0002_legacy_accounts.py").read_text("utf-8")
    squashed = old.replace(
        "    dependencies",
        '    replaces = [("lending", "0002_legacy_accounts"), ("lending", "0003_main_branch")]\n    dependencies',
    )
    files = {"0002_squashed": squashed, "0002_legacy_accounts": None, "0003_main_branch": None}
    state = django_state(foreign_project(foreign.owner_dsn, with_migrations(tmp_path, "lending", files)))
    assert state.unknown == state.pending == ()


def test_nothing_is_written(foreign: OwnDatabase, project: ManageCommand) -> None:
    with psycopg.connect(foreign.owner_dsn, autocommit=True) as connection:
        count = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
        before = connection.execute("SELECT * FROM django_migrations").fetchall(), connection.execute(count).fetchone()
        django_state(project)
        after = connection.execute("SELECT * FROM django_migrations").fetchall(), connection.execute(count).fetchone()
    assert before == after


def test_without_a_database_the_models_are_told_alone() -> None:
    state = django_state(foreign_project("postgresql://nobody@127.0.0.1:1/nowhere"), database=False)
    assert (state.unmade, state.pending) == ((), None)


def test_a_database_that_does_not_answer_is_one_sentence() -> None:
    secret = SECRET.replace(" ", "%20")
    with pytest.raises(FailedError) as raised:
        django_state(foreign_project(f"postgresql://nobody:{secret}@127.0.0.1:1/nowhere"))
    assert "The database doesn't answer" in str(raised.value)
    assert SECRET not in str(raised.value)
    assert secret not in str(raised.value)


def test_a_broken_migration_is_one_sentence(tmp_path: Path) -> None:
    broken = with_migrations(tmp_path, "lending", {"0004_more": migration_source("lending", "0009_nowhere")})
    with pytest.raises(FailedError, match=r"The migrations can't be read \(.*0009_nowhere"):
        django_state(foreign_project("postgresql://nobody@127.0.0.1:1/nowhere", broken))
