"""What `annotate` adds to the rows of a queryset: whole numbers, counted, of columns, and calculated of both.

    Flight.objects.annotate(free=F("plane__seats") - Count("tickets"))

Each becomes an expression in JSON: a list whose first item is `count` (of rows: their table, and their foreign key),
`avg`, `sum`, `max` or `min` (the same of rows, and their column of whole numbers),
`column` (a path such as `plane__seats`), `value`, `+`, `-` or `*` (of two expressions), `coalesce` (of several),
`case` (pairs of a condition and an expression, and the expression otherwise) or `matches` (whether there are rows of
another table, or where that is denied none).
"""

from typing import Any, Final

from django.db.models import (
    Avg,
    Case,
    Count,
    ExpressionWrapper,
    FloatField,
    IntegerField,
    ManyToOneRel,
    Max,
    Min,
    Sum,
    Value,
)
from django.db.models.expressions import Col, CombinedExpression
from django.db.models.functions import Coalesce

from strangler_django.endpoints.code.conditions import condition_of, path_of
from strangler_django.endpoints.code.own_code import UnreadError
from strangler_django.endpoints.expressions.annotated_rows import MatchedValue

_OPERATORS: Final = ("+", "-", "*")


def annotations_of(query: Any) -> dict[str, list[Any]] | None:  # noqa: ANN401 - Django's Query
    """The expression of each annotation, by name; None where one is of anything else."""
    counts: list[Any] = []
    try:
        for each in query.annotations.values():
            _check_average(each)
        found = {name: _expression(query, each, counts) for name, each in query.annotations.items()}
    except UnreadError:
        return None
    # Several joins multiply what each of them counts.
    joins = {each.get_source_expressions()[0].alias for each in counts}
    is_multiplied = len(joins) > 1 and not all(type(each) is Count and each.distinct for each in counts)
    return None if is_multiplied else found


def _expression(query: Any, found: Any, counts: list[Any]) -> list[Any]:  # noqa: ANN401 - as above, and an expression
    """The expression; those that count are added to `counts`.

    :raises UnreadError: it is something else.
    """

    def inner(each: Any) -> list[Any]:  # noqa: ANN401 - an expression
        return _expression(query, each, counts)

    match found:
        case MatchedValue():
            return ["matches", found.rows.facts, found.denied]
        case Count():
            counts.append(found)
            return ["count", *_counted(query, found)]
        case Avg() | Sum() | Max() | Min():
            counts.append(found)
            return _aggregated(query, found)
        case ExpressionWrapper():
            return inner(found.expression)
        case CombinedExpression() if found.connector in _OPERATORS:
            return [found.connector, inner(found.lhs), inner(found.rhs)]
        case Coalesce():
            return ["coalesce", *map(inner, found.get_source_expressions())]
        case Case():
            cases = [[condition_of(query, each.condition), inner(each.result)] for each in found.cases]
            return ["case", cases, inner(found.default)]
        case Value(value=None):
            return ["value", None]
        case Value(value=int() | float() as value) if not isinstance(value, bool):
            return ["value", value]
        case Col() if isinstance(found.target, IntegerField):
            return ["column", path_of(query, found)]
    raise UnreadError


def _counted(query: Any, found: Count) -> tuple[str, str]:  # noqa: ANN401 - as above
    """The table and the foreign key of the rows that are counted."""
    column = found.get_source_expressions()[0]
    if type(found) is not Count or found.filter is not None or not isinstance(column, Col):
        raise UnreadError
    table, field = _pointing(query, column)
    model = query.alias_map[column.alias].join_field.related_model
    if column.target.null or (found.distinct and not (column.target.primary_key or model._meta.auto_created)):  # noqa: SLF001 - so Django documents it
        raise UnreadError
    return table, field


def _pointing(query: Any, column: Col) -> tuple[str, str]:  # noqa: ANN401 - as above
    """The table and the foreign key of the rows whose column it is."""
    join = query.alias_map[column.alias]
    relation = getattr(join, "join_field", None)
    if not isinstance(relation, ManyToOneRel) or join.parent_alias != query.base_table:
        raise UnreadError
    return relation.related_model._meta.db_table, relation.field.name  # noqa: SLF001 - the same


def _aggregated(query: Any, found: Any) -> list[Any]:  # noqa: ANN401 - as above
    """What is made of a column of the rows that point at one."""
    column = found.get_source_expressions()[0]
    kinds = {Avg: FloatField, Sum: IntegerField, Max: IntegerField, Min: IntegerField}
    if not (type(found) in kinds and isinstance(found.output_field, kinds[type(found)]) and isinstance(column, Col)):
        raise UnreadError
    if found.filter is not None or getattr(found, "distinct", False) or not isinstance(column.target, IntegerField):
        raise UnreadError
    table, field = _pointing(query, column)
    return [type(found).__name__.lower(), table, field, column.target.name]


def _check_average(found: Any) -> None:  # noqa: ANN401 - as above
    """Has an average be a float, as it is by itself, or as one of several values.

    :raises UnreadError: Django makes another number of it.
    """
    if not any(isinstance(each, Avg) for each in found.flatten()):
        return
    parts = found.get_source_expressions() if isinstance(found, Coalesce) else [found]
    if not all(isinstance(each, Avg | Value) for each in parts) or not isinstance(found.output_field, FloatField):
        raise UnreadError
