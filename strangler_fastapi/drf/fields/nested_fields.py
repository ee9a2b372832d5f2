"""A serializer within a serializer: rows of another table within an answer, and within a body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from sqlalchemy import DateTime, ScalarSelect, Select, func
from sqlalchemy.orm import aliased
from sqlalchemy.sql.functions import FunctionElement

from strangler_fastapi.db.query import RowsWithin, Shape, ValueOfRow
from strangler_fastapi.drf.fields.computed_fields import ComputedField, SerializerMethodField
from strangler_fastapi.drf.fields.fields import MISSING, Field, Scope
from strangler_fastapi.drf.fields.hyperlinks import HyperlinksField
from strangler_fastapi.drf.fields.relations import (
    ManyRelatedField,
    ManySlugRelatedField,
    PointingKeysField,
    SlugRelatedField,
)
from strangler_fastapi.drf.http.bodies import Form
from strangler_fastapi.drf.http.limits import MOST_FIELDS
from strangler_fastapi.drf.links import ForeignKey, ManyToMany, OneToMany, OneToOne, readable
from strangler_fastapi.drf.validators import NO_DICTIONARY, NO_LIST, Invalid
from strangler_fastapi.errors import NON_FIELD_ERRORS, ValidationFailed

if TYPE_CHECKING:
    from strangler_fastapi.drf.serializers import Serializer


@dataclass(frozen=True, kw_only=True)
class NestedField(Field):
    """Rows of another table within an answer, and within a body unless it is `read_only`.

    `link` leads there: by a foreign key, from either end (`OneToOne`), to one row or none, else to many. As in DRF,
    what a body says of them is validated, and written by a function of yours: `Resource(perform_create=…,
    perform_update=…)`, which finds them cleaned, by the field's name or source. The other arguments are those of DRF's
    `many=True`; `errors_as_dict` is LIST_SERIALIZER_ERRORS_AS_DICT; with DRF's releases before that setting errors are
    a list.
    Of rows that a method shows (`by_method`, DRF's SerializerMethodField) OPTIONS says only that there is a field.
    """

    kind: ClassVar[str] = "nested object"
    read_only: bool = True
    children: "Serializer"
    link: ForeignKey | ManyToMany | OneToMany
    allow_empty: bool = True
    max_length: int | None = None
    min_length: int | None = None
    errors_as_dict: bool = True
    by_method: bool = False

    @property
    def many(self) -> bool:
        """Whether there is a list of them."""
        return isinstance(self.link, ManyToMany | OneToMany) and not isinstance(self.link, OneToOne)

    @property
    def unported(self) -> tuple[str, ...]:  # noqa: D102 - see Field
        return self.children.unported

    def select(self, owner: Any) -> RowsWithin:  # noqa: ANN401 - a mapped class or an alias of one
        """The rows of the row of `owner`."""
        related = aliased(self.link.target)
        shape = shape_of(self.children, related, is_within=True)
        rows = self.link.rows(owner, related, func.row(*shape.columns)).scalar_subquery()
        return RowsWithin(func.array(rows) if self.many else rows, shape, many=self.many)

    def extract_from_form(self, name: str, form: Form, *, partial: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return (form.rows(name) if self.many else form.below(name)) or MISSING

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, D102 - see Field
        # DRF's nested serializers know no row, so each is checked as a new one.
        within = replace(scope, instance_id=None)
        return await (self._list(value, within) if self.many else self._item(value, within))

    async def _item(self, value: Any, scope: Scope) -> dict[str, Any]:  # noqa: ANN401 - whatever was sent
        if value is None:
            raise self.refused("null", "This field may not be null.")
        if not isinstance(value, Mapping):
            raise Invalid(
                {NON_FIELD_ERRORS: self.refused("invalid", NO_DICTIONARY, datatype=type(value).__name__).detail}
            )
        try:
            return await self.children.validate(value, scope, partial=scope.partial)
        except ValidationFailed as error:
            raise Invalid(error.body) from None

    async def _list(self, value: Any, scope: Scope) -> list[dict[str, Any]]:  # noqa: ANN401 - whatever was sent
        if (fault := self._list_fault(value)) is not None:
            raise Invalid({NON_FIELD_ERRORS: fault.detail})
        items: list[dict[str, Any]] = []
        errors: dict[int, Any] = {}
        for index, item in enumerate(value):
            try:
                items.append(await self._item(item, scope))
            except Invalid as error:
                errors[index] = error.detail
        if errors and self.errors_as_dict:
            raise Invalid({str(index): detail for index, detail in errors.items()})
        if errors:
            raise Invalid([errors.get(index, {}) for index in range(len(value))])
        return items

    def _list_fault(self, value: Any) -> Invalid | None:  # noqa: ANN401 - whatever was sent
        if not isinstance(value, list):
            return self.refused("not_a_list", NO_LIST, input_type=type(value).__name__)
        if not (value or self.allow_empty):
            return self.refused("empty", "This list may not be empty.")
        most = MOST_FIELDS if self.max_length is None else self.max_length
        if len(value) > most:
            text = "Ensure this field has no more than {max_length} elements."
            return self.refused("max_length", text, max_length=most)
        if len(value) < (self.min_length or 0):
            text = "Ensure this field has at least {min_length} elements."
            return self.refused("min_length", text, min_length=self.min_length)
        return None

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, D102 - see Field
        model: Any = self.children.request_model if request else self.children.response_model
        return list[model] if self.many else model

    def sample(self) -> Any:  # noqa: ANN401, D102 - see Field
        return []

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        if self.by_method:
            return super().describe(name) | {"type": "field"}
        children = {"children": self.children.describe()}
        if not self.many:
            return super().describe(name) | children
        child = {"type": self.kind, "required": self.required and not self.read_only, "read_only": self.read_only}
        bounds = {"min_length": self.min_length, "max_length": self.max_length}
        described = super().describe(name) | {bound: value for bound, value in bounds.items() if value is not None}
        return described | {"type": "field", "child": child | children}


# Fields that say themselves what is read for them.
_SELECTING: Final = (
    *(ComputedField, HyperlinksField, ManyRelatedField, ManySlugRelatedField, NestedField, PointingKeysField),
    SlugRelatedField,
)


def shape_of(
    serializer: "Serializer",
    owner: Any,  # noqa: ANN401 - a mapped class or an alias of one
    annotations: Mapping[str, Callable[[], Any]] = MappingProxyType({}),
    *,
    is_within: bool = False,
) -> Shape:
    """What an answer holds of a row of `owner`, which may be within another; `annotations` are no attributes of it."""

    def selected(source: str, field: Field) -> Any:  # noqa: ANN401 - a mapped attribute, or an SQL expression
        if isinstance(field, _SELECTING):
            return field.select(owner)
        return annotations[source]() if source in annotations else readable(getattr(owner, source))

    shown = {name: field for name, field in serializer.fields.items() if not field.write_only}
    methods = {name: field.method for name, field in shown.items() if isinstance(field, SerializerMethodField)}
    columns = {name: selected(field.source or name, field) for name, field in shown.items() if name not in methods}
    typed = {name: each.column if isinstance(each, ValueOfRow) else each for name, each in columns.items()}
    kinds = {name: _python_type(column) for name, column in typed.items()}
    written = {
        name: convert for name, kind in kinds.items() if (convert := shown[name].representation(kind)) is not None
    }
    arrays = {name: rows for name, each in columns.items() if is_within and (rows := _rows_of(each)) is not None}
    written |= {name: _first_of_each(written.get(name)) for name in arrays}
    columns |= arrays
    return Shape(columns, written, made=methods, order=tuple(shown) if methods else ())


def _rows_of(column: Any) -> Any:  # noqa: ANN401 - an SQL expression, or what stands for several
    """An array of values as one of rows of one value; None of anything else.

    asyncpg reads no other array within a row whose type it doesn't know, which that of an expression is.
    """
    if not isinstance(column, FunctionElement) or getattr(column, "name", "") != "array":
        return None
    (values,) = column.clauses
    select = values.element if isinstance(values, ScalarSelect) else None
    (value,) = select.selected_columns if isinstance(select, Select) else (None,)
    # A column may have that name, too.
    if value is None or (isinstance(value, FunctionElement) and getattr(value, "name", "") == "row"):
        return None
    return func.array(select.with_only_columns(func.row(value)).scalar_subquery())  # type: ignore[union-attr] # it is one


def _first_of_each(convert: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    """The values of rows of one value, as an answer has them."""
    if convert is None:
        return lambda rows: [row[0] for row in rows]
    return lambda rows: convert([row[0] for row in rows])


def _python_type(column: object) -> type | None:
    """The Python type of an expression's values; None where SQLAlchemy can't say, or the moments have no zone."""
    typed = getattr(column, "type", None)
    if isinstance(typed, DateTime) and not typed.timezone:
        return None
    try:
        kind: type | None = getattr(typed, "python_type", None)
    except NotImplementedError:
        return None
    return kind
