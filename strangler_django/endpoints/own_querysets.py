"""What `get_queryset` of a project's own does with the rows of a view, read from its code.

A queryset of the view's or of a model's, narrowed by `filter` to rows that have the caller or a parameter of the path
in a field. It may be ordered, joined in advance, and narrowed further where a request has a query parameter:

def get_queryset(self):
    queryset = self.queryset
    if not self.request.user.is_staff:
        queryset = queryset.filter(owner=self.request.user)
    label = self.request.query_params.get("label")
    if label:
        queryset = queryset.filter(labels__word=label)
    return queryset.order_by("-id")

The method is followed once for each kind of caller, with no query parameter sent.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models.manager import BaseManager

from strangler_django.endpoints.own_code import UnreadError, is_own, method_of, named, statements_of
from strangler_django.endpoints.own_expressions import (
    CALLER,
    PARAMETERS,
    RequestValues,
    SeenOfRequest,
    UnknownCallerError,
)

# Methods of a queryset whose arguments are constants, and which leave no row out.
_PLAIN: Final = frozenset({"all", "order_by", "select_related", "prefetch_related", "distinct"})
_TEXT_LOOKUPS: Final = frozenset(
    {"exact", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith"}
)


@dataclass(frozen=True)
class ReadQueryset:
    """A queryset without what depends on the request.

    `owner` is the field in which rows have the caller, a path such as `order__customer` where it is another row's;
    callers whose attribute `unless` is true see the rows of everybody. `within` are fields by the parameter of the
    path that they are equal to, `parameters` the query parameters that narrow it further, `filters` those which narrow
    it by their text alone, each with the field and the lookup.
    """

    queryset: models.QuerySet[Any]
    owner: str | None = None
    unless: str | None = None
    within: Mapping[str, str] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    is_none: bool = False

    @property
    def structure(self) -> tuple[Any, ...]:
        """All rows that callers see whatever they own."""
        return str(self.queryset.query), self.within, self.filters


def read_queryset(view: Any) -> ReadQueryset | None:  # noqa: ANN401 - an instance of any view
    """The queryset of a view that has a `get_queryset` of its own; None where that does anything else."""
    cls = type(view)
    function = getattr(cls, "get_queryset", None)
    if not is_own(cls, "get_queryset") or (made := method_of(function)) is None:
        return None
    try:
        return _of_callers(_Method(view, made, getattr(function, "__globals__", {})))
    except (UnreadError, UnknownCallerError):
        return None


def _of_callers(method: "_Method") -> ReadQueryset:
    """The queryset as ordinary callers get it, and how that of others differs."""
    unless: str | None = None
    known: dict[str, bool] = {"is_authenticated": True}
    try:
        found = method.follow(known)
    except UnknownCallerError as unknown:
        unless = str(unknown)
        found, every = method.follow({**known, unless: False}), method.follow({**known, unless: True})
        if found.owner is None or every.owner is not None or every.structure != found.structure:
            raise UnreadError from None
    if found.is_none:
        raise UnreadError
    if method.asks_for_anonymous:
        nobody = method.follow({"is_authenticated": False, "is_staff": False, "is_superuser": False})
        if not nobody.is_none and (found.owner or nobody.owner or nobody.structure != found.structure):
            raise UnreadError
        if nobody.is_none and found.owner is None:
            raise UnreadError
    filters = {name: each for name, each in found.filters.items() if name not in method.parameters}
    return replace(found, unless=unless, parameters=method.parameters, filters=filters)


class _Method(SeenOfRequest):
    """One method, to be followed with what is known of the caller."""

    def __init__(self, view: Any, made: ast.FunctionDef, names: Mapping[str, Any]) -> None:  # noqa: ANN401 - as above
        super().__init__()
        self._view = view
        self._made = made
        self._globals = names

    def follow(self, caller: Mapping[str, bool]) -> ReadQueryset:
        """What it returns.

        :raises UnreadError: it does something that isn't read.
        :raises UnknownCallerError: it depends on more of the caller.
        """
        found = _Following(self, caller).block(statements_of(self._made))
        if found is None:
            raise UnreadError
        return found

    def base(self) -> ReadQueryset:
        """The queryset of the view."""
        found = getattr(self._view, "queryset", None)
        if not isinstance(found, models.QuerySet | BaseManager):
            raise UnreadError
        return ReadQueryset(found.all())

    def constant(self, code: ast.expr) -> Any:  # noqa: ANN401 - of any type
        """What an expression is worth at any time: a literal, or a constant of the module's or of a class."""
        try:
            return ast.literal_eval(code)
        except ValueError:
            found = named(code, self._globals)
        if not isinstance(found, bool | int | str):
            raise UnreadError
        return found

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


class _Following(RequestValues):
    """A method that is followed: its local variables are querysets, or expressions of the request."""

    def __init__(self, method: _Method, caller: Mapping[str, bool]) -> None:
        super().__init__(method, caller)
        self._method = method

    def block(self, body: list[ast.stmt]) -> ReadQueryset | None:
        """What the statements return; None where they don't."""
        for statement in body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._names[name] = self._value(value)
                case ast.If(test=test, body=[ast.Assign(targets=[ast.Name(id=name)], value=value)], orelse=[]) if (
                    self._is_filter(test, name, value)
                ):
                    continue
                case ast.If(test=test, body=then, orelse=otherwise):
                    if (found := self.block(then if self._is_true(test) else otherwise)) is not None:
                        return found
                case ast.Return(value=ast.expr() as value):
                    return self._queryset(value)
                case _:
                    raise UnreadError
        return None

    def _is_filter(self, test: ast.expr, name: str, value: ast.expr) -> bool:
        """Whether a branch narrows the queryset of that name by the text of a query parameter; then it has that filter.

        if city:
            queryset = queryset.filter(city__icontains=city)
        """
        if isinstance(test, ast.NamedExpr):
            self._names[test.target.id], test = test.value, test.value
        sent, found = ast.unparse(self._resolved(test)), self._names.get(name)
        match value:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=narrowed), attr="filter"),
                args=[],
                keywords=[ast.keyword(arg=str(path), value=given)],
            ) if narrowed == name and isinstance(found, ReadQueryset) and ast.unparse(self._resolved(given)) == sent:
                parameter = _parameter(sent)
                *way, last = path.split("__")
                lookup = last if last in _TEXT_LOOKUPS else "exact"
                path = "__".join(way) if last in _TEXT_LOOKUPS else path
                field = _followed(found.queryset.model, path)
                if parameter is None or not isinstance(field, models.CharField | models.TextField):
                    return False
                if parameter in found.filters:
                    return False
                self._names[name] = replace(found, filters={**found.filters, parameter: (path, lookup)})
                return True
        return False

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
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="get_queryset")):
                return self._method.base()
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
        if name == "filter" and not args and keywords:
            for each in keywords:
                found = self._narrowed(found, each)
            return found
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
            return found
        return replace(found, queryset=getattr(found.queryset, name)(*positional))

    def _narrowed(self, found: ReadQueryset, given: ast.keyword) -> ReadQueryset:
        """Takes a condition apart: the caller, a parameter of the path, or a constant."""
        value, name = self._resolved(given.value), given.arg or ""
        text, path = ast.unparse(value), name.removesuffix("__id").removesuffix("__pk")
        if text in (CALLER, f"{CALLER}.id", f"{CALLER}.pk"):
            last = _followed(found.queryset.model, path)
            if found.owner is not None or last is None or last.related_model is not get_user_model():
                raise UnreadError
            return replace(found, owner=path)
        match value:
            case (
                ast.Subscript(value=kwargs, slice=ast.Constant(value=str(parameter)))
                | ast.Call(func=ast.Attribute(value=kwargs, attr="get"), args=[ast.Constant(value=str(parameter))])
            ) if ast.unparse(kwargs) == "self.kwargs" and _followed(found.queryset.model, name) is not None:
                return replace(found, within={**found.within, name: parameter})
        return replace(found, queryset=found.queryset.filter(**{name: self._method.constant(value)}))


def _parameter(text: str) -> str | None:
    """The query parameter that an expression is the text of; None of any other."""
    match ast.parse(text, mode="eval").body:
        case ast.Call(func=ast.Attribute(value=given, attr="get"), args=[ast.Constant(value=str(name))], keywords=[]):
            return name if ast.unparse(given) in PARAMETERS else None
    return None


def _followed(model: Any, path: str) -> Any:  # noqa: ANN401 - a model class, and a field of one
    """The field at the end of a path of foreign keys; None where it leads elsewhere, or to several rows."""
    found: Any = None
    for name in path.split("__"):
        if model is None:
            return None
        own = {each.name: each for each in model._meta.fields}  # noqa: SLF001 - how Django documents to read a model
        own |= {each.attname: each for each in own.values()} | {"pk": model._meta.pk}  # noqa: SLF001 - the same
        if name not in own:
            return None
        found, model = own[name], own[name].related_model
    return found
