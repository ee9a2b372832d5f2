"""Tables that the tool has never seen: another schema, names with spaces and quotes, rows that others point at."""

import os
from pathlib import Path

import pytest

from strangler.databases.connections import connected
from strangler.databases.dumping import schema_dump
from strangler.handover.execution import HANDOVER, LockPatience, execute
from strangler.handover.journal import ActionJournal
from strangler.handover.steps import Work
from strangler.modernise.operation import OperationFile
from strangler.modernise.planning import plan_operation
from strangler.modernise.rows import RowPass
from tests.databases import foreign_database
from tests.shared_stack import StackAddresses

OPERATIONS = (
    {"rename_column": {"table": "audit.entries", "column": "actor_id", "to": "who"}},
    {"rename_column": {"table": "Order Items", "column": "Ordered By", "to": 'By "Whom"'}},
    {"rename_column": {"table": "django_content_type", "column": "id", "to": "number"}},
    {"rename_table": {"table": "Order Items", "to": "ordered"}},
    {"rename_table": {"table": "lending_member", "to": "select"}},
    {"drop_table": {"table": "audit.entries_seen_by"}},
    {"drop_column": {"table": "books_book", "column": "sheets"}},
)


@pytest.mark.long
def test_each_way_leads_back(stack: StackAddresses, tmp_path: Path) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with (
        foreign_database(admin_dsn=stack.admin_dsn, name=f"modern_{worker}") as database,
        connected(database.owner_dsn) as connection,
    ):
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
