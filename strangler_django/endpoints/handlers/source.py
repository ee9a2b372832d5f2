"""The code of a handler with one word for each thing: `self.request` and `self.kwargs` in place of its parameters."""

import ast
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from rest_framework.mixins import DestroyModelMixin
from rest_framework.response import Response

from strangler_django.endpoints.code.own_code import (
    UnreadError,
    is_own,
    method_of,
    named,
    names_of,
    own_methods,
    statements_of,
)
from strangler_django.endpoints.code.own_expressions import replaced_in

# What is answered, as JSON: a list whose first item is `data` (what a serializer shows), `empty`, `value` with a
# constant, or `dict` with its keys and what is answered under each.
Body = list[Any]

# Decorators that have done what they do by the time a view is read.
_READ: Final = (
    *("api_view", "permission_classes", "authentication_classes", "throttle_classes", "renderer_classes"),
    *("parser_classes", "schema", "action", "csrf_exempt"),
)
# Methods and functions without another effect than their result.
_PURE_METHODS: Final = frozenset(
    {"all", "filter", "exclude", "order_by", "select_related", "prefetch_related", "distinct", "annotate", "none"}
)
_TEXTS: Final = frozenset({"strip", "lower", "upper", "split"})
# What a module has under no such name.
_RESPONSE: Final = "_response_of_drf"
_PURE: Final = (int, str, bool, float)
_PLAIN: Final = (ast.Attribute, ast.Constant, ast.FormattedValue, ast.JoinedStr, ast.Name, ast.expr_context)
_GIVEN: Final = ("self.request.query_params", "self.request.GET", "self.kwargs")


@dataclass(frozen=True)
class HandlerCode:
    """The statements of a handler, and what names stand for in it.

    `is_function` says that one function handles all methods of its view, `is_helper` that a handler calls it for a row.
    """

    function: Any
    body: Sequence[ast.stmt]
    names: Mapping[str, Any]
    is_function: bool = False
    is_helper: bool = False

    @classmethod
    def of_view(cls, view: Any, name: str) -> Self | None:  # noqa: ANN401 - an instance of any view
        """The handler of that name; None where the view has none of its own, or one that can't be read."""
        kind = type(view)
        function = _of_api_view(getattr(kind, name, None))
        if function is None and not is_own(kind, name):
            return None
        found = function or next(own_methods(kind, name), None)
        made = method_of(found, but=_READ)
        if made is None:
            return None
        places = ["self", "self.request"] if function is None else ["self.request"]
        try:
            body = _in_words_of_view(made, places, view.kwargs)
        except UnreadError:
            return None
        return cls(found, body, names_of(found), is_function=function is not None)

    @classmethod
    def of_destroy(cls, view: Any) -> Self | None:  # noqa: ANN401 - as above
        """DRF's `destroy` with the view's own `perform_destroy` in it; None where there is none that can be read."""
        kind = type(view)
        if getattr(kind, "destroy", None) is not DestroyModelMixin.destroy or not is_own(kind, "perform_destroy"):
            return None
        function = next(own_methods(kind, "perform_destroy"))
        made = method_of(function)
        if made is None or any(isinstance(each, ast.Return) for each in ast.walk(made)):
            return None
        given = [*inspect.signature(function).parameters]
        if len(made.args.args) != len(("self", "instance")) or len(given) != len(made.args.args):
            return None
        (found,) = ast.parse(f"{given[1]} = self.get_object()").body
        (answered,) = ast.parse(f"return {_RESPONSE}(status=204)").body
        try:
            body = _replaced(statements_of(made), {given[0]: _expression("self")})
        except UnreadError:
            return None
        return cls(function, [found, *body, answered], {**names_of(function), _RESPONSE: Response})

    @classmethod
    def of_helper(cls, function: Any, made: ast.FunctionDef, given: Sequence[ast.expr]) -> Self:  # noqa: ANN401 - as above
        """A method that a handler calls with these arguments.

        :raises UnreadError: it has other parameters.
        """
        names = [each.arg for each in made.args.args]
        if names[:1] != ["self"] or len(names) != len(given) + 1 or made.args.vararg or made.args.kwarg:
            raise UnreadError
        body = _replaced(statements_of(made), dict(zip(names[1:], given, strict=True)))
        return cls(function, body, names_of(function), is_helper=True)


def _of_api_view(handler: Any) -> Any:  # noqa: ANN401 - a function
    """The function that `@api_view` made a view of; None of a method."""
    if getattr(handler, "__module__", None) != "rest_framework.decorators":
        return None
    return inspect.getclosurevars(handler).nonlocals.get("func")


def _in_words_of_view(made: ast.FunctionDef, places: Sequence[str], kwargs: Mapping[str, Any]) -> list[ast.stmt]:
    """The statements of a handler, with what a view has instead of its parameters.

    :raises UnreadError: it can't be called with those of the path.
    """
    given = [each.arg for each in (*made.args.posonlyargs, *made.args.args)]
    own = [*given[len(places) :], *(each.arg for each in made.args.kwonlyargs)]
    defaults = dict(zip(given[::-1], made.args.defaults[::-1], strict=False))
    named_so = zip(made.args.kwonlyargs, made.args.kw_defaults, strict=True)
    defaults |= {each.arg: value for each, value in named_so if value is not None}
    is_taken = made.args.kwarg is not None or {*kwargs} <= {*own}
    if len(given) < len(places) or not is_taken or not {*own} <= {*kwargs, *defaults}:
        raise UnreadError
    words: dict[str, ast.expr] = {name: _expression(text) for name, text in zip(given, places, strict=False)}
    for name in own:
        if name in kwargs:
            words[name] = _expression(f"self.kwargs[{name!r}]")
        elif isinstance(default := defaults[name], ast.Constant):
            words[name] = default
    if made.args.kwarg is not None:
        words[made.args.kwarg.arg] = _expression("self.kwargs")
    return _replaced(statements_of(made), words)


def _replaced(body: Sequence[ast.stmt], words: Mapping[str, ast.expr]) -> list[ast.stmt]:
    nodes = [each for statement in body for each in ast.walk(statement)]
    if any(isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store) and each.id in words for each in nodes):
        raise UnreadError
    return [replaced_in(statement, words) for statement in body]


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def is_pure(code: ast.AST, names: Mapping[str, Any]) -> bool:
    """Whether code does nothing but to give values, of what a request says and of querysets that nobody reads yet."""
    return all(_is_pure_call(each, names) for each in ast.walk(code) if isinstance(each, ast.Call)) and not any(
        isinstance(each, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr | ast.Lambda) for each in ast.walk(code)
    )


def _is_pure_call(called: ast.Call, names: Mapping[str, Any]) -> bool:
    match called.func:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name == "get_queryset"
        case ast.Attribute(value=inner, attr="get"):
            return ast.unparse(inner) in _GIVEN
        case ast.Attribute(attr=name) if name in _PURE_METHODS or name in _TEXTS:
            return True
        case ast.Name(id=name) if name not in names:
            return any(name == each.__name__ for each in _PURE)
    found = named(called.func, names)
    return isinstance(found, type) and found.__module__.startswith("django.db.models.")


def logs(statement: ast.stmt, names: Mapping[str, Any]) -> bool:
    """Whether a statement logs constants, names and their attributes, and does no more."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)), args=args, keywords=[])):
            found = names.get(name)
            is_logger = found is logging or isinstance(found, logging.Logger)
            return is_logger and all(map(_is_plain, args))
    return False


def may_fail(code: ast.expr) -> bool:
    """Whether an expression may fail of some request, as what is asked of the caller's row and of headers may."""
    return not _is_plain(code) or any(
        isinstance(each, ast.Attribute) and ast.unparse(each.value) == "self.request.user" for each in ast.walk(code)
    )


def _is_plain(code: ast.AST) -> bool:
    """Whether an expression can't fail, and does nothing; what the path names can't either."""
    if isinstance(code, ast.Subscript):
        return ast.unparse(code.value) == "self.kwargs"
    return isinstance(code, _PLAIN) and all(map(_is_plain, ast.iter_child_nodes(code)))


def response_of(code: ast.expr, names: Mapping[str, Any]) -> tuple[int, ast.expr | None, ast.expr | None]:
    """The status, the data and the headers of `Response(…)`.

    :raises UnreadError: it is something else.
    """
    match code:
        case ast.Call(func=called, args=args, keywords=keywords) if named(called, names) is Response:
            pairs = [*zip(("data", "status"), args, strict=False), *((each.arg, each.value) for each in keywords)]
            given = dict(pairs)
        case _:
            raise UnreadError
    if len(given) != len(args) + len(keywords) or not {*given} <= {"data", "status", "headers"}:
        raise UnreadError
    return _status(given.get("status"), names), given.get("data"), given.get("headers")


def _status(code: ast.expr | None, names: Mapping[str, Any]) -> int:
    match code:
        case None:
            return 200
        case ast.Constant(value=int(found)) if not isinstance(found, bool):
            return found
    found = named(code, names)
    if not isinstance(found, int) or isinstance(found, bool):
        raise UnreadError
    return int(found)


def body_of(code: ast.expr, is_shown: Callable[[ast.expr], bool]) -> Body:
    """What an expression answers; `is_shown` says whether one is what a serializer shows.

    :raises UnreadError: it is of anything but constants and that.
    """
    if is_shown(code):
        return ["data"]
    match code:
        case ast.Constant(value=None):
            return ["empty"]
        case ast.Dict(keys=keys, values=values):
            return ["dict", [[_key(key), _inner(value, is_shown)] for key, value in zip(keys, values, strict=True)]]
    return ["value", _constant(code)]


def _inner(code: ast.expr, is_shown: Callable[[ast.expr], bool]) -> Body:
    found = body_of(code, is_shown)
    return ["value", None] if found == ["empty"] else found


def _key(code: ast.expr | None) -> str:
    match code:
        case ast.Constant(value=str(found)):
            return found
    raise UnreadError


def _constant(code: ast.expr) -> Any:  # noqa: ANN401 - JSON
    """A constant, or a list of such."""
    match code:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_constant(each) for each in items]
        case ast.Constant(value=bool() | int() | str() | None as found):
            return found
        case ast.JoinedStr(values=parts) if all(isinstance(each, ast.Constant) for each in parts):
            return "".join(str(each.value) for each in parts if isinstance(each, ast.Constant))
    raise UnreadError
