"""Which rows link the row of a path to the caller, by the names that a handler has for them.

Favorite.objects.filter(user=request.user, recipe=recipe)
post.likes
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models.fields.reverse_related import ManyToManyRel, ManyToOneRel, OneToOneRel

from strangler_django.endpoints.code.own_code import named
from strangler_django.endpoints.code.own_expressions import CALLER
from strangler_django.endpoints.code.own_models import own_creation, own_manager
from strangler_django.endpoints.handlers.answers import HandlerAnswers
from strangler_django.endpoints.handlers.parts import Row

_KEYS: Final = ("id", "pk")


@dataclass(frozen=True)
class Link:
    """Rows of `model` by whose fields `row` and `caller` the row of a path is linked to the caller.

    There is one at most where they are `unique`; those of a relation between the two are `of_relation`.
    """

    model: type[models.Model]
    row: str
    caller: str
    unique: bool
    of_relation: bool = False


class NamedLinks(HandlerAnswers):
    """As HandlerAnswers."""

    def _link(self, of: ast.expr, keywords: Sequence[ast.keyword]) -> Link | None:
        """The link that a manager has with these columns; None where it is about anything else."""
        given = {str(each.arg): each.value for each in keywords}
        if len(given) != len(keywords):
            return None
        match of:
            case ast.Attribute(value=inner, attr="objects"):
                model = named(inner, self._scope.code.names)
                if not (isinstance(model, type) and issubclass(model, models.Model)):
                    return None
                if _is_managed(model):
                    return None
                known: dict[str, ast.expr] = {}
            case ast.Attribute(value=inner, attr=name):
                relation = self._reverse(inner, name)
                if not isinstance(relation, ManyToOneRel) or isinstance(relation, OneToOneRel):
                    return self._filtered(of, given)
                model, known = relation.related_model, {relation.field.name: inner}
                if _is_managed(model):
                    return None
            case _:
                return None
        row: str | None = None
        caller: str | None = None
        found: Row | None = None
        for name, value in (known | given).items():
            field = _foreign_key(model, name)
            if field is None or field.name in (row, caller):
                return None
            if self._is_caller(value) and field.related_model is get_user_model():
                caller = field.name
            elif (found := self._row_named(value) or self._row(value)) is not None:
                if field.related_model is not self._model_of(found):
                    return None
                row = field.name
            else:
                return None
        if row is None or caller is None or len(known | given) != len(("row", "caller")):
            return None
        return Link(model, row, caller, _is_unique_pair(model, row, caller))

    def _filtered(self, of: ast.expr, given: dict[str, ast.expr]) -> Link | None:
        """The link that `post.likes.filter(id=request.user.id)` is about."""
        match list(given.items()):
            case [(name, value)] if name in _KEYS:
                return self._relation(of, value)
        return None

    def _relation(self, of: ast.expr, other: ast.expr) -> Link | None:
        """The link of a many-to-many relation between the row and the caller."""
        match of:
            case ast.Call(func=ast.Attribute(value=inner, attr="all"), args=[], keywords=[]):
                return self._relation(inner, other)
            case ast.Attribute(value=inner, attr=name):
                relation = self._reverse(inner, name)
            case _:
                return None
        if not isinstance(relation, models.ManyToManyField | ManyToManyRel):
            return None
        field = relation if isinstance(relation, models.ManyToManyField) else relation.field
        through = field.remote_field.through
        if not through._meta.auto_created or field.remote_field.symmetrical:  # noqa: SLF001 - as above
            return None
        of_row = self._row_named(inner)
        is_forward = isinstance(relation, models.ManyToManyField)
        if of_row is not None and self._is_caller(other):
            is_rows = is_forward
        elif self._is_caller(inner) and self._row_named(other) is not None:
            is_rows = not is_forward
        else:
            return None
        ends = (field.m2m_field_name(), field.m2m_reverse_field_name())
        row, caller = ends if is_rows else ends[::-1]
        users = _foreign_key(through, caller)
        if users is None or users.related_model is not get_user_model() or _foreign_key(through, row) is None:
            return None
        return Link(through, row, caller, unique=True, of_relation=True)

    def _reverse(self, code: ast.expr, name: str) -> Any:  # noqa: ANN401 - a field or a relation
        """The relation that the row, or the caller, has under a name."""
        if self._is_caller(code):
            model: Any = get_user_model()
        elif isinstance(code, ast.Name) and (row := self._row_named(code)) is not None:
            model = self._model_of(row)
        else:
            return None
        for each in model._meta.get_fields():  # noqa: SLF001 - as above
            accessor = each.get_accessor_name() if each.auto_created and not each.concrete else each.name
            if accessor == name:
                return each
        return None

    def _row_named(self, code: ast.expr) -> Row | None:
        """The row that an expression names, or whose key it is."""
        match code:
            case ast.Name(id=name):
                found = self._scope.names.get(name)
                return found if isinstance(found, Row) and self._exists else None
            case ast.Attribute(value=ast.Name() as inner, attr=attr):
                row = self._row_named(inner)
                if row is not None and attr in ("pk", self._model_of(row)._meta.pk.attname):  # noqa: SLF001 - as above
                    return row
        # The key that the row was found by.
        parameter = self._parameter(self._resolved(code))
        rows = (each for what, each in self.done if what == "find")
        return next((each for each in rows if parameter and (each.field, each.parameter) == ("pk", parameter)), None)

    def _is_caller(self, code: ast.expr) -> bool:
        """Whether an expression is the caller, or its key."""
        key = get_user_model()._meta.pk.attname  # noqa: SLF001 - as above
        return ast.unparse(self._resolved(code)) in (CALLER, f"{CALLER}.pk", f"{CALLER}.{key}")


def _is_managed(model: Any) -> bool:  # noqa: ANN401 - a model class
    """Whether code of the project's own finds or makes the rows of a model."""
    manager = model._default_manager  # noqa: SLF001 - as above
    return manager.name != "objects" or own_manager(manager) or own_creation(model) is not None


def _foreign_key(model: Any, name: str) -> Any:  # noqa: ANN401 - as above
    """The foreign key to a row's key that a lookup names: `user`, `user_id` or `user__id`."""
    name = name.removesuffix("__id").removesuffix("__pk")
    for field in model._meta.concrete_fields:  # noqa: SLF001 - as above
        if name in (field.name, field.attname):
            is_key = isinstance(field, models.ForeignKey) and field.target_field.primary_key
            return field if is_key and not field.unique else None
    return None


def _is_unique_pair(model: Any, row: str, caller: str) -> bool:  # noqa: ANN401 - as above
    pairs = [{*each} for each in model._meta.unique_together]  # noqa: SLF001 - as above
    pairs += [{*each.fields} for each in model._meta.total_unique_constraints]  # noqa: SLF001 - as above
    return {row, caller} in pairs
