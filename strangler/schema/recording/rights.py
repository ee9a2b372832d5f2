"""The columns that a statement needs a right on, by PostgreSQL's own account.

PostgreSQL parses the statement and prints what it made of it (`debug_print_parse`), with the columns that its check of
permissions will look at. Nothing is executed, and no SQL is parsed here. The printed tree is as of PostgreSQL 14 to 18:
what a right is needed on stands in RTEPERMISSIONINFO since 16, in RTE before.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import psycopg
from psycopg import pq

from shared_schema.catalog import table_key
from shared_schema.consumer.usage import Usage
from strangler.errors import FailedError

_PERMISSIONS: Final = re.compile(
    r":relid (\d+) [^{}]*?:requiredPerms (\d+) :checkAsUser \d+ "
    r":selectedCols \(b([ \d]*)\) :insertedCols \(b([ \d]*)\) :updatedCols \(b([ \d]*)\)"
)
# PostgreSQL's ACL_INSERT and so on.
_INSERT, _SELECT, _UPDATE, _DELETE = 1, 2, 4, 8
# Sets of columns begin with the lowest of the system's own (FirstLowInvalidHeapAttributeNumber); 0 is the whole row.
_OFFSET: Final = -7
_SETTINGS: Final = "SET client_min_messages = log; SET debug_print_parse = on; SET debug_pretty_print = off"
_COLUMNS: Final = """
    SELECT c.oid::int, coalesce(current_schema(), 'public'), n.nspname, c.relname, a.attnum::int, a.attname,
        format_type(a.atttypid, NULL), NOT a.attnotnull, coalesce(a.attnum = ANY (k.conkey), false)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
    WHERE c.oid = ANY (%s::oid[]) AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
"""
_TYPES: Final = "SELECT format_type(oid, NULL) FROM unnest(%s::oid[]) WITH ORDINALITY AS t (oid, place) ORDER BY place"


class RecordedColumn(NamedTuple):
    """A column of a table, as it is."""

    table: str
    name: str
    type: str
    nullable: bool


@dataclass(frozen=True)
class StatementRights:
    """What one statement needs; `types` are those of its parameters, `columns` what is read, as it is now."""

    usage: Usage
    types: tuple[str, ...]
    columns: tuple[RecordedColumn, ...]


class UnparsedStatementError(Exception):
    """PostgreSQL doesn't know the statement; the text is its own error."""


@dataclass
class RightsReader:
    """Asks one database, whose tables are those of the statements."""

    _connection: psycopg.Connection

    @classmethod
    def on(cls, connection: psycopg.Connection) -> Self:
        """A reader on a connection in autocommit mode, which it has for itself.

        :raises FailedError: the server has no such setting.
        """
        try:
            connection.execute(_SETTINGS)
        except psycopg.Error as error:
            reason = str(error).strip().splitlines()[0]
            raise FailedError(
                f"PostgreSQL doesn't show what it parsed ({reason})", "use PostgreSQL 14 to 18"
            ) from error
        return cls(connection)

    def read(self, text: str) -> StatementRights:
        """The rights that a statement needs; none for one that is no query, such as BEGIN.

        :raises UnparsedStatementError: a table or a column that it names isn't there, or it is several statements.
        """
        printed: list[str] = []

        def keep(notice: psycopg.errors.Diagnostic) -> None:
            printed.append(notice.message_detail or "")

        self._connection.add_notice_handler(keep)
        pgconn = self._connection.pgconn
        result = pgconn.prepare(b"", text.encode())
        self._connection.remove_notice_handler(keep)
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise UnparsedStatementError(result.error_message.decode(errors="replace").strip().splitlines()[0])
        described = pgconn.describe_prepared(b"")
        oids = [described.param_type(place) for place in range(described.nparams)]
        types = tuple(name for (name,) in self._connection.execute(_TYPES, (oids,)).fetchall()) if oids else ()
        # Its lines are folded at 80 characters.
        found = _PERMISSIONS.findall(" ".join(" ".join(printed).split()))
        return self._rights(found, types)

    def _rights(self, found: Iterable[tuple[str, ...]], types: tuple[str, ...]) -> StatementRights:
        tables = self._tables([int(relation) for relation, *_ in found])
        usage, read = Usage(), list[RecordedColumn]()
        for relation, permissions, *sets in found:
            table, needed = tables.get(int(relation)), int(permissions)
            if table is None:
                continue
            selected, inserted, updated = (
                table.named(_numbers(text)) if needed & right else []
                for text, right in zip(sets, (_SELECT, _INSERT, _UPDATE), strict=True)
            )
            read += selected
            usage |= Usage(
                reads=table.columns(selected),
                inserts=table.columns(inserted),
                updates=table.columns(updated),
                deletes=frozenset([table.key] if needed & _DELETE else []),
            )
        return StatementRights(usage, types, tuple(dict.fromkeys(read)))

    def _tables(self, relations: list[int]) -> Mapping[int, "_Table"]:
        rows = self._connection.execute(_COLUMNS, (relations,)).fetchall() if relations else []
        tables: dict[int, _Table] = {}
        for oid, default, schema, name, place, column, kind, nullable, is_key in rows:
            key = table_key(None if schema == default else schema, name)
            table = tables.setdefault(oid, _Table(key, {}, []))
            table.by_place[place] = RecordedColumn(key, column, kind, nullable)
            if is_key:
                table.key_places.append(place)
        return tables


@dataclass(frozen=True)
class _Table:
    key: str
    by_place: dict[int, RecordedColumn]
    key_places: list[int]

    def named(self, places: Iterable[int]) -> list[RecordedColumn]:
        """The columns of these numbers; where a right on any column will do, the key's."""
        wanted = set(places)
        if 0 in wanted:
            return list(self.by_place.values())
        any_will_do = self.key_places or sorted(self.by_place)[:1]
        return [self.by_place[place] for place in sorted(wanted or any_will_do) if place in self.by_place]

    def columns(self, found: Iterable[RecordedColumn]) -> dict[str, frozenset[str]]:
        names = frozenset(column.name for column in found)
        return {self.key: names} if names else {}


def _numbers(text: str) -> Iterator[int]:
    return (int(number) + _OFFSET for number in text.split())
