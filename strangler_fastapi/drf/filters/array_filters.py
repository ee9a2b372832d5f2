"""Filters of PostgreSQL's arrays, as django-filter has them of Django's ArrayField.

    "tags": array_filter(lambda: Ware.tags, TEXT, "overlap"),  # ?tags=new,used
    "tags__len__gte": column_filter(lambda: array_size(Ware.tags), NUMBER, "gte"),

Those that compare the text of an array, as `icontains` does, are filters of any column.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, bindparam, case, cast, false, func
from sqlalchemy.dialects.postgresql import ARRAY

from strangler_fastapi.drf.criteria import Criterion
from strangler_fastapi.drf.filters.filter_forms import FormField, prepared, read_several
from strangler_fastapi.drf.filters.filtering import Attribute, Filter, excluding
from strangler_fastapi.drf.validators import biggest

_LOOKUPS: Final[Mapping[str, Callable[[Any, Any], ColumnElement[bool]]]] = {
    "exact": lambda column, values: column == values,
    "contains": lambda column, values: column.op("@>", is_comparison=True)(values),
    "contained_by": lambda column, values: column.op("<@", is_comparison=True)(values),
    "overlap": lambda column, values: column.op("&&", is_comparison=True)(values),
}
# Of these a value that no array holds says that there is no such row.
_OF_ALL: Final = ("exact", "contains")
_DESCRIPTIONS: Final = {
    "exact": "All values, in their order, separated by commas.",
    "contains": "Values, separated by commas, all of which are there.",
    "contained_by": "Values, separated by commas, besides which there are none.",
    "overlap": "Values, separated by commas, any of which is there.",
}


def array_filter(column: Attribute, form: FormField, lookup: str = "exact", *, exclude: bool = False) -> Filter:
    """An array compared with values that `form` reads, which a request says with commas (`BaseCSVFilter`).

    `lookup` is exact, contains, contained_by or overlap. Texts that are longer than the array's are cut, as by Django.

    Raises:
        LookupError: there is no such lookup.
    """
    if lookup not in _LOOKUPS:
        raise LookupError(f"{lookup} is no lookup of an array: name one of {', '.join(_LOOKUPS)}.")

    def read(name: str, text: str) -> Criterion | None:
        if not text:
            return None
        kind = column().type
        item = kind.item_type
        values = [value if value is None else prepared(item, value) for value in read_several(form, text)]
        held = [value for value in values if not isinstance(value, int) or -biggest(item) - 1 <= value <= biggest(item)]
        if len(held) < len(values) and lookup in _OF_ALL:
            return Criterion("nothing", false)
        sought = bindparam(name, type_=ARRAY(type(item)))
        return Criterion(name, lambda: _LOOKUPS[lookup](column(), cast(sought, kind)), {name: held})

    samples = (f"{form.sample},{form.sample}",)
    return Filter(excluding(read) if exclude else read, samples=samples, description=_DESCRIPTIONS[lookup])


def array_size(column: Any) -> ColumnElement[int]:  # noqa: ANN401 - a mapped attribute
    """How many values an array has, null where it is null (Django's `len`)."""
    size = func.coalesce(func.array_length(column, 1, type_=Integer), 0, type_=Integer)
    return case((column.is_not(None), size))
