"""Filter backends of a project's own, read as the rest of a `get_queryset` is.

class OwnRows(BaseFilterBackend):
    def filter_queryset(self, request, queryset, view):
        return queryset.filter(owner=request.user)
"""

import ast
from collections.abc import Mapping
from typing import Any, Final

from strangler_django.endpoints.code.own_code import UnreadError, method_of, own_methods, statements_of
from strangler_django.endpoints.code.own_expressions import SeenOfRequest
from strangler_django.endpoints.code.read_querysets import ReadQueryset
from strangler_django.endpoints.lists.queryset_methods import QuerysetMethod

# Whose filter backends do what their settings say.
_LIBRARIES: Final = ("rest_framework.filters.", "django_filters.", "strangler_django.filters.")


# What a class of the project's own may say without doing anything else than the one that it is derived from.
_SAID: Final = frozenset(
    {
        *("__annotations__", "__doc__", "__firstlineno__", "__module__", "__qualname__", "__static_attributes__"),
        *("default_lookup", "filterset_base", "lookup_prefixes", "ordering_description", "ordering_fields"),
        *("ordering_param", "ordering_title", "raise_exception", "search_description", "search_param", "search_title"),
        *("template", "get_schema_fields", "get_schema_operation_parameters", "to_html"),
    }
)
# Of which these are code, that lists don't call.
_SHOWN: Final = frozenset({"get_schema_fields", "get_schema_operation_parameters", "to_html"})


def own_backends(view: Any) -> list["OwnBackend"]:  # noqa: ANN401 - an instance of any view
    """The filter backends that the project wrote, in their order; not those that only have other settings."""
    return [OwnBackend(each) for each in getattr(view, "filter_backends", ()) if not _is_settings_alone(each)]


def _is_settings_alone(backend: type) -> bool:
    """Whether a backend is one of the libraries', or says no more than settings of one."""
    own = [each for each in backend.__mro__ if not backend_name(each).startswith(_LIBRARIES) and each is not object]
    said = {name: value for each in own for name, value in vars(each).items() if name not in _SHOWN}
    codes = (found for name, found in said.items() if name != "filterset_base")
    is_plain = not any(callable(found) or hasattr(found, "__get__") for found in codes)
    return len(own) < len(backend.__mro__) - 1 and is_plain and said.keys() <= _SAID


def backend_name(backend: type) -> str:
    """The module and the name of a backend."""
    return f"{backend.__module__}.{backend.__qualname__}"


class OwnBackend:
    """A filter backend that the project wrote."""

    def __init__(self, backend: type) -> None:
        self._backend = backend
        self.name = f"filter backend {backend_name(backend)}"

    def method(self, view: Any, seen: SeenOfRequest) -> "BackendMethod":  # noqa: ANN401 - as above
        """What narrows the rows of a view.

        :raises UnreadError: it can't be read.
        """
        return BackendMethod(view, self._backend, seen)


class BackendMethod:
    """`filter_queryset` of a backend, as a method of the view.

    :raises UnreadError: it takes other parameters, or looks at the backend.
    """

    def __init__(self, view: Any, backend: type, seen: SeenOfRequest) -> None:  # noqa: ANN401 - as above
        function = next(own_methods(backend, "filter_queryset"), None)
        made = method_of(function) if function else None
        names = [each.arg for each in made.args.args] if made else []
        if made is None or len(names) != len(("self", "request", "queryset", "view")):
            raise UnreadError
        own, request, self._queryset, of_view = names
        body = [_Renamed(own, request, of_view).visit(each) for each in statements_of(made)]
        self._method = QuerysetMethod(view, (function,), seen, body)

    def narrow(self, rows: ReadQueryset, caller: Mapping[str, bool]) -> ReadQueryset:
        """The rows that it leaves.

        :raises UnreadError: it does something that isn't read.
        """
        return self._method.follow(caller, {self._queryset: rows})


class _Renamed(ast.NodeTransformer):
    """Code of a backend with the view's names: `self.request` for `request`, `self` for `view`."""

    def __init__(self, own: str, request: str, view: str) -> None:
        self._own = own
        self._known: dict[str, ast.expr] = {
            request: ast.Attribute(value=ast.Name(id="self"), attr="request"),
            view: ast.Name(id="self"),
        }

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id == self._own or (node.id in self._known and not isinstance(node.ctx, ast.Load)):
            raise UnreadError
        return self._known.get(node.id, node)
