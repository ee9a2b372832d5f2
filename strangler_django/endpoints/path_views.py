"""What a path calls: the class of a view, its name, and its methods with the action of each."""

import inspect
from typing import Any, Final

from django.views.decorators.csrf import csrf_exempt
from rest_framework import mixins
from rest_framework.views import APIView

from strangler_django.endpoints.code.own_code import is_own, passed_to

METHODS: Final = ("get", "post", "put", "patch", "delete")
# The name of what a generic view does with a method, and the mixin that does it.
_GENERIC: Final = {
    "get": (("list", mixins.ListModelMixin), ("retrieve", mixins.RetrieveModelMixin)),
    "post": (("create", mixins.CreateModelMixin),),
    "put": (("update", mixins.UpdateModelMixin),),
    "patch": (("partial_update", mixins.UpdateModelMixin),),
    "delete": (("destroy", mixins.DestroyModelMixin),),
}
# Where what a path calls is made.
_AS_VIEW: Final = ("django.views.generic.base", "rest_framework.viewsets")


def view_class(view: Any) -> type[APIView] | None:  # noqa: ANN401 - any callable
    """The class of a DRF view; None for another view of Django's."""
    cls = getattr(view, "cls", None)
    return cls if isinstance(cls, type) and issubclass(cls, APIView) else None


def is_wrapped(view: Any) -> bool:  # noqa: ANN401 - any callable
    """Whether a path's view is more than what `as_view` gives, such as `cache_page(60)(Items.as_view())`."""
    found = view
    while found is not None:
        module = getattr(found, "__globals__", {}).get("__name__")
        if module in _AS_VIEW:
            return False
        if module != csrf_exempt.__module__:
            return True
        found = getattr(found, "__wrapped__", None)
    return True


def view_name(view: Any) -> str:  # noqa: ANN401 - as above
    """Module and name of a view, as one finds it in the code."""
    cls = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if cls is None:
        function = inspect.unwrap(view) if callable(view) else view
        return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__name__)}"
    # `@api_view` gives its class the function's name, which is not the qualified one.
    return f"{cls.__module__}.{cls.__name__}"


def view_methods(view: Any) -> dict[str, str | None]:  # noqa: ANN401 - as above
    """The methods of a view in small letters, each with the action of a viewset or a generic view; None without one."""
    cls = view_class(view) or getattr(view, "view_class", None)
    if cls is None:
        return {}
    # Arguments of as_view() take precedence over the class.
    allowed = getattr(view, "initkwargs", {}).get("http_method_names", cls.http_method_names)
    methods = [method for method in METHODS if method in allowed]
    actions = getattr(view, "actions", None)
    if actions:
        return {method: actions[method] for method in methods if method in actions}
    return {method: _generic_action(cls, method) for method in methods if hasattr(cls, method)}


def _generic_action(cls: type, method: str) -> str | None:
    """What a generic view does with a method; None where a handler of the project's own does something else."""
    actions = [name for name, mixin in _GENERIC[method] if issubclass(cls, mixin)]
    if not is_own(cls, method):
        return next(iter(actions), None)
    called = passed_to(cls, method)
    return called if called in actions else None
