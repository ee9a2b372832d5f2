"""Compiles a statement to record the columns in it; the text itself isn't used.

Most methods override those of SQLAlchemy's compiler: each records something and calls the original.
"""

import re
from collections import defaultdict
from typing import Any, Final, NoReturn

from sqlalchemy import ColumnClause, Executable, Insert, PrimaryKeyConstraint, TableClause, UniqueConstraint
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect, PGIdentifierPreparer

from shared_schema.catalog import table_key

Noted = dict[str, set[str]]

# A literal that holds no name: a number, a text, a word of SQL's own.
_CONSTANT: Final = re.compile(r"-?\d+|'[^']*'|null|true|false|default", flags=re.IGNORECASE)


class UnreadableStatementError(Exception):
    """A part of a statement is SQL text, of which SQLAlchemy doesn't know what it reads."""


class Recorder(PGCompiler):
    """What a statement reads, inserts, updates (columns by table) and deletes from (tables).

    Raises:
        UnreadableStatementError: it holds SQL text that may name a column.
    """

    def __init__(self, statement: Executable) -> None:
        self.reads: Noted = defaultdict(set)
        self.inserts: Noted = defaultdict(set)
        self.updates: Noted = defaultdict(set)
        self.deletes: set[str] = set()
        # Tables on which a right is needed whatever the column.
        self._any: list[tuple[Noted, Any]] = []
        dialect = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's own
        dialect.identifier_preparer = _Preparer(dialect, self)
        super().__init__(dialect, statement)  # type: ignore[arg-type] # every statement is one
        for noted, table in self._any:
            if not noted[_key(table)]:
                self._note(noted, *(table.primary_key or list(table.columns)[:1]))

    def set_column(self, column: Any) -> None:  # noqa: ANN401 - of any type
        """Notes a column that the INSERT or UPDATE at hand sets."""
        self._note(self.inserts if self._is_inserting else self.updates, column)

    def visit_column(self, column: ColumnClause[Any], *args: Any, **options: Any) -> str:  # noqa: ANN401, D102
        if column.is_literal and not _CONSTANT.fullmatch(column.name):
            self._refuse(column.name)
        # `excluded` is the row that was to be inserted; PostgreSQL needs no right to read it.
        if not (self._is_inserting and getattr(column.table, "name", None) == "excluded"):
            self._note(self.reads, *column.base_columns)
        return super().visit_column(column, *args, **options)

    def visit_count_func(self, function: Any, **options: Any) -> str:  # noqa: ANN401, D102
        (argument, *_) = function.clauses.clauses
        is_star = isinstance(argument, ColumnClause) and argument.is_literal and argument.name == "*"
        return "count(*)" if is_star else f"count{self.function_argspec(function, **options)}"

    def visit_table(self, table: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401, D102
        # Where no column of a table is read, `count(*)` needs the right to read any of them.
        if options.get("asfrom") and not options.get("iscrud"):
            self._any.append((self.reads, table))
        return super().visit_table(table, *args, **options)  # type: ignore[no-untyped-call] # SQLAlchemy's own

    def visit_insert(self, insert_stmt: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401, D102
        self._any.append((self.inserts, insert_stmt.table))
        return super().visit_insert(insert_stmt, *args, **options)  # type: ignore[no-untyped-call] # the same

    def visit_delete(self, delete_stmt: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401, D102
        self.deletes.add(_key(delete_stmt.table))
        return super().visit_delete(delete_stmt, *args, **options)  # type: ignore[no-untyped-call] # the same

    def visit_on_conflict_do_update(self, on_conflict: Any, **options: Any) -> Any:  # noqa: ANN401, D102
        for key in dict(on_conflict.update_values_to_set):
            self._note(self.updates, self._target.columns[key] if isinstance(key, str) else key)
        return super().visit_on_conflict_do_update(on_conflict, **options)  # type: ignore[no-untyped-call] # the same

    def for_update_clause(self, select: Any, **options: Any) -> Any:  # noqa: ANN401, D102
        # To lock rows takes the right to update any column of theirs.
        of = select._for_update_arg.of or select.get_final_froms()  # noqa: SLF001 - not public elsewhere
        self._any += [(self.updates, table) for table in map(_table_of, of) if table is not None]
        return super().for_update_clause(select, **options)  # type: ignore[no-untyped-call] # the same

    def visit_textclause(self, textclause: Any, *_args: Any, **_options: Any) -> NoReturn:  # noqa: ANN401, D102
        self._refuse(textclause.text)

    def visit_tstring(self, tstring: Any, *_args: Any, **_options: Any) -> NoReturn:  # noqa: ANN401, D102
        self._refuse(str(tstring))

    def _generate_prefixes(self, *_args: object, **_options: object) -> str:
        """Words such as MATERIALIZED are text without names."""
        return ""

    def _on_conflict_target(self, clause: Any, **options: Any) -> Any:  # noqa: ANN401
        if clause.constraint_target is not None:
            self._note(self.reads, *_constrained(self._target, clause.constraint_target))
        for element in clause.inferred_target_elements or ():
            if isinstance(element, str):
                self._note(self.reads, self._target.columns[element])
        return super()._on_conflict_target(clause, **options)  # type: ignore[no-untyped-call] # the same

    @property
    def _target(self) -> Any:  # noqa: ANN401 - the table of the statement at hand
        statement: Any = self.stack[-1]["selectable"]
        return statement.table

    @property
    def _is_inserting(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1]["selectable"], Insert)

    def _note(self, noted: Noted, *columns: Any) -> None:  # noqa: ANN401 - of a table, or of what is no table
        for column in columns:
            table = getattr(column, "table", None)
            if isinstance(table, TableClause) and not column.is_literal:
                noted[_key(table)].add(column.name)

    def _refuse(self, text: str) -> NoReturn:
        raise UnreadableStatementError(f"Nobody knows what {text!r} reads: write it with SQLAlchemy's expressions.")


class _Preparer(PGIdentifierPreparer):
    """Tells the recorder which columns an INSERT or an UPDATE sets: it is their names that are formatted alone."""

    def __init__(self, dialect: PGDialect, recorder: Recorder) -> None:
        super().__init__(dialect)
        self._recorder = recorder

    def format_column(self, column: Any, *args: Any, **options: Any) -> str:  # noqa: ANN401
        self._recorder.set_column(column)
        return super().format_column(column, *args, **options)


def _key(table: Any) -> str:  # noqa: ANN401 - what an INSERT, an UPDATE or a DELETE names
    return table_key(table.schema, table.name)


def _table_of(clause: Any) -> TableClause | None:  # noqa: ANN401 - a table, an alias of one, a column or a mapped class
    found = getattr(clause, "table", clause)
    found = getattr(found, "element", found)
    return found if isinstance(found, TableClause) else None


def _constrained(table: Any, name: str) -> list[Any]:  # noqa: ANN401 - as above
    for rule in table.constraints:
        if rule.name == name and isinstance(rule, UniqueConstraint | PrimaryKeyConstraint):
            return list(rule.columns)
    # A rule that isn't known here may be of any columns.
    return list(table.columns)
