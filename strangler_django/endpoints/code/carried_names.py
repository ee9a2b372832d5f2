"""The names that carried code may have: twins of DRF's in the library, builtins, attributes and constants."""

import ast
import inspect
from http import HTTPStatus
from typing import Any, Final

from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from strangler_django.endpoints.code.own_code import UnreadError
from strangler_django.python_source import source_of

TWINS: Final = (
    *(exceptions.APIException, exceptions.ValidationError, exceptions.ParseError, exceptions.AuthenticationFailed),
    *(exceptions.NotAuthenticated, exceptions.PermissionDenied, exceptions.NotFound, exceptions.MethodNotAllowed),
    *(exceptions.NotAcceptable, exceptions.UnsupportedMediaType, exceptions.Throttled),
    *(Http404, IntegrityError, ProtectedError, RestrictedError),
    *(Response, exception_handler, exceptions.ErrorDetail, HTTPStatus),
)
ERRORS: Final = TWINS[:-4]
# Those that a handler may make: of the others more than a text is said.
MADE: Final = (*TWINS[:7], Response, exception_handler, exceptions.ErrorDetail)
SIMPLEJWT: Final = "rest_framework_simplejwt."
CONTEXT: Final = frozenset({"context", "ctx", "request"})
EVERY: Final = (Exception, BaseException)
BUILTINS: Final = frozenset(
    {
        *("all", "any", "bool", "dict", "enumerate", "float", "getattr", "hasattr", "int", "isinstance", "issubclass"),
        *("iter", "len", "list", "max", "min", "next", "range", "repr", "reversed", "sorted", "str", "sum", "tuple"),
        *("type", "zip", "Exception", "BaseException", "AttributeError", "IndexError", "KeyError", "TypeError"),
        *("ValueError", "StopIteration"),
    }
)
ATTRIBUTES: Final = frozenset(
    {
        *(name for kind in (dict, list, str) for name in dir(kind) if not name.startswith("_")),
        *("data", "status_code", "headers", "detail", "code", "default_code", "default_detail", "wait", "auth_header"),
        *("get_codes", "get_full_details", "__class__", "__name__", "value", "phrase", "description", "name"),
    }
) - {"format_map"}
LOGS: Final = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})
STATEMENTS: Final = (
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Break, ast.Continue, ast.Delete, ast.Expr, ast.For, ast.If),
    *(ast.Pass, ast.Return, ast.Try),
)


def has_twin(found: Any) -> bool:  # noqa: ANN401 - whatever a name stands for
    """Whether the library has a class or function of that name, which is as that."""
    return (inspect.isclass(found) or inspect.isfunction(found)) and found in (*TWINS, *EVERY)


def function_code(function: Any) -> ast.FunctionDef:  # noqa: ANN401 - any callable
    """The code of a function, whose parameters may be anything.

    :raises UnreadError: it is no plain function.
    """
    made = source_of(function)
    if made is None:
        raise UnreadError("its code isn't there")
    if (
        not isinstance(made, ast.FunctionDef)
        or made.decorator_list
        or {*inspect.getclosurevars(function).nonlocals} - {"__class__"}
    ):
        raise UnreadError(f"{getattr(function, '__name__', 'it')} is no plain function")
    for each in (*made.args.args, *made.args.kwonlyargs):
        each.annotation = ast.Name("Any", ast.Load())
    defaults = (*made.args.defaults, *made.args.kw_defaults)
    if not all(each is None or isinstance(each, ast.Constant) for each in defaults):
        raise UnreadError(f"{made.name} has defaults that are no constants")
    if made.args.posonlyargs or made.args.vararg or made.args.kwarg:
        raise UnreadError(f"{made.name} takes any number of arguments")
    made.returns = ast.Name("Any", ast.Load())
    return made


def is_plain(value: Any) -> bool:  # noqa: ANN401 - any constant
    """Whether a constant can be written as JSON, so that a service has the same."""
    if isinstance(value, dict):
        return all(isinstance(key, str | int) and is_plain(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return value is None or type(value) in (str, int, float, bool)


def is_known_attribute(name: str) -> bool:
    """Whether an attribute is there with the twins as it is with DRF's exceptions, or with none of either."""
    if name in ATTRIBUTES:
        return True
    made = [exceptions.APIException(), exceptions.Throttled(1), exceptions.ValidationError("x"), Http404()]
    return not any(hasattr(each, name) for each in (*made, "", {}, [], Response()))
