"""What `annotate` adds to the rows of a queryset: the numbers of rows that point at them."""

from typing import Any

from django.db.models import Count, ManyToOneRel
from django.db.models.expressions import Col

from strangler_django.endpoints.own_code import UnreadError


def counts_of(query: Any) -> dict[str, dict[str, str]] | None:  # noqa: ANN401 - Django's Query
    """The table and the foreign key of the rows that each annotation counts, by name; None where one does more."""
    try:
        counts = {name: _counted(query, each) for name, each in query.annotations.items()}
    except UnreadError:
        return None
    # Several joins multiply what each of them counts.
    is_multiplied = len(counts) > 1 and not all(each.distinct for each in query.annotations.values())
    return None if is_multiplied else counts


def _counted(query: Any, found: Any) -> dict[str, str]:  # noqa: ANN401 - as above, and an expression
    if type(found) is not Count or found.filter is not None:
        raise UnreadError
    column = found.get_source_expressions()[0]
    if not isinstance(column, Col):
        raise UnreadError
    join = query.alias_map[column.alias]
    relation = getattr(join, "join_field", None)
    if not isinstance(relation, ManyToOneRel) or join.parent_alias != query.base_table or column.target.null:
        raise UnreadError
    if found.distinct and not (column.target.primary_key or relation.related_model._meta.auto_created):  # noqa: SLF001 - so Django documents it
        raise UnreadError
    return {"table": relation.related_model._meta.db_table, "field": relation.field.name}  # noqa: SLF001 - the same
