"""Code of a FilterSet that narrows rows for everybody, read as the rest of a `get_queryset` is.

class OwnPosts(FilterSet):
    @property
    def qs(self):
        return super().qs.filter(author=self.request.user)
"""

import ast
from collections.abc import Iterator, Mapping
from typing import Any, Final

from strangler_django.endpoints.code.own_code import UnreadError, code_of, method_of, statements_of
from strangler_django.endpoints.code.own_expressions import SeenOfRequest
from strangler_django.endpoints.code.read_querysets import ReadQueryset
from strangler_django.endpoints.lists.filtersets import overridden_of
from strangler_django.endpoints.lists.queryset_methods import QuerysetMethod

_LIBRARY: Final = "django_filters."
_ROWS: Final = "queryset"


class OwnFilterset:
    """The FilterSet of a view that has `qs` or `filter_queryset` of its own, and no other method."""

    def __init__(self, filterset: Any, methods: list[str]) -> None:  # noqa: ANN401 - a FilterSet
        self._filterset = filterset
        self._methods = methods
        self.name = f"FilterSet: {', '.join(methods)}"

    def method(self, view: Any, seen: SeenOfRequest) -> "FilterSetMethod":  # noqa: ANN401 - an instance of any view
        """What narrows the rows of a view.

        :raises UnreadError: it can't be read.
        """
        return FilterSetMethod(view, self._filterset, self._methods, seen)


def own_filtersets(view: Any) -> Iterator[OwnFilterset]:  # noqa: ANN401 - as above
    """Those of the view's backends, which have no more code of the project's own than that."""
    for backend in getattr(view, "filter_backends", ()):
        if hasattr(backend, "get_filterset_class"):
            filterset = backend().get_filterset_class(view, None)
            methods = [] if filterset is None else overridden_of(filterset)
            if methods and {*methods} <= {"filter_queryset", "qs"}:
                yield OwnFilterset(filterset, methods)


class FilterSetMethod:
    """`qs` and `filter_queryset` of a FilterSet, as methods of the view.

    :raises UnreadError: one leaves out what the filters do, or looks at more of the FilterSet than its request.
    """

    def __init__(self, view: Any, filterset: Any, methods: list[str], seen: SeenOfRequest) -> None:  # noqa: ANN401 - as above
        # The filters narrow what `filter_queryset` is given, and `qs` what that returns.
        self._followed = [_followed(view, filterset, name, seen) for name in sorted(methods)]

    def narrow(self, rows: ReadQueryset, caller: Mapping[str, bool]) -> ReadQueryset:
        """The rows that they leave.

        :raises UnreadError: one does something that isn't read.
        """
        for method in self._followed:
            rows = method.follow(caller, {_ROWS: rows})
        return rows


def _followed(view: Any, filterset: Any, name: str, seen: SeenOfRequest) -> QuerysetMethod:  # noqa: ANN401 - as above
    found = [vars(each)[name] for each in filterset.__mro__ if name in vars(each) and _is_own(each)]
    function = code_of(found[0])
    made = method_of(function, but=("property",))
    names = [each.arg for each in made.args.args] if made else []
    if made is None or len(found) > 1 or names[:1] != ["self"] or len(names) != (1 if name == "qs" else 2):
        raise UnreadError
    renamed = _Renamed(name, names[1:])
    body = [renamed.visit(each) for each in statements_of(made)]
    if not renamed.asks:
        raise UnreadError
    return QuerysetMethod(view, (function,), seen, body)


def _is_own(cls: type) -> bool:
    return not cls.__module__.startswith(_LIBRARY)


class _Renamed(ast.NodeTransformer):
    """Code of a FilterSet with one name for the rows that its filters leave, for which it has to ask."""

    def __init__(self, method: str, given: list[str]) -> None:
        self._method = method
        self._given = given
        self._left: set[str] = set()
        self.asks = False

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if self._is_left(node.value):
            self._left |= {each.id for each in node.targets if isinstance(each, ast.Name)}
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        text = ast.unparse(node)
        if text == "super().qs" and self._method == "qs":
            return self._rows()
        if text.startswith("self.") and node.attr != "request" and isinstance(node.value, ast.Name):
            raise UnreadError
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if self._is_left(node):
            return self._rows()
        if ast.unparse(node) in ("getattr(self.request, 'user')", "getattr(self.request, 'user', None)"):
            return ast.parse("self.request.user", mode="eval").body
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        # The filters have left nothing out of what it was given.
        if node.id in {"super", *self._given} - self._left and isinstance(node.ctx, ast.Load):
            raise UnreadError
        return node

    def _is_left(self, node: ast.AST) -> bool:
        """Whether an expression is what the filters leave."""
        return bool(self._given) and ast.unparse(node) == f"super().filter_queryset({self._given[0]})"

    def _rows(self) -> ast.AST:
        self.asks = True
        return ast.Name(id=_ROWS, ctx=ast.Load())
