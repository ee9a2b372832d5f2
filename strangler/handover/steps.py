"""Steps of a handover: what is changed in the database, as transactions that can each be undone."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal

from psycopg import sql

_DIGEST_LENGTH: Final = 10


@dataclass(frozen=True, kw_only=True)
class Work:
    """What goes over the rows of a table in many small transactions, and may be repeated from its beginning.

    All but `name` are SQL. `condition` tells the rows that `backfill` changes by `assignment`, or that `compare`
    reports by their `columns`; it takes a digest of both `sides`. `archive` writes `columns` of every row to a file.
    """

    kind: Literal["backfill", "compare", "archive"]
    table: str
    name: str = ""
    columns: str = ""
    assignment: str = ""
    sides: tuple[str, ...] = ()
    condition: str = ""


@dataclass(frozen=True, kw_only=True)
class Action:
    """One transaction: its statements, and those of the transaction that undoes it.

    `table` is the key of the table that it locks, `target` that of another. Without `undo` nothing has to be undone.
    With `concurrently` each statement commits by itself, as CREATE INDEX CONCURRENTLY wants it, and all can be
    repeated. With `work` there are no statements.
    """

    table: str
    target: str | None = None
    statements: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    concurrently: bool = False
    work: Work | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One change that a person reads as one, such as `posts.author_id ON DELETE CASCADE`.

    `kind` is `defaults`, `on delete`, `identity`, `checks` or `alembic`, or a stage of `strangler modernise`.
    """

    kind: str
    title: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """The steps in their order, and sentences on what PostgreSQL can't keep or doesn't get."""

    steps: tuple[Step, ...]
    unkept: tuple[str, ...] = ()

    @property
    def actions(self) -> tuple[Action, ...]:
        """The transactions of all steps, in their order."""
        return tuple(action for step in self.steps for action in step.actions)

    @property
    def checksum(self) -> str:
        """A digest of all statements, in either direction."""
        text = json.dumps([[*action.statements, "|", *action.undo] for action in self.actions])
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def quoted(*names: str) -> str:
    """A name, or a qualified one, as SQL."""
    return sql.Identifier(*names).as_string(None)


def listed(names: Iterable[str]) -> str:
    """Names of columns, as SQL."""
    return ", ".join(map(quoted, names))


def literal(value: Any) -> str:  # noqa: ANN401 - whatever a column holds
    """A constant as SQL. Text has no type of its own, so that it takes that of its column."""
    if isinstance(value, str):
        return sql.Literal(value).as_string(None)
    if isinstance(value, datetime | date | time):
        return sql.Literal(value.isoformat()).as_string(None)
    if isinstance(value, timedelta):
        return sql.Literal(f"{value.days} days {value.seconds + value.microseconds / 1e6:f} seconds").as_string(None)
    return sql.Literal(value).as_string(None).strip()


def alter(table: str, *changes: str) -> str:
    """An ALTER TABLE of a table that is named as SQL."""
    return f"ALTER TABLE {table} {', '.join(changes)}"


def spelled_alike(one: str, other: str) -> bool:
    """Whether two expressions differ in no more than brackets, spaces, quotes and casts."""
    return _bare(one) == _bare(other)


def _bare(text: str) -> str:
    without_casts = text.replace("::text", "").replace("::numeric", "").replace("CHECK", "")
    return "".join(character for character in without_casts if character not in '()" ').lower()


def named(sequence: Sequence[str]) -> str:
    """Names in a sentence: `a, b and c`."""
    return " and ".join(filter(None, [", ".join(sequence[:-1]), *sequence[-1:]]))
