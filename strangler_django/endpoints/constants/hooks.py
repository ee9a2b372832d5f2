"""Hooks of a view of the project's own that give the same for every request of one action."""

import inspect
from collections.abc import Callable
from typing import Any, Final

from django.utils.functional import cached_property

from strangler_django.endpoints.code.own_code import is_own, own_methods, reads_only_method
from strangler_django.endpoints.constants.watched_code import state_read

# Those whose result is in the facts, if it is constant.
HOOKS: Final = (
    *("get_queryset", "get_serializer_class", "get_permissions", "get_authenticators"),
    *("get_throttles", "get_renderers", "get_parsers"),
)
# A hook's result is that of one method, as an action's is, unless it names one of these: HEAD gets what GET gets, which
# may be another's to see. Of another serializer a HEAD shows no more than the length.
_SHARED: Final = ("GET", "HEAD", "OPTIONS")
# What a view knows of one request.
_REQUEST: Final = frozenset({"request", "kwargs", "args", "user", "get_object", "dispatch", "getattr", "headers"})


def constant_hooks(make: Callable[[], Any]) -> list[str]:
    """The names of those of a view that `make` makes: each is looked at, and watched as it runs."""
    made = make()
    overridden = [name for name in HOOKS if is_own(type(made), name) and _is_constant(type(made), name)]
    return [name for name in overridden if state_read(getattr(make(), name)) is None]


def _is_constant(cls: type, name: str) -> bool:
    """Whether a hook gives the same for every request of one action.

    It names nothing of the request but its method, and calls no other method of the project's view, and no function,
    that might; nor does the hook of a superclass that it calls.
    """
    for function in own_methods(cls, name):
        if reads_only_method(function, unless=() if name == "get_serializer_class" else _SHARED) and not _calls_super(
            function
        ):
            return True
        code = getattr(function, "__code__", None)
        if code is None or code.co_flags & inspect.CO_VARARGS or any(inspect.iscode(each) for each in code.co_consts):
            return False
        if any(_is_code(inspect.getattr_static(cls, each, None)) for each in code.co_names if each not in HOOKS):
            return False
        if _REQUEST & {*code.co_names, *code.co_varnames}:
            return False
        if not _calls_super(function):
            break
    return True


def _calls_super(function: Any) -> bool:  # noqa: ANN401 - whatever a class has under a name
    return "super" in getattr(getattr(function, "__code__", None), "co_names", ())


def _is_code(found: object) -> bool:
    return isinstance(found, property | cached_property | classmethod | staticmethod) or inspect.isroutine(found)
