"""Filter backends of a project's own, read as the rest of a `get_queryset` is.

class OwnRows(BaseFilterBackend):
    def filter_queryset(self, request, queryset, view):
        return queryset.filter(owner=request.user)
"""

import ast
from collections.abc import Mapping
from typing import Any, Final

from strangler_django.endpoints.own_code import UnreadError, method_of, own_methods, statements_of
from strangler_django.endpoints.own_expressions import SeenOfRequest
from strangler_django.endpoints.queryset_methods import QuerysetMethod
from strangler_django.endpoints.read_querysets import ReadQueryset

# Whose filter backends do what their settings say.
_LIBRARIES: Final = ("rest_framework.filters.", "django_filters.", "strangler_django.filters.")


def own_backends(view: Any) -> list[type]:  # noqa: ANN401 - an instance of any view
    """The filter backends that the project wrote, in their order."""
    backends = getattr(view, "filter_backends", ())
    return [each for each in backends if not backend_name(each).startswith(_LIBRARIES)]


def backend_name(backend: type) -> str:
    """The module and the name of a backend."""
    return f"{backend.__module__}.{backend.__qualname__}"


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
