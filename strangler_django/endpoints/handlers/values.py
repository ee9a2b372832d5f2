"""What the expressions of a handler are: rows, serializers, and querysets without what depends on the request."""

import ast
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import models
from django.utils.functional import cached_property
from rest_framework import generics
from rest_framework.serializers import BaseSerializer, ListSerializer

from strangler_django.endpoints.code.own_code import (
    UnreadError,
    is_get_object_or_404,
    is_own,
    method_of,
    named,
    own_methods,
)
from strangler_django.endpoints.code.own_expressions import replaced
from strangler_django.endpoints.code.own_models import own_manager
from strangler_django.endpoints.code.read_querysets import is_key, is_unique
from strangler_django.endpoints.handlers.parts import (
    AnsweredError,
    Outcome,
    Row,
    RowMissingError,
    Saved,
    UsedSerializer,
)
from strangler_django.endpoints.handlers.source import HandlerCode, is_pure
from strangler_django.endpoints.lists.own_querysets import ReadQueryset, read_rows

DATA: Final = "self.request.data"
_CONTEXTS: Final = (
    *("{'request': self.request}", "{'request': self.request, 'view': self}"),
    "self.get_serializer_context()",
)
_ARGUMENTS: Final = frozenset({"instance", "data", "many", "partial", "context"})


@dataclass
class Scope:
    """The local variables of one function: rows, serializers and expressions, and the statements that made these."""

    code: HandlerCode
    names: dict[str, Any] = field(default_factory=dict)
    before: list[ast.stmt] = field(default_factory=list)


class HandlerValues:
    """The expressions of a handler that is followed, with a row at the end of its path or without one.

    `done` is what it has done by now: `find`, `check` or `delete` of a row, `parse` of a body, `validate` or `save` of
    a serializer.
    """

    def __init__(self, view: Any, code: HandlerCode, *, exists: bool) -> None:  # noqa: ANN401 - any view
        self.done: list[tuple[str, Any]] = []
        self._view = view
        self._exists = exists
        self._scope = Scope(code)

    def block(self, body: Sequence[ast.stmt]) -> Any:  # noqa: ANN401 - an outcome, or the row of a helper
        """What the statements return; None where they don't."""
        raise NotImplementedError

    def _used(self, code: ast.expr) -> UsedSerializer:
        found = self._serializer(code)
        if found is None:
            raise UnreadError
        return found

    def _serializer(self, code: ast.expr) -> UsedSerializer | None:
        """The serializer that an expression is; None of another expression."""
        match code:
            case ast.Name(id=name):
                found = self._scope.names.get(name)
                return found if isinstance(found, UsedSerializer) else None
            case ast.Call(func=called, args=args, keywords=keywords) if all(each.arg for each in keywords):
                cls, is_views = self._serializer_class(called)
            case _:
                return None
        if cls is None and not is_views:
            return None
        named_so = ((str(each.arg), each.value) for each in keywords)
        given = dict([*zip(("instance", "data"), args, strict=False), *named_so])
        if len(given) != len(args) + len(keywords) or not {*given} <= {
            "instance",
            "data",
            "many",
            "partial",
            "context",
        }:
            raise UnreadError
        used = UsedSerializer(cls, has_context=is_views)
        used.many, used.partial = self._flag(given.get("many")), self._flag(given.get("partial"))
        if (context := given.get("context")) is not None:
            if is_views or ast.unparse(self._resolved(context)) not in _CONTEXTS:
                raise UnreadError
            if "get_serializer_context" in ast.unparse(context) and is_own(type(self._view), "get_serializer_context"):
                raise UnreadError
            used.has_context = True
        if (data := given.get("data")) is not None:
            if ast.unparse(self._resolved(data)) != DATA:
                raise UnreadError
            used.has_data = True
        if (instance := given.get("instance")) is not None:
            self._show(used, instance)
        if data is not None and ast.unparse(data) == DATA:
            # A name for it has stood for what was read before.
            self.done.append(("parse", None))
        return used

    def _show(self, used: UsedSerializer, instance: ast.expr) -> None:
        if used.many:
            listed = self._listed(instance)
            used.rows = listed.rows if listed else self._rows(instance)
            used.filtered, used.paged = (listed.filtered, listed.paged) if listed else (False, False)
            return
        saved = self._scope.names.get(instance.id) if isinstance(instance, ast.Name) else None
        if isinstance(saved, Saved):
            used.saved_by = saved.used
            return
        used.row = self._row(instance)
        if used.row is None:
            raise UnreadError

    def _listed(self, code: ast.expr) -> Any:  # noqa: ANN401 - see HandlerCalls
        """The rows of a list that an expression is; None of another expression."""
        raise NotImplementedError

    def _serializer_class(self, code: ast.expr) -> tuple[type[Any] | None, bool]:
        """The class of a serializer, and whether it is the view's own."""
        text = ast.unparse(code)
        if text == "self.get_serializer":
            if is_own(type(self._view), "get_serializer") or not hasattr(self._view, "get_serializer"):
                raise UnreadError
            return None, True
        found = named(code, self._scope.code.names)
        if text == "self.serializer_class" and not _is_property(type(self._view), "serializer_class"):
            found = self._view.serializer_class
        is_one = isinstance(found, type) and issubclass(found, BaseSerializer) and not issubclass(found, ListSerializer)
        return (found, False) if is_one else (None, False)

    def _flag(self, code: ast.expr | None) -> bool:
        text = "False" if code is None else ast.unparse(self._resolved(code))
        if text not in ("True", "False"):
            raise UnreadError
        return text == "True"

    def _rows(self, code: ast.expr) -> ReadQueryset:
        """The queryset that an expression is."""
        # Django reads the rows of a class once, and keeps them.
        if ast.unparse(self._resolved(code)) == "self.queryset" or not self._is_pure(code):
            raise UnreadError
        if _is_property(type(self._view), "queryset") or self._names_object(code, but_parents=True):
            raise UnreadError
        made = self._scope.code
        return read_rows(self._view, made.function, [*self._scope.before, ast.Return(value=code)])

    def _row(self, code: ast.expr) -> Row | None:
        """The row that an expression is; None of another expression."""
        match code:
            case ast.Name(id=name):
                found = self._scope.names.get(name)
                return found if isinstance(found, Row) else None
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name), args=args, keywords=keywords):
                return self._helped(name, args, keywords)
            case ast.Call(func=ast.Attribute(value=inner, attr="get"), args=[], keywords=[_, *_] as keywords):
                return self._found(inner, keywords)
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Call(
                        func=ast.Attribute(value=inner, attr="filter"), args=[], keywords=[_, *_] as keywords
                    ),
                    attr="first",
                ),
                args=[],
                keywords=[],
            ):
                return self._found(inner, keywords, is_optional=True)
            case ast.Call(func=ast.Name() | ast.Attribute() as called, args=[of], keywords=[_, *_] as keywords):
                if is_get_object_or_404(named(called, self._scope.code.names)):
                    model = named(of, self._scope.code.names)
                    if isinstance(model, type) and issubclass(model, models.Model):
                        # The manager that Django takes then.
                        manager = model._default_manager  # noqa: SLF001 - as below
                        if manager.name != "objects" or own_manager(manager):
                            raise UnreadError
                        of = ast.Attribute(value=of, attr="objects")
                    return self._found(of, keywords, raises=True)
        return None

    def _found(
        self, of: ast.expr, keywords: list[ast.keyword], *, is_optional: bool = False, raises: bool = False
    ) -> Row:
        """The row of a queryset that has what the path names in a column that no two rows have alike."""
        given = {str(each.arg): self._resolved(each.value) for each in keywords}
        if len(given) != len(keywords):
            raise UnreadError
        others = [each for each in keywords if self._parameter(given[str(each.arg)]) is None]
        named_so = [each for each in keywords if each not in others]
        row: Row | None = None
        for each in named_so:
            rest = [other for other in keywords if other is not each]
            narrowed = (
                ast.Call(func=ast.Attribute(value=of, attr="filter"), args=[], keywords=rest)
                if rest
                else ast.Call(func=ast.Attribute(value=of, attr="all"), args=[], keywords=[])
            )
            rows = self._rows(narrowed)
            if is_unique(rows.queryset.model, str(each.arg)):
                row = Row(rows, str(each.arg), str(self._parameter(given[str(each.arg)])))
                break
        if row is None or row.rows is None or row.rows.parameters or row.rows.filters or row.rows.parents:
            raise UnreadError
        row.raises = raises
        # A name of a handler's own for the key.
        row.field = "pk" if is_key(row.rows.queryset.model, row.field) else row.field
        self.done.append(("find", row))
        if self._exists or is_optional:
            return row
        if raises:
            raise AnsweredError(Outcome(raises=True))
        raise RowMissingError(row.rows.queryset.model)

    def _parameter(self, code: ast.expr) -> str | None:
        """The parameter of the path that an expression is; None of another expression."""
        match code:
            case (
                ast.Subscript(value=kwargs, slice=ast.Constant(value=str(name)))
                | ast.Call(
                    func=ast.Attribute(value=kwargs, attr="get"), args=[ast.Constant(value=str(name))], keywords=[]
                )
            ) if ast.unparse(kwargs) == "self.kwargs" and name in self._view.kwargs:
                return name
        return None

    def _helped(self, name: str, args: list[ast.expr], keywords: list[ast.keyword]) -> Row | None:
        """The row that a method of the view's finds."""
        if name == "get_queryset" or keywords or self._scope.code.is_helper:
            return None
        if name == "get_object" and not args and not is_own(type(self._view), name):
            return self._of_view()
        function = next(own_methods(type(self._view), name), None)
        made = method_of(function) if function else None
        if made is None:
            return None
        given = [self._resolved(each) for each in args]
        code = HandlerCode.of_helper(function, made, given)
        outer, self._scope = self._scope, Scope(code)
        try:
            found = self.block(code.body)
        finally:
            self._scope = outer
        if isinstance(found, Outcome):
            raise AnsweredError(found)
        if not isinstance(found, Row):
            raise UnreadError
        return found

    def _of_view(self) -> Row:
        """The row of `get_object` of a generic view."""
        if not isinstance(self._view, generics.GenericAPIView):
            raise UnreadError
        row = Row(None, self._view.lookup_field, self._view.lookup_url_kwarg or self._view.lookup_field, checks=True)
        self.done.append(("find", row))
        if not self._exists:
            raise AnsweredError(Outcome(raises=True))
        return row

    def _names_object(self, code: ast.AST, *, but_parents: bool = False) -> bool:
        """Whether an expression has a variable that stands for a row, or for rows of a page.

        One whose absence is DRF's own 404 may be a parent of those that a queryset gives.
        """
        names = (each.id for each in ast.walk(code) if isinstance(each, ast.Name))
        known = (self._scope.names.get(name) for name in names)
        plain = (ast.expr, UsedSerializer)
        return any(
            each is not None
            and not isinstance(each, plain)
            and not (but_parents and isinstance(each, Row) and each.raises)
            for each in known
        )

    def _resolved(self, code: ast.expr) -> ast.expr:
        """The expression with local variables replaced by the expressions that they stand for."""
        known = {name: each for name, each in self._scope.names.items() if isinstance(each, ast.expr)}
        return replaced(code, known)

    def _is_pure(self, code: ast.AST) -> bool:
        return is_pure(code, self._scope.code.names)


def _is_property(cls: type, name: str) -> bool:
    return isinstance(inspect.getattr_static(cls, name, None), property | cached_property)
