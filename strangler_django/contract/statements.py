"""Logs the statements that a migration sends to the database."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import sqlparse
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import RunPython
from django.db.migrations.operations.base import Operation

# Precedes each statement of a RunPython, which depends on rows and may differ in every run.
RUN_PYTHON = "-- RunPython"

_TEXT = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_LOSES = re.compile(r"\bDROP\s+(TABLE|COLUMN|SCHEMA)\b|^\s*(TRUNCATE|DELETE)\b", re.IGNORECASE)
# Django's own look-ups of constraints and defaults.
_LOOKS = re.compile(r"^\s*SELECT\b(?!.*\bsetval\b).*\b(pg_\w+|information_schema)\b", re.IGNORECASE | re.DOTALL)
# The project's tables that this transaction locks against writes, and those whose rows it writes itself.
_LOCKS = """
    SELECT relation::bigint, bool_or(mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
        'AccessExclusiveLock')), bool_or(mode = 'RowExclusiveLock') AND relname NOT IN (
            'django_content_type', 'auth_permission', 'django_migrations')
    FROM pg_locks JOIN pg_class ON pg_class.oid = relation JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relkind IN ('r', 'p', 'm')
    AND left(nspname, 3) <> 'pg_' AND nspname <> 'information_schema' GROUP BY relation, relname
"""
_TRANSACTION = re.compile(r"\s*(BEGIN|START|COMMIT|END|ROLLBACK|ABORT)\b", re.IGNORECASE)
_SAVEPOINT = re.compile(r"^\s*(SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT)\b")


class StatementLog:
    """The statements of a connection, as they were sent, with their values in them."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._operation: Operation | None = None
        self._paused = False
        self.start()

    def start(self) -> None:
        """Clear the log."""
        self._lines, self._losing = [], set()
        self._kept_out: set[int] = set()
        self._written: set[int] = set()
        self._locked: set[int] = set()

    @property
    def locked(self) -> list[int]:
        """The oids of the tables that were locked against writes while the migration changed rows."""
        return sorted(self._locked)

    @property
    def lines(self) -> list[str]:
        """The statements since `start`, each with its semicolon."""
        return list(self._lines)

    def loses_data(self, operation: Operation) -> bool:
        """Whether one of the statements of `operation` dropped a table or a column, or deleted rows."""
        return id(operation) in self._losing

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Log every statement of the connection during the block."""
        with self._connection.execute_wrapper(self._execute):
            yield

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Log nothing during the block."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    @contextmanager
    def within(self, operation: Operation) -> Iterator[None]:
        """Assign statements of the block to the operation; nested blocks to the inner one."""
        before, self._operation = self._operation, operation
        if isinstance(operation, RunPython) and operation.code is not RunPython.noop:
            # Its statements depend on rows, which the clone lacks.
            self._locked |= self._kept_out
        try:
            yield
        finally:
            if id(operation) in self._losing and before is not None:
                self._losing.add(id(before))
            self._operation = before

    def _execute(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:  # noqa: ANN401 - Django's own signature of a wrapper
        if many:
            # It may be a generator, which gives its rows once.
            params = list(params)
        if not self._paused:
            for values in params if many else [params]:
                self._keep(self._inlined(sql, values))
        # Several statements at once are one transaction to PostgreSQL: within an explicit one, its locks can be seen.
        script = not self._paused and not self._connection.in_atomic_block and _is_script(sql)
        with transaction.atomic(self._connection.alias) if script else nullcontext():
            result = execute(sql, params, many, context)
            if not self._paused:
                self._read_locks()
        return result

    def _read_locks(self) -> None:
        """Read the locks now, which end with the transaction."""
        kept_out, written = set(), set()
        if self._connection.in_atomic_block:
            with self._connection.connection.cursor() as cursor:
                cursor.execute(_LOCKS)
                for oid, is_kept_out, is_written in cursor.fetchall():
                    kept_out.update([oid] * is_kept_out)
                    written.update([oid] * is_written)
        if written - self._written:
            self._locked |= kept_out
        self._kept_out, self._written = kept_out, written

    def _inlined(self, sql: Any, values: Any) -> str:  # noqa: ANN401 - text or psycopg's composition, a row's values
        if not isinstance(sql, str):
            sql = sql.as_string(self._connection.connection)
        # Without values a % is a %.
        return sql if values is None else self._connection.ops.compose_sql(sql, values)

    def _keep(self, statement: str) -> None:
        statement = statement.strip().rstrip(";")
        is_python = isinstance(self._operation, RunPython)
        if _SAVEPOINT.match(statement) or (_LOOKS.match(statement) and not is_python):
            return
        if self._operation is not None and _LOSES.search(_TEXT.sub("", statement)):
            self._losing.add(id(self._operation))
        self._lines.append(f"{RUN_PYTHON}\n{statement};" if is_python else f"{statement};")


def _is_script(sql: object) -> bool:
    """Whether a text holds several statements, none of which begins or ends a transaction."""
    statements = sqlparse.split(sql) if isinstance(sql, str) and ";" in sql else []
    return len(statements) > 1 and not any(map(_TRANSACTION.match, statements))
