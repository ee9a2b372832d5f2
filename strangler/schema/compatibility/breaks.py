"""The ways in which a schema change breaks a running service, as `Break`s."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_SHOWN: Final = 4
# The hint for a new constraint.
KEEP_FIRST: Final = "first release a version that keeps to it"


class BreakKind(StrEnum):
    """The kind of a schema change that breaks a service; remedies are keyed by it, so a value never changes."""

    TABLE_GONE = "table-gone"
    TABLE_CHANGED = "table-changed"  # a table became a view, a view has another query, rows are hidden by policies
    COLUMN_GONE = "column-gone"
    VALUE_CHANGED = "value-changed"  # a generated column has another expression
    COLUMN_ADDED = "column-added"  # a statement selects `*`, so it gets the new column too
    TYPE_CHANGED = "type-changed"
    COLLATION_CHANGED = "collation-changed"
    NARROWED = "narrowed"  # values that were accepted are refused or cut
    MAY_BE_NULL = "may-be-null"
    MUST_BE_GIVEN = "must-be-given"  # NOT NULL, and an INSERT gives no value
    MAY_NOT_BE_NULL = "may-not-be-null"  # NOT NULL, and a statement may write NULL
    DEFAULT_GONE = "default-gone"
    NOT_WRITABLE = "not-writable"  # generated, or an identity that is always PostgreSQL's
    NEW_CONSTRAINT = "new-constraint"
    UNIQUE_GONE = "unique-gone"
    FOREIGN_KEY_CHANGED = "foreign-key-changed"  # has another target, is checked earlier, or acts differently on DELETE
    TRIGGER_CHANGED = "trigger-changed"


@dataclass(frozen=True)
class Break:
    """One schema change that breaks a running service: where, for which of its features, and what fixes it.

    `table` is the key that the contract knows it by; `column` is None where the whole table is meant.
    """

    table: str
    column: str | None
    features: tuple[str, ...]
    kind: BreakKind
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}."


def break_make(table: str, column: str | None, features: Iterable[str], kind: BreakKind, what: str, hint: str) -> Break:
    """A break whose message names the change and the features that need the table or column."""
    names = tuple(sorted(features))
    where = f"Column {table}.{column}" if column else f"Table {table}"
    message = f"{where} {what}; {_features_text(names)} would break"
    return Break(table=table, column=column, features=names, kind=kind, message=message, hint=hint)


def _features_text(names: Sequence[str]) -> str:
    shown = names if len(names) <= _SHOWN else [*names[: _SHOWN - 1], f"{len(names) - _SHOWN + 1} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
