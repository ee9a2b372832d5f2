"""A method that returns a queryset, followed statement by statement for one kind of caller."""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models.manager import BaseManager

from strangler_django.endpoints.annotated_rows import matched_value
from strangler_django.endpoints.own_code import (
    UnreadError,
    is_super,
    method_of,
    named,
    names_of,
    own_methods,
    statements_of,
)
from strangler_django.endpoints.own_expressions import CALLER, RequestValues, SeenOfRequest
from strangler_django.endpoints.own_filters import FilterReader
from strangler_django.endpoints.read_querysets import ReadQueryset, field_at

# Methods of a queryset whose arguments are constants, and which leave no row out.
_PLAIN: Final = frozenset({"all", "order_by", "select_related", "prefetch_related", "distinct"})
_OPERATORS: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}


class QuerysetMethod:
    """One method, to be followed with what is known of the caller, and those of superclasses that it may call.

    :raises UnreadError: its code can't be read.
    """

    def __init__(
        self,
        view: Any,  # noqa: ANN401 - any view
        functions: Sequence[Any],
        seen: SeenOfRequest,
        body: Sequence[ast.stmt] | None = None,
    ) -> None:
        function, *self._others = functions
        self._view = view
        self._body = _body_of(function) if body is None else body
        self._function = function
        self._globals = names_of(function)
        self.seen = seen
        self.filters = FilterReader(type(view), self._globals)
        self.parameters = frozenset(view.kwargs)
        self.known = {"self.action": getattr(view, "action", None), "self.request.method": view.request.method}

    def follow(self, caller: Mapping[str, bool], given: Mapping[str, ReadQueryset] | None = None) -> ReadQueryset:
        """What it returns, with the querysets that it is `given` by name.

        :raises UnreadError: it does something that isn't read.
        :raises UnknownCallerError: it depends on more of the caller.
        """
        found = _Following(self, caller, given or {}).block(self._body)
        if found is None:
            raise UnreadError
        return found

    def inherited(self, code: ast.expr, caller: Mapping[str, bool]) -> ReadQueryset:
        """What the method of the superclass returns, as `code` names that."""
        if not is_super(code, self._function):
            raise UnreadError
        return QuerysetMethod(self._view, self._others, self.seen).follow(caller) if self._others else self.base()

    def of_view(self, caller: Mapping[str, bool]) -> ReadQueryset:
        """What `get_queryset` of the view returns, for another method."""
        functions = tuple(own_methods(type(self._view), "get_queryset"))
        if self._function in functions:
            raise UnreadError
        return QuerysetMethod(self._view, functions, self.seen).follow(caller) if functions else self.base()

    def base(self) -> ReadQueryset:
        """The queryset of the view."""
        return rows_of(self._view)

    def constant(self, code: ast.expr) -> Any:  # noqa: ANN401 - of any type
        """What an expression is worth at any time: a literal, or a constant of the module's or of a class."""
        try:
            return ast.literal_eval(code)
        except ValueError:
            found = named(code, self._globals)
        if not isinstance(found, bool | int | str):
            raise UnreadError
        return found

    def expression(self, code: ast.expr) -> Any:  # noqa: ANN401 - as above
        """An expression of Django's (`F("rows") * F("seats") - Count("tickets")`), or a constant."""
        match code:
            case ast.Call(func=called, args=args, keywords=keywords) if all(each.arg for each in keywords):
                made = named(called, self._globals)
                if not isinstance(made, type) or not made.__module__.startswith("django.db.models."):
                    raise UnreadError
                named_so = {each.arg: self.expression(each.value) for each in keywords}
                return made(*map(self.expression, args), **named_so)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
                return _OPERATORS[type(sign)](self.expression(left), self.expression(right))
            case ast.UnaryOp(op=ast.Invert(), operand=operand):
                return ~self.expression(operand)
        return self.constant(code)

    def annotation(self, code: ast.expr, model: Any) -> Any:  # noqa: ANN401 - as above, and a model class
        """What rows of the model are annotated with: an expression, also whether others are there by the caller."""
        found = matched_value(code, model, self._globals)
        return self.expression(code) if found is None else found

    def of_model(self, code: ast.expr) -> ReadQueryset:
        """All rows of the model that has a name in the module, or in one that it imports (`models.Item`)."""
        model = named(code, self._globals)
        if not isinstance(model, type) or not issubclass(model, models.Model):
            raise UnreadError
        manager = getattr(model, "objects", None)
        # A manager of the project's own may leave rows out.
        if type(manager) is not models.Manager:
            raise UnreadError
        return ReadQueryset(manager.all())


def rows_of(view: Any) -> ReadQueryset:  # noqa: ANN401 - any view
    """The queryset that a view has as its attribute.

    :raises UnreadError: it has none.
    """
    found = getattr(view, "queryset", None)
    if not isinstance(found, models.QuerySet | BaseManager):
        raise UnreadError
    queryset = found.all()
    return ReadQueryset(queryset, is_distinct=queryset.query.distinct)


def _body_of(function: Any) -> list[ast.stmt]:  # noqa: ANN401 - a method
    if (made := method_of(function)) is None:
        raise UnreadError
    return statements_of(made)


class _Following(RequestValues):
    """A method that is followed: its local variables are querysets, or expressions of the request."""

    def __init__(self, method: QuerysetMethod, caller: Mapping[str, bool], given: Mapping[str, ReadQueryset]) -> None:
        super().__init__(method.seen, caller, method.known)
        self._names |= given
        self._method = method

    def block(self, body: Sequence[ast.stmt]) -> ReadQueryset | None:
        """What the statements return; None where they don't."""
        for statement in body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._names[name] = self._value(value)
                case ast.If(test=test, body=then, orelse=[]) if self._is_filter(test, then):
                    continue
                case ast.If(test=test, body=then, orelse=otherwise):
                    if (found := self.block(then if self._is_true(test) else otherwise)) is not None:
                        return found
                case ast.Return(value=ast.expr() as value):
                    return self._queryset(value)
                case _:
                    raise UnreadError
        return None

    def _is_filter(self, test: ast.expr, body: list[ast.stmt]) -> bool:
        """Whether a branch narrows a queryset by a query parameter and does no more; then that has the filter.

        if genres:
            keys = self._params_to_ints(genres)
            queryset = queryset.filter(genres__id__in=keys)
        """
        if isinstance(test, ast.NamedExpr):
            self._names[test.target.id], test = test.value, test.value
        before = dict(self._names)
        try:
            name, found = self._narrowed_by_parameter(self._resolved(test), body)
        except UnreadError:
            self._names = before
            return False
        # What else the branch has given a value is another's without the parameter.
        self._names = {key: value for key, value in before.items() if self._names.get(key) is value}
        self._names[name] = found
        return True

    def _narrowed_by_parameter(self, test: ast.expr, body: list[ast.stmt]) -> tuple[str, ReadQueryset]:
        """The queryset that a branch narrows, by its name, with that filter."""
        narrowed, conditions, is_distinct = "", list[ast.expr | ast.keyword](), False
        for statement in body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if isinstance(
                    self._names.get(name), ReadQueryset
                ) and narrowed in ("", name):
                    narrowed = name
                    for called, given in self._calls(name, value):
                        conditions += given
                        is_distinct = is_distinct or called == "distinct"
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._names[name] = self._resolved(value)
                case _:
                    raise UnreadError
        queryset = self._names.get(narrowed)
        if not isinstance(queryset, ReadQueryset):
            raise UnreadError
        parameter, found = self._method.filters.read(test, conditions, queryset.queryset.model)
        if parameter in queryset.filters:
            raise UnreadError
        filters = {**queryset.filters, parameter: replace(found, is_distinct=is_distinct)}
        return narrowed, replace(queryset, filters=filters)

    def _calls(self, name: str, code: ast.expr) -> list[tuple[str, list[ast.expr | ast.keyword]]]:
        """What is called of the queryset of that name, in turn: `filter` with its conditions, or `distinct`."""
        match code:
            case ast.Name(id=found) if found == name:
                return []
            case ast.Call(func=ast.Attribute(value=inner, attr="distinct"), args=[], keywords=[]):
                return [*self._calls(name, inner), ("distinct", [])]
            case ast.Call(func=ast.Attribute(value=inner, attr="filter"), args=args, keywords=keywords):
                named_so = (ast.keyword(each.arg, self._resolved(each.value)) for each in keywords)
                return [*self._calls(name, inner), ("filter", [*map(self._resolved, args), *named_so])]
        raise UnreadError

    def _value(self, code: ast.expr) -> Any:  # noqa: ANN401 - see above
        try:
            return self._queryset(code)
        except UnreadError:
            return self._resolved(code)

    def _queryset(self, code: ast.expr) -> ReadQueryset:
        match code:
            case ast.Name(id=name) if isinstance(self._names.get(name), ReadQueryset):
                found: ReadQueryset = self._names[name]
                return found
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")) as above, attr="get_queryset"),
                args=[],
                keywords=[],
            ):
                return self._method.inherited(above, self._caller)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr="get_queryset"), args=[], keywords=[]):
                return self._method.of_view(self._caller)
            case ast.Call(func=ast.Attribute(value=inner, attr=name), args=args, keywords=keywords):
                return self._called(self._queryset(inner), name, args, keywords)
            case ast.Attribute(value=ast.Name(id="self"), attr="queryset"):
                return self._method.base()
            case ast.Attribute(value=ast.Name() | ast.Attribute() as model, attr="objects"):
                return self._method.of_model(model)
        raise UnreadError

    def _called(
        self, found: ReadQueryset, name: str, args: list[ast.expr], keywords: list[ast.keyword]
    ) -> ReadQueryset:
        if name == "none" and not args and not keywords:
            return replace(found, is_none=True)
        if name == "filter" and (args or keywords):
            conditions = [self._method.expression(self._resolved(each)) for each in args]
            found = replace(found, queryset=found.queryset.filter(*conditions))
            for each in keywords:
                found = self._narrowed(found, each)
            return found
        if name == "annotate" and not args and all(each.arg for each in keywords):
            model = found.queryset.model
            named_so = {str(each.arg): self._method.annotation(self._resolved(each.value), model) for each in keywords}
            return replace(found, queryset=found.queryset.annotate(**named_so))
        if name == "exclude" and not args and keywords:
            given = {each.arg or "": self._method.constant(self._resolved(each.value)) for each in keywords}
            return replace(found, queryset=found.queryset.exclude(**given))
        try:
            positional = [ast.literal_eval(each) for each in args]
        except ValueError:
            raise UnreadError from None
        if name not in _PLAIN or keywords:
            raise UnreadError
        if name == "distinct" and not positional:
            # Rows of the table that no joined one has multiplied are distinct already.
            return replace(found, is_distinct=True)
        return replace(found, queryset=getattr(found.queryset, name)(*positional))

    def _narrowed(self, found: ReadQueryset, given: ast.keyword) -> ReadQueryset:
        """Takes a condition apart: the caller, a parameter of the path, or a constant."""
        value, name = self._resolved(given.value), given.arg or ""
        text, path = ast.unparse(value), name.removesuffix("__id").removesuffix("__pk")
        if text in (CALLER, f"{CALLER}.id", f"{CALLER}.pk"):
            last = field_at(found.queryset.model, path)
            if found.owner is not None or last is None or last.related_model is not get_user_model():
                raise UnreadError
            return replace(found, owner=path)
        match value:
            case (
                ast.Subscript(value=kwargs, slice=ast.Constant(value=str(parameter)))
                | ast.Call(func=ast.Attribute(value=kwargs, attr="get"), args=[ast.Constant(value=str(parameter))])
            ) if ast.unparse(kwargs) == "self.kwargs" and field_at(found.queryset.model, name) is not None:
                if name in found.within or parameter not in self._method.parameters:
                    raise UnreadError
                return replace(found, within={**found.within, name: parameter})
        return replace(found, queryset=found.queryset.filter(**{name: self._method.constant(value)}))
