"""Mismatches between the keys, constraints and indexes of a live table and of the contract.

Constraints and indexes go by what they do; a name counts where columns don't say that.
"""

from collections.abc import Iterator, Sequence

from shared_schema.catalog import CatalogConstraint, CatalogIndex, CatalogTable
from shared_schema.contract.checks import table_rules
from shared_schema.contract.contract import ConstraintFacts, IndexFacts, ReferenceFacts, TableFacts
from shared_schema.drift.mismatch import EITHER, STRAY, Mismatch


def key_mismatches(key: str, facts: TableFacts, table: CatalogTable) -> Iterator[Mismatch]:
    """All of one table, which Django manages."""
    expected, actual = _listed(facts.primary_key), _listed(table.primary_key)
    if set(facts.primary_key) != set(table.primary_key):
        says = f"Table {key} has {_primary(actual)} where the contract says {_primary(expected)}"
        yield _mismatch(key, says, f"primary key {key}", expected, actual)
    yield from _references(key, facts, table)
    yield from _uniques(key, facts, table)
    yield from _checks(key, facts, table)
    yield from _indexes(key, facts, table)


def _mismatch(
    key: str, says: str, subject: str, expected: str | None, actual: str | None, column: str | None = None
) -> Mismatch:
    return Mismatch(key, column, says, STRAY if expected is None else EITHER, subject, expected, actual)


def _listed(columns: Sequence[str]) -> str | None:
    return f"({', '.join(columns)})" if columns else None


def _primary(columns: str | None) -> str:
    return f"the primary key {columns}" if columns else "no primary key"


def _references(key: str, facts: TableFacts, table: CatalogTable) -> Iterator[Mismatch]:
    actual = {item.columns: item for item in table.constraints if item.kind == "foreign key"}
    for name, column in facts.columns.items():
        constraint, wanted = actual.pop((name,), None), column.references
        if name not in table.columns:
            continue
        if wanted is not None and wanted.constraint:
            yield from _reference(key, name, wanted, constraint)
        elif constraint is not None:
            says = f"Column {key}.{name} points at {_target(constraint)}, unlike in the contract"
            yield _mismatch(key, says, f"foreign key {key}.{name}", None, _target(constraint), name)
    for columns, constraint in actual.items():
        points = f"{_listed(columns)} that points at {_target(constraint)}"
        says = f"Table {key} has a foreign key on {points}, and the contract knows of none"
        yield _mismatch(key, says, f"foreign key {key} {_listed(columns)}", None, _target(constraint))


def _target(constraint: CatalogConstraint) -> str:
    return f"{constraint.target} {_listed(constraint.target_columns)}"


def _reference(key: str, name: str, wanted: ReferenceFacts, actual: CatalogConstraint | None) -> Iterator[Mismatch]:
    where, subject, expected = f"Column {key}.{name}", f"foreign key {key}.{name}", f"{wanted.table} ({wanted.column})"
    if actual is None:
        yield _mismatch(key, f"{where} has no foreign key to {expected}", subject, expected, None, name)
    elif _target(actual) != expected:
        says = f"{where} points at {_target(actual)} where the contract says {expected}"
        yield _mismatch(key, says, subject, expected, _target(actual), name)
    elif not actual.deferrable:
        says = f"{where} has a foreign key that is checked at once, where Django's are checked when a transaction ends"
        yield _mismatch(key, says, f"{subject} checked", "when a transaction ends", "at once", name)
    elif not actual.validated:
        says = f"{where} has a foreign key that is not validated, so that rows may point nowhere"
        yield _mismatch(key, says, f"{subject} validated", "yes", "no", name)


def _uniques(key: str, facts: TableFacts, table: CatalogTable) -> Iterator[Mismatch]:
    strays = {index.name: index for index in table.indexes if index.unique and index.valid}
    primary = {item.name for item in table.constraints if item.kind == "primary key"}
    for name, columns in _unique_facts(facts):
        if not table.columns.keys() >= set(columns):
            continue
        matches = [index.name for index in strays.values() if name == index.name or _covers(index, columns)]
        if not matches:
            what = f"on {_listed(columns)}" if columns else f"named {name}"
            says, expected = f"Table {key} has no unique key {what}", _listed(columns) or str(name)
            column = columns[0] if len(columns) == 1 else None
            yield _mismatch(key, says, f"unique key {key}", expected, None, column)
        for match in matches:
            del strays[match]
    for index in strays.values():
        # The primary key of a table serves a column that Django calls unique besides.
        if index.name not in primary:
            actual = f"{index.name} {_listed(index.columns)}"
            says = f"Table {key} has the unique key {actual}, and the contract knows of none"
            yield _mismatch(key, says, f"unique key {key}", None, actual)


def _unique_facts(facts: TableFacts) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    """Name and columns of what must be unique; no columns where they don't suffice."""
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
    """A column's name, from how PostgreSQL writes it as a part of an index."""
    name = column.removesuffix(" DESC")
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _checks(key: str, facts: TableFacts, table: CatalogTable) -> Iterator[Mismatch]:
    for kind, says in (("check", "check"), ("exclusion", "exclusion constraint")):
        strays = [constraint for constraint in table.constraints if constraint.kind == kind]
        for wanted in (constraint for constraint in facts.constraints if constraint.kind == kind):
            match = next((stray for stray in strays if _is_it(wanted, stray)), None)
            called = wanted.name or f"on {_listed(wanted.columns)}"
            if match is None:
                yield _mismatch(key, f"Table {key} has no {says} {called}", f"{says} {key}", called, None)
                continue
            strays.remove(match)
            if not match.validated:
                sentence = f"Table {key} has the {says} {match.name} not validated, so that rows may break it"
                yield _mismatch(key, sentence, f"{says} {key} {called} validated", "yes", "no")
        # What a handover has made of choices and validators says nothing new.
        known = {rule.name for rule in table_rules(facts)}
        for stray in strays:
            if not _of_positive(facts, stray) and stray.name not in known:
                sentence = f"Table {key} has the {says} {stray.name}, and the contract knows of none"
                yield _mismatch(key, sentence, f"{says} {key}", None, stray.name)


def _is_it(wanted: ConstraintFacts, actual: CatalogConstraint) -> bool:
    return wanted.name == actual.name or (wanted.name is None and set(wanted.columns) == set(actual.columns))


def _of_positive(facts: TableFacts, check: CatalogConstraint) -> bool:
    """Whether it is the check that Django gives each column that holds no negative number."""
    columns = [facts.columns.get(name) for name in check.columns]
    return len(columns) == 1 and columns[0] is not None and columns[0].kind.startswith("Positive")


def _indexes(key: str, facts: TableFacts, table: CatalogTable) -> Iterator[Mismatch]:
    for broken in table.indexes:
        if not broken.valid:
            says = (
                f"Index {broken.name} of table {key} is not valid, since it could not be made while the table was used"
            )
            yield _mismatch(key, says, f"index {key} {broken.name} valid", "yes", "no")
    names = {index.name: index for index in table.indexes}
    for wanted in facts.indexes:
        # An index goes with its column, which is named already.
        if not table.columns.keys() >= {*map(_plain, wanted.columns or ())}:
            continue
        if wanted.unique or any(_does(wanted, actual) for actual in table.indexes):
            continue
        on = _listed(wanted.columns or ())
        called = " ".join(filter(None, (wanted.name, on and f"on {on}")))
        same_name = names.get(wanted.name or "")
        if same_name is None and called:
            yield _mismatch(key, f"Table {key} has no index {called}", f"index {key}", called, None)
        elif same_name is not None and on and same_name.valid:
            actual, expected = (
                _index_text(same_name.method, same_name.columns, same_name.partial),
                _index_text(wanted.method, wanted.columns or (), wanted.condition is not None),
            )
            says = f"Index {wanted.name} of table {key} is a {actual} where the contract says a {expected}"
            yield _mismatch(key, says, f"index {key} {wanted.name}", expected, actual)


def _does(wanted: IndexFacts, actual: CatalogIndex) -> bool:
    """Whether an index of the database is the one that the contract means, or as good."""
    if wanted.columns is None or not actual.valid:
        return False
    same_rows = actual.partial == (wanted.condition is not None)
    same_keys = [*map(_sorted, actual.columns)] == [*map(_sorted, wanted.columns)]
    return same_rows and same_keys and actual.method == wanted.method


def _sorted(column: str) -> tuple[str, bool]:
    return _plain(column), column.endswith(" DESC")


def _index_text(method: str, columns: Sequence[str], partial: bool) -> str:
    return f"{method} on {_listed(columns)}{' of some rows' if partial else ''}"
