"""What `manage.py rehearse_migrations` does to a database and tells of it."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.databases import OwnDatabase, foreign_project
from tests.foreign_migrations import migration_source, with_migrations

pytestmark = pytest.mark.long

AFTER = ("lending", "0003_main_branch")
FILL = """
def fill(apps, schema_editor):
    print("filling")
    apps.get_model("lending", "Branch").objects.create(name="100% 'new'", phone="1")

"""


@dataclass(frozen=True)
class Rehearsed:
    """What a run wrote, and how it ended."""

    code: int
    lines: list[dict[str, Any]]
    complaint: str


@pytest.fixture
def scratch(foreign: OwnDatabase) -> Iterator[OwnDatabase]:
    """A copy of the migrated database, for one test to change."""
    name = f"{foreign.name}_scratch"
    with psycopg.connect(foreign.admin_dsn, autocommit=True) as connection:
        copied = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
            sql.Identifier(name), sql.Identifier(foreign.name), sql.Identifier(foreign.owner)
        )
        connection.execute(copied)
        yield OwnDatabase(name=name, admin_dsn=foreign.admin_dsn, owned_by=foreign.owner)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def rehearse(
    database: OwnDatabase, more: Mapping[str, str], *options: str, scratch: str = "", gone: bool = False
) -> Rehearsed:
    project = foreign_project(database.owner_dsn, more)
    run = subprocess.run(  # noqa: S603 - Django's own command
        [*project.argv, "rehearse_migrations", "--scratch", scratch or database.name, *options],
        env=dict(project.env),
        cwd=project.cwd,
        capture_output=True,
        text=True,
        input="" if gone else "\n" * 20,
        check=False,
    )
    return Rehearsed(run.returncode, [json.loads(line) for line in run.stdout.splitlines()], run.stderr)


def pending(folder: Path, *operations: str, prelude: str = "", atomic: bool = True) -> dict[str, str]:
    source = migration_source(*AFTER, *operations, prelude=prelude, atomic=atomic)
    return with_migrations(folder, "lending", {"0004_more": source})


def asked(database: OwnDatabase, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.owner_dsn) as connection:
        return connection.execute(query).fetchall()


def test_a_migration_is_applied_and_reported_of(scratch: OwnDatabase, tmp_path: Path) -> None:
    add = 'migrations.AddField("branch", "floors", models.IntegerField(default=1))'
    reported = rehearse(scratch, pending(tmp_path, add))
    (line,) = reported.lines
    assert (reported.code, line["app"], line["name"], line["atomic"], line["reversible"]) == (
        *(0, "lending", "0004_more"),
        *(True, True),
    )
    assert line["operations"] == [
        {
            "kind": "AddField",
            "describe": "Add field floors to branch",
            "reversible": True,
            "reduces_to_sql": True,
            "loses_data": False,
        }
    ]
    assert line["sql"] == [
        'ALTER TABLE "lending_branch" ADD COLUMN "floors" integer DEFAULT 1 NOT NULL;',
        'ALTER TABLE "lending_branch" ALTER COLUMN "floors" DROP DEFAULT;',
    ]
    assert line["seconds"] >= 0
    assert asked(scratch, "SELECT floors FROM lending_branch") == [(1,)]
    assert asked(scratch, "SELECT count(*) FROM django_migrations WHERE name = '0004_more'") == [(1,)]


def test_what_python_sent_is_marked_and_holds_its_values(scratch: OwnDatabase, tmp_path: Path) -> None:
    reported = rehearse(scratch, pending(tmp_path, "migrations.RunPython(fill)", prelude=FILL))
    (line,) = reported.lines
    (statement,) = line["sql"]
    assert statement.startswith('-- RunPython\nINSERT INTO "lending_branch"')
    assert "'100% ''new'''" in statement
    assert (line["operations"][0]["reduces_to_sql"], line["reversible"]) == (False, False)
    assert "filling" in reported.complaint


@pytest.mark.parametrize(
    "operation",
    [
        'migrations.RemoveField("branch", "phone")',
        'migrations.DeleteModel("OrderItem")',
        'migrations.RunSQL("DELETE FROM lending_branch")',
        """migrations.SeparateDatabaseAndState([migrations.RunSQL('DROP TABLE "Order Items"')], [])""",
    ],
)
def test_what_drops_columns_tables_or_rows_loses_data(operation: str, scratch: OwnDatabase, tmp_path: Path) -> None:
    (line,) = rehearse(scratch, pending(tmp_path, operation)).lines
    assert [found["loses_data"] for found in line["operations"]] == [True]


def test_a_word_in_a_text_loses_nothing(scratch: OwnDatabase, tmp_path: Path) -> None:
    reported = pending(tmp_path, """migrations.RunSQL("UPDATE lending_branch SET phone = ' DROP TABLE x '")""")
    (line,) = rehearse(scratch, reported).lines
    assert [found["loses_data"] for found in line["operations"]] == [False]


def test_names_that_django_looks_up_are_no_part_of_it(scratch: OwnDatabase, tmp_path: Path) -> None:
    """To drop a unique key it asks PostgreSQL how that is called."""
    operation = 'migrations.AlterField("member", "email", models.EmailField(null=True))'
    (line,) = rehearse(scratch, pending(tmp_path, operation)).lines
    assert [text.split(" ")[0] for text in line["sql"]] == ["ALTER", "DROP"]


def test_what_fails_is_the_last_line(scratch: OwnDatabase, tmp_path: Path) -> None:
    files = {
        "0004_fine": migration_source(*AFTER, 'migrations.RunSQL("CREATE TABLE fine ()")'),
        "0005_bad": migration_source("lending", "0004_fine", 'migrations.RunSQL("DROP TABLE nowhere")'),
    }
    reported = rehearse(scratch, with_migrations(tmp_path, "lending", files))
    fine, bad = reported.lines
    assert (reported.code, fine["name"]) == (1, "0004_fine")
    assert bad == {
        "app": "lending",
        "name": "0005_bad",
        "error": 'ProgrammingError: table "nowhere" does not exist',
        "sqlstate": "42P01",
    }
    assert asked(scratch, "SELECT name FROM django_migrations WHERE name > '0004_' AND app = 'lending'") == [
        ("0004_fine",)
    ]


def test_a_migration_that_ends_the_process_has_failed(scratch: OwnDatabase, tmp_path: Path) -> None:
    prelude = "\n\ndef leave(apps, schema_editor):\n    raise SystemExit(0)\n\n"
    reported = rehearse(scratch, pending(tmp_path, "migrations.RunPython(leave)", prelude=prelude))
    assert reported.code == 1
    assert reported.lines[0]["error"].startswith("SystemExit: 0 (")


def test_other_databases_of_the_project_are_left_alone(scratch: OwnDatabase, tmp_path: Path) -> None:
    prelude = """
from django.db import connections

connections.databases["other"] = {**connections.databases["default"], "NAME": "NAME_OF_OTHER"}


def ask(apps, schema_editor):
    with connections["other"].cursor() as cursor:
        cursor.execute("SELECT 1")

"""
    for name, code in (("postgres", 1), (scratch.name, 0)):
        more = pending(tmp_path / name, "migrations.RunPython(ask)", prelude=prelude.replace("NAME_OF_OTHER", name))
        reported = rehearse(scratch, more)
        assert reported.code == code
        assert ("It uses another of DATABASES" in reported.lines[0].get("error", "")) == bool(code)


def test_rows_that_a_generator_gives_are_reported_and_sent(scratch: OwnDatabase, tmp_path: Path) -> None:
    prelude = """

def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.executemany("INSERT INTO lending_branch VALUES (%s, '')", ([name] for name in ("a", "b")))

"""
    (line,) = rehearse(scratch, pending(tmp_path, "migrations.RunPython(fill)", prelude=prelude)).lines
    assert [text.partition("VALUES ")[2] for text in line["sql"]] == ["('a', '');", "('b', '');"]
    assert asked(scratch, "SELECT count(*) FROM lending_branch WHERE name IN ('a', 'b')") == [(2,)]


def test_what_was_done_is_undone_newest_first(scratch: OwnDatabase, tmp_path: Path) -> None:
    files = {
        "0004_one": migration_source(*AFTER, 'migrations.AddField("branch", "one", models.TextField(default=""))'),
        "0005_two": migration_source(
            "lending", "0004_one", 'migrations.AddField("branch", "two", models.TextField(default=""))'
        ),
    }
    more = with_migrations(tmp_path, "lending", files)
    tables = "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'lending_branch' ORDER BY 1"
    before = asked(scratch, tables)
    assert rehearse(scratch, more).code == 0
    assert len(asked(scratch, tables)) == len(before) + 2
    reported = rehearse(scratch, more, "--backward", "lending.0004_one", "lending.0005_two")
    assert (reported.code, [line["name"] for line in reported.lines]) == (0, ["0005_two", "0004_one"])
    assert [line["sql"] for line in reported.lines] == [
        [f'ALTER TABLE "lending_branch" DROP COLUMN "{name}" CASCADE;'] for name in ("two", "one")
    ]
    assert reported.lines[0]["operations"][0]["loses_data"] is True
    assert asked(scratch, tables) == before
    assert asked(scratch, "SELECT count(*) FROM django_migrations WHERE name > '0004'") == [(0,)]


def test_what_can_not_be_undone_is_reported_so(scratch: OwnDatabase, tmp_path: Path) -> None:
    more = pending(tmp_path, "migrations.RunPython(fill)", prelude=FILL)
    rehearse(scratch, more)
    reported = rehearse(scratch, more, "--backward", "lending.0004_more")
    assert reported.code == 1
    assert reported.lines[0]["error"].startswith("IrreversibleError: ")


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["lending.0002_legacy_accounts"], "can't be undone before lending.0003_main_branch: name that too."),
        (["lending.0009_nowhere"], "lending.0009_nowhere is not applied: leave it out."),
        (["lending"], "--backward takes migrations as APP.NAME"),
    ],
)
def test_an_irreversible_migration_changes_nothing(names: list[str], complaint: str, foreign: OwnDatabase) -> None:
    reported = rehearse(foreign, {}, "--backward", *names)
    assert (reported.code, reported.lines) == (1, [])
    assert complaint in reported.complaint


def test_another_database_than_the_one_that_is_named_is_refused(foreign: OwnDatabase, tmp_path: Path) -> None:
    reported = rehearse(foreign, pending(tmp_path, 'migrations.RunSQL("DROP TABLE lending_loan")'), scratch="scratch")
    assert (reported.code, reported.lines) == (3, [])
    assert f"The settings name the database {foreign.name}, and --scratch scratch" in reported.complaint


def test_a_reader_that_has_gone_stops_it(scratch: OwnDatabase, tmp_path: Path) -> None:
    files = {
        "0004_one": migration_source(*AFTER, 'migrations.RunSQL("CREATE TABLE one ()")'),
        "0005_two": migration_source("lending", "0004_one", 'migrations.RunSQL("CREATE TABLE two ()")'),
    }
    reported = rehearse(scratch, with_migrations(tmp_path, "lending", files), "--wait", gone=True)
    assert [(line["name"], "started" in line) for line in reported.lines] == [("0004_one", True), ("0004_one", False)]
    assert asked(scratch, "SELECT to_regclass('one') IS NULL, to_regclass('two') IS NULL") == [(False, True)]


def test_a_renamed_model_keeps_its_content_type(scratch: OwnDatabase, tmp_path: Path) -> None:
    """As `migrate` does: content types are renamed by a signal that it sends before."""
    with psycopg.connect(scratch.owner_dsn) as connection:
        connection.execute(
            "INSERT INTO django_content_type (app_label, model) VALUES ('lending', 'reading') ON CONFLICT DO NOTHING"
        )
    (line,) = rehearse(scratch, pending(tmp_path, 'migrations.RenameModel("Reading", "Sitting")')).lines
    assert [found["kind"] for found in line["operations"]] == ["RenameModel", "RenameContentType"]
    assert asked(scratch, "SELECT model FROM django_content_type WHERE model IN ('reading', 'sitting')")[0] == (
        "sitting",
    )


def test_statements_outside_of_a_transaction_are_reported_too(scratch: OwnDatabase, tmp_path: Path) -> None:
    operation = 'migrations.RunSQL("CREATE INDEX CONCURRENTLY late ON lending_loan (id)")'
    (line,) = rehearse(scratch, pending(tmp_path, operation, atomic=False)).lines
    assert (line["atomic"], line["sql"]) == (False, ["CREATE INDEX CONCURRENTLY late ON lending_loan (id);"])


@pytest.mark.parametrize(
    ("operations", "reason"),
    [
        (['migrations.RunPython(lambda apps, editor: input("Sure? "))'], "it waits for the console"),
        (["migrations.RunPython(lambda apps, editor: 1 / 0)"], "ZeroDivisionError: division by zero ("),
    ],
)
def test_what_goes_wrong_in_a_function_says_where(
    scratch: OwnDatabase, tmp_path: Path, operations: list[str], reason: str
) -> None:
    reported = rehearse(scratch, pending(tmp_path, *operations))
    assert reason in reported.lines[0]["error"]
    if "Division" in reason:
        assert "0004_more.py, line " in reported.lines[0]["error"]


@pytest.mark.parametrize(
    ("operations", "locked"),
    [
        (["LOCK TABLE lending_branch IN ACCESS EXCLUSIVE MODE", "UPDATE lending_branch SET phone = ''"], True),
        (["ALTER TABLE lending_branch ADD x integer", "DELETE FROM lending_member"], True),
        (["UPDATE lending_branch SET phone = ''", "ALTER TABLE lending_branch ADD x integer"], False),
        (["LOCK TABLE lending_branch IN ROW EXCLUSIVE MODE", "UPDATE lending_branch SET phone = ''"], False),
        (["ALTER TABLE lending_branch ADD x integer", "SELECT 1"], False),
    ],
)
def test_tables_that_stay_locked_while_rows_are_written(
    scratch: OwnDatabase, tmp_path: Path, operations: list[str], locked: bool
) -> None:
    reported = rehearse(scratch, pending(tmp_path, *(f'migrations.RunSQL("{each}")' for each in operations)))
    ((oid,),) = asked(scratch, "SELECT 'lending_branch'::regclass::oid::bigint")
    assert reported.lines[0]["locked"] == [oid] * locked


def test_a_script_outside_of_a_transaction_locks_as_one(scratch: OwnDatabase, tmp_path: Path) -> None:
    script = "LOCK TABLE lending_branch IN ACCESS EXCLUSIVE MODE; UPDATE lending_branch SET phone = ''"
    reported = rehearse(scratch, pending(tmp_path, f'migrations.RunSQL("{script}")', atomic=False))
    ((oid,),) = asked(scratch, "SELECT 'lending_branch'::regclass::oid::bigint")
    assert reported.lines[0]["locked"] == [oid]
    assert reported.lines[0]["sql"] == [f"{script};"]


def test_what_migrate_refuses_is_not_rehearsed(scratch: OwnDatabase, tmp_path: Path) -> None:
    other = migration_source("lending", "0002_legacy_accounts", 'migrations.RunSQL("SELECT 1")')
    reported = rehearse(scratch, with_migrations(tmp_path, "lending", {"0003_other": other}))
    assert (reported.code, reported.lines) == (1, [])
    assert "migrate refuses: Conflicting migrations detected; multiple leaf nodes" in reported.complaint
