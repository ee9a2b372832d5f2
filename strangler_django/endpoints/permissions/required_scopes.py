"""The scopes that a project's own `get_scopes` asks for, by method of the request.

Read are constants, those of the settings and of the view, and tests of `request.method`:

def get_scopes(self, request, view):
    return [oauth2_settings.READ_SCOPE if request.method in SAFE_METHODS else oauth2_settings.WRITE_SCOPE]
"""

import ast
from collections.abc import Mapping
from typing import Any, Final

from rest_framework.permissions import SAFE_METHODS

from strangler_django.endpoints.code.own_code import UnreadError, is_super, method_of, named, names_of, statements_of
from strangler_django.endpoints.permissions.view_attributes import ViewAttributes
from strangler_django.endpoints.token_packages import OAUTH_TOOLKIT, scope_settings

_PERMISSIONS: Final = f"{OAUTH_TOOLKIT}.contrib.rest_framework.permissions"
# The view's scopes, where a class of the package looks at them.
REQUIRED: Final = "required_scopes"
_METHOD: Final = ("request.method", "request.method.upper()")


def is_scope_permission(cls: type) -> bool:
    """Whether a class is one of the package's own permissions."""
    return cls.__module__ == _PERMISSIONS


class RequiredScopes:
    """Reads `get_scopes` of a permission's class for one method of requests, or that of one which it derives from."""

    def __init__(self, cls: type, view: ViewAttributes, method: str, after: type | None = None) -> None:
        order = cls.__mro__[cls.__mro__.index(after) + 1 :] if after else cls.__mro__
        self._cls, self._view, self._method = cls, view, method
        self._owners = [each for each in order if "get_scopes" in vars(each)]
        self._function: Any = None
        self._names: dict[str, Any] = {}
        self._globals: Mapping[str, Any] = {}

    def scopes(self) -> list[str]:
        """The scopes.

        :raises UnreadError: the code looks at something else, or does more.
        """
        if all(map(is_scope_permission, self._owners)):
            return self._of_package()
        if is_scope_permission(self._owners[0]):
            raise UnreadError
        self._function = vars(self._owners[0])["get_scopes"]
        made = method_of(self._function)
        if made is None or [each.arg for each in made.args.args] != ["self", "request", "view"] or made.args.defaults:
            raise UnreadError
        self._globals = names_of(self._function)
        found = self._block(statements_of(made))
        if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
            raise UnreadError
        return list(found)

    def _of_package(self) -> list[str]:
        read, write, _ = scope_settings()
        kind = read if self._method in SAFE_METHODS else write
        match self._owners[0].__name__ if self._owners else None:
            case "TokenHasScope":
                return self._of_view()
            case "TokenHasReadWriteScope":
                return [*self._of_view(default=()), kind]
            case "TokenHasResourceScope":
                return [f"{scope}:{kind}" for scope in self._of_view(default=())]
        raise UnreadError

    def _of_view(self, default: tuple[str, ...] | None = None) -> list[str]:
        if not self._view.has(REQUIRED) and default is not None:
            return list(default)
        return texts(self._view.constant(REQUIRED))

    def _block(self, body: list[ast.stmt]) -> Any:  # noqa: ANN401 - a text, or several
        for number, each in enumerate(body):
            match each:
                case ast.Return(value=ast.expr() as value):
                    return self._value(value)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._names[name] = self._value(value)
                case ast.If(test=test, body=inner, orelse=other):
                    return self._block([*(inner if self._holds(test) else other), *body[number + 1 :]])
                case _:
                    raise UnreadError
        raise UnreadError

    def _value(self, code: ast.expr) -> Any:  # noqa: ANN401 - as above
        match code:
            case ast.Constant(value=str() as value):
                return value
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return [self._value(each) for each in elements]
            case ast.IfExp(test=test, body=inner, orelse=other):
                return self._value(inner if self._holds(test) else other)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return [*self._several(left), *self._several(right)]
            case ast.Name(id=name) if name in self._names:
                return self._names[name]
            case ast.Attribute(value=ast.Name(id=name), attr="READ_SCOPE" | "WRITE_SCOPE" as attribute) if (
                self._is_settings(name)
            ):
                return scope_settings()[attribute == "WRITE_SCOPE"]
            case ast.Attribute(value=ast.Name(id="view"), attr=attribute) if "view" not in self._names:
                return texts(self._view.constant(attribute))
            case ast.Call(func=ast.Attribute(value=ast.Call() as above, attr="get_scopes"), args=args, keywords=[]) if [
                ast.unparse(each) for each in args
            ] == ["request", "view"] and is_super(above, self._function):
                return RequiredScopes(self._cls, self._view, self._method, after=self._owners[0]).scopes()
        return self._constant(code)

    def _several(self, code: ast.expr) -> list[str]:
        found = self._value(code)
        if not isinstance(found, list | tuple):
            raise UnreadError
        return list(found)

    def _constant(self, code: ast.expr) -> Any:  # noqa: ANN401 - as above
        found = named(code, self._globals)
        # A list may be another by the time of a request.
        if not all(isinstance(each, str) for each in (found if isinstance(found, tuple) else (found,))):
            raise UnreadError
        return found

    def _is_settings(self, name: str) -> bool:
        from oauth2_provider.settings import oauth2_settings

        return name not in self._names and self._globals.get(name) is oauth2_settings

    def _holds(self, test: ast.expr) -> bool:
        """What a test of the request's method says."""
        match test:
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if ast.unparse(left) in _METHOD:
                found = self._value(right)
                is_many = isinstance(found, list | tuple)
                if "request" not in self._names and is_many is isinstance(operator, ast.In | ast.NotIn):
                    if isinstance(operator, ast.In | ast.NotIn):
                        return (self._method in found) is isinstance(operator, ast.In)
                    if isinstance(operator, ast.Eq | ast.NotEq):
                        return (self._method == found) is isinstance(operator, ast.Eq)
        raise UnreadError


def texts(found: Any) -> list[str]:  # noqa: ANN401 - whatever the view has
    """Several texts.

    :raises UnreadError: it is something else.
    """
    if not isinstance(found, tuple) or not all(isinstance(each, str) for each in found):
        raise UnreadError
    return list(found)
