"""Filters by rows of other tables, and by values that rows have, as code."""

from typing import Final

from strangler.adoption.list_facts import FilterParameter
from strangler.adoption.scaffold.code import Call, Code, call, prefixed, quoted
from strangler.adoption.scaffold.links import RowLinks
from strangler.adoption.scaffold.tables import Tables, UnreadableError
from strangler.adoption.scaffold.written_list import WrittenList

_ANY_VALUES: Final = "AllValuesMultipleFilter"
# By what they are called in django-filter.
ALL_VALUES: Final = {"AllValuesFilter": "all_values_filter", _ANY_VALUES: "all_values_multiple_filter"}
OF_LINKS: Final = frozenset({"ModelMultipleChoiceFilter", _ANY_VALUES})
# The kinds of columns whose values are compared as they are written.
NAMES: Final = frozenset(
    {
        *("AutoField", "BigAutoField", "BigIntegerField", "CharField", "IntegerField", "PositiveIntegerField"),
        *("PositiveSmallIntegerField", "SlugField", "SmallIntegerField", "TextField", "UUIDField"),
    }
)
ROW_FILTERS: Final = "strangler_fastapi.drf.row_filters"


def linked_filter(made: WrittenList, parameter: FilterParameter, model: str, table: str, tables: Tables) -> Call:
    """A filter by rows at the other end of a many-to-many relation: by their keys, or by a column of theirs.

    :raises UnreadableError: it finds others than those that are linked to one of them, or to all.
    """
    relation, _, last = (parameter.field or "").partition("__")
    settings = {*parameter.settings} - {"conjoined"}
    is_plain = parameter.lookup == "exact" and not parameter.exclude and not parameter.method
    if settings or not is_plain or (parameter.kind != _ANY_VALUES and parameter.declared) or "__" in last:
        said = f" with {', '.join(sorted(settings))}" if settings else ""
        raise UnreadableError(f"a {parameter.kind} of {parameter.field} by {parameter.lookup}{said}")
    link = RowLinks(model, table, tables, made.imports).many_to_many(relation)
    target = tables.facts(table).many_to_many[relation].target
    tables.use(table, *tables.facts(table).primary_key)
    column = f"lambda: {model}.{tables.attribute_of(table, 'pk')}"
    named: dict[str, Code] = {"link": prefixed("lambda: ", link)}
    if last:
        name, facts = tables.column_of(target, last)
        if facts.references is not None or facts.kind not in NAMES:
            raise UnreadableError(f"a {parameter.kind} of a {facts.kind}")
        related, attribute = tables.use(target, name), tables.attribute_of(target, last)
    else:
        related, attribute = tables.use(target), ""
    conjoined = {"conjoined": "True"} if "conjoined" in parameter.settings else {}
    if parameter.kind == _ANY_VALUES:
        attribute = attribute or tables.attribute_of(target, "pk")
        made.imports.setdefault(ROW_FILTERS, set()).add(ALL_VALUES[_ANY_VALUES])
        made.classes.add(related)
        return call(ALL_VALUES[_ANY_VALUES], column, **named, named=f"lambda: {related}.{attribute}", **conjoined)
    if attribute:
        named["to_field_name"] = quoted(attribute)
    return related_filter(made, "related_multiple_filter", column, related, **named, **conjoined)


def related_filter(made: WrittenList, name: str, column: Code, related: str, **named: Code) -> Call:
    """A filter by rows of the class `related`."""
    made.imports.setdefault(ROW_FILTERS, set()).add(name)
    made.classes.add(related)
    return call(name, column, related, **named)
