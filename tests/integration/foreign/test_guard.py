"""The guard on a project that isn't the blog: quoted names, a view, a second schema, arrays, JSON and ranges."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from shared_schema.consumer.consumer import Consumer
from strangler.databases.connections import Source, identity_of
from strangler.schema.guard.guard import Guarded, guard
from strangler.schema.guard.report import GuardReport, GuardVerdict, Reversibility
from tests.databases import OwnDatabase, foreign_database, foreign_project
from tests.example import example_settings
from tests.foreign_migrations import migration_source, with_migrations
from tests.shared_stack import StackAddresses

pytestmark = pytest.mark.long

ID = "00000000-0000-0000-0000-000000000001"
CONSUMER = Consumer.model_validate(
    {
        "features": {
            "items.create": {
                "inserts": {"books_item": ["id", "facts", "keywords", "cover"]},
                "statements": [
                    {
                        "name": "update",
                        "sql": "UPDATE books_item SET facts = $1, keywords = $2, loan_time = $3, price = $4 "
                        "WHERE id = $5",
                        "values": [{"a": ["b", None]}, ["it's", 'a "quote"', "a\\b", None], "28 days", "9.90", ID],
                    }
                ],
            },
            "items.popular": {
                "reads": {"books_popularity": ["item_id", "loans"]},
                "statements": [
                    {
                        "name": "page",
                        "sql": "SELECT item_id, loans FROM books_popularity WHERE loans > $1",
                        "values": [3],
                    }
                ],
            },
            "orders.list": {
                "reads": {"Order Items": ["id", "Unit Price", "Off, in parts of 100"]},
                "statements": [
                    {
                        "name": "page",
                        "sql": 'SELECT id, "Unit Price" FROM "Order Items" WHERE "Off, in parts of 100" < $1',
                        "values": [50],
                    }
                ],
            },
            "entries.list": {
                "reads": {"audit.entries": ["id", "verb"]},
                "statements": [
                    {"name": "page", "sql": "SELECT id, verb FROM audit.entries WHERE verb = $1", "values": ["saw"]}
                ],
            },
        }
    }
)
# What each does, and the kinds of what the guard says of it; all of "lending", which may change any table by SQL.
CHAIN: dict[str, tuple[str, set[str], set[str]]] = {
    "nullable": ('migrations.AddField("branch", "floors", models.IntegerField(null=True))', set(), set()),
    "quoted_index": (
        'migrations.AddIndex("orderitem", models.Index(fields=["percent"], name="Order Items Off"))',
        set(),
        {"index"},
    ),
    "quoted_type": (
        'migrations.RunSQL(\'ALTER TABLE "Order Items" ALTER COLUMN "Unit Price" TYPE text\', '
        '\'ALTER TABLE "Order Items" ALTER COLUMN "Unit Price" TYPE numeric(10,4) USING "Unit Price"::numeric\')',
        {"type-changed", "statement"},
        {"type"},
    ),
    "view": (
        'migrations.RunSQL("ALTER VIEW books_popularity RENAME COLUMN loans TO borrowed", '
        '"ALTER VIEW books_popularity RENAME COLUMN borrowed TO loans")',
        {"table-changed", "column-gone", "statement"},
        {"rename-column"},
    ),
    "second_schema": (
        'migrations.RunSQL("ALTER TABLE audit.entries ADD COLUMN source text", '
        '"ALTER TABLE audit.entries DROP COLUMN source")',
        set(),
        set(),
    ),
    "second_schema_rename": (
        'migrations.RunSQL(\'ALTER TABLE "audit"."entries" RENAME COLUMN "verb" TO "action"\', '
        '\'ALTER TABLE "audit"."entries" RENAME COLUMN "action" TO "verb"\')',
        {"column-gone", "statement"},
        {"rename-column"},
    ),
    # The index is built anew, though the rows stay where they are.
    "array": (
        'migrations.RunSQL("ALTER TABLE books_item ALTER COLUMN keywords TYPE text[]", '
        '"ALTER TABLE books_item ALTER COLUMN keywords TYPE varchar(30)[]")',
        {"type-changed"},
        {"type"},
    ),
}


@pytest.fixture(scope="module")
def source(stack: StackAddresses, worker_id: str) -> Iterator[Source]:
    with foreign_database(admin_dsn=stack.admin_dsn, name=f"foreign_guard_{worker_id}") as database:
        role = f"{database.name}_fastapi"
        with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
            for form in ("DROP ROLE IF EXISTS {}", "CREATE ROLE {}", "GRANT USAGE ON SCHEMA audit TO {}"):
                admin.execute(sql.SQL(form).format(sql.Identifier(role)))  # type: ignore[arg-type]
            admin.execute(sql.SQL('GRANT SELECT ON "Order Items", audit.entries TO {}').format(sql.Identifier(role)))
        yield source_of(database, role)


def source_of(database: OwnDatabase, role: str) -> Source:
    return Source(
        settings=example_settings(),
        owner_dsn=database.owner_dsn,
        fastapi_dsn=database.dsn(role),
        admin_dsn=database.superuser_dsn,
        secrets={},
        name=database.name,
        identity=identity_of(database.owner_dsn),
    )


def guarded(source: Source, more: dict[str, str]) -> GuardReport:
    project = foreign_project(source.owner_dsn, more)
    return guard(Guarded(source=source, running=CONSUMER, coming=CONSUMER, project=project))


@pytest.fixture(scope="module")
def chain(source: Source, tmp_path_factory: pytest.TempPathFactory) -> GuardReport:
    files: dict[str, str | None] = {}
    after = "0003_main_branch"
    for number, (name, (operation, *_)) in enumerate(CHAIN.items(), start=4):
        files[f"{number:04}_{name}"] = migration_source("lending", after, operation)
        after = f"{number:04}_{name}"
    return guarded(source, with_migrations(tmp_path_factory.mktemp("chain"), "lending", files))


def test_every_statement_works_on_what_there_is(source: Source) -> None:
    report = guarded(source, {})
    assert (report.verdict, report.migrations, report.inconclusive) == (GuardVerdict.SAFE, (), ())


@pytest.mark.parametrize("name", CHAIN)
def test_each_migration_is_classified_by_what_it_does(chain: GuardReport, name: str) -> None:
    assert [each.error for each in chain.migrations] == [""] * len(CHAIN)
    migration = next(each for each in chain.migrations if each.name[5:] == name)
    _operation, breaks, unsafe = CHAIN[name]
    assert {finding.kind for finding in migration.breaks} == breaks, migration
    assert {finding.kind for finding in migration.unsafe} == unsafe, migration


def test_names_are_reported_as_the_contract_has_them(chain: GuardReport) -> None:
    places = {(found.table, found.column) for each in chain.migrations for found in each.unsafe}
    assert places == {
        ("Order Items", None),
        ("Order Items", "Unit Price"),
        ("books_popularity", "loans"),
        ("audit.entries", "verb"),
        ("books_item", "keywords"),
    }


def test_all_of_them_lead_back(chain: GuardReport) -> None:
    assert [back.wrong for back in chain.back] == [()] * len(CHAIN)
    assert chain.reversibility is Reversibility.LOSES
    assert {found.table for back in chain.back for found in back.losses} == {"lending_branch", "audit.entries"}


def test_the_clone_has_the_second_schema_and_the_rights_in_it(source: Source, tmp_path: Path) -> None:
    operation = 'migrations.RunSQL("REVOKE SELECT ON audit.entries FROM PUBLIC, %s", migrations.RunSQL.noop)'
    role = source.fastapi_dsn.partition("://")[2].partition(":")[0]
    files: dict[str, str | None] = {"0004_next": migration_source("lending", "0003_main_branch", operation % role)}
    (migration,) = guarded(source, with_migrations(tmp_path, "lending", files)).migrations
    assert [(found.kind, found.table, found.column) for found in migration.breaks] == [
        ("privilege", "audit.entries", "id"),
        ("privilege", "audit.entries", "verb"),
    ]
