"""What counts as a statement of a request."""

import pytest

from shared_schema.server_timing import RequestStatements


@pytest.mark.parametrize(
    "statement",
    [
        *("SELECT 1", "  insert into posts values (1)", "UPDATE t SET a = 1", "DELETE FROM t", "WITH x AS (SELECT 1)"),
        *("SELECT set_config('a', 'b', true)", "settle", "(SELECT 1)", "DECLARE c CURSOR FOR SELECT 1"),
    ],
)
def test_what_the_application_sends_counts(statement: str) -> None:
    statements = RequestStatements()
    statements.add(statement)
    statements.add(statement, times=3)
    assert statements.header == 'sql;desc="4"'


@pytest.mark.parametrize(
    "statement",
    [
        *("BEGIN;", "begin isolation level serializable", "START TRANSACTION", "COMMIT", "END", "ROLLBACK;", "ABORT"),
        *('SAVEPOINT "s1"', 'RELEASE SAVEPOINT "s1"', 'ROLLBACK TO SAVEPOINT "s1"', "SET CONSTRAINTS ALL IMMEDIATE"),
        *("SET TIME ZONE 'UTC'", "\n  set role a"),
    ],
)
def test_transactions_and_settings_do_not(statement: str) -> None:
    statements = RequestStatements()
    statements.add(statement)
    assert statements.header == 'sql;desc="0"'
