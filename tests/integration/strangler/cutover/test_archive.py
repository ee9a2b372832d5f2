"""What is of record is kept as files that give the same rows back, and a file that lost any is named."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from strangler.cutover.archive import archive_differences, cutover_archive
from strangler.cutover.tables import django_tables
from strangler.databases.connections import dsn_to
from strangler.errors import UsageError
from tests.example import EXAMPLE
from tests.shared_stack import StackAddresses

TABLES = """
    CREATE TABLE django_admin_log (id integer, "Object Repr" text, odd bytea);
    INSERT INTO django_admin_log VALUES (1, E'two\\nlines\\t\\\\.', 'x'), (2, NULL, NULL), (3, '', '');
    CREATE SCHEMA audit;
    CREATE TABLE audit."Old" (at timestamptz DEFAULT now(), twice integer GENERATED ALWAYS AS (1 + 1) STORED);
    INSERT INTO audit."Old" SELECT FROM generate_series(1, 500);
"""


@pytest.fixture
def dsn(stack: StackAddresses) -> Iterator[str]:
    name = f"archive_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with psycopg.connect(stack.admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            with psycopg.connect(dsn_to(stack.admin_dsn, name)) as connection:
                connection.execute(TABLES)
            yield dsn_to(stack.admin_dsn, name)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_tables_are_kept_and_proved_without_the_database(dsn: str, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    kept = cutover_archive(dsn, folder, more=["audit.Old"])
    assert {table.key: table.rows for table in kept.tables} == {"django_admin_log": 3, "audit.Old": 500}
    assert folder.stat().st_mode & 0o077 == 0
    assert archive_differences(folder) == (kept, ())
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TEMPORARY TABLE back (LIKE django_admin_log)")
        with connection.cursor().copy("COPY back FROM STDIN") as copy:
            copy.write((folder / "django_admin_log.copy").read_bytes())
        assert connection.execute("TABLE back EXCEPT TABLE django_admin_log").fetchall() == []
        assert connection.execute("SELECT count(*) FROM back").fetchall() == [(3,)]
    file = folder / "audit.Old.copy"
    rows = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([rows[0], *rows[2:], rows[0].replace(b"2", b"3")]))
    assert archive_differences(folder)[1] == (f"audit.Old: {file} isn't what was written",)
    file.write_bytes(b"".join(rows[1:]))
    (folder / "django_admin_log.copy").unlink()
    assert [sentence.partition("/")[0] for sentence in archive_differences(folder)[1]] == [
        *("django_admin_log: ", "audit.Old: "),
    ]


def test_what_is_not_there_is_refused_before_anything_is_written(dsn: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no table audit\.old: write --table audit\.Old"):
        cutover_archive(dsn, tmp_path / "kept", more=["audit.old"])
    assert not (tmp_path / "kept").exists()
    cutover_archive(dsn, tmp_path / "kept")
    with pytest.raises(UsageError, match="is there already"):
        cutover_archive(dsn, tmp_path / "kept")
    (tmp_path / "kept" / "manifest.json").unlink()
    with pytest.raises(UsageError, match="holds no whole archive"):
        archive_differences(tmp_path / "kept")


def test_a_table_that_takes_too_long_to_count_is_estimated(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = EXAMPLE.load_contract()
    assert [str(table) for table in django_tables(dsn, contract, None) if table.rows is not None] == [
        "django_admin_log (3)"
    ]
    monkeypatch.setattr("strangler.cutover.tables._PATIENCE", "SET statement_timeout = '300ms'")
    with psycopg.connect(dsn) as connection:
        connection.execute("ANALYZE django_admin_log")
        connection.commit()
        connection.execute("LOCK TABLE django_admin_log")
        found = [str(table) for table in django_tables(dsn, contract, None) if table.rows is not None]
    assert found == ["django_admin_log (about 3)"]


def test_the_tables_of_jobs_are_the_workers(dsn: str) -> None:
    contract = EXAMPLE.load_contract()
    jobs = {key for key in contract.tables if key.startswith("procrastinate_")}
    assert jobs == {key for key, facts in contract.tables.items() if facts.model.startswith("procrastinate.")} != set()
    alone, beside = (
        {table.key for table in django_tables(dsn, contract, None, has_worker=has_worker)}
        for has_worker in (False, True)
    )
    assert alone - beside == jobs
