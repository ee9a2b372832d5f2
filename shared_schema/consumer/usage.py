"""The usage of tables by one statement: columns that it reads, inserts and updates, tables that it deletes from.

The answer is SQLAlchemy's own: a statement is compiled by a compiler that notes each column as it is written out, in a
CTE, a subquery or an ON CONFLICT as anywhere else. It is PostgreSQL's notion of use too, which asks for a right on
exactly these columns (https://www.postgresql.org/docs/current/sql-grant.html).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Executable

from shared_schema.consumer.recorder import Recorder

Columns = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Usage:
    """Columns by the key of their table; `deletes` holds keys of tables. A table without columns is left out."""

    reads: Columns = field(default_factory=dict)
    inserts: Columns = field(default_factory=dict)
    updates: Columns = field(default_factory=dict)
    deletes: frozenset[str] = frozenset()

    def __or__(self, other: "Usage") -> "Usage":
        return Usage(
            reads=_merged(self.reads, other.reads),
            inserts=_merged(self.inserts, other.inserts),
            updates=_merged(self.updates, other.updates),
            deletes=self.deletes | other.deletes,
        )

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(
            reads=_without(self.reads, other.reads),
            inserts=_without(self.inserts, other.inserts),
            updates=_without(self.updates, other.updates),
            deletes=self.deletes - other.deletes,
        )

    def __bool__(self) -> bool:
        return bool(self.reads or self.inserts or self.updates or self.deletes)


def usage_of(statement: Executable) -> Usage:
    """The usage of one statement, including its Python-side defaults.

    Raises:
        UnreadableStatementError: it holds `text()`, or a `literal_column()` that is no constant.
    """
    recorder = Recorder(statement)
    kinds = (recorder.reads, recorder.inserts, recorder.updates)
    reads, inserts, updates = ({table: frozenset(names) for table, names in kind.items()} for kind in kinds)
    return Usage(reads=reads, inserts=inserts, updates=updates, deletes=frozenset(recorder.deletes))


def _merged(left: Columns, right: Columns) -> Columns:
    return {table: left.get(table, frozenset()) | right.get(table, frozenset()) for table in {*left, *right}}


def _without(left: Columns, right: Columns) -> Columns:
    rest = {table: columns - right.get(table, frozenset()) for table, columns in left.items()}
    return {table: columns for table, columns in rest.items() if columns}
