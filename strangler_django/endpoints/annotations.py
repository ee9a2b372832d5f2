"""What `annotate` adds to the rows of a queryset: whole numbers, counted, of columns, and calculated of both.

    Flight.objects.annotate(free=F("plane__seats") - Count("tickets"))

Each becomes an expression in JSON: a list whose first item is `count` (of rows: their table, and their foreign key),
`column` (a path such as `plane__seats`), `value`, `+`, `-` or `*` (of two expressions), `coalesce` (of several),
`case` (pairs of a condition and an expression, and the expression otherwise) or `matches` (whether there are rows of
another table, or where that is denied none).
"""

from typing import Any, Final

from django.db.models import Case, Count, ExpressionWrapper, IntegerField, ManyToOneRel, Value
from django.db.models.expressions import Col, CombinedExpression
from django.db.models.functions import Coalesce

from strangler_django.endpoints.annotated_rows import MatchedValue
from strangler_django.endpoints.conditions import condition_of, path_of
from strangler_django.endpoints.own_code import UnreadError

_OPERATORS: Final = ("+", "-", "*")


def annotations_of(query: Any) -> dict[str, list[Any]] | None:  # noqa: ANN401 - Django's Query
    """The expression of each annotation, by name; None where one is of anything else."""
    counts: list[Any] = []
    try:
        found = {name: _expression(query, each, counts) for name, each in query.annotations.items()}
    except UnreadError:
        return None
    # Several joins multiply what each of them counts.
    is_multiplied = len(counts) > 1 and not all(each.distinct for each in counts)
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
        case Value(value=int() as value) if not isinstance(value, bool):
            return ["value", value]
        case Col() if isinstance(found.target, IntegerField):
            return ["column", path_of(query, found)]
    raise UnreadError


def _counted(query: Any, found: Count) -> tuple[str, str]:  # noqa: ANN401 - as above
    """The table and the foreign key of the rows that are counted."""
    column = found.get_source_expressions()[0]
    if type(found) is not Count or found.filter is not None or not isinstance(column, Col):
        raise UnreadError
    join = query.alias_map[column.alias]
    relation = getattr(join, "join_field", None)
    if not isinstance(relation, ManyToOneRel) or join.parent_alias != query.base_table or column.target.null:
        raise UnreadError
    if found.distinct and not (column.target.primary_key or relation.related_model._meta.auto_created):  # noqa: SLF001 - so Django documents it
        raise UnreadError
    return relation.related_model._meta.db_table, relation.field.name  # noqa: SLF001 - the same
