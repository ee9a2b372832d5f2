"""A method that returns a queryset, followed statement by statement for one kind of caller."""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models.manager import BaseManager

from strangler_django.endpoints.code.own_code import (
    UnreadError,
    is_super,
    method_of,
    named,
    names_of,
    own_methods,
    statements_of,
)
from strangler_django.endpoints.code.own_expressions import CALLER, SeenOfRequest
from strangler_django.endpoints.code.own_filters import FilterReader
from strangler_django.endpoints.code.own_models import own_manager
from strangler_django.endpoints.code.read_querysets import ReadParent, ReadQueryset, field_at
from strangler_django.endpoints.expressions.annotated_rows import matched_value
from strangler_django.endpoints.handlers.source import is_pure
from strangler_django.endpoints.lists.own_parents import Helper, path_parameter, unlike
from strangler_django.endpoints.lists.parameter_branches import FilterBranches

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
        self._within = frozenset({function})
        self.view = view
        self._body = _body_of(function) if body is None else body
        self._function = function
        self.names = names_of(function)
        self.seen = seen
        self.filters = FilterReader(type(view), self.names)
        self.parameters = frozenset(view.kwargs)
        self.known = {"self.action": getattr(view, "action", None), "self.request.method": view.request.method}

    def follow(self, caller: Mapping[str, bool], given: Mapping[str, ReadQueryset] | None = None) -> ReadQueryset:
        """What it returns, with the querysets that it is `given` by name.

        :raises UnreadError: it does something that isn't read.
        :raises UnknownCallerError: it depends on more of the caller.
        """
        following = Following(self, caller, given or {})
        found = following.block(self._body)
        if not isinstance(found, ReadQueryset):
            raise UnreadError
        return replace(found, parents=unlike(following.parents))

    def helped(self, helper: Helper, caller: Mapping[str, bool]) -> list[ReadParent]:
        """The parents that a function of the project's own looks for, the last of which it returns.

        :raises UnreadError: it does something that isn't read.
        """
        if helper.function in self._within:
            raise UnreadError
        made = QuerysetMethod(self.view, (helper.function,), self.seen, helper.body)
        made._within = self._within | {helper.function}
        following = _Finding(made, caller, {}, helper.given)
        found = following.block(helper.body)
        if not isinstance(found, ReadParent):
            raise UnreadError
        return [*(each for each in following.parents if each is not found), found]

    def value_of_name(self, code: ast.expr) -> Any:  # noqa: ANN401 - whatever the code has under that name
        """What a name in the method's module stands for."""
        return named(code, self.names)

    def inherited(self, code: ast.expr, caller: Mapping[str, bool]) -> ReadQueryset:
        """What the method of the superclass returns, as `code` names that."""
        if not is_super(code, self._function):
            raise UnreadError
        return QuerysetMethod(self.view, self._others, self.seen).follow(caller) if self._others else self.base()

    def of_view(self, caller: Mapping[str, bool]) -> ReadQueryset:
        """What `get_queryset` of the view returns, for another method."""
        functions = tuple(own_methods(type(self.view), "get_queryset"))
        if self._function in functions:
            raise UnreadError
        return QuerysetMethod(self.view, functions, self.seen).follow(caller) if functions else self.base()

    def base(self) -> ReadQueryset:
        """The queryset of the view."""
        return rows_of(self.view)

    def constant(self, code: ast.expr) -> Any:  # noqa: ANN401 - of any type
        """What an expression is worth at any time: a literal, or a constant of the module's or of a class."""
        try:
            return ast.literal_eval(code)
        except ValueError:
            found = named(code, self.names)
        if not isinstance(found, bool | int | str):
            raise UnreadError
        return found

    def expression(self, code: ast.expr) -> Any:  # noqa: ANN401 - as above
        """An expression of Django's (`F("rows") * F("seats") - Count("tickets")`), or a constant."""
        match code:
            case ast.Call(func=called, args=args, keywords=keywords) if all(each.arg for each in keywords):
                made = named(called, self.names)
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
        found = matched_value(code, model, self.names)
        return self.expression(code) if found is None else found

    def of_model(self, code: ast.expr) -> ReadQueryset:
        """All rows of the model that has a name in the module, or in one that it imports (`models.Item`)."""
        model = named(code, self.names)
        if not isinstance(model, type) or not issubclass(model, models.Model):
            raise UnreadError
        manager = getattr(model, "objects", None)
        # A manager of the project's own may leave rows out.
        if not isinstance(manager, BaseManager) or own_manager(manager):
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


class Following(FilterBranches):
    """A method that is followed: its local variables are querysets, parents, or expressions of the request."""

    def __init__(
        self,
        method: QuerysetMethod,
        caller: Mapping[str, bool],
        given: Mapping[str, ReadQueryset],
        parents: Mapping[str, ReadParent] = MappingProxyType({}),
    ) -> None:
        super().__init__(method.seen, caller, method.known)
        self._names |= {**given, **parents}
        self._view = method.view
        self._method = method
        self._filters = method.filters
        self.parents = [parent for each in given.values() for parent in each.parents]

    def block(self, body: Sequence[ast.stmt]) -> Any:  # noqa: ANN401 - a queryset, or what a subclass reads
        """What the statements return; None where they don't."""
        for statement in body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    if isinstance(self._names.get(name), ReadParent):
                        raise UnreadError
                    self._names[name] = self._value(value)
                case ast.If(test=test, body=then, orelse=[]) if self._is_filter(test, then):
                    continue
                case ast.If(test=test, body=then, orelse=otherwise):
                    if (found := self.block(then if self._is_true(test) else otherwise)) is not None:
                        return found
                case ast.Try():
                    if (found := self._tried(statement)) is not None:
                        return found
                case ast.Expr(value=ast.Call() as called) if self._parent(called) is not None:
                    continue
                case ast.Return(value=ast.expr() as value):
                    return self._returned(value)
                case _:
                    raise UnreadError
        return None

    def _returned(self, code: ast.expr) -> Any:  # noqa: ANN401 - as above
        return self._queryset(code)

    def _value(self, code: ast.expr) -> Any:  # noqa: ANN401 - see above
        if (parent := self._parent(code)) is not None:
            return parent
        before = [*self.parents]
        try:
            return self._queryset(code)
        except UnreadError:
            self.parents = before
        # Whatever else is called may refuse the request, even if nobody looks at what it gives.
        if not is_pure(code, self._method.names):
            raise UnreadError
        return self._resolved(code)

    def _value_of_name(self, code: ast.expr) -> Any:  # noqa: ANN401 - as above
        return self._method.value_of_name(code)

    def _helped(self, helper: Helper) -> ReadParent:
        found = self._method.helped(helper, self._caller)
        self.parents += found
        return found[-1]

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
                return self._with_parents(self._method.inherited(above, self._caller))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr="get_queryset"), args=[], keywords=[]):
                return self._with_parents(self._method.of_view(self._caller))
            case ast.Call(func=ast.Attribute(value=inner, attr=name), args=args, keywords=keywords):
                return self._called(self._queryset(inner), name, args, keywords)
            case ast.Attribute(value=ast.Name(id="self"), attr="queryset"):
                return self._method.base()
            case ast.Attribute(value=inner, attr=name) if (parent := self._parent(inner)) is not None:
                return self._children(parent, name)
            case ast.Attribute(value=inner, attr=name) if ast.unparse(self._resolved(inner)) == CALLER:
                return self._of_caller(name)
            case ast.Attribute(value=ast.Name() | ast.Attribute() as model, attr="objects"):
                return self._method.of_model(model)
        raise UnreadError

    def _with_parents(self, found: ReadQueryset) -> ReadQueryset:
        self.parents += found.parents
        return found

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
        if (of_parent := self._narrowed_by_parent(found, name, value)) is not None:
            return of_parent
        text, path = ast.unparse(value), name.removesuffix("__id").removesuffix("__pk")
        if text in (CALLER, f"{CALLER}.id", f"{CALLER}.pk"):
            last = field_at(found.queryset.model, path)
            if found.owner is not None or last is None or last.related_model is not get_user_model():
                raise UnreadError
            return replace(found, owner=path)
        parameter = path_parameter(value, self._method.parameters)
        if parameter is not None and field_at(found.queryset.model, name) is not None:
            if name in found.within:
                raise UnreadError
            return replace(found, within={**found.within, name: parameter})
        return replace(found, queryset=found.queryset.filter(**{name: self._method.constant(value)}))


class _Finding(Following):
    """A method that returns a parent."""

    def _returned(self, code: ast.expr) -> Any:  # noqa: ANN401 - as above
        if (found := self._parent(code)) is None:
            raise UnreadError
        return found
