"""The commonest methods of a project's own, each read from its code in exactly one shape.

def perform_create(self, serializer):
    serializer.save(owner=self.request.user)

def get_queryset(self):
    return Note.objects.filter(owner=self.request.user)

def __str__(self):
    return self.name
"""

import ast
import inspect
import textwrap
from typing import Any

from django.db import models


def saved_caller(view: type) -> str | None:
    """The field in which `perform_create` saves the caller; None where it does anything else, or more."""
    function = getattr(view, "perform_create", None)
    called = _only_call(function)
    if called is None or not isinstance(called.func, ast.Attribute) or called.func.attr != "save":
        return None
    names = list(inspect.signature(function).parameters) if function else []
    given = called.func.value
    return _caller_field(called) if isinstance(given, ast.Name) and names[1:] == [given.id] else None


def owned_rows(view: type) -> tuple[Any, str] | None:
    """The model of `get_queryset`, and the field in which its rows have the caller; None for any other queryset."""
    function = getattr(view, "get_queryset", None)
    match _only_call(function):
        case (
            ast.Call(
                func=ast.Attribute(value=ast.Attribute(value=ast.Name(id=name), attr="objects"), attr="filter")
            ) as called
        ):
            model, field = getattr(function, "__globals__", {}).get(name), _caller_field(called)
            is_model = isinstance(model, type) and issubclass(model, models.Model)
            # A manager of the project's own may leave rows out.
            if is_model and field and type(getattr(model, "objects", None)) is models.Manager:
                return model, field
    return None


def returned_attribute(function: Any) -> str | None:  # noqa: ANN401 - as below
    """The attribute of its own that a method returns; None where it does more."""
    match _only_statement(function):
        case ast.Return(value=ast.Attribute(value=ast.Name(id="self"), attr=name)):
            return name
    return None


def _only_call(function: Any) -> ast.Call | None:  # noqa: ANN401 - as below
    """The one call that a method consists of, or returns."""
    match _only_statement(function):
        case ast.Expr(value=ast.Call() as called) | ast.Return(value=ast.Call() as called):
            return called
    return None


def _only_statement(function: Any) -> ast.stmt | None:  # noqa: ANN401 - whatever a class has under that name
    """The one statement that a method consists of, besides its docstring."""
    try:
        (made,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    if not isinstance(made, ast.FunctionDef) or made.decorator_list:
        return None
    body = made.body[1:] if ast.get_docstring(made) is not None else made.body
    return body[0] if len(body) == 1 else None


def _caller_field(called: ast.Call) -> str | None:
    """The one argument, where it is `self.request.user`."""
    match called:
        case ast.Call(args=[], keywords=[ast.keyword(arg=str(name), value=value)]):
            return name if ast.unparse(value) == "self.request.user" and "__" not in name else None
    return None
