"""What `perform_create` of a project's own gives a new row besides what a body says, read from its code.

def perform_create(self, serializer):
    review = get_object_or_404(Review, pk=self.kwargs["review_id"])
    serializer.save(author=self.request.user, review=review)
"""

import ast
import inspect
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import ForeignKey

from strangler_django.endpoints.code.own_code import UnreadError, is_own, method_of, own_methods, statements_of
from strangler_django.endpoints.code.own_expressions import CALLER, SeenOfRequest, UnknownCallerError
from strangler_django.endpoints.code.read_querysets import ReadParent, field_at, is_key
from strangler_django.endpoints.lists.own_parents import path_parameter, rows_of_model, unlike
from strangler_django.endpoints.lists.queryset_methods import Following, QuerysetMethod


@dataclass(frozen=True)
class ReadCreation:
    """The field in which a new row has its `caller`, and the `parents` that are looked for once a body is validated.

    `fields` are those of the row that lead to one of them, by their names.
    """

    caller: str | None
    parents: tuple[ReadParent, ...]
    fields: dict[str, ReadParent]


def read_creation(view: Any) -> ReadCreation | None:  # noqa: ANN401 - an instance of any view
    """What `perform_create` of a view does; None of DRF's own, and where it does anything else, or more."""
    if not is_own(type(view), "perform_create"):
        return None
    function = next(own_methods(type(view), "perform_create"))
    made = method_of(function)
    try:
        names = [*inspect.signature(function).parameters]
        if made is None or len(names) != len(("self", "serializer")):
            return None
        return _Creating(QuerysetMethod(view, (function,), SeenOfRequest()), view, names[-1]).read(statements_of(made))
    except (UnreadError, UnknownCallerError, FieldError):
        return None


class _Creating(Following):
    """The method, which ends with what saves the row; permissions refuse whoever isn't signed in."""

    def __init__(self, method: QuerysetMethod, view: Any, serializer: str) -> None:  # noqa: ANN401 - as above
        super().__init__(method, {"is_authenticated": True}, {})
        self._view = view
        self._serializer = serializer
        self._caller_field: str | None = None
        self._fields: dict[str, ReadParent] = {}

    def read(self, body: list[ast.stmt]) -> ReadCreation:
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
        return ReadCreation(self._caller_field, parents, fields)

    def _save(self, called: ast.Call) -> None:
        match called:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=serializer), attr="save"), args=[], keywords=[_, *_] as keywords
            ) if serializer == self._serializer:
                pass
            case _:
                raise UnreadError
        for each in keywords:
            if each.arg is None or "__" in each.arg:
                raise UnreadError
            value = self._resolved(each.value)
            text, is_key_of = ast.unparse(value), each.arg.endswith("_id")
            is_caller = text in (f"{CALLER}.id", f"{CALLER}.pk") if is_key_of else text == CALLER
            if is_caller and self._caller_field is None:
                self._caller_field = each.arg
                continue
            self._fields[each.arg] = self._given(each.arg, value)

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
        try:
            serializer = self._view.get_serializer_class()
        except Exception:  # noqa: BLE001 - the project's own code without a real request
            raise UnreadError from None
        field = field_at(getattr(getattr(serializer, "Meta", None), "model", None), name)
        parameter = path_parameter(code, self._method.parameters)
        is_key_of = isinstance(field, ForeignKey) and name == field.attname and field.target_field.primary_key
        if parameter is None or not is_key_of:
            raise UnreadError
        found = ReadParent(rows_of_model(field.related_model, {"pk": parameter}), "pk", fails=True)
        self.parents.append(found)
        return found
