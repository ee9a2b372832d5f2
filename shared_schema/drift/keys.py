"""Where the keys, constraints and indexes of a live table are not those of the contract.

Constraints and indexes go by what they do; a name counts where that can't be told in columns.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from shared_schema.catalog import CatalogConstraint, CatalogIndex, CatalogTable
from shared_schema.contract import ColumnFacts, ConstraintFacts, IndexFacts, TableFacts


class Difference(NamedTuple):
    """`stray`: the database has it, and the contract doesn't; `says` is a sentence without its mend."""

    stray: bool
    column: str | None
    says: str


def key_differences(key: str, facts: TableFacts, table: CatalogTable) -> Iterator[Difference]:
    """All of one table."""
    if set(facts.primary_key) != set(table.primary_key):
        yield _differs(
            f"Table {key} has {_primary(table.primary_key)} where the contract says {_primary(facts.primary_key)}"
        )
    yield from _references(key, facts, table)
    yield from _uniques(key, facts, table)
    yield from _checks(key, facts, table)
    yield from _indexes(key, facts, table)


def _differs(says: str, column: str | None = None, *, stray: bool = False) -> Difference:
    return Difference(stray, column, says)


def _primary(columns: Sequence[str]) -> str:
    return f"the primary key ({', '.join(columns)})" if columns else "no primary key"


def _references(key: str, facts: TableFacts, table: CatalogTable) -> Iterator[Difference]:
    found = {item.columns: item for item in table.constraints if item.kind == "foreign key"}
    for name, column in facts.columns.items():
        constraint = found.pop((name,), None)
        if name not in table.columns or column.references is None or not column.references.constraint:
            if constraint is not None:
                yield _differs(f"Column {key}.{name} {_points(constraint)}, unlike in the contract", name, stray=True)
            continue
        yield from (_differs(f"Column {key}.{name} {says}", name) for says in _pointing(column, constraint))
    for columns, constraint in found.items():
        where = f"Table {key} has a foreign key on ({', '.join(columns)})"
        yield _differs(f"{where} that {_points(constraint)}, and the contract knows of none", stray=True)


def _points(constraint: CatalogConstraint) -> str:
    return f"points at {constraint.target} ({', '.join(constraint.target_columns)})"


def _pointing(column: ColumnFacts, constraint: CatalogConstraint | None) -> Iterator[str]:
    wanted = column.references
    assert wanted is not None  # noqa: S101 - the caller has looked
    if constraint is None:
        yield f"has no foreign key to {wanted.table} ({wanted.column})"
    elif (constraint.target, constraint.target_columns) != (wanted.table, (wanted.column,)):
        yield f"{_points(constraint)} where the contract says {wanted.table} ({wanted.column})"
    elif not constraint.deferrable:
        yield "has a foreign key that is checked at once, where Django's are checked when a transaction ends"
    elif not constraint.validated:
        yield "has a foreign key that is not validated, so that rows may point nowhere"


def _uniques(key: str, facts: TableFacts, table: CatalogTable) -> Iterator[Difference]:
    wanted = [*_unique_facts(facts)]
    strays = {index.name: index for index in table.indexes if index.unique and index.valid}
    primary = {item.name for item in table.constraints if item.kind == "primary key"}
    for name, columns in wanted:
        matches = [index.name for index in strays.values() if name == index.name or _covers(index, columns)]
        if not matches:
            where = f"on ({', '.join(columns)})" if columns else f"named {name}"
            yield _differs(f"Table {key} has no unique key {where}", columns[0] if len(columns) == 1 else None)
        for match in matches:
            del strays[match]
    for index in strays.values():
        # The primary key of a table serves a column that Django calls unique besides.
        if index.name not in primary:
            says = f"Table {key} has the unique key {index.name} ({', '.join(index.columns)})"
            yield _differs(f"{says}, and the contract knows of none", stray=True)


def _unique_facts(facts: TableFacts) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    """Name and columns of what must be unique; no columns where they don't tell the whole of it."""
    for name, column in facts.columns.items():
        if column.unique and not column.primary_key:
            yield None, (name,)
    for constraint in facts.constraints:
        if constraint.kind == "unique":
            yield constraint.name, () if constraint.definition else constraint.columns
    for index in facts.indexes:
        if index.unique:
            plain = index.columns if index.condition is None and index.definition is None else None
            yield index.name, tuple(_plain(column) for column in plain or ())


def _covers(index: CatalogIndex, columns: Sequence[str]) -> bool:
    return bool(columns) and not index.partial and {_plain(column) for column in index.columns} == set(columns)


def _plain(column: str) -> str:
    """A column's name, from how PostgreSQL tells it as a part of an index."""
    name = column.removesuffix(" DESC")
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _checks(key: str, facts: TableFacts, table: CatalogTable) -> Iterator[Difference]:
    for kind, says in (("check", "check"), ("exclusion", "exclusion constraint")):
        wanted = [constraint for constraint in facts.constraints if constraint.kind == kind]
        strays = [constraint for constraint in table.constraints if constraint.kind == kind]
        for constraint in wanted:
            match = next((each for each in strays if _is_it(constraint, each)), None)
            if match is None:
                yield _differs(f"Table {key} has no {says} {_called(constraint)}")
                continue
            strays.remove(match)
            if not match.validated:
                yield _differs(f"Table {key} has the {says} {match.name} not validated, so that rows may break it")
        for stray in strays:
            if not _of_positive(facts, stray):
                yield _differs(f"Table {key} has the {says} {stray.name}, and the contract knows of none", stray=True)


def _is_it(constraint: ConstraintFacts, found: CatalogConstraint) -> bool:
    return constraint.name == found.name or (constraint.name is None and set(constraint.columns) == set(found.columns))


def _called(constraint: ConstraintFacts) -> str:
    return constraint.name or f"on ({', '.join(constraint.columns)})"


def _of_positive(facts: TableFacts, check: CatalogConstraint) -> bool:
    """Whether it is the check that Django gives each column that holds no negative number."""
    columns = [facts.columns.get(name) for name in check.columns]
    return len(columns) == 1 and columns[0] is not None and columns[0].kind.startswith("Positive")


_INVALID: Final = "is not valid, since it could not be made while the table was in use"


def _indexes(key: str, facts: TableFacts, table: CatalogTable) -> Iterator[Difference]:
    for broken in table.indexes:
        if not broken.valid:
            yield _differs(f"Index {broken.name} of table {key} {_INVALID}")
    names = {index.name: index for index in table.indexes}
    for index in facts.indexes:
        if index.unique or any(_does(index, found) for found in table.indexes):
            continue
        same_name = names.get(index.name or "")
        on = f"({', '.join(index.columns)})" if index.columns else ""
        if same_name is None and (index.columns or index.name):
            yield _differs(f"Table {key} has no {' '.join(filter(None, ('index', index.name, on and f'on {on}')))}")
        elif same_name is not None and index.columns is not None and same_name.valid:
            yield _differs(
                f"Index {index.name} of table {key} is a {_told(same_name)} where the contract says a "
                f"{index.method} on {on}{' of some rows' if index.condition else ''}"
            )


def _does(index: IndexFacts, found: CatalogIndex) -> bool:
    """Whether an index of the database is the one that the contract means, or as good."""
    if index.columns is None or not found.valid:
        return False
    same_rows = found.partial == (index.condition is not None)
    return (
        same_rows and found.method == index.method and [*map(_sorted, found.columns)] == [*map(_sorted, index.columns)]
    )


def _sorted(column: str) -> tuple[str, bool]:
    return _plain(column), column.endswith(" DESC")


def _told(index: CatalogIndex) -> str:
    return f"{index.method} on ({', '.join(index.columns)}){' of some rows' if index.partial else ''}"
