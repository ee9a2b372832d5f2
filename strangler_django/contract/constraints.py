"""The constraints that Django makes for a model; a single unique column is a fact of that column."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

from collections.abc import Iterator
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db.models import BaseConstraint, CheckConstraint, Deferrable, F, Model, Q, UniqueConstraint

from strangler_django.contract.indexes import columns_of, is_index
from strangler_django.contract.unconnected import Sql

Facts = dict[str, Any]

_KINDS = {CheckConstraint: "check", ExclusionConstraint: "exclusion"}
_DEFERRABLE = {Deferrable.DEFERRED: "deferred", Deferrable.IMMEDIATE: "immediate"}


def constraint_facts(model: type[Model], sql: Sql) -> list[Facts]:
    """All of them, by kind, name and columns."""
    meta = model._meta
    constraints = [{"kind": "unique", "columns": columns_of(model, fields)} for fields in meta.unique_together]
    constraints += _implied_checks(model, sql)
    for rule in meta.constraints:
        if isinstance(rule, UniqueConstraint):
            constraints += [] if is_index(rule) else [_unique(model, rule, sql)]
        else:
            constraints += [
                _other(model, rule, kind, sql) for class_, kind in _KINDS.items() if isinstance(rule, class_)
            ]
    return sorted(constraints, key=lambda facts: (facts["kind"], facts.get("name", ""), facts.get("columns", [])))


def _implied_checks(model: type[Model], sql: Sql) -> Iterator[Facts]:
    """Such as that of a PositiveIntegerField; PostgreSQL finds a name for it."""
    for field in sql.fields(model):
        check = sql.parameters(field).get("check")
        if check:
            yield {"kind": "check", "columns": [field.column], "definition": f"CHECK ({check})"}


def _unique(model: type[Model], rule: UniqueConstraint, sql: Sql) -> Facts:
    facts: Facts = {"kind": "unique", "name": rule.name, "columns": columns_of(model, rule.fields)}
    nulls = "" if getattr(rule, "nulls_distinct", None) is not False else "NULLS NOT DISTINCT "
    deferrable = sql.editor._deferrable_constraint_sql(rule.deferrable)
    if nulls:
        facts["nulls_distinct"] = False
    if rule.deferrable:
        facts["deferrable"] = _DEFERRABLE[rule.deferrable]
    if nulls or deferrable:
        names = ", ".join(sql.editor.quote_name(column) for column in facts["columns"])
        facts["definition"] = f"UNIQUE {nulls}({names}){deferrable}"
    return facts


def _other(model: type[Model], rule: BaseConstraint, kind: str, sql: Sql) -> Facts:
    head = f"CONSTRAINT {sql.editor.quote_name(rule.name)} "
    text = str(rule.constraint_sql(model, sql.editor))
    facts: Facts = {"kind": kind, "name": rule.name, "definition": text.removeprefix(head)}
    names = _named_by(rule)
    known = {field.name for field in sql.fields(model)} | {"pk"}
    columns = columns_of(model, sorted(names & known))
    deferrable = getattr(rule, "deferrable", None)
    return (
        facts
        | ({"columns": columns} if columns else {})
        | ({"deferrable": _DEFERRABLE[deferrable]} if deferrable else {})
    )


def _named_by(rule: BaseConstraint) -> set[str]:
    if isinstance(rule, ExclusionConstraint):
        terms = [expression for expression, _ in rule.expressions]
        return {term.name if isinstance(term, F) else term for term in terms if isinstance(term, F | str)}
    condition = rule.condition
    return set(condition.referenced_base_fields) if isinstance(condition, Q) else set()
