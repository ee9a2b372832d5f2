"""What `export_schema` says of a project without a database is what PostgreSQL says once its migrations have run."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, text

from shared_schema.catalog import Catalog, CatalogIndex, CatalogTable
from shared_schema.catalog_reading import read_catalog
from shared_schema.contract.contract import Contract, TableFacts

# Django makes its second index for a text with a collation only if the database says that the collation allows it.
UNDER_A_COLLATION = ("books_language", ("name",))


@pytest.fixture
def catalog(foreign_connection: Connection) -> Catalog:
    return read_catalog(foreign_connection)


def managed(contract: Contract) -> Iterator[tuple[str, TableFacts]]:
    return ((key, facts) for key, facts in contract.tables.items() if facts.managed)


def test_every_column_is_of_the_type_that_the_contract_spells(foreign_contract: Contract, catalog: Catalog) -> None:
    for key, facts in managed(foreign_contract):
        said = {
            name: (column.type, column.null, column.identity, column.generated is not None, column.collation)
            for name, column in facts.columns.items()
        }
        found = {
            name: (
                column.type,
                column.nullable,
                column.identity,
                column.generated,
                (column.collation or "").strip('"') or None,
            )
            for name, column in catalog.tables[key].columns.items()
        }
        assert said == found
        assert facts.primary_key == catalog.tables[key].primary_key


def test_every_index_is_reported_of(foreign_contract: Contract, catalog: Catalog) -> None:
    for key, facts in managed(foreign_contract):
        said = Counter(
            (index.columns, index.unique, index.method, index.condition is not None, index.opclasses)
            for index in facts.indexes
        )
        found = Counter(
            (columns_of(index), index.unique, index.method, index.partial, opclasses_of(index))
            for index in catalog.tables[key].indexes
            if not index.constrains and (key, index.columns) != UNDER_A_COLLATION
        )
        assert said == found


def test_names_that_people_gave_are_those_of_the_database(foreign_contract: Contract, catalog: Catalog) -> None:
    for key, facts in managed(foreign_contract):
        table = catalog.tables[key]
        assert {index.name for index in facts.indexes if index.name} <= {index.name for index in table.indexes}
        assert {rule.name for rule in facts.constraints if rule.name} <= {rule.name for rule in table.constraints}


def test_every_constraint_is_reported_of(foreign_contract: Contract, catalog: Catalog) -> None:
    for key, facts in managed(foreign_contract):
        said = Counter(
            (rule.kind, frozenset(rule.columns) if rule.kind == "unique" else None, rule.deferrable is not None)
            for rule in facts.constraints
        )
        said.update(
            ("unique", frozenset([name]), False)
            for name, column in facts.columns.items()
            if column.unique and not column.primary_key
        )
        assert said == constraints_of(catalog.tables[key])


def test_what_a_unique_constraint_says_is_what_postgresql_says(foreign_contract: Contract, catalog: Catalog) -> None:
    for key, facts in managed(foreign_contract):
        found = {rule.name: rule.definition for rule in catalog.tables[key].constraints}
        for rule in facts.constraints:
            if rule.kind == "unique" and rule.definition:
                assert rule.definition.replace('"', "") == found[rule.name]


def test_all_sql_is_sql(foreign_contract: Contract, foreign_connection: Connection) -> None:
    """PostgreSQL reads it; what it means is what Django's own migration has made of the same models."""
    for key, facts in managed(foreign_contract):
        table = f'"{facts.schema_name}"."{facts.name}"' if facts.schema_name else f'"{facts.name}"'
        for expression in expressions_of(facts):
            foreign_connection.exec_driver_sql(f"SELECT {expression} FROM {table}".replace("%", "%%"))  # noqa: S608 - a rolled back test
        for index in facts.indexes:
            if index.definition:
                made = f"CREATE INDEX ON {table} ({index.definition})"
                foreign_connection.exec_driver_sql(made.replace("%", "%%"))
        for number, rule in enumerate(facts.constraints):
            if rule.definition:
                made = f'ALTER TABLE {table} ADD CONSTRAINT "{key} {number}" {rule.definition}'
                foreign_connection.exec_driver_sql(made.replace("%", "%%"))
        assert foreign_connection.execute(text("SELECT 1")).scalar_one() == 1, key


def expressions_of(facts: TableFacts) -> Iterator[str]:
    for column in facts.columns.values():
        yield from filter(None, (column.db_default, column.generated))
    yield from (f"({index.condition})" for index in facts.indexes if index.condition)


def columns_of(index: CatalogIndex) -> tuple[str, ...] | None:
    """As the contract names them: without quotes, and none where there are expressions."""
    if any("(" in column for column in index.columns):
        return None
    return tuple(column.replace('"', "") for column in index.columns)


def opclasses_of(index: CatalogIndex) -> tuple[str, ...]:
    found = (word for word in ("varchar_pattern_ops", "jsonb_path_ops") if word in index.definition)
    return () if columns_of(index) is None else tuple(found)


def constraints_of(table: CatalogTable) -> Counter[Any]:
    return Counter(
        (rule.kind, frozenset(rule.columns) if rule.kind == "unique" else None, rule.deferrable)
        for rule in table.constraints
        if rule.kind in ("unique", "check", "exclusion")
    )
