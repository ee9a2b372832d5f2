"""Rows of another table that a method of a serializer shows by another serializer, read from its code.

def get_gender(self, obj):
    gender = obj.gender
    if gender:
        return GenderSerializer(gender, context=self.context).data
    return None

The method is followed with a row at the end of the foreign key, and where there may be none without it.
"""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import ForeignKey, Model
from rest_framework.serializers import BaseSerializer, ListSerializer

from strangler_django.endpoints.code.own_code import UnreadError, method_of, named, names_of, statements_of
from strangler_django.endpoints.code.read_querysets import column_field


@dataclass(frozen=True)
class ShownRows:
    """The rows of the relation `source`, shown by the serializer `cls`, which knows the request with `has_context`."""

    cls: type[Any]
    source: str
    many: bool
    has_context: bool


def shown_rows(serializer: type, name: str, model: type[Model]) -> ShownRows | None:
    """What a method of a serializer shows of a row of the model; None where it does anything else."""
    try:
        return _read(serializer, name, model)
    except UnreadError:
        return None


def _read(serializer: type, name: str, model: type[Model]) -> ShownRows:
    function = getattr(serializer, name, None)
    made = method_of(function, but=("staticmethod",))
    is_static = isinstance(inspect.getattr_static(serializer, name, None), staticmethod)
    if made is None or len(made.args.args) != (1 if is_static else 2) or made.args.vararg or made.args.kwonlyargs:
        raise UnreadError
    row, body, names = made.args.args[-1].arg, statements_of(made), names_of(function)
    there = _Following(row, has_row=True)
    found = _shown(there, there.block(body), names)
    field = column_field(model, found.source)
    if found.many and not there.tested and field is None:
        return found
    # A row is true, unless its model says when.
    is_plain = isinstance(field, ForeignKey) and not {"__bool__", "__len__"} & {*dir(field.related_model)}
    if found.many or not is_plain or not there.tested <= {found.source}:
        raise UnreadError
    nowhere = _Following(row, has_row=False)
    if field.null and (ast.unparse(nowhere.block(body)) != "None" or not nowhere.tested <= {found.source}):
        raise UnreadError
    return found


def _shown(there: "_Following", code: ast.expr, names: Mapping[str, Any]) -> ShownRows:
    """The serializer whose `data` is returned, and the relation whose rows it gets."""
    match code:
        case ast.Attribute(value=ast.Call(func=called, args=args, keywords=keywords), attr="data"):
            given = [("instance", each) for each in args] + [(each.arg, each.value) for each in keywords]
            values = {name: there.resolved(each) for name, each in given}
        case _:
            raise UnreadError
    texts = {name: ast.unparse(each) for name, each in values.items()}
    context, many = texts.pop("context", None), texts.pop("many", "False")
    cls, source = named(called, names), there.attribute(_all_of(values.get("instance"), is_called=many == "True"))
    is_read = [*texts] == ["instance"] and context in (None, "self.context") and many in ("True", "False")
    is_serializer = inspect.isclass(cls) and issubclass(cls, BaseSerializer) and not issubclass(cls, ListSerializer)
    if len(given) != len(values) or source is None or not (is_read and is_serializer):
        raise UnreadError
    return ShownRows(cls, source, many == "True", has_context=context is not None)


def _all_of(code: ast.expr | None, *, is_called: bool) -> ast.expr | None:
    """The relation in `relation.all()`; anything else as it is."""
    match code:
        case ast.Call(func=ast.Attribute(value=inner, attr="all"), args=[], keywords=[]) if is_called:
            return inner
    return code


class _Following:
    """A method that is followed; `tested` are the attributes of the row that it looked at to find its way."""

    def __init__(self, row: str, *, has_row: bool) -> None:
        self.tested: set[str] = set()
        self._row = row
        self._has_row = has_row
        self._locals: dict[str, ast.expr] = {}

    def block(self, body: list[ast.stmt]) -> ast.expr:
        """What the statements return.

        :raises UnreadError: they do something else.
        """
        for number, statement in enumerate(body):
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._locals[name] = self.resolved(value)
                case ast.If(test=test, body=then, orelse=otherwise):
                    return self.block([*(then if self._holds(test) else otherwise), *body[number + 1 :]])
                case ast.Return(value=value):
                    return ast.Constant(value=None) if value is None else self._chosen(self.resolved(value))
                case _:
                    raise UnreadError
        return ast.Constant(value=None)

    def resolved(self, code: ast.expr) -> ast.expr:
        """The expression, or what a local variable stands for."""
        return self._locals.get(code.id, code) if isinstance(code, ast.Name) else code

    def attribute(self, code: ast.expr | None) -> str | None:
        """The attribute of the row that an expression is; None of anything else."""
        match self.resolved(code) if code else None:
            case ast.Attribute(value=ast.Name(id=name), attr=found) if name == self._row:
                return found
        return None

    def _chosen(self, code: ast.expr) -> ast.expr:
        match code:
            case ast.IfExp(test=test, body=then, orelse=otherwise):
                return self._chosen(self.resolved(then if self._holds(test) else otherwise))
        return code

    def _holds(self, test: ast.expr) -> bool:
        """Whether a test for the row at the end of a foreign key holds."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self._holds(operand)
            case ast.Compare(left=tested, ops=[operator], comparators=[ast.Constant(value=None)]):
                if not isinstance(operator, ast.Is | ast.IsNot):
                    raise UnreadError
                is_met = self._has_row is isinstance(operator, ast.IsNot)
            case _:
                tested, is_met = test, self._has_row
        name = self.attribute(tested)
        if name is None:
            raise UnreadError
        self.tested.add(name)
        return is_met
