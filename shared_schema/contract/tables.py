"""The tables of the contract as SQLAlchemy tables, without a database, with the types that reflection gives."""

import warnings
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import (
    Column,
    Computed,
    DefaultClause,
    ForeignKeyConstraint,
    Identity,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.exc import SAWarning
from sqlalchemy.types import TypeEngine

from shared_schema.contract.contract import ColumnFacts, Contract, TableFacts

_DIALECT: Final = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's own
# What an enum or a domain holds is the database's to say.
_NO_TYPES: Final[Any] = SimpleNamespace(enums={}, domains={})


def contract_metadata(contract: Contract) -> MetaData:
    """Every table of the contract with its keys; its columns are in the contract's order, not in the database's."""
    metadata = MetaData()
    tables = {key: _table(metadata, facts) for key, facts in contract.tables.items()}
    for key, facts in contract.tables.items():
        for name, column in facts.columns.items():
            if (reference := column.references) is not None and reference.constraint and reference.table in tables:
                target = tables[reference.table].columns[reference.column]
                tables[key].append_constraint(ForeignKeyConstraint([name], [target]))
    return metadata


def column_type(facts: ColumnFacts) -> TypeEngine[Any]:
    """SQLAlchemy's type of a column; NullType for a user-defined one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        # Reflection's own reading of what PostgreSQL calls a type; nothing public leads there without a connection.
        found: TypeEngine[Any] = _DIALECT._reflect_type(  # noqa: SLF001
            facts.type, _NO_TYPES, type_description=facts.field, collation=facts.collation
        )
    return found


def _table(metadata: MetaData, facts: TableFacts) -> Table:
    columns = (_column(name, column) for name, column in facts.columns.items())
    rules = (UniqueConstraint(*rule.columns, name=rule.name) for rule in facts.constraints if rule.kind == "unique")
    return Table(facts.name, metadata, *columns, *rules, schema=facts.schema_name)


def _column(name: str, facts: ColumnFacts) -> Column[Any]:
    filled: list[Any] = []
    if facts.identity is not None:
        filled.append(Identity(always=facts.identity == "always"))
    if facts.generated is not None:
        filled.append(Computed(facts.generated))
    if facts.db_default is not None:
        filled.append(DefaultClause(text(facts.db_default)))
    return Column(
        name,
        column_type(facts),
        *filled,
        primary_key=facts.primary_key,
        nullable=facts.null,
        autoincrement=facts.identity is not None,
    )
