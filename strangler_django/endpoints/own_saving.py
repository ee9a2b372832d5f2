"""What `perform_create` and `perform_update` of a project's own give a row besides what a body says.

def perform_create(self, serializer):
    review = get_object_or_404(Review, pk=self.kwargs["review_id"])
    serializer.save(author=self.request.user, review=review)
"""

import ast
import inspect
from dataclasses import dataclass
from typing import Any, Literal

from django.core.exceptions import FieldError
from django.db.models import ForeignKey
from rest_framework.relations import SlugRelatedField, StringRelatedField
from rest_framework.serializers import BaseSerializer

from strangler_django.endpoints.code.own_code import (
    UnreadError,
    is_own,
    is_super,
    method_of,
    own_methods,
    statements_of,
)
from strangler_django.endpoints.code.own_expressions import CALLER, SeenOfRequest, UnknownCallerError
from strangler_django.endpoints.code.read_querysets import ReadParent, column_field, field_at, is_key
from strangler_django.endpoints.expressions.assigned_values import given_value, is_now
from strangler_django.endpoints.handlers.source import logs
from strangler_django.endpoints.lists.own_parents import path_parameter, rows_of_model, unlike
from strangler_django.endpoints.lists.queryset_methods import Following, QuerysetMethod

Hook = Literal["perform_create", "perform_update"]


@dataclass(frozen=True)
class ReadSaving:
    """The field in which a new row has its `caller`, and the `parents` that are looked for once a body is validated.

    `fields` are those of the row that lead to one of them, by their names, `given` what others get: the `caller`, the
    time (`now`), or a `value`.
    """

    caller: str | None
    parents: tuple[ReadParent, ...]
    fields: dict[str, ReadParent]
    given: dict[str, list[Any]]


def read_saving(view: Any, hook: Hook) -> ReadSaving | None:  # noqa: ANN401 - an instance of any view
    """What such a method of a view does; None of DRF's own, and where it does anything else, or more."""
    if not is_own(type(view), hook):
        return None
    function = next(own_methods(type(view), hook))
    made = method_of(function)
    try:
        names = [*inspect.signature(function).parameters]
        if made is None or len(names) != len(("self", "serializer")):
            return None
        method = QuerysetMethod(view, (function,), SeenOfRequest())
        body = [each for each in statements_of(made) if not logs(each, method.names)]
        return _Saving(method, view, hook, function, names[-1]).read(body)
    except (UnreadError, UnknownCallerError, FieldError):
        return None


class _Saving(Following):
    """The method, which ends with what saves the row; permissions refuse whoever isn't signed in."""

    def __init__(self, method: QuerysetMethod, view: Any, hook: Hook, function: Any, serializer: str) -> None:  # noqa: ANN401 - as above
        super().__init__(method, {"is_authenticated": True}, {})
        self._view = view
        self._hook = hook
        self._function = function
        self._serializer = serializer
        self._caller_field: str | None = None
        self._fields: dict[str, ReadParent] = {}
        self._values: dict[str, list[Any]] = {}

    def read(self, body: list[ast.stmt]) -> ReadSaving:
        """What it does.

        :raises UnreadError: something else.
        """
        if not body:
            raise UnreadError
        *before, last = body
        if self.block(before) is not None or self._method.seen.asks_for_anonymous or self._method.seen.parameters:
            raise UnreadError
        match last:
            case ast.Expr(value=ast.Call() as called) | ast.Return(value=ast.Call() as called):
                self._save(called)
            case _:
                raise UnreadError
        parents = unlike(self.parents)
        same = {each.rows.structure: each for each in parents}
        fields = {name: same[each.rows.structure] for name, each in self._fields.items()}
        if self._hook == "perform_update" and len(parents) != len(fields):
            raise UnreadError
        return ReadSaving(self._caller_field, parents, fields, self._values)

    def _value(self, code: ast.expr) -> Any:  # noqa: ANN401 - as of `Following`
        return code if is_now(code, self._method.names) else super()._value(code)

    def _save(self, called: ast.Call) -> None:
        match called:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=serializer), attr="save"), args=[], keywords=keywords
            ) if serializer == self._serializer:
                pass
            case ast.Call(
                func=ast.Attribute(value=ast.Call() as above, attr=name), args=[ast.Name(id=serializer)], keywords=[]
            ) if (name, serializer) == (self._hook, self._serializer) and is_super(above, self._function):
                # DRF's own, unless another superclass has one.
                if [*own_methods(type(self._view), self._hook)] != [self._function]:
                    raise UnreadError
                return
            case _:
                raise UnreadError
        for each in keywords:
            if each.arg is None or "__" in each.arg:
                raise UnreadError
            self._keyword(each.arg, self._resolved(each.value))

    def _keyword(self, name: str, value: ast.expr) -> None:
        text, is_key_of = ast.unparse(value), name.endswith("_id")
        is_caller = text in (f"{CALLER}.id", f"{CALLER}.pk") if is_key_of else text == CALLER
        if is_caller and self._caller_field is None and self._hook == "perform_create":
            self._caller_field = name
            return
        field = self._column(name)
        if is_caller or (field is not None and field.related_model is None):
            given = ast.parse(CALLER, mode="eval").body if is_caller else value
            self._values[getattr(field, "name", name)] = given_value(field, given, self._method.names)
            return
        self._fields[name] = self._given(name, value)

    def _column(self, name: str) -> Any:  # noqa: ANN401 - a field
        """The column of the rows that an argument fills; None where there is none of that name."""
        try:
            serializer = self._view.get_serializer_class()
        except Exception:  # noqa: BLE001 - the project's own code without a real request
            raise UnreadError from None
        model = getattr(getattr(serializer, "Meta", None), "model", None)
        if model is None:
            return None
        return column_field(model, name) or field_at(model, name)

    def _given(self, name: str, code: ast.expr) -> ReadParent:
        """The parent that a field of the new row leads to, given by itself or by its key."""
        match code:
            case ast.Attribute(value=inner, attr=attribute) if (parent := self._parent(inner)) is not None:
                if not name.endswith("_id") or not is_key(parent.model, attribute):
                    raise UnreadError
                return parent
        if (parent := self._parent(code)) is not None:
            if name.endswith("_id"):
                raise UnreadError
            return parent
        return self._named_by_path(name, code)

    def _named_by_path(self, name: str, code: ast.expr) -> ReadParent:
        """The row whose key the path gives, of which Django learns when it saves whether it is there."""
        field = self._column(name)
        parameter = path_parameter(code, self._method.parameters)
        is_key_of = isinstance(field, ForeignKey) and name == field.attname and field.target_field.primary_key
        if parameter is None or not is_key_of or self._shows_text(field, self._view.kwargs[parameter]):
            raise UnreadError
        found = ReadParent(rows_of_model(field.related_model, {"pk": parameter}), "pk", fails=True)
        self.parents.append(found)
        return found

    def _shows_text(self, field: Any, value: object) -> bool:  # noqa: ANN401 - as above
        """Whether an answer shows a key as the path says it, `"02"`: Django keeps the text until the row is read."""
        if not isinstance(value, str) or field.target_field.get_internal_type() in ("CharField", "SlugField"):
            return False
        shown = self._view.get_serializer_class()().fields.values()
        looks = (BaseSerializer, SlugRelatedField, StringRelatedField)
        named_so = [each for each in shown if each.source in (field.name, field.attname) and not each.write_only]
        return any(not isinstance(each, looks) for each in named_so)
