"""Mismatches between the tables and columns of the live database and of the contract; `keys` has the rest."""

from collections.abc import Iterator, Mapping
from typing import Final

from shared_schema.catalog import Catalog, CatalogColumn, CatalogTable, CatalogType
from shared_schema.contract.contract import ColumnFacts, Contract, TableFacts
from shared_schema.drift.keys import key_mismatches
from shared_schema.drift.mismatch import EITHER, MIGRATE, STRAY, Mismatch, column_text
from shared_schema.drift.types import is_alike, is_same

# What Django, and Alembic after it, makes without a model.
_OF_MIGRATIONS: Final = frozenset({"django_migrations", "alembic_version"})
_TABLES: Final = frozenset({"table", "partitioned table", "foreign table"})


def contract_mismatches(contract: Contract, catalog: Catalog) -> list[Mismatch]:
    """Every difference, by table.

    Tables and views that Django doesn't manage are held to their columns alone. What only tells PostgreSQL how to be
    fast, such as an index that no model has, is no difference.
    """
    mismatches = [
        mismatch
        for key, facts in sorted(contract.tables.items())
        for mismatch in _table_mismatches(key, facts, catalog.tables.get(key), catalog.types)
    ]
    return mismatches + list(_stray_tables(contract, catalog))


def _table_mismatches(
    key: str, facts: TableFacts, table: CatalogTable | None, types: Mapping[str, CatalogType]
) -> Iterator[Mismatch]:
    subject = f"table {key}"
    if table is None:
        hint = MIGRATE if facts.managed else "Django doesn't manage it, so make it by hand or in a migration's RunSQL"
        yield Mismatch(key, None, f"Table {key} is missing", hint, subject, "", None)
        return
    if facts.managed and table.kind not in _TABLES:
        message = f"Table {key} is a {table.kind} in the database"
        yield Mismatch(key, None, message, MIGRATE, subject, "table", table.kind)
        return
    for name, column in facts.columns.items():
        yield from _column_mismatches(key, facts, name, column, table.columns.get(name), types)
    if facts.managed:
        for name, extra in table.columns.items():
            if name not in facts.columns:
                message = f"Column {key}.{name} is in the database and not in the contract"
                actual = column_text(extra.type, nullable=extra.nullable)
                yield Mismatch(key, name, message, STRAY, f"column {key}.{name}", None, actual)
        yield from key_mismatches(key, facts, table)


def _column_mismatches(
    key: str,
    table: TableFacts,
    name: str,
    facts: ColumnFacts,
    column: CatalogColumn | None,
    types: Mapping[str, CatalogType],
) -> Iterator[Mismatch]:
    subject = f"column {key}.{name}"
    if column is None:
        expected = column_text(facts.type, nullable=facts.null)
        yield Mismatch(key, name, f"Column {key}.{name} is missing", EITHER, subject, expected, None)
        return
    # Migrations give M2M tables ids of DEFAULT_AUTO_FIELD, whatever the app's own default is.
    exact = table.managed and not (table.auto_created and facts.primary_key)
    for fact, wanted, actual, says in _differences(facts, column) if exact else _kind(facts, column, types):
        yield Mismatch(key, name, f"Column {key}.{name} {says}", EITHER, f"{subject} {fact}", wanted, actual)


# The fact's name, what the contract and the database say of it, and a sentence's end behind the column's name.
_Difference = tuple[str, str | None, str | None, str]


def _differences(facts: ColumnFacts, column: CatalogColumn) -> Iterator[_Difference]:
    if not is_same(facts.type, column.type):
        yield "type", facts.type, column.type, f"is {column.type} where the contract says {facts.type}"
    # Django gives no computed column a NOT NULL.
    if facts.null != column.nullable and not column.generated and not facts.generated:
        words = ("null", "not null", "may not be null in the database, where the contract lets it be")
        if column.nullable:
            words = ("not null", "null", "may be null in the database, where the contract says it may not")
        yield "null", *words
    collation = (column.collation or "default").strip('"')
    if facts.collation and collation != facts.collation:
        says = f"sorts by {collation} where the contract says {facts.collation}"
        yield "collation", facts.collation, collation, says
    yield from _values(facts, column)


def _values(facts: ColumnFacts, column: CatalogColumn) -> Iterator[_Difference]:
    """Mismatches of the values that the database fills in: computed columns, identities and defaults."""
    # Ids made by Django before 4.1 come from a sequence of their own, and serve as well.
    is_serial = (column.default or "").startswith("nextval(")
    if bool(facts.generated) != column.generated:
        says = f"is {'' if column.generated else 'not '}computed by the database, unlike in the contract"
        yield "computed", facts.generated, column.expression, says
    elif facts.identity != column.identity and not (facts.identity and is_serial):
        words = {None: "no identity", "always": "an identity always", "by default": "an identity by default"}
        says = f"is {words[column.identity]} where the contract says {words[facts.identity]}"
        yield "identity", facts.identity, column.identity, says
    elif facts.db_default and column.default is None:
        says = f"has no default in the database, where the contract says {facts.db_default}"
        yield "default", facts.db_default, None, says


def _kind(facts: ColumnFacts, column: CatalogColumn, types: Mapping[str, CatalogType]) -> Iterator[_Difference]:
    if not is_alike(facts.type, column.type, types):
        yield "type", facts.type, column.type, f"is {column.type} where the contract says {facts.type}"


def _stray_tables(contract: Contract, catalog: Catalog) -> Iterator[Mismatch]:
    """Tables without a model."""
    schemas = {facts.schema_name or catalog.schema for facts in contract.tables.values() if facts.managed}
    for key, table in sorted(catalog.tables.items()):
        strange = table.kind in _TABLES and table.schema in schemas and table.part_of is None
        if strange and key not in contract.tables and key not in _OF_MIGRATIONS:
            message = f"Table {key} is in the database and not in the contract"
            yield Mismatch(key, None, message, STRAY, f"table {key}", None, "")
