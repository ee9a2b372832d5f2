"""Rows of another table that code finds by the row shown, by the caller and by constants, and asks for no more.

Favorite.objects.filter(user=self.context["request"].user, recipe=obj).exists()
obj.likes.filter(user=user).count()
user in obj.liked_by.all()
Rating.objects.filter(user=user, movie=obj).first()

Rows at the other end of a many-to-many relation are those of its own table, which links them.
"""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import ast
import inspect
from dataclasses import dataclass, replace
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db.models import ForeignKey, Model, Q
from django.db.models.fields.related_descriptors import ManyToManyDescriptor, ReverseManyToOneDescriptor
from django.db.models.manager import BaseManager

from strangler_django.contract.plain import plain
from strangler_django.endpoints.code.databases import routed_elsewhere
from strangler_django.endpoints.code.own_code import UnreadError, named
from strangler_django.endpoints.code.own_models import own_manager
from strangler_django.endpoints.code.read_querysets import field_at

_NUMBERS: Final = frozenset({"IntegerField", "SmallIntegerField", "BigIntegerField", "AutoField", "BigAutoField"})
# What stands for a relation that has several rows.
SEVERAL: Final = (ManyToManyDescriptor, ReverseManyToOneDescriptor)


@dataclass(frozen=True)
class Compared:
    """What a column is compared with: the key of the `caller`, the `row`'s column at a lookup, or a constant `value`.

    `model` is that of the object whose key it is, None where the code itself names a column.
    """

    kind: str
    value: Any = None
    model: Any = None
    field: Any = None


@dataclass(frozen=True)
class MatchingRows:
    """The rows of a model whose fields, at lookups, are equal to something.

    Code names the fields of those to which `within` leads.
    """

    model: Any
    where: tuple[tuple[str, Compared], ...] = ()
    within: str = ""
    shown: str | None = None

    @property
    def target(self) -> Any:  # noqa: ANN401 - a model class
        """The model whose rows the code is about."""
        return field_at(self.model, self.within).related_model if self.within else self.model

    @property
    def is_callers(self) -> bool:
        """Whether nobody who is anonymous has any."""
        return any(each.kind == "caller" for _, each in self.where)

    @property
    def is_of_row(self) -> bool:
        """Whether they are found by the key of the row shown first."""
        return bool(self.where) and self.where[0][1].field is not None and self.where[0][1].field.primary_key

    @property
    def ordering(self) -> list[str]:
        """The order of its model, which the first row is by."""
        if self.shown is None:
            return []
        if self.within:
            raise UnreadError
        terms = self.model._meta.ordering
        names = {each.name for each in self.model._meta.concrete_fields} | {"pk"}
        if not all(isinstance(term, str) and term.lstrip("-") in names for term in terms):
            raise UnreadError
        return list(terms)

    @property
    def facts(self) -> dict[str, Any]:
        """The same as JSON."""
        where = [[lookup, each.kind, plain(each.value)] for lookup, each in self.where]
        return {
            "table": self.model._meta.db_table,
            "where": where,
            "shown": self.shown,
            "ordering": self.ordering,
        }

    def lookup(self, name: str) -> tuple[str, Any]:
        """A field that code names, from the model on, and the field itself.

        :raises UnreadError: there is none, or it leads to several rows.
        """
        field = field_at(self.target, name)
        if field is None:
            raise UnreadError
        if not self.within:
            return _at_key(name, self.model)
        if field is self.target._meta.pk:
            return self.within, field_at(self.model, self.within)
        return f"{self.within}__{name}", field

    def narrowed(self, name: str, other: Compared, *, is_signed_in: bool) -> "MatchingRows":
        """Those of them whose field is equal to something.

        :raises UnreadError: Django compares it otherwise.
        """
        is_relation = isinstance(field_at(self.target, name), ForeignKey)
        lookup, field = self.lookup(name)
        if other.model is not None and not (is_relation and _is_of(field, other.model)):
            raise UnreadError
        if other.kind == "caller":
            is_key = _is_of(field, get_user_model()) or field is get_user_model()._meta.pk
            # Of nobody Django looks for null.
            if not is_key or (field.null and other.model is None and not is_signed_in):
                raise UnreadError
            return replace(self, where=(*self.where, (lookup, other)))
        is_same = other.kind != "row" or other.model is not None or column_kind(field) == column_kind(other.field)
        if not is_same or (other.kind == "value" and not fits(other.value, field)):
            raise UnreadError
        return replace(self, where=(*self.where, (lookup, other)))

    def showing(self, name: str) -> "MatchingRows":
        """The column of the first of them.

        :raises UnreadError: it is none.
        """
        lookup, field = self.lookup(name)
        if isinstance(field, ForeignKey) and name == field.name:
            raise UnreadError
        return replace(self, shown=lookup)


def related_rows(model: Any, name: str, row: Compared) -> MatchingRows | None:  # noqa: ANN401 - a model class
    """The rows of a relation that has several, of a `row` of the model; None where it has no such relation.

    :raises UnreadError: code of the project's own gives its rows.
    """
    found = inspect.getattr_static(model, name, None)
    match found:
        case ManyToManyDescriptor():
            field = found.field
            own, other = field.m2m_field_name(), field.m2m_reverse_field_name()
            own, other = (other, own) if found.reverse else (own, other)
            rows = MatchingRows(field.remote_field.through, ((own, row),), other)
            is_by_key = all(field_at(rows.model, each).target_field.primary_key for each in (own, other))
        case ReverseManyToOneDescriptor():
            rows = MatchingRows(found.field.model, ((found.field.name, row),))
            is_by_key = found.field.target_field.primary_key
        case _:
            return None
    if not is_by_key:
        raise UnreadError
    return _checked(rows, rows.target._default_manager)


def all_rows(manager: Any) -> MatchingRows:  # noqa: ANN401 - whatever code names
    """Those of a manager.

    :raises UnreadError: it is none, or of the project's own.
    """
    if not isinstance(manager, BaseManager):
        raise UnreadError
    return _checked(MatchingRows(manager.model), manager)


def conditions(code: ast.expr, names: Any) -> list[ast.keyword]:  # noqa: ANN401 - see `named`
    """The conditions that `Q(user=user) & Q(recipe=obj)` is made of.

    :raises UnreadError: it is made of others.
    """
    match code:
        case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
            return [*conditions(left, names), *conditions(right, names)]
        case ast.Call(func=called, args=[], keywords=keywords) if named(called, names) is Q:
            return keywords
    raise UnreadError


def key_of(model: type[Model], path: tuple[str, ...]) -> Compared:
    """The key of a row, which is the one shown or one that it points at."""
    field = model._meta.pk
    return Compared("row", "__".join((*path, field.attname)), model, field)


def _checked(rows: MatchingRows, manager: Any) -> MatchingRows:  # noqa: ANN401 - a manager
    models = (rows.model, rows.target)
    if own_manager(manager) or any(map(routed_elsewhere, models)) or not issubclass(rows.model, Model):
        raise UnreadError
    return rows


def _at_key(name: str, model: Any) -> tuple[str, Any]:  # noqa: ANN401 - a model class
    """A path of fields that may end with the key of another row: its foreign key holds that."""
    *way, last = name.split("__")
    if not way:
        return name, field_at(model, name)
    before = field_at(model, "__".join(way))
    if isinstance(before, ForeignKey) and last in ("pk", before.target_field.name, before.target_field.attname):
        return "__".join(way), before
    return name, field_at(model, name)


def _is_of(field: Any, model: Any) -> bool:  # noqa: ANN401 - a field and a model class
    """Whether a foreign key points at the keys of a model."""
    is_key = isinstance(field, ForeignKey) and field.target_field.primary_key
    return is_key and field.related_model._meta.concrete_model is model._meta.concrete_model


def column_kind(field: Any) -> str:  # noqa: ANN401 - a field
    """What two columns have in common that are compared."""
    column = field.target_field if isinstance(field, ForeignKey) else field
    kind = str(column.get_internal_type())
    return "number" if kind.removeprefix("Positive") in _NUMBERS else kind


def fits(value: Any, field: Any) -> bool:  # noqa: ANN401 - a constant and a field
    """Whether a constant is of a column's type."""
    kind = column_kind(field)
    if isinstance(value, str):
        return kind in ("CharField", "TextField", "SlugField")
    return kind == "BooleanField" if isinstance(value, bool) else isinstance(value, int) and kind == "number"
