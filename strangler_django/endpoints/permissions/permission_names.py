"""The names in the code of a permission: DRF's for its parameters, and what the view and the rows' model have."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db.models import BooleanField, CharField, ForeignKey, IntegerField, TextField

from strangler_django.endpoints.code.own_code import UnreadError, code_of, is_own, method_of, statements_of
from strangler_django.endpoints.code.read_querysets import column_field
from strangler_django.endpoints.code.sources import is_lacking
from strangler_django.endpoints.permissions.permission_rules import ATTRIBUTES
from strangler_django.endpoints.permissions.view_attributes import ViewAttributes

_TRUTHS: Final = ("__bool__", "__len__")
# Fields whose values FastAPI reads as Django does.
_PLAIN: Final = (BooleanField, CharField, IntegerField, TextField)


@dataclass(frozen=True)
class Asked:
    """What permissions are asked about: `model` finds that of the rows, `view` is of the endpoint."""

    model: Callable[[], Any] = lambda: None
    view: ViewAttributes = field(default_factory=ViewAttributes)


class PermissionNames(ast.NodeTransformer):
    """Puts DRF's names in place of parameters, and what there is in place of what code asks for by name.

    That is what `getattr(…, None)` and `hasattr(…)` find, an attribute of the view, and what a method or a property of
    the row's model returns, where that is an attribute of the row, or of one that it points at.
    """

    def __init__(self, names: Mapping[str, str], asked: Asked) -> None:
        self._names = names
        self._asked = asked

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A parameter under DRF's name."""
        return ast.parse(self._names.get(node.id, node.id), mode="eval").body

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """What there is, where code asks for it by name."""
        match node:
            case ast.Call(
                func=ast.Name(id="getattr" | "hasattr" as function),
                args=[owner, ast.Constant(value=str() as name), *default],
                keywords=[],
            ) if len(default) == (function == "getattr"):
                found = self.visit(owner)
                is_there = self.has(ast.unparse(found), name)
                if function == "hasattr":
                    return ast.Constant(value=is_there)
                return self._attribute(found, name) if is_there else self.visit(default[0])
            case ast.Call(func=ast.Attribute(value=owner, attr=name), args=[], keywords=[]):
                found = self.visit(owner)
                if (returned := self._returned(ast.unparse(found), name, FunctionType)) is not None:
                    return returned
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """An attribute of the view as its value, a property of the row's as what it returns."""
        return self._attribute(self.visit(node.value), node.attr)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """One of both, where a test says always the same."""
        test = self.visit(node.test)
        if not isinstance(test, ast.Constant):
            return self.generic_visit(node)
        found: ast.AST = self.visit(node.body if test.value else node.orelse)
        return found

    def _attribute(self, owner: Any, name: str) -> ast.expr:  # noqa: ANN401 - an expression
        text = ast.unparse(owner)
        if text == "view" and name != "kwargs":
            return ast.parse(repr(self._asked.view.constant(name)), mode="eval").body
        returned = self._returned(text, name, property)
        return ast.Attribute(value=owner, attr=name, ctx=ast.Load()) if returned is None else returned

    def _returned(self, owner: str, name: str, kind: type) -> ast.expr | None:
        """What a method or a property of a row returns, in the names of the permission; None of anything else."""
        model = self._model_at(owner)
        found = None if model is None else inspect.getattr_static(model, name, None)
        if not isinstance(found, kind) or not is_own(model, name):
            return None
        made = method_of(code_of(found), but=("property",))
        match statements_of(made) if made else []:
            case [ast.Return(value=ast.Constant() as value)]:
                return value
            case [ast.Return(value=ast.Name() | ast.Attribute() as value)] if made and len(made.args.args) == 1:
                row, start = made.args.args[0].arg, ast.unparse(value).split(".")[0]
                if start == row:
                    read: ast.expr = PermissionNames({row: owner}, self._asked).visit(value)
                    return read
        return None

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """`obj.author or obj.user` is the first of them, where there always is one."""
        if isinstance(node.op, ast.And):
            return self.generic_visit(node)
        for each in node.values[:-1]:
            found = self.visit(each)
            if isinstance(found, ast.Constant) and found.value is None:
                continue
            if not self.is_always_there(ast.unparse(found)):
                raise UnreadError
            return found
        return self.visit(node.values[-1])

    def has(self, owner: str, name: str) -> bool:
        """Whether what an expression is has such an attribute.

        :raises UnreadError: that depends on the row.
        """
        if (owner, name) == ("request", "user") or (owner == "request.user" and name in ATTRIBUTES | {"is_anonymous"}):
            return True
        if owner == "view":
            return self._asked.view.has(name)
        model = self._model_at(owner)
        if model is None:
            raise UnreadError
        if any(each.name == name for each in model._meta.fields):
            return True
        if inspect.isfunction(inspect.getattr_static(model, name, None)):
            return True
        if not is_lacking(model, name):
            raise UnreadError
        return False

    def is_of_row(self, names: list[str]) -> bool:
        """Whether each row has a value, or null, in a field of its own, or of a row that it always points at."""
        *way, name = names
        model = self._model_at(".".join(("obj", *way)))
        if model is None:
            return False
        return name in {"pk", *(each for field in model._meta.concrete_fields for each in (field.name, field.attname))}

    def is_always_there(self, text: str) -> bool:
        """Whether an expression is the row, or one that it always points at by foreign keys, and true."""
        model = self._model_at(text)
        return model is not None and not any(is_own(model, each) for each in _TRUTHS)

    def _model_at(self, text: str) -> Any:  # noqa: ANN401 - a model class
        """The model of the row, or of one that it always points at by foreign keys; None of another expression."""
        start, *way = text.split(".")
        model = self.rows_of() if start == "obj" else None
        for name in way:
            field = None if model is None else next((each for each in model._meta.fields if each.name == name), None)
            model = field.related_model if isinstance(field, ForeignKey) and not field.null else None
        return model if isinstance(model, type) else None

    def rows_of(self) -> Any:  # noqa: ANN401 - a model class
        """The model of the rows; None where code of the project's own fails to say."""
        try:
            return self._asked.model()
        except Exception:  # noqa: BLE001 - the project's own code, without a real request
            return None


def is_column(name: str) -> bool:
    """Whether an attribute of the user model, which nobody lacks as AnonymousUser does, is a column of a plain kind."""
    field = column_field(get_user_model(), name)
    is_plain = isinstance(field, _PLAIN) and type(field).__module__.startswith("django.db.models.")
    return is_plain and not hasattr(AnonymousUser, name)
