"""Where the live database is not what the contract says: tables and columns; keys and indexes are beside this."""

from collections.abc import Iterator
from typing import Final

from shared_schema.catalog import Catalog, CatalogColumn, CatalogTable
from shared_schema.contract import ColumnFacts, Contract, TableFacts
from shared_schema.drift.keys import key_differences
from shared_schema.drift.mismatch import Mismatch
from shared_schema.drift.types import is_alike, is_same

MIGRATE: Final = "run the Django migrations"
EITHER: Final = "run the Django migrations, or export the contract if they have run"
STRAY: Final = "export the contract if a migration made it, else drop it"
# What Django itself makes without a model.
_OF_DJANGO: Final = frozenset({"django_migrations"})
_TABLES: Final = frozenset({"table", "partitioned table", "foreign table"})


def contract_mismatches(contract: Contract, catalog: Catalog) -> list[Mismatch]:
    """Every difference, by table.

    Tables and views that Django doesn't manage are held to their columns alone. What only tells PostgreSQL how to be
    fast, such as an index that no model has, is no difference.
    """
    found = [
        mismatch
        for key, facts in sorted(contract.tables.items())
        for mismatch in _table_mismatches(key, facts, catalog.tables.get(key))
    ]
    return found + list(_stray_tables(contract, catalog))


def _table_mismatches(key: str, facts: TableFacts, table: CatalogTable | None) -> Iterator[Mismatch]:
    if table is None:
        mend = MIGRATE if facts.managed else "Django doesn't manage it, so make it by hand or in a migration's RunSQL"
        yield Mismatch(key, None, f"Table {key} is missing: {mend}.")
        return
    if facts.managed and table.kind not in _TABLES:
        yield Mismatch(key, None, f"Table {key} is a {table.kind} in the database: {MIGRATE}.")
        return
    for name, column in facts.columns.items():
        if name not in table.columns:
            yield Mismatch(key, name, f"Column {key}.{name} is missing: {EITHER}.")
            continue
        # Migrations give M2M tables ids of DEFAULT_AUTO_FIELD, whatever the app's own default is.
        exact = facts.managed and not (facts.auto_created and column.primary_key)
        for difference in (_differences if exact else _kind)(column, table.columns[name]):
            yield Mismatch(key, name, f"Column {key}.{name} {difference}: {EITHER}.")
    if facts.managed:
        for name in table.columns:
            if name not in facts.columns:
                yield Mismatch(key, name, f"Column {key}.{name} is in the database and not in the contract: {STRAY}.")
        for stray, column_name, difference in key_differences(key, facts, table):
            yield Mismatch(key, column_name, f"{difference}: {STRAY if stray else EITHER}.")


def _differences(facts: ColumnFacts, column: CatalogColumn) -> Iterator[str]:
    """What is otherwise in the database, as what follows a column's name."""
    if not is_same(facts.type, column.type):
        yield f"is {column.type} where the contract says {facts.type}"
    if facts.null and not column.nullable:
        yield "may not be null in the database, where the contract lets it be"
    # Django gives no computed column a NOT NULL.
    if column.nullable and not facts.null and not column.generated:
        yield "may be null in the database, where the contract says it may not"
    if facts.collation and (column.collation or "").strip('"') != facts.collation:
        yield f"sorts by {column.collation or 'the default'} where the contract says {facts.collation}"
    yield from _values(facts, column)


def _values(facts: ColumnFacts, column: CatalogColumn) -> Iterator[str]:
    """Where the database doesn't fill in what the contract says it does, or fills in what it says it doesn't."""
    # Ids made by Django before 4.1 come from a sequence of their own, and serve as well.
    is_serial = (column.default or "").startswith("nextval(")
    if bool(facts.generated) != column.generated:
        yield f"is {'' if column.generated else 'not '}computed by the database, unlike in the contract"
    elif facts.identity != column.identity and not (facts.identity and is_serial):
        says = {None: "no identity", "always": "an identity always", "by default": "an identity by default"}
        yield f"is {says[column.identity]} where the contract says {says[facts.identity]}"
    elif facts.db_default and column.default is None:
        yield f"has no default in the database, where the contract says {facts.db_default}"


def _kind(facts: ColumnFacts, column: CatalogColumn) -> Iterator[str]:
    if not is_alike(facts.type, column.type):
        yield f"is {column.type} where the contract says {facts.type}"


def _stray_tables(contract: Contract, catalog: Catalog) -> Iterator[Mismatch]:
    """Tables of nobody, beside those that Django manages."""
    schemas = {facts.schema_name or catalog.schema for facts in contract.tables.values() if facts.managed}
    for key, table in sorted(catalog.tables.items()):
        strange = table.kind in _TABLES and table.schema in schemas and table.part_of is None
        if strange and key not in contract.tables and key not in _OF_DJANGO:
            yield Mismatch(key, None, f"Table {key} is in the database and not in the contract: {STRAY}.")
