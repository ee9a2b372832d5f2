"""What a change of one column breaks: it is dropped, holds other values, or accepts fewer than are written."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared_schema.catalog import Catalog, CatalogColumn, CatalogTable
from shared_schema.consumer.consumer import Need
from strangler.schema.compatibility.breaks import Break, BreakKind, break_make
from strangler.schema.compatibility.column_types import TypeChange, compare_types, default_fits, is_integer
from strangler.schema.compatibility.effects import Effects, Features, Verb
from strangler.schema.compatibility.sql_text import names_in

_NUMBERS: Final = re.compile(r"\bnextval\(|\bgen_random_uuid\(|\buuid\w*\(", re.IGNORECASE)


@dataclass(frozen=True)
class TableChange:
    """One table before and after the change, with the effects of the service on it and its needs of the columns."""

    key: str
    before: CatalogTable
    after: CatalogTable
    effects: Effects
    needs: Mapping[str, Need]
    catalogs: tuple[Catalog, Catalog]

    @property
    def in_one_database(self) -> bool:
        """Whether both catalogs are of one database, so that oids and column numbers can be compared."""
        before, after = (catalog.database for catalog in self.catalogs)
        return before is not None and before == after

    def breaks(self, column: str | None, features: Features, kind: BreakKind, what: str, hint: str) -> Iterator[Break]:
        """A break, unless it affects no feature."""
        if features:
            yield break_make(self.key, column, features, kind, what, hint)


def column_breaks(change: TableChange) -> Iterator[Break]:
    """The breaks of a remaining table's columns, in the order of their names."""
    for name in sorted(change.effects.columns | set(change.before.columns) | set(change.after.columns)):
        before, after = change.before.columns.get(name), change.after.columns.get(name)
        if after is None:
            yield from _dropped(change, name)
        elif before is None:
            yield from _added(change, name, after)
        else:
            for rule in (
                _replaced,
                _type,
                _collation,
                _null_read,
                _null_written,
                _default,
                _default_size,
                _writable,
                _expression,
            ):
                yield from rule(change, name, before, after)


def is_numbering(column: CatalogColumn) -> bool:
    """Whether the column's default gives each row another value."""
    return column.identity is not None or bool(_NUMBERS.search(column.default or ""))


def _dropped(change: TableChange, name: str) -> Iterator[Break]:
    features = change.effects.uses(name)
    lookalikes = [
        other
        for other, column in change.after.columns.items()
        if other not in change.before.columns and name in change.before.columns
        if column.type == change.before.columns[name].type
    ]
    renamed = f" (is it {change.key}.{lookalikes[0]} now?)" if len(lookalikes) == 1 else ""
    hint = "keep it until no running version needs it"
    yield from change.breaks(name, features, BreakKind.COLUMN_GONE, f"no longer exists{renamed}", hint)


def _added(change: TableChange, name: str, after: CatalogColumn) -> Iterator[Break]:
    if after.must_be_given:
        hint = "give it a default in the database (db_default), or let it be null until every running version fills it"
        what = "is new, NOT NULL and without a default, and rows are inserted without it"
        yield from change.breaks(name, change.effects.leaves(name), BreakKind.MUST_BE_GIVEN, what, hint)
    yield from _default_size(change, name, None, after)
    what = "is new, and a statement selects all columns"
    hint = "name the columns in the statement first"
    yield from change.breaks(name, change.effects.of(Verb.ALL), BreakKind.COLUMN_ADDED, what, hint)


def _replaced(change: TableChange, name: str, before: CatalogColumn, after: CatalogColumn) -> Iterator[Break]:
    # Names that were swapped, or a column that was dropped and added again: other values.
    if change.in_one_database and change.before.oid == change.after.oid and before.place != after.place:
        hint = "keep the old one until no running version needs it, and give the new one another name"
        features = change.effects.uses(name)
        yield from change.breaks(name, features, BreakKind.COLUMN_GONE, "is another column with the same name", hint)


def _type(change: TableChange, name: str, before: CatalogColumn, after: CatalogColumn) -> Iterator[Break]:
    kind = compare_types(before.type, after.type, catalogs=change.catalogs)
    touched = change.effects.uses(name)
    types = f"{before.type} to {after.type}" if before.type != after.type else before.type
    if kind is TypeChange.OTHER:
        hint = "add a new column beside it, write both, and move the readers over"
        what = f"changes its type ({types})"
        yield from change.breaks(name, touched, BreakKind.TYPE_CHANGED, what, hint)
        return
    if kind is TypeChange.NARROWER:
        # A parameter that is compared with an integer column has its type, and fails if it is too large.
        features = touched if is_integer(after.type) else change.effects.writes(name)
        hint = "first release a version that writes no larger values"
        yield from change.breaks(name, features, BreakKind.NARROWED, f"accepts fewer values ({types})", hint)
    if before.type != after.type:
        # A recursive query needs the same type in both parts; the sum of bigint is numeric, a Decimal in Python.
        touchy = ["recursive", *(["sum"] if is_integer(after.type) else [])]
        features = touched & change.effects.of(Verb.WORD, *touchy)
        what = f"changes its type ({types}) under a recursive query or a sum"
        hint = "cast it in the statement first"
        yield from change.breaks(name, features, BreakKind.TYPE_CHANGED, what, hint)


def _collation(change: TableChange, name: str, before: CatalogColumn, after: CatalogColumn) -> Iterator[Break]:
    if before.collation != after.collation:
        was, becomes = (column.collation or "the default" for column in (before, after))
        what = f"changes its collation ({was} to {becomes}), so rows sort and compare differently"
        hint = "add a new column beside it, write both, and move the readers over"
        yield from change.breaks(name, change.effects.uses(name), BreakKind.COLLATION_CHANGED, what, hint)


def _null_read(change: TableChange, name: str, before: CatalogColumn, after: CatalogColumn) -> Iterator[Break]:
    need = change.needs.get(name)
    if after.nullable and not before.nullable and (need is None or not need.nullable):
        hint = "release a version that reads NULL first, or write no NULL until then"
        features = change.effects.of(Verb.READ, name)
        yield from change.breaks(name, features, BreakKind.MAY_BE_NULL, "may be null now", hint)


def _null_written(change: TableChange, name: str, before: CatalogColumn, after: CatalogColumn) -> Iterator[Break]:
    if after.nullable or not before.nullable:
        return
    need = change.needs.get(name)
    features = change.effects.of(Verb.NULL, name)
    if need is None or need.nullable:
        features |= change.effects.writes(name)
    hint = "release a version that writes no NULL first"
    what = "is NOT NULL now, and may be given NULL"
    if not after.validated:
        # A row that still holds NULL fails on any UPDATE.
        features |= change.effects.of(Verb.UPDATE)
    yield from change.breaks(name, features, BreakKind.MAY_NOT_BE_NULL, what, hint)
    if not after.has_source:
        hint = "give it a default in the database (db_default), or release a version that gives it first"
        what = "is NOT NULL now, and rows are inserted without it"
        yield from change.breaks(name, change.effects.leaves(name), BreakKind.MUST_BE_GIVEN, what, hint)


def _default(change: TableChange, name: str, before: CatalogColumn, after: CatalogColumn) -> Iterator[Break]:
    if (before.default, before.identity, before.generated) == (after.default, after.identity, after.generated):
        return
    if before.has_source and not after.has_source:
        what = "has no default any more, and rows are inserted without it"
    elif is_numbering(before) and {before.identity, after.identity} != {"always", "by default"}:
        what = "gets its value from another source now, and rows are inserted without it"
    elif _is_constrained(change.after, name) and not is_numbering(after):
        what = "has another default, which a constraint may refuse, and rows are inserted without it"
    else:
        return
    hint = "keep the default until every running version gives the column"
    yield from change.breaks(name, change.effects.leaves(name), BreakKind.DEFAULT_GONE, what, hint)


def _default_size(
    change: TableChange, name: str, before: CatalogColumn | None, after: CatalogColumn
) -> Iterator[Break]:
    unchanged = before is not None and (before.default, before.type) == (after.default, after.type)
    if not unchanged and not default_fits(after.default, after.type):
        what = f"has a default that {after.type} doesn't take, {after.default}, and rows are inserted without it"
        hint = "give it one that fits"
        yield from change.breaks(name, change.effects.leaves(name), BreakKind.MUST_BE_GIVEN, what, hint)


def _is_constrained(table: CatalogTable, name: str) -> bool:
    unique = (index for index in table.indexes if index.unique)
    return any(name in constraint.columns for constraint in table.constraints) or any(
        name in names_in(index.definition) for index in unique
    )


def _writable(change: TableChange, name: str, before: CatalogColumn, after: CatalogColumn) -> Iterator[Break]:
    if (after.generated and not before.generated) or (after.identity == "always" and before.identity != "always"):
        what = "is filled by PostgreSQL alone now, and is given a value"
        hint = "release a version that leaves it out first"
        yield from change.breaks(name, change.effects.writes(name), BreakKind.NOT_WRITABLE, what, hint)


def _expression(change: TableChange, name: str, before: CatalogColumn, after: CatalogColumn) -> Iterator[Break]:
    if before.generated and after.generated and before.expression != after.expression:
        what = f"has another expression ({before.expression} before, {after.expression} now)"
        hint = "add a new column beside it, and move the readers over"
        yield from change.breaks(name, change.effects.of(Verb.READ, name), BreakKind.VALUE_CHANGED, what, hint)
