"""What a queryset's constant filters say of a row (`Model.objects.filter(is_active=True).exclude(state="old")`).

Each becomes a condition in JSON: a list whose first item is `and`, `or`, `not` or `is`; the last has the field, a path
such as `category__hidden` where it is another row's, the lookup and the value.
"""

from typing import Any, Final

from django.db.models import ForeignKey
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, Lookup
from django.db.models.sql.where import WhereNode

from strangler_django.contract.plain import plain
from strangler_django.endpoints.code.own_code import UnreadError

# Lookups that mean the same in SQL whoever writes it.
_LOOKUPS: Final = frozenset({"exact", "gt", "gte", "lt", "lte", "in", "isnull", "contains", "startswith", "endswith"})


def conditions_of(query: Any) -> list[Any] | None:  # noqa: ANN401 - Django's Query
    """The conditions, all of which rows meet; none where it has no filter, None where one isn't read."""
    try:
        return (
            [condition_of(query, each) for each in query.where.children]
            if _is_plain(query.where)
            else [condition_of(query, query.where)]
        )
    except UnreadError:
        return None


def _is_plain(where: Any) -> bool:  # noqa: ANN401 - a node, or whatever stands for one
    return isinstance(where, WhereNode) and where.connector == "AND" and not where.negated


def condition_of(query: Any, found: Any) -> list[Any]:  # noqa: ANN401 - as above
    """One condition: a node, or a lookup.

    :raises UnreadError: it is another.
    """
    if isinstance(found, WhereNode) and found.connector in ("AND", "OR"):
        parts = [condition_of(query, each) for each in found.children]
        if not parts:
            raise UnreadError
        joined = parts[0] if len(parts) == 1 else [found.connector.lower(), *parts]
        return ["not", joined] if found.negated else joined
    if not isinstance(found, Lookup) or found.lookup_name not in _LOOKUPS or not isinstance(found.lhs, Col):
        raise UnreadError
    return ["is", path_of(query, found.lhs), found.lookup_name, _value(found.rhs)]


def path_of(query: Any, column: Col) -> str:  # noqa: ANN401 - as above
    """The field, behind the foreign keys that lead to its table."""
    names, alias = [column.target.name], column.alias
    while (join := query.alias_map[alias]).parent_alias is not None:
        if not isinstance(join.join_field, ForeignKey):
            raise UnreadError
        names.insert(0, join.join_field.name)
        alias = join.parent_alias
    return "__".join(names)


def _value(given: Any) -> Any:  # noqa: ANN401 - a constant
    """A value that is the same at any time, and the same in JSON."""
    if isinstance(given, list | tuple | set | frozenset) or type(given).__name__ == "OrderedSet":
        return [_value(each) for each in given]
    if not isinstance(given, bool | int | str):
        raise UnreadError
    return plain(given)


def is_narrowed(query: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a queryset leaves rows out, or may."""
    return bool(query.where or query.is_sliced or query.distinct or query.combinator)


def equal_columns(query: Any) -> dict[str, Any]:  # noqa: ANN401 - Django's Query
    """The values that the rows have in columns of their table, as far as the query says."""
    if query.where.connector != "AND" or query.where.negated:
        return {}
    return {
        each.lhs.target.column: plain(each.rhs)
        for each in query.where.children
        if isinstance(each, Exact)
        and isinstance(each.lhs, Col)
        and each.lhs.alias == query.get_initial_alias()
        and isinstance(each.rhs, bool | int | str)
    }
