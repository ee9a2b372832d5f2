"""Fields that no client sends: hidden values and what a function makes of an answer, as DRF has them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import func, inspect
from sqlalchemy.orm import aliased

from strangler_fastapi.drf.caller_rows import CallerKey, MatchingRows
from strangler_fastapi.drf.fields.fields import MISSING, Field, ReadOnlyField, Scope, default_in
from strangler_fastapi.drf.links import ManyToMany, OneToMany, column_at, may_lead_nowhere, related_count, value_at
from strangler_fastapi.drf.unported import unported_of

# What a function is given: a column by its lookup, a number of rows, or what is by the caller.
Computed = str | ManyToMany | OneToMany | CallerKey | MatchingRows


class CurrentUserDefault:
    """The key of the request's caller, None of an anonymous one (`serializers.CurrentUserDefault`)."""

    requires_context: ClassVar[bool] = True

    def __call__(self, scope: Scope) -> Any:  # noqa: ANN401 - of the key's type
        """The default in a scope."""
        return None if scope.caller is None else scope.caller.id


@dataclass(frozen=True)
class CreateOnlyDefault:
    """A default, or what gives one, of new rows alone: a row that is changed keeps its value.

    Source: `serializers.CreateOnlyDefault`.
    """

    requires_context: ClassVar[bool] = True
    default: Any

    def __call__(self, scope: Scope) -> Any:  # noqa: ANN401 - whatever the field stands for
        """The default in a scope; MISSING where a row is changed."""
        return MISSING if scope.instance_id is not None else default_in(self.default, scope)


@dataclass(frozen=True, kw_only=True)
class HiddenField(Field):
    """A value that is always its `default`, and in no document (`serializers.HiddenField`)."""

    hidden: ClassVar[bool] = True
    write_only: bool = True

    def __post_init__(self) -> None:
        if self.default is MISSING:
            raise LookupError("A HiddenField has no value but its default: give it one, default=…")
        super().__post_init__()

    def extract(self, name: str, data: Mapping[str, Any], *, partial: bool) -> Any:  # noqa: ANN401, ARG002 - see Field
        """Whatever was sent is left alone."""
        return MISSING

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return value

    def sample(self) -> Any:  # noqa: ANN401, D102 - see Field
        default = self.default.default if isinstance(self.default, CreateOnlyDefault) else self.default
        return default() if callable(default) and not hasattr(default, "requires_context") else 1


@dataclass(frozen=True, kw_only=True)
class SerializerMethodField(Field):
    """What `method` makes of the item that is answered, its other keys by name (`serializers.SerializerMethodField`).

    `type` is its Python type, for the OpenAPI document.
    """

    method: Callable[[Mapping[str, Any]], Any]
    type: Any = Any
    read_only: bool = True

    @property
    def unported(self) -> tuple[str, ...]:  # noqa: D102 - see Field
        return unported_of(self.method)

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return self.type


@dataclass(frozen=True, kw_only=True)
class ComputedField(ReadOnlyField):
    """What `function` makes of columns of the row, as a property or a method of Django's does.

    `columns` are Django's lookups (`room__house__name`), in the order of the function's parameters; a link to
    several rows stands for how many there are (`obj.comments.count()`), and what is by the caller of the request is
    one of `strangler_fastapi.drf.caller_rows`. Without a function it is the value of its one column, as of a source
    with dots: where a foreign key on the way is null the item has no such key, or null with `allow_null`.
    """

    type: str = "field"
    columns: tuple[Computed, ...]
    function: Callable[..., Any] | None = None

    def select(self, owner: Any) -> Any:  # noqa: ANN401 - a mapped class or an alias of one, and an expression
        """The columns, of the row of `owner`."""
        if self.function is None and not self.allow_null:
            model, lookup = inspect(owner).mapper.class_, self.columns[0]
            if isinstance(lookup, str) and may_lead_nowhere(model, lookup):
                return value_at(owner, lookup)
        columns = [_selected(owner, each) for each in self.columns]
        return columns[0] if self.function is None else func.row(*columns)

    def representation(self, kind: Any = None) -> Callable[[Any], Any] | None:  # noqa: ANN401, D102 - see Field
        function = self.function
        return super().representation(kind) if function is None else lambda row: _encoded(function(*row))


@dataclass(frozen=True, kw_only=True)
class ManyComputedField(ComputedField):
    """What `function` makes of columns of each row that is linked to this one, or points at it.

    DRF's `SlugRelatedField` of many whose `slug_field` is a property or a method.
    """

    link: ManyToMany | OneToMany

    def select(self, owner: Any) -> Any:  # noqa: ANN401 - see ComputedField
        """See ComputedField."""
        related = aliased(self.link.target)
        row = func.row(*(_selected(related, each) for each in self.columns))
        return func.array(self.link.rows(owner, related, row).scalar_subquery())

    def representation(self, kind: Any = None) -> Callable[[Any], Any] | None:  # noqa: ANN401, D102 - see Field
        convert = super().representation(kind)
        return None if convert is None else lambda rows: [convert(row) for row in rows]

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return list[Any]


def _selected(owner: Any, of: Computed) -> Any:  # noqa: ANN401 - see ComputedField.select
    if isinstance(of, CallerKey | MatchingRows):
        return of.select(owner)
    return column_at(owner, of) if isinstance(of, str) else related_count(owner, of)


def _encoded(value: Any) -> Any:  # noqa: ANN401 - whatever a function makes
    """What DRF's encoder makes of a value that no field has written: a decimal is a number."""
    return float(value) if isinstance(value, Decimal) else value
