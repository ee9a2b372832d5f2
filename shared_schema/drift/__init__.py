"""Where the live database is not what the service needs."""

from typing import Any, get_origin

from sqlalchemy import Column, Connection, MetaData, Table, text

from shared_schema.drift.mismatch import Mismatch
from shared_schema.mapping import Mapping, Reflected, needed_columns

__all__ = ["Mismatch", "find_denied", "find_mismatches"]


def find_mismatches(mapping: Mapping, metadata: MetaData) -> list[Mismatch]:
    """Every table and column that a mapped class needs and `metadata` lacks or has otherwise."""
    found: list[Mismatch] = []
    for cls in mapping.classes:
        table = metadata.tables.get(cls.key())
        if table is None:
            sentence = f"Table {cls.__tablename__} is missing: run the Django migrations."
            found.append(Mismatch(cls.__tablename__, None, sentence))
        else:
            found.extend(_column_mismatches(cls, table))
    return found


def find_denied(mapping: Mapping, connection: Connection) -> list[Mismatch]:
    """Every table that the connection's role may not read."""
    allowed = text("SELECT has_any_column_privilege(to_regclass(quote_ident(:name)), 'SELECT'), current_user")
    found = []
    for cls in mapping.classes:
        may_read, role = connection.execute(allowed, {"name": cls.__tablename__}).one()
        if not may_read:
            sentence = f"Role {role} may not read table {cls.__tablename__}: run `strangler grant`."
            found.append(Mismatch(cls.__tablename__, None, sentence))
    return found


def _column_mismatches(cls: type[Reflected], table: Table) -> list[Mismatch]:
    found = []
    for name, (python_type, nullable) in needed_columns(cls).items():
        where = f"Column {table.name}.{name}"
        column = table.columns.get(name)
        if column is None:
            problem = f"{where} is missing"
        elif (actual := _python_type(column)) is not None and actual is not (get_origin(python_type) or python_type):
            problem = f"{where} holds {actual.__name__} ({column.type}) where {python_type.__name__} is needed"
        elif column.nullable and not nullable:
            problem = f"{where} may be null where a value is needed"
        else:
            continue
        found.append(
            Mismatch(table.name, name, f"{problem}: run the Django migrations or adapt shared_schema/models.py.")
        )
    return found


def _python_type(column: Column[Any]) -> type | None:
    """The Python type of a column's values; None where SQLAlchemy knows none (PostgreSQL's own types)."""
    try:
        found = column.type.python_type
    except NotImplementedError:
        return None
    # What SQLAlchemy 2.1 says of inet, jsonb, tsvector and the like.
    return None if found is object else found
