"""Adds Django's Python-side defaults to reflected tables, whose database doesn't have them.

The defaults are SQLAlchemy's own (`Column.default`, `Column.onupdate`), so that every INSERT and UPDATE has them, of
Core and of the ORM. As in Django an UPDATE writes nothing but `auto_now`. A value that is given stands, also where
Django would write another over it (`auto_now`, `auto_now_add`).
"""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Column, ColumnDefault, MetaData, null

from shared_schema.catalog import table_key
from shared_schema.contract.callables import callable_of, now
from shared_schema.contract.contract import ColumnFacts, Contract
from shared_schema.contract.values import as_column


def overlay(metadata: MetaData, contract: Contract) -> None:
    """Add the contract's facts to the tables of `metadata`; other tables stay unchanged."""
    for table in metadata.tables.values():
        key = table_key(table.schema, table.name)
        facts = contract.tables.get(key)
        for column in table.columns if facts is not None else ():
            if facts is not None and column.name in facts.columns:
                _overlay_column(column, facts.columns[column.name], f"{key}.{column.name}")


def _overlay_column(column: Column[Any], facts: ColumnFacts, name: str) -> None:
    default = django_default(facts, name)
    if default is not None:
        ColumnDefault(default)._set_parent_with_dispatch(column)  # noqa: SLF001 - as Column's own constructor does
    if facts.auto_now:
        changed = ColumnDefault(lambda: now(facts.type), for_update=True)
        changed._set_parent_with_dispatch(column)  # noqa: SLF001 - the same


def values_made(compiled: Any) -> Iterator[tuple[Column[Any], Callable[[], Any]]]:  # noqa: ANN401 - SQLAlchemy's own
    """The columns that a compiled INSERT or UPDATE fills with defaults, each with what gives the value for one call."""
    for column in compiled.insert_prefetch:
        yield column, _maker(column.default)
    for column in compiled.update_prefetch:
        yield column, _maker(column.onupdate)


def _maker(default: Any) -> Callable[[], Any]:  # noqa: ANN401 - SQLAlchemy's own
    return (lambda: default.arg(None)) if default.is_callable else (lambda: default.arg)


def django_default(facts: ColumnFacts, name: str) -> Any:  # noqa: ANN401 - a value, or what is called for one
    """What Django writes into column `name`: a value, SQL's NULL, or a function that gives one for each row.

    None stands for nothing: the database then writes its own default, or NULL.
    """
    if facts.generated is not None:
        return None
    if facts.auto_now or facts.auto_now_add:
        return _times(facts.type)
    if facts.default_callable is not None:
        return callable_of(facts.default_callable, type_name=facts.type, column=name)
    if not facts.has_default:
        return None
    if facts.default is None:
        return None if facts.db_default is None else null()
    return as_column(facts.default, facts.type)


def _times(type_name: str) -> Callable[[], object]:
    return lambda: now(type_name)
