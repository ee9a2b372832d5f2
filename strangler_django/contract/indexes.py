"""The indexes that Django makes for a model, the unique ones included that are no constraint in PostgreSQL."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model; no SQL of a condition is public

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.postgres.indexes import PostgresIndex
from django.db.models import Field, Index, Model, UniqueConstraint
from django.db.models.expressions import Col
from django.db.models.sql import Query

from strangler_django.contract.unconnected import Sql

Facts = dict[str, Any]


def index_facts(model: type[Model], sql: Sql) -> list[Facts]:
    """All of them, by name and columns."""
    meta = model._meta
    found = [facts for field in sql.fields(model) for facts in _field_indexes(field, sql)]
    found += [_index(model, index, sql) for index in meta.indexes]
    found += [
        _unique_index(model, rule, sql)
        for rule in meta.constraints
        if isinstance(rule, UniqueConstraint) and is_index(rule)
    ]
    return sorted(found, key=lambda facts: (facts.get("name", ""), facts.get("columns", []), len(facts)))


def is_index(rule: UniqueConstraint) -> bool:
    """Whether Django's constraint is an index in PostgreSQL."""
    return bool(rule.condition or rule.include or rule.opclasses or rule.expressions)


def _field_indexes(field: Field, sql: Sql) -> Iterator[Facts]:
    if field.db_index and not field.unique:
        yield {"columns": [field.column]}
    parameters = sql.parameters(field)
    db_type, collation = parameters["type"], parameters.get("collation")
    # The second index of a text, for LIKE (postgresql/schema.py). Under a collation Django queries the database first.
    if (field.db_index or field.unique) and "[" not in db_type and not collation:
        for prefix in ("varchar", "text"):
            if db_type.startswith(prefix):
                yield {"columns": [field.column], "opclasses": [f"{prefix}_pattern_ops"]}


def _index(model: type[Model], index: Index, sql: Sql) -> Facts:
    facts: Facts = {"name": index.name}
    if index.expressions:
        facts["definition"] = expressions_text(model, index.expressions, sql)
    else:
        columns = columns_of(model, (name for name, _ in index.fields_orders))
        orders = (order for _, order in index.fields_orders)
        facts["columns"] = [f"{column} {order}".strip() for column, order in zip(columns, orders, strict=True)]
    optional = {
        # Of all others the suffix is a part of the name alone.
        "method": index.suffix if isinstance(index, PostgresIndex) else "",
        "opclasses": list(index.opclasses),
        "include": columns_of(model, index.include),
        "condition": condition_text(model, index.condition, sql),
    }
    return facts | {fact: value for fact, value in optional.items() if value}


def _unique_index(model: type[Model], rule: UniqueConstraint, sql: Sql) -> Facts:
    facts: Facts = {"name": rule.name, "unique": True}
    if rule.expressions:
        facts["definition"] = expressions_text(model, rule.expressions, sql)
    else:
        facts["columns"] = columns_of(model, rule.fields)
    optional = {
        "opclasses": list(rule.opclasses),
        "include": columns_of(model, rule.include),
        "condition": condition_text(model, rule.condition, sql),
    }
    # Of Django 5.0 and later.
    distinct = getattr(rule, "nulls_distinct", None)
    nulls = {} if distinct is None else {"nulls_distinct": distinct}
    return facts | {fact: value for fact, value in optional.items() if value} | nulls


def condition_text(model: type[Model], condition: Any, sql: Sql) -> str | None:  # noqa: ANN401 - a Q or an expression
    """The rows that a condition picks, as SQL."""
    if condition is None:
        return None
    query, where = _where(model, condition)
    return sql.inlined(*where.as_sql(query.get_compiler(connection=sql.connection), sql.connection))


def condition_fields(model: type[Model], condition: Any) -> set[str]:  # noqa: ANN401 - a Q
    """The names of the fields that a condition looks at (`Q.referenced_base_fields`, which Django 4.2 lacks)."""
    return {column.target.name for column in _columns(_where(model, condition)[1])}


def _where(model: type[Model], condition: Any) -> tuple[Query, Any]:  # noqa: ANN401 - as above
    query = Query(model=model, alias_cols=False)
    return query, query.build_where(condition)


def _columns(expression: Any) -> Iterator[Col]:  # noqa: ANN401 - a condition, or a part of one
    if isinstance(expression, Col):
        yield expression
    for part in getattr(expression, "get_source_expressions", list)():
        yield from _columns(part)


def expressions_text(model: type[Model], expressions: Any, sql: Sql) -> str:  # noqa: ANN401 - Django's expressions
    """The definition of an index as SQL, where columns don't suffice."""
    statement = Index(*expressions, name="any").create_sql(model, sql.editor)
    return str(statement.parts["columns"])


def columns_of(model: type[Model], names: Iterable[str]) -> list[str]:
    """The columns of those fields."""
    meta = model._meta
    return [meta.pk.column if name == "pk" else meta.get_field(name).column for name in names]
