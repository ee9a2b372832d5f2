"""The names in the code of a permission: DRF's for its parameters, and what the rows' model has or lacks."""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import ast
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db.models import BooleanField, CharField, ForeignKey, IntegerField, TextField

from strangler_django.endpoints.own_code import UnreadError, is_own
from strangler_django.endpoints.permission_rules import ATTRIBUTES
from strangler_django.endpoints.read_querysets import column_field
from strangler_django.endpoints.sources import is_lacking

_TRUTHS: Final = ("__bool__", "__len__")
# Fields whose values FastAPI reads as Django does.
_PLAIN: Final = (BooleanField, CharField, IntegerField, TextField)


class PermissionNames(ast.NodeTransformer):
    """Puts DRF's names in place of parameters, and what there is in place of `getattr(…, None)` and `hasattr(…)`."""

    def __init__(self, names: Mapping[str, str], model: Callable[[], Any]) -> None:
        self._names = names
        self._model = model

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
                found = ast.Attribute(value=self.visit(owner), attr=name, ctx=ast.Load())
                is_there = self.has(ast.unparse(found.value), name)
                if function == "hasattr":
                    return ast.Constant(value=is_there)
                return found if is_there else self.visit(default[0])
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """`obj.author or obj.user` is the first of them, where there always is one."""
        if isinstance(node.op, ast.And):
            return self.generic_visit(node)
        for each in node.values[:-1]:
            found = self.visit(each)
            if isinstance(found, ast.Constant) and found.value is None:
                continue
            if not self._is_always_there(ast.unparse(found)):
                raise UnreadError
            return found
        return self.visit(node.values[-1])

    def has(self, owner: str, name: str) -> bool:
        """Whether what an expression is has such an attribute.

        :raises UnreadError: that depends on the row.
        """
        if (owner, name) == ("request", "user") or (owner == "request.user" and name in ATTRIBUTES | {"is_anonymous"}):
            return True
        model = self.rows_of() if owner == "obj" else None
        if model is None:
            raise UnreadError
        if any(each.name == name for each in model._meta.fields):
            return True
        if not is_lacking(model, name):
            raise UnreadError
        return False

    def is_of_row(self, names: list[str]) -> bool:
        """Whether each row has a value, or null, in a field of its own, or the key of a row that it points at."""
        model = self.rows_of()
        if model is None or not names:
            return False
        known = {"pk", *(each for field in model._meta.concrete_fields for each in (field.name, field.attname))}
        is_key = len(names) == 2 and names[1] in ("id", "pk") and self._is_always_there(f"obj.{names[0]}")
        return names[0] in known and (len(names) == 1 or is_key)

    def _is_always_there(self, text: str) -> bool:
        """Whether an expression is a row that a foreign key always points at."""
        model, name = self.rows_of(), text.removeprefix("obj.")
        field = next((each for each in model._meta.fields if each.name == name), None) if model else None
        is_true = isinstance(field, ForeignKey) and not any(is_own(field.related_model, each) for each in _TRUTHS)
        return text != name and is_true and field is not None and not field.null

    def rows_of(self) -> Any:  # noqa: ANN401 - a model class
        """The model of the rows; None where code of the project's own fails to say."""
        try:
            return self._model()
        except Exception:  # noqa: BLE001 - the project's own code, without a real request
            return None


def is_column(name: str) -> bool:
    """Whether an attribute of the user model, which nobody lacks as AnonymousUser does, is a column of a plain kind."""
    field = column_field(get_user_model(), name)
    is_plain = isinstance(field, _PLAIN) and type(field).__module__.startswith("django.db.models.")
    return is_plain and not hasattr(AnonymousUser, name)
