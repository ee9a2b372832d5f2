"""The column that a condition of `filter` compares (`genres__id__in`), and what with."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db import models

from strangler_django.endpoints.code.own_code import UnreadError

_TEXT_LOOKUPS: Final = frozenset(
    {"iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith"}
)
_ORDERED: Final = frozenset({"exact", "gt", "gte", "lt", "lte"})
_PARTS: Final = frozenset({"date", "year", "month", "day"})
# The lookups that each form of a value has.
_LOOKUPS: Final[Mapping[str, frozenset[str]]] = {
    "text": _TEXT_LOOKUPS | {"exact"},
    "integer": _ORDERED,
    "float": _ORDERED,
    "number": _ORDERED,
    "day": _ORDERED,
    "boolean": frozenset({"exact"}),
    "identifier": frozenset({"exact"}),
}
# How Django reads a text that a column is compared with.
_SENT: Final[tuple[tuple[type[Any], str], ...]] = (
    (models.CharField, "text"),
    (models.TextField, "text"),
    (models.IntegerField, "integer"),
    (models.FloatField, "float"),
    (models.DecimalField, "number"),
    (models.BooleanField, "boolean"),
    (models.UUIDField, "identifier"),
)


@dataclass(frozen=True)
class FilteredColumn:
    """A column that is compared.

    `path` is Django's, without the lookup; `link` says by which relation it begins where there may be several rows,
    `part` what of a moment is compared (date, year, month, day), `value` is a constant (in a list of one), if it is
    compared with that. Rows are found once for each row that `multiplies` them.
    """

    path: str
    field: Any
    link: Mapping[str, str] | None
    part: str | None
    lookup: str
    multiplies: bool
    value: tuple[Any, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """The same as JSON."""
        facts = {"path": self.path, "link": self.link, "part": self.part, "lookup": self.lookup}
        return facts | ({"value": list(self.value)} if self.value else {})

    def with_value(self, value: Any) -> "FilteredColumn":  # noqa: ANN401 - a constant
        """The same column, compared with a constant.

        :raises UnreadError: it isn't compared as it is.
        """
        if self.part or (self.lookup not in _ORDERED and self.lookup != "isnull"):
            raise UnreadError
        return replace(self, value=(value,))

    def form(self, kind: str, *, is_several: bool) -> str:
        """How the text of a value is read, of which the code makes a `kind`, or several of it.

        :raises UnreadError: Django compares it in another way.
        """
        field = self.field
        while isinstance(field, models.ForeignKey):
            field = field.target_field
        if self.part and self.part != "date":
            form: str | None = "integer"
        elif isinstance(field, models.DateField):
            form = None if isinstance(field, models.DateTimeField) and not self.part else "day"
        else:
            form = next((form for cls, form in _SENT if isinstance(field, cls)), None)
        if form is None or kind not in ("sent", form):
            raise UnreadError
        lookups = frozenset({"in"}) if is_several else _LOOKUPS[form]
        if self.lookup not in lookups or (is_several and form not in ("text", "integer", "identifier")):
            raise UnreadError
        return form


def column_at(model: Any, condition: str) -> FilteredColumn:  # noqa: ANN401 - a model class
    """The column that a condition (`genres__id__in`) compares: behind foreign keys, or one relation to several rows.

    :raises UnreadError: it is behind others.
    """
    names, link, multiplies, is_once, walked = condition.split("__"), None, False, True, 0
    field: Any = None
    for number, name in enumerate(names):
        found = _field(model, name)
        if found is None:
            break
        if not isinstance(found, models.Field) or found.many_to_many or found.one_to_many:
            if number:
                raise UnreadError
            link, multiplies = _link(found), not found.one_to_one
            is_once = _is_linked_once(found)
        field, model, walked = found, found.related_model, number + 1
    rest = names[walked:]
    if link and walked == 1:
        # The rows themselves are meant by their key.
        field = field.related_model._meta.pk
    if field is None or len(rest) > 2:
        raise UnreadError
    part = rest.pop(0) if len(rest) == 2 or (rest and rest[0] in _PARTS) else None
    kind = models.DateTimeField if part == "date" else models.DateField
    if part and (part not in _PARTS or not isinstance(field, kind)):
        raise UnreadError
    lookup = rest[0] if rest else "exact"
    if multiplies and is_once and lookup == "exact" and not part and field.unique and walked <= 2:
        # Only one of the rows has that value, and is linked once.
        multiplies = False
    return FilteredColumn("__".join(names[:walked]), field, link, part, lookup, multiplies)


def _field(model: Any, name: str) -> Any:  # noqa: ANN401 - a model class, and a field or a relation of one
    """The field of a query's name: of the model, or the other end of another's."""
    if model is None:
        return None
    if name == "pk":
        return model._meta.pk
    named_so = {each.name: each for each in model._meta.get_fields()}
    by_column = {each.attname: each for each in model._meta.fields}
    return named_so.get(name) or by_column.get(name)


def _link(found: Any) -> Mapping[str, str]:  # noqa: ANN401 - a relation
    """The relation: many_to_many of the model's own, its other end, or rows that point back."""
    if isinstance(found, models.ManyToManyField):
        return {"kind": "many_to_many", "table": found.related_model._meta.db_table, "field": found.name}
    if isinstance(found, models.ManyToManyRel | models.ManyToOneRel):
        kind = "other_end" if found.many_to_many else "pointing"
        return {"kind": kind, "table": found.related_model._meta.db_table, "field": found.field.name}
    raise UnreadError


def _is_linked_once(found: Any) -> bool:  # noqa: ANN401 - a relation
    """Whether no two rows are linked twice; in a table of the project's own they may be."""
    through = getattr(found, "through", None) or getattr(found.remote_field, "through", None)
    return through is None or bool(through._meta.auto_created)
