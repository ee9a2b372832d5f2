"""The one row of a view that is the caller's, as `get_object` finds it.

def get_object(self):
    return get_object_or_404(Profile, user=self.request.user)
"""

import ast
import inspect
from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db.models import Model
from django.db.models.fields.related_descriptors import ReverseOneToOneDescriptor
from django.db.models.manager import BaseManager

from strangler_django.endpoints.code.own_code import (
    is_get_object_or_404,
    method_of,
    named,
    names_of,
    own_methods,
    statements_of,
)
from strangler_django.endpoints.code.own_models import own_manager
from strangler_django.endpoints.code.read_querysets import field_at

_CALLERS: Final = ("self.request.user", "self.request.user.id", "self.request.user.pk")


def callers_row(cls: type, name: str) -> dict[str, str] | None:
    """The table of the row that a method returns, and the field in which it has the caller; None of anything else.

    No two rows have one caller.
    """
    function = next(own_methods(cls, name), None)
    made = method_of(function) if function else None
    match [] if made is None else statements_of(made):
        case [ast.Return(value=ast.expr() as value)]:
            found = _found(value, names_of(function))
        case [
            ast.Assign(targets=[ast.Name(id=row)], value=value),
            ast.Return(value=ast.Name(id=returned)),
        ] if row == returned:
            found = _found(value, names_of(function))
        case _:
            return None
    if found is None:
        return None
    model, field_name = found
    field = field_at(model, field_name)
    is_of_users = field is not None and field.related_model is get_user_model() and field.target_field.primary_key
    is_plain = is_of_users and field.unique and not own_manager(model._default_manager)  # noqa: SLF001 - so Django documents it
    return {"table": model._meta.db_table, "field": field.name} if is_plain else None  # noqa: SLF001 - the same


def _found(code: ast.expr, names: Mapping[str, Any]) -> tuple[type[Model], str] | None:
    """The model whose row is found, and the field by which."""
    match code:
        case ast.Call(func=called, args=[of], keywords=[ast.keyword(arg=str(field), value=value)]):
            if not is_get_object_or_404(named(called, names)):
                return None
            model = _model(of, names)
        case ast.Call(
            func=ast.Attribute(value=of, attr="get"), args=[], keywords=[ast.keyword(arg=str(field), value=value)]
        ):
            model = _model(of, names)
        case ast.Attribute(value=caller, attr=name) if ast.unparse(caller) == _CALLERS[0]:
            relation = inspect.getattr_static(get_user_model(), name, None)
            is_relation = isinstance(relation, ReverseOneToOneDescriptor)
            return (relation.related.related_model, relation.related.field.name) if is_relation else None
        case _:
            return None
    return (model, field.removesuffix("__id")) if model is not None and ast.unparse(value) in _CALLERS else None


def _model(code: ast.expr, names: Mapping[str, Any]) -> type[Model] | None:
    """The model that has a name, by itself or by its manager, with all its rows."""
    found = named(code, names)
    if isinstance(found, type) and issubclass(found, Model):
        return found
    match code:
        case ast.Call(func=ast.Attribute(value=inner, attr="all" | "select_related" | "prefetch_related")):
            return _model(inner, names)
        case ast.Attribute(value=inner, attr=name):
            model = named(inner, names)
            manager = getattr(model, name, None) if isinstance(model, type) and issubclass(model, Model) else None
            is_plain = isinstance(manager, BaseManager) and not own_manager(manager)
            return model if is_plain else None
    return None
