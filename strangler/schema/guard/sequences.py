"""The sequences that number rows: their options and positions, which a migration can set back.

A clone without rows gets the positions of the live sequences; their next values are compared with the live keys.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

from shared_schema.catalog import Catalog, table_key
from strangler.schema.compatibility.sql_text import uniques_of, words

# Each with the columns that take their values from it, as an identity or by a default, and the one that it belongs to.
_SEQUENCES: Final = """
    SELECT namespace.nspname, sequence.relname, seqincrement, seqmin, seqmax, seqcycle,
        (SELECT refobjid::regclass || '.' || attname FROM pg_depend
            JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
            WHERE classid = 'pg_class'::regclass AND objid = seqrelid AND deptype IN ('a', 'i')) AS owner,
        ARRAY(SELECT ARRAY[nspname::text, relname::text, attname::text] FROM (
                SELECT refobjid AS oid, refobjsubid AS number FROM pg_depend
                WHERE classid = 'pg_class'::regclass AND objid = seqrelid AND deptype = 'i' AND refobjsubid > 0
                UNION SELECT adrelid, adnum FROM pg_depend JOIN pg_attrdef ON pg_attrdef.oid = objid
                WHERE classid = 'pg_attrdef'::regclass AND refobjid = seqrelid) AS fed
            JOIN pg_class ON pg_class.oid = fed.oid JOIN pg_namespace ON pg_namespace.oid = relnamespace
            JOIN pg_attribute ON attrelid = fed.oid AND attnum = number) AS feeds
    FROM pg_sequence JOIN pg_class AS sequence ON sequence.oid = seqrelid
    JOIN pg_namespace AS namespace ON namespace.oid = sequence.relnamespace
    WHERE has_sequence_privilege(seqrelid, 'SELECT') AND NOT pg_is_other_temp_schema(sequence.relnamespace)
"""
_NO_VALUES: Final = "its sequence has no value left: an INSERT without one fails"
_CYCLES: Final = "its sequence restarts at its end (CYCLE), with values that rows have"


@dataclass(frozen=True)
class NumberSequence:
    """A sequence: the columns that it feeds, by the keys of their tables, and its `owner` column, if any.

    `last` is the value that it gave last, or gives next where it isn't `called` yet; sequences that differ in position
    alone are equal.
    """

    feeds: tuple[tuple[str, str], ...]
    owner: str | None
    increment: int
    minimum: int
    maximum: int
    cycle: bool
    last: int = field(compare=False)
    called: bool = field(compare=False)

    @property
    def following(self) -> int:
        """The next value, if one is left."""
        return self.last + self.increment if self.called else self.last

    @property
    def is_spent(self) -> bool:
        """Whether nextval() fails."""
        return not self.cycle and not self.minimum <= self.following <= self.maximum


class SequenceFault(NamedTuple):
    """A column whose next values can't be used, and why."""

    table: str
    column: str
    what: str


Sequences = Mapping[str, NumberSequence]
KeyRanges = Mapping[tuple[str, str], tuple[int, int]]


def read_sequences(connection: psycopg.Connection, *, default: str) -> dict[str, NumberSequence]:
    """The sequences of a database by key; `default` is the schema that keys don't name.

    :raises psycopg.Error: the database refuses.
    """
    rows = connection.execute(_SEQUENCES).fetchall()
    at = _positions(connection, [(schema, name) for schema, name, *_ in rows])
    return {
        table_key(schema, name, default=default): NumberSequence(
            tuple((table_key(of, table, default=default), column) for of, table, column in feeds),
            owner,
            increment,
            minimum,
            maximum,
            cycle,
            *at[schema, name],
        )
        for schema, name, increment, minimum, maximum, cycle, owner, feeds in rows
    }


def _positions(
    connection: psycopg.Connection, names: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, bool]]:
    selects = [
        sql.SQL("SELECT {}, {}, last_value, is_called FROM {}").format(*map(sql.Literal, name), sql.Identifier(*name))
        for name in names
    ]
    rows = connection.execute(sql.SQL(" UNION ALL ").join(selects)).fetchall() if selects else []
    return {(schema, name): (last, called) for schema, name, last, called in rows}


def copy_positions(live: psycopg.Connection, clone: psycopg.Connection) -> None:
    """Set the sequences of a clone to where the live ones are.

    :raises psycopg.Error: a database refuses.
    """
    names = [(schema, name) for schema, name, *_ in live.execute(_SEQUENCES).fetchall()]
    for name, position in _positions(live, names).items():
        clone.execute("SELECT setval(%s::regclass, %s, %s)", (sql.Identifier(*name).as_string(clone), *position))


def read_key_ranges(
    connection: psycopg.Connection, catalog: Catalog, sequences: Sequences
) -> dict[tuple[str, str], tuple[int, int]]:
    """The least and the greatest value of each column that a sequence feeds and no two rows may share.

    :raises psycopg.Error: the database refuses.
    """
    ranges = {}
    for key, column in {fed for sequence in sequences.values() for fed in sequence.feeds}:
        table = catalog.tables.get(key)
        if table is None or not any(rule.columns == {column} for rule in uniques_of(table)):
            continue
        query = sql.SQL("SELECT min({0}), max({0}) FROM {1}")
        ((least, greatest),) = connection.execute(
            query.format(sql.Identifier(column), sql.Identifier(table.schema, table.name))
        ).fetchall()
        if least is not None:
            ranges[key, column] = (least, greatest)
    return ranges


def find_sequence_faults(
    before: Sequences, after: Sequences, ranges: KeyRanges, statements: Iterable[str]
) -> Iterator[SequenceFault]:
    """The columns whose next values a migration has made unusable.

    A sequence that the migration sets by the rows (`setval(…, max(id))`) isn't checked: the clone has none.
    """
    is_set_by_rows = any({"setval", "max"} <= set(words(statement)) for statement in statements)
    feeding = {fed: sequence for sequence in before.values() for fed in sequence.feeds}
    for name, now in after.items():
        for table, column in now.feeds:
            then = feeding.get((table, column))
            if then is not None and then == now and not _is_set_back(then, now):
                continue
            if not is_set_by_rows and (what := _fault(then, now, ranges.get((table, column)))):
                yield SequenceFault(table, column, what)
        was = before.get(name)
        if was is not None and was.owner is not None and now.owner is None:
            table, _, column = was.owner.rpartition(".")
            yield SequenceFault(
                table, column, "its sequence no longer belongs to it: pg_get_serial_sequence finds none"
            )


def _is_set_back(then: NumberSequence, now: NumberSequence) -> bool:
    return (now.following - then.following) * now.increment < 0


def _fault(then: NumberSequence | None, now: NumberSequence, keys: tuple[int, int] | None) -> str | None:
    if now.is_spent and not (then is not None and then.is_spent):
        return _NO_VALUES
    if now.cycle and not (then is not None and then.cycle):
        return _CYCLES
    if keys is None:
        return None
    least, greatest = keys
    if (now.following <= greatest) if now.increment > 0 else (now.following >= least):
        return (
            f"its sequence continues with {now.following}, and rows have {least} to {greatest}: an INSERT without a "
            "value fails"
        )
    return None
