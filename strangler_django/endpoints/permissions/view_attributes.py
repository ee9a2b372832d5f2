"""What a permission finds where it looks at the view: an attribute that is the same for each request of an endpoint.

A view's attributes are those of its class, what `as_view` is given, and a viewset's `action`. One that code of the
project's own assigns, or computes, may be another for each request.
"""

import ast
import inspect
from functools import lru_cache
from typing import Any, Final

from strangler_django.endpoints.code.own_code import UnreadError
from strangler_django.python_source import source_of

# What an instance has of the request at hand.
_OF_REQUEST: Final = frozenset(
    {"request", "args", "kwargs", "format_kwarg", "headers", "action_map", "swagger_fake_view", "response"}
)
_PLAIN: Final = (bool, int, str, type(None))
_MISSING: Final = object()


class ViewAttributes:
    """The attributes of one endpoint's view; none are known where there is no view.

    `reads_action` says whether its `action` was asked for: that is another one for OPTIONS.
    """

    def __init__(self, view: Any = None) -> None:  # noqa: ANN401 - an instance of any view
        self._view = view
        self.reads_action = False

    def constant(self, name: str) -> Any:  # noqa: ANN401 - of a plain type, or a tuple of such
        """What an attribute is worth in each request.

        :raises UnreadError: that isn't known.
        """
        found = self._found(name)
        if isinstance(found, list | tuple | set | frozenset):
            found = tuple(sorted(found, key=repr)) if isinstance(found, set | frozenset) else tuple(found)
        parts = found if isinstance(found, tuple) else (found,)
        if not all(type(each) in _PLAIN for each in parts):
            raise UnreadError
        return found

    def mapping(self, name: str) -> dict[Any, Any]:
        """A dictionary that an attribute is in each request.

        :raises UnreadError: it isn't known, or is something else.
        """
        found = self._found(name)
        if not isinstance(found, dict):
            raise UnreadError
        return found

    def has_variable(self, name: str) -> bool:
        """Whether the view's path has a variable of that name."""
        return name in self._variables

    def variable_kind(self, name: str) -> type | None:
        """What Django's converter makes of a variable of the path; None where the path has none of that name."""
        return type(self._variables[name]) if name in self._variables else None

    @property
    def _variables(self) -> dict[str, Any]:
        return getattr(self._view, "kwargs", None) or {}

    def has(self, name: str) -> bool:
        """Whether the view has such an attribute in each request.

        :raises UnreadError: that isn't known.
        """
        found = self._found(name)
        if isinstance(found, property) or (hasattr(type(found), "__get__") and not callable(found)):
            raise UnreadError
        return found is not _MISSING

    def _found(self, name: str) -> Any:  # noqa: ANN401 - whatever the view has under that name
        if self._view is None or name in _OF_REQUEST:
            raise UnreadError
        self.reads_action = self.reads_action or name == "action"
        # DRF sets it itself, before permissions are asked.
        if name != "action" and _is_assigned(type(self._view), name):
            raise UnreadError
        return vars(self._view).get(name, inspect.getattr_static(type(self._view), name, _MISSING))


@lru_cache(maxsize=4096)
def _is_assigned(cls: type, name: str) -> bool:
    """Whether code of a view's own classes may give an attribute another value, or make one up."""
    own = [each for each in cls.__mro__ if not each.__module__.startswith(("builtins", "django.", "rest_framework."))]
    return any(name in assigned or None in assigned for assigned in map(_assigned, own))


@lru_cache(maxsize=4096)
def _assigned(cls: type) -> frozenset[str | None]:
    """The attributes that the code of a class assigns; None among them where it may be any."""
    code = source_of(cls)
    if code is None:
        return frozenset({None})
    found: set[str | None] = set()
    for each in ast.walk(code):
        match each:
            case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.Name(id="setattr" | "delattr" | "vars") | ast.Attribute(attr="__dict__"):
                found.add(None)
            case ast.FunctionDef(name="__getattr__" | "__getattribute__" | "__setattr__"):
                found.add(None)
    return frozenset(found)
