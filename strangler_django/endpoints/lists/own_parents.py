"""A row of another table that a view's own code looks for before its rows, and without which it answers 404.

review = get_object_or_404(Review, pk=self.kwargs["review_id"], title=self.kwargs["title_id"])
return review.comments.all()

The code may stand in a method or a property of the view's, or in a function that gets the path's parameters. A row that
`get` doesn't find is answered 500, unless that is caught.
"""

import ast
import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.db.models.fields.related_descriptors import ReverseManyToOneDescriptor
from django.http import Http404
from rest_framework.exceptions import NotFound

from strangler_django.endpoints.code.own_code import (
    UnreadError,
    code_of,
    is_get_object_or_404,
    method_of,
    own_methods,
)
from strangler_django.endpoints.code.own_expressions import RequestValues, replaced_in
from strangler_django.endpoints.code.own_models import own_manager
from strangler_django.endpoints.code.read_querysets import ReadParent, ReadQueryset, field_at, is_key, is_unique

# Errors of a text that is no value of its column, for which the library answers 404 as well.
_OF_TEXTS: Final = ("TypeError", "ValueError", "Exception")
_LIBRARIES: Final = ("django.", "rest_framework.")
# DRF's own words.
NOT_FOUND: Final = "Not found."


@dataclass(frozen=True)
class Helper:
    """A function or a property of the project's own that gives a parent, with expressions in place of its parameters.

    `given` are the parameters that are parents themselves.
    """

    function: Any
    body: Sequence[ast.stmt]
    given: Mapping[str, ReadParent]


class ParentValues(RequestValues):
    """As RequestValues; `parents` are those that the code has looked for by now, in its order."""

    parents: list[ReadParent]
    _view: Any

    def block(self, body: Sequence[ast.stmt]) -> Any:  # noqa: ANN401 - what the code returns
        """What the statements return; None where they don't."""
        raise NotImplementedError

    def _queryset(self, code: ast.expr) -> ReadQueryset:
        raise NotImplementedError

    def _narrowed(self, found: ReadQueryset, given: ast.keyword) -> ReadQueryset:
        raise NotImplementedError

    def _value_of_name(self, code: ast.expr) -> Any:  # noqa: ANN401 - whatever it is
        raise NotImplementedError

    def _helped(self, helper: Helper) -> ReadParent:
        raise NotImplementedError

    def _helper(self, code: ast.expr) -> Helper | None:
        """The function of the project's own that an expression calls, or the property; None of another expression."""
        match code:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name), args=args, keywords=keywords):
                function, is_property = method_named(self._view, name), False
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                function, is_property, args, keywords = property_named(self._view, name), True, [], []
            case ast.Call(func=called, args=args, keywords=keywords):
                found = self._value_of_name(called)
                is_own_function = inspect.isfunction(found) and not found.__module__.startswith(_LIBRARIES)
                function, is_property = found if is_own_function else None, False
            case _:
                return None
        if function is None:
            return None
        is_bound = is_property or ast.unparse(code).startswith("self.")
        named_so = [("", each) for each in args] + [(each.arg or "**", each.value) for each in keywords]
        given = [(name, self._parent(each) or self._resolved(each)) for name, each in named_so]
        return _helper_of(function, given, is_bound=is_bound, is_property=is_property)

    def _parent(self, code: ast.expr) -> ReadParent | None:
        """The row that an expression is; None of another expression."""
        match code:
            case ast.Name(id=name):
                found = self._names.get(name)
                return found if isinstance(found, ReadParent) else None
            case ast.Call(func=called, args=[of], keywords=keywords) if is_get_object_or_404(
                self._value_of_name(called)
            ):
                return self._found(self._all_of(of), keywords, fails=False)
            case ast.Call(func=ast.Attribute(value=of, attr="get"), args=[], keywords=[_, *_] as keywords):
                return self._found(self._queryset(of), keywords, fails=True)
        helper = self._helper(code)
        return None if helper is None else self._helped(helper)

    def _all_of(self, code: ast.expr) -> ReadQueryset:
        """The rows among which one is looked for: those of a model, or of a queryset."""
        model = self._value_of_name(code)
        if not (isinstance(model, type) and issubclass(model, Model)):
            return self._queryset(code)
        return rows_of_model(model)

    def _found(self, rows: ReadQueryset, keywords: Sequence[ast.keyword], *, fails: bool) -> ReadParent:
        for each in keywords:
            rows = self._narrowed(rows, each)
        key = next((path for path in rows.within if is_unique(rows.queryset.model, path)), None)
        if key is None or rows.filters or rows.parameters or rows.is_none:
            raise UnreadError
        found = ReadParent(replace(rows, parents=()), key, fails=fails)
        self.parents.append(found)
        return found

    def _children(self, parent: ReadParent, name: str) -> ReadQueryset:
        """The rows that point at a parent, by the name that they have there (`review.comments`)."""
        relation = inspect.getattr_static(parent.model, name, None)
        # That of a many-to-many relation derives from it.
        if type(relation) is not ReverseManyToOneDescriptor:
            raise UnreadError
        return _within_parent(rows_of_model(relation.rel.related_model), relation.field.name, parent)

    def _of_caller(self, name: str) -> ReadQueryset:
        """The rows that point at the caller, by the name that they have there (`request.user.reviews`)."""
        relation = inspect.getattr_static(get_user_model(), name, None)
        if type(relation) is not ReverseManyToOneDescriptor or not relation.field.target_field.primary_key:
            raise UnreadError
        return replace(rows_of_model(relation.rel.related_model), owner=relation.field.name)

    def _narrowed_by_parent(self, found: ReadQueryset, name: str, code: ast.expr) -> ReadQueryset | None:
        """The rows whose foreign key `name` leads to a parent; None where the expression is none, nor its key."""
        match code:
            case ast.Attribute(value=inner, attr=attribute) if (parent := self._parent(inner)) is not None:
                if not is_key(parent.model, attribute):
                    raise UnreadError
            case _:
                parent = self._parent(code)
        return None if parent is None else _within_parent(found, name, parent)

    def _tried(self, statement: ast.Try) -> Any:  # noqa: ANN401 - as above
        """What a statement returns that looks for one parent; where there is none, that is answered otherwise.

        :raises UnreadError: something else is tried, or done about it.
        """
        match statement:
            case ast.Try(
                body=[ast.Assign() | ast.Return() as tried],
                handlers=[ast.ExceptHandler(type=ast.expr() as caught, body=[ast.Raise(exc=ast.expr() as raised)])],
                orelse=[],
                finalbody=[],
            ):
                before = len(self.parents)
                found = self.block([tried])
            case _:
                raise UnreadError
        if len(self.parents) != before + 1:
            raise UnreadError
        parent = self.parents[-1]
        if not self._catches(caught, parent):
            raise UnreadError
        detail, http404 = self._refused_with(raised)
        other = replace(parent, fails=False, detail=detail, http404=http404)
        self.parents[-1] = other
        self._names = {name: other if each is parent else each for name, each in self._names.items()}
        return other if found is parent else found

    def _catches(self, caught: ast.expr, parent: ReadParent) -> bool:
        """Whether what is caught is that there is no parent, perhaps with errors of what the path says."""
        missing = (parent.model.DoesNotExist, ObjectDoesNotExist) if parent.fails else (Http404,)
        is_caught = False
        for each in caught.elts if isinstance(caught, ast.Tuple) else [caught]:
            found = self._value_of_name(each)
            is_of_text = isinstance(each, ast.Name) and each.id in _OF_TEXTS and found is None
            if found not in missing and not is_of_text:
                return False
            is_caught = is_caught or found in missing or ast.unparse(each) == "Exception"
        return is_caught

    def _refused_with(self, raised: ast.expr) -> tuple[str, bool]:
        """What DRF answers to an exception that says that something isn't there, and whether it is Django's."""
        match raised:
            case ast.Call(func=called, args=args, keywords=keywords):
                given = [*args, *(each.value for each in keywords if each.arg == "detail")]
                if len(given) != len(args) + len(keywords):
                    raise UnreadError
            case _:
                called, given = raised, []
        found = self._value_of_name(called)
        if found not in (Http404, NotFound):
            raise UnreadError
        match given:
            case []:
                return NOT_FOUND, found is Http404
            case [ast.Constant(value=str(text))] if text:
                return text, found is Http404
        raise UnreadError


def method_named(view: Any, name: str) -> Any:  # noqa: ANN401 - any view
    """The method of the project's own that a view has under a name; None where there is none."""
    found = next(own_methods(type(view), name), None)
    return found if inspect.isfunction(found) else None


def property_named(view: Any, name: str) -> Any:  # noqa: ANN401 - as above
    """The function of a property of the project's own; None where there is none."""
    found = next(own_methods(type(view), name), None)
    function = code_of(found)
    return function if function is not found and not isinstance(found, classmethod | staticmethod) else None


def _helper_of(
    function: Any,  # noqa: ANN401 - a function
    given: Sequence[tuple[str, ReadParent | ast.expr]],
    *,
    is_bound: bool,
    is_property: bool,
) -> Helper:
    """A function with what it is called with.

    :raises UnreadError: it takes something else.
    """
    made = method_of(function, but=("property", "cached_property") if is_property else ())
    if made is None or made.args.vararg or made.args.kwarg or made.args.kwonlyargs or made.args.posonlyargs:
        raise UnreadError
    names = [each.arg for each in made.args.args][1 if is_bound else 0 :]
    unnamed = [value for name, value in given if not name]
    words = dict(zip(names, unnamed, strict=False)) | {name: value for name, value in given if name}
    if len(words) != len(given) or {*words} != {*names}:
        raise UnreadError
    body = made.body[1:] if ast.get_docstring(made) is not None else made.body
    parts = [each for statement in body for each in ast.walk(statement) if isinstance(each, ast.Name)]
    if any(isinstance(each.ctx, ast.Store) and each.id in words for each in parts):
        raise UnreadError
    texts = {name: value for name, value in words.items() if isinstance(value, ast.expr)}
    parents = {name: value for name, value in words.items() if isinstance(value, ReadParent)}
    return Helper(function, [replaced_in(each, texts) for each in body], parents)


def unlike(parents: Sequence[ReadParent]) -> tuple[ReadParent, ...]:
    """The parents without those that were found before."""
    found: dict[tuple[Any, ...], ReadParent] = {}
    for each in parents:
        found.setdefault(each.rows.structure, each)
    return tuple(found.values())


def path_parameter(code: ast.expr, parameters: Collection[str]) -> str | None:
    """The parameter of the path that an expression is; None of another expression.

    :raises UnreadError: the path has none of that name.
    """
    match code:
        case (
            ast.Subscript(value=kwargs, slice=ast.Constant(value=str(name)))
            | ast.Call(func=ast.Attribute(value=kwargs, attr="get"), args=[ast.Constant(value=str(name))], keywords=[])
        ) if ast.unparse(kwargs) == "self.kwargs":
            if name not in parameters:
                raise UnreadError
            return name
    return None


def rows_of_model(model: Any, within: Mapping[str, str] = MappingProxyType({})) -> ReadQueryset:  # noqa: ANN401 - a model class
    """All rows of a model, or those `within` what a path names.

    :raises UnreadError: a manager of the project's own may leave rows out.
    """
    manager = model._default_manager  # noqa: SLF001 - so Django documents it
    if own_manager(manager):
        raise UnreadError
    return ReadQueryset(manager.all(), within=within)


def _within_parent(found: ReadQueryset, name: str, parent: ReadParent) -> ReadQueryset:
    """The rows whose foreign key leads to a parent: to the row that the path names by a column of no other's."""
    path = name.removesuffix("__id").removesuffix("__pk")
    field = field_at(found.queryset.model, path)
    related = getattr(field, "related_model", None)
    if related is None or related is not parent.model or not field.target_field.primary_key:
        raise UnreadError
    key = "__".join((*path.split("__")[:-1], field.name))
    if not is_key(parent.model, parent.key):
        key = f"{key}__{parent.key}"
    parameter = parent.rows.within[parent.key]
    if found.within.get(key, parameter) != parameter:
        raise UnreadError
    within: Mapping[str, str] = {**found.within, key: parameter}
    return replace(found, within=within)
