"""Tables that the tool has never seen: another schema, names with spaces and quotes, rows that others point at."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared_schema.consumer.consumer import Consumer, Feature, SampleQuery
from strangler.databases.connections import connected
from strangler.databases.dumping import schema_dump
from strangler.handover.execution import HANDOVER, LockPatience, execute
from strangler.handover.journal import ActionJournal
from strangler.handover.steps import Work
from strangler.modernise.index_advice import index_advice
from strangler.modernise.operation import OperationFile
from strangler.modernise.planning import plan_operation
from strangler.modernise.rows import RowPass
from tests.databases import OwnDatabase, foreign_database
from tests.handovers import database_source
from tests.shared_stack import StackAddresses

OPERATIONS = (
    {"rename_column": {"table": "audit.entries", "column": "actor_id", "to": "who"}},
    {"rename_column": {"table": "Order Items", "column": "Ordered By", "to": 'By "Whom"'}},
    {"rename_column": {"table": "django_content_type", "column": "id", "to": "number"}},
    {"rename_table": {"table": "Order Items", "to": "ordered"}},
    {"rename_table": {"table": "lending_member", "to": "select"}},
    {
        "split_column": {
            "table": "lending_branch",
            "column": "phone",
            "back": "concat_ws('-', area, \"local no.\")",
            "into": {
                "area": {"type": "varchar(30)", "using": "split_part(phone, '-', 1)"},
                "local no.": {
                    "type": "varchar(30)",
                    "using": "nullif(substr(phone, strpos(phone || '-', '-') + 1), '')",
                    "null": True,
                },
            },
        }
    },
    {
        "merge_columns": {
            "table": "Order Items",
            "into": 'Price, "Off"',
            "type": "text",
            "using": 'concat("Unit Price", \'|\', "Off, in parts of 100")',
            "columns": {
                "Unit Price": 'nullif(split_part("Price, ""Off""", \'|\', 1), \'\')::numeric',
                "Off, in parts of 100": 'split_part("Price, ""Off""", \'|\', 2)::integer',
            },
        }
    },
    {"drop_table": {"table": "audit.entries_seen_by"}},
    {"drop_column": {"table": "books_book", "column": "sheets"}},
)
ROWS = (
    "INSERT INTO lending_branch (name, phone) VALUES ('north', '030-1-2'), ('east', ''), ('west', '40')",
    """
    INSERT INTO "Order Items" ("select", "Unit Price", "Off, in parts of 100")
        SELECT false, nullif(number % 100, 7), number % 1000 FROM generate_series(1, 60000) AS number
    """,
)
REDUCED = 'SELECT id, "Unit Price" FROM "Order Items" WHERE "Off, in parts of 100" = $1'
CONSUMER = Consumer(
    features={
        "orders": Feature(
            reads={"Order Items": ("id", "Unit Price", "Off, in parts of 100")},
            statements=(SampleQuery(name="reduced", sql=REDUCED, values=(5,)),),
        )
    }
)


@pytest.fixture
def database(stack: StackAddresses) -> Iterator[OwnDatabase]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with foreign_database(admin_dsn=stack.admin_dsn, name=f"modern_{worker}") as made:
        with connected(made.owner_dsn) as connection:
            for statement in ROWS:
                connection.execute(statement)
        yield made


@pytest.mark.long
def test_each_way_leads_back(database: OwnDatabase, tmp_path: Path) -> None:
    with connected(database.owner_dsn) as connection:
        # As a rename leaves it: the name of its NOT NULL is that of the old column.
        connection.execute("ALTER TABLE books_book RENAME COLUMN pages TO sheets")
        before = schema_dump(database.superuser_dsn, major=18)
        rows = RowPass(connection=connection, kept=tmp_path / "at", patience=LockPatience(), commands=HANDOVER)

        def perform(work: Work) -> None:
            if work.kind == "backfill":
                rows.backfill(work)
            else:
                assert rows.compare(work).keys == ()

        for operation in OPERATIONS:
            plan = plan_operation("sweep", OperationFile.model_validate(operation).change, database.owner_dsn)
            journal = ActionJournal(steps=plan.stages[:-1])
            journal = execute(connection, journal, lambda _journal: None, perform=perform)
            execute(connection, journal.turned(), lambda _journal: None)
        assert schema_dump(database.superuser_dsn, major=18) == before


@pytest.mark.long
def test_the_index_that_a_statement_wants_is_found(database: OwnDatabase) -> None:
    advice = index_advice(database_source(database), CONSUMER, notify=print)
    assert [(each.table, each.definition, each.gains[0].statement) for each in advice.indexes] == [
        ("Order Items", 'btree ("Off, in parts of 100")', "reduced")
    ]
