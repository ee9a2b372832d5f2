import resource
import sys
from pathlib import Path

import psycopg
import pytest

from strangler.errors import FailedError
from strangler.schema.django_side import ManageCommand, MigrationName, MissingMigration, django_state
from strangler.settings import base_environment
from tests.databases import OwnDatabase, foreign_project
from tests.example import ROOT
from tests.foreign_migrations import migration_source, with_migrations
from tests.shops import MANAGE, SETTINGS

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


def test_without_a_database_the_models_are_reported_alone() -> None:
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


def own_project(folder: Path, apps: int, models: int, migrations: int) -> ManageCommand:
    """A project of so many apps, whose migrations know nothing of the help texts of its models' columns."""
    field = "models.CharField(max_length=9{})"
    names = [f"app{number}" for number in range(apps)]
    installed = '"strangler_django", ' + ", ".join(map(repr, names))
    settings = SETTINGS.replace('"strangler_django", "shop"', installed)
    (folder / "settings.py").write_text(settings)
    (folder / "manage.py").write_text(MANAGE.format(root=str(ROOT)))
    for name in names:
        package = folder / name / "migrations"
        package.mkdir(parents=True)
        for made in (package.parent, package):
            (made / "__init__.py").touch()
        columns = [f"x{number}" for number in range(migrations)]
        of = {number: columns[number::models] for number in range(models)}
        head = "from django.db import migrations, models\n"
        (package.parent / "models.py").write_text(
            head
            + "".join(
                f"class M{number}(models.Model):\n    own = {field.format('')}\n"
                + "".join(f"    {column} = {field.format(', help_text=1')}\n" for column in of[number])
                for number in range(models)
            )
        )
        key = '("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))'
        made = (
            f'migrations.CreateModel("M{number}", [{key}, ("own", {field.format("")})])' for number in range(models)
        )
        steps = [", ".join(made)]
        steps += [
            f'migrations.AddField("m{number % models}", "{column}", {field.format(", default=0")})'
            for number, column in enumerate(columns)
        ]
        for number, step in enumerate(steps):
            after = f'    dependencies = [("{name}", "{number - 1:04}_x")]\n' if number else ""
            text = f"{head}class Migration(migrations.Migration):\n{after}    operations = [{step}]\n"
            (package / f"{number:04}_x.py").write_text(text)
    env = base_environment() | {"DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/nowhere"}
    return ManageCommand(argv=(sys.executable, str(folder / "manage.py")), env=env, cwd=folder)


OWN_COMMAND = """
from django.core.management.commands.makemigrations import Command
from django.db.models import Field

deconstruct = Field.deconstruct


def without_what_no_database_knows(self):
    name, path, args, options = deconstruct(self)
    return name, path, args, {key: value for key, value in options.items() if key not in ("help_text", "default")}


Field.deconstruct = without_what_no_database_knows
"""


def test_a_project_compares_fields_in_its_own_way(tmp_path: Path) -> None:
    project = own_project(tmp_path, 1, 1, 2)
    unmade = django_state(project, database=False).unmade
    assert [(each.table, each.column) for each in unmade] == [("app0_m0", "x0"), ("app0_m0", "x1")]
    commands = tmp_path / "app0" / "management" / "commands"
    commands.mkdir(parents=True)
    (commands / "makemigrations.py").write_text(OWN_COMMAND)
    assert django_state(project, database=False).unmade == ()


@pytest.mark.long
def test_hundreds_of_tables_and_migrations_take_seconds(tmp_path: Path) -> None:
    """Of processor time, as the machine may have others to serve."""
    project = own_project(tmp_path, 10, 25, 69)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    unmade = django_state(project, database=False).unmade
    assert len(unmade) == 690
    assert all(each.table and each.column for each in unmade)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 5
