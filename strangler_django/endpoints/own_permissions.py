"""Permissions of a project's own that look at the method, the caller and the row's owner, and at nothing else.

def has_permission(self, request, view):
    return request.user.is_authenticated and request.user.role == "editor"

def has_permission(self, request, view):
    if request.method in SAFE_METHODS:
        return True
    return request.user and request.user.is_staff

def has_object_permission(self, request, view, obj):
    return request.method in SAFE_METHODS or obj.owner == request.user

What such code asks by `getattr` and `hasattr`, or tries before an AttributeError, is what the model of the rows has.

Each becomes a rule in JSON: true, false, or a list whose first item is `and`, `or`, `not`, `methods` (those of
requests), `caller` (an attribute of the user), `value` (a column of the user and the values that it may have),
`owner` (the field in which the row has the caller) or `rows` (of another table, which the caller has with the row).
Properties and methods of the user model are read likewise.

Django fails with 500 where nobody is asked for a column of the user model. Such a request is refused.
"""

# ruff: noqa: SLF001 - `_meta` is how Django documents to read a model

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db.models import BooleanField, CharField, ForeignKey, IntegerField, TextField
from rest_framework import permissions
from rest_framework.settings import api_settings

from strangler_django.endpoints.own_code import (
    UnreadError,
    code_of,
    is_own,
    is_super,
    method_of,
    names_of,
    statements_of,
)
from strangler_django.endpoints.permission_rules import (
    ATTRIBUTES,
    AUTHENTICATED,
    Rule,
    both,
    either,
    opposite,
    refused_where_failing,
)
from strangler_django.endpoints.request_symbols import user_symbol
from strangler_django.endpoints.row_expressions import RowExpressions
from strangler_django.endpoints.sources import is_lacking

_LIBRARY: Final[dict[type, Rule]] = {
    permissions.BasePermission: True,
    permissions.AllowAny: True,
    permissions.IsAuthenticated: ["caller", "is_authenticated"],
    permissions.IsAdminUser: ["caller", "is_staff"],
    permissions.IsAuthenticatedOrReadOnly: [
        "or",
        ["methods", *permissions.SAFE_METHODS],
        ["caller", "is_authenticated"],
    ],
}
_TRUTHS: Final = ("__bool__", "__len__")
_CONSTANTS: Final = {"True": True, "False": False, "None": False}
# Fields whose values FastAPI reads as Django does.
_PLAIN: Final = (BooleanField, CharField, IntegerField, TextField)
# The methods of a permission, and what they are given.
_HOOKS: Final = {"has_permission": ("request", "view"), "has_object_permission": ("request", "view", "obj")}


def own_rules(
    found: Any,  # noqa: ANN401 - what `get_permissions` gives
    model: Callable[[], Any] = lambda: None,
) -> dict[str, dict[str, Any]]:
    """The rules of the project's own permissions that can be read, by class: `request`, `row` and the `message`.

    `model` finds that of the rows, where a rule depends on it.
    """
    made: dict[str, dict[str, Any]] = {}
    if api_settings.UNAUTHENTICATED_USER is not AnonymousUser:
        return made
    for each in _single(found):
        cls = type(each)
        if cls.__module__.startswith("rest_framework."):
            continue
        try:
            request, row = (refused_where_failing(_Reader(cls, name, model).rule()) for name in _HOOKS)
        except UnreadError:
            continue
        message = inspect.getattr_static(each, "message", None)
        if message is None or isinstance(message, str):
            made[f"{cls.__module__}.{cls.__qualname__}"] = {"request": request, "row": row, "message": message}
    return made


def permission_maps(found: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - as above
    """What permissions by Django's tables (DjangoModelPermissions, and what derives from it) want of each method.

    `map` is the very object that the class has, so that it shows what code of the project changes in it later: DRF's
    classes share one. Those of `rows` ask for each row, too, as DjangoObjectPermissions does.
    """
    made: dict[str, dict[str, Any]] = {}
    for each in _single(found):
        cls = type(each)
        hooks = (*_HOOKS, "get_required_permissions", "get_required_object_permissions", "_queryset")
        is_plain = isinstance(each, permissions.DjangoModelPermissions) and not any(is_own(cls, name) for name in hooks)
        if is_plain and not hasattr(each, "message"):
            made[f"{cls.__module__}.{cls.__qualname__}"] = {
                "map": each.perms_map,
                "anonymous": not each.authenticated_users_only,
                "rows": isinstance(each, permissions.DjangoObjectPermissions),
            }
    return made


def _single(found: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    """The permissions, and those that others combine."""
    for each in found:
        parts = [getattr(each, name) for name in ("op1", "op2") if hasattr(each, name)]
        yield from _single(parts) if parts else (each,)


class _Reader:
    """Reads one method of a permission's class, or of one that it derives from."""

    def __init__(self, cls: type, name: str, model: Callable[[], Any], after: type | None = None) -> None:
        order = cls.__mro__[cls.__mro__.index(after) + 1 :] if after else cls.__mro__
        self._cls, self._name, self._model = cls, name, model
        self._owner = next(each for each in order if name in vars(each))
        self._names: dict[str, str] = {}
        self._function: Any = None
        self._globals: Mapping[str, Any] = {}

    def rule(self) -> Rule:
        """The rule.

        :raises UnreadError: the method does something else.
        """
        if self._owner.__module__.startswith("rest_framework."):
            if self._name == "has_object_permission" and self._owner is permissions.BasePermission:
                return True
            if self._owner not in _LIBRARY:
                raise UnreadError
            return _LIBRARY[self._owner]
        function = vars(self._owner)[self._name]
        made = method_of(function)
        if made is None or made.args.vararg or made.args.kwonlyargs or made.args.kwarg:
            raise UnreadError
        self._function, self._globals = function, names_of(function)
        # Whatever the project calls its parameters.
        for given, name in zip(made.args.args, ("self", "request", "view", "obj"), strict=False):
            self._names[given.arg] = name
        return self._block(statements_of(made))

    def _block(self, body: list[ast.stmt]) -> Rule:
        """What the statements return; nothing is refused."""
        if not body:
            return False
        first, *rest = body
        match first:
            case ast.Return(value=None):
                return False
            case ast.Return(value=ast.expr() as value):
                return self._expression(value)
            case ast.If(test=test, body=inner, orelse=other):
                found, names = self._expression(test), dict(self._names)
                # A branch that doesn't return goes on behind.
                then = self._block([*inner, *rest])
                self._names = names
                otherwise = self._block([*other, *rest])
                return (
                    either(found, otherwise)
                    if then is True
                    else either(both(found, then), both(opposite(found), otherwise))
                )
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._names[name] = self._text(value)
                return self._block(rest)
            case ast.Try(
                body=[
                    ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute(value=owner, attr=attribute) as value)
                ],
                handlers=[
                    ast.ExceptHandler(
                        type=ast.Name(id="AttributeError"),
                        body=[ast.Assign(targets=[ast.Name(id=other)], value=instead)],
                    )
                ],
                orelse=[],
                finalbody=[],
            ) if name == other and "AttributeError" not in self._globals:
                is_there = _Attributes(self._names, self._model).has(self._text(owner), attribute)
                self._names[name] = self._text(value if is_there else instead)
                return self._block(rest)
        raise UnreadError

    def _expression(self, code: ast.expr) -> Rule:
        if (rows := self._rows(code)) is not None:
            return rows
        match code:
            case ast.Constant(value=bool() | None as value):
                return bool(value)
            case ast.BoolOp(op=ast.And(), values=values):
                return both(*map(self._expression, values))
            case ast.BoolOp(op=ast.Or(), values=values):
                return either(*map(self._expression, values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return opposite(self._expression(operand))
            case ast.Call(func=ast.Name(id="bool"), args=[value], keywords=[]):
                return self._expression(value)
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")) as above, attr=name),
                args=args,
                keywords=[],
            ) if name == self._name and tuple(map(self._text, args)) == _HOOKS.get(name, ()):
                if not is_super(above, self._function):
                    raise UnreadError
                return _Reader(self._cls, name, self._model, after=self._owner).rule()
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self._comparison(left, operator, right)
        text = self._text(code)
        # Django's anonymous user is an object too.
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text == "request.user":
            return True
        owner, _, attribute = text.rpartition(".")
        if owner != "request.user":
            raise UnreadError
        if attribute == "is_anonymous":
            return ["not", AUTHENTICATED]
        if (attribute in ATTRIBUTES and not is_own(get_user_model(), attribute)) or _is_column(attribute):
            return ["caller", attribute]
        return _UserReader(attribute).rule()

    def _rows(self, code: ast.expr) -> Rule | None:
        """The rows of another table that the caller has to have with the row; None of another expression."""
        if self._name != "has_object_permission" or not isinstance(code, ast.Call | ast.Compare):
            return None
        model = _Attributes(self._names, self._model).rows_of()
        if model is None or getattr(model, "_meta", None) is None:
            return None
        asked = _OfUser().visit(ast.parse(self._text(code), mode="eval").body)
        found = RowExpressions(model).asked(asked, "obj", self._globals)
        if found is None:
            return None
        rows, denied = found
        rule: Rule = ["rows", rows.facts]
        if any(each.kind == "caller" and each.model is None for _, each in rows.where):
            # Nobody's key is null, which no row has.
            rule = both(AUTHENTICATED, rule)
        return opposite(rule) if denied else rule

    def _comparison(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Rule:
        texts = self._text(left), self._text(right)
        if texts[0] == "request.method" and isinstance(operator, ast.In | ast.NotIn | ast.Eq | ast.NotEq):
            rule: Rule = ["methods", *self._methods(right, is_one=isinstance(operator, ast.Eq | ast.NotEq))]
            return opposite(rule) if isinstance(operator, ast.NotIn | ast.NotEq) else rule
        if {*texts} == {"request.user", "None"}:
            return isinstance(operator, ast.IsNot | ast.NotEq)
        if isinstance(operator, ast.In | ast.NotIn | ast.Eq | ast.NotEq):
            is_one = isinstance(operator, ast.Eq | ast.NotEq)
            for text, other in ((texts[0], right), (texts[1], left))[: 1 + is_one]:
                column = text.removeprefix("request.user.")
                if column != text and _is_column(column):
                    found: Rule = ["value", column, *self._values(other, is_one=is_one)]
                    return opposite(found) if isinstance(operator, ast.NotIn | ast.NotEq) else found
        if isinstance(operator, ast.Eq):
            for row, caller in (texts, texts[::-1]):
                rest = row.removeprefix("obj.")
                if self._name != "has_object_permission":
                    break
                if row == "obj" and caller == "request.user":
                    return ["owner", "pk"]
                if row == rest or caller not in ("request.user", "request.user.id", "request.user.pk"):
                    continue
                if caller == "request.user" and rest.isidentifier():
                    return ["owner", rest]
                if caller != "request.user":
                    return ["owner", rest.removesuffix(".id").removesuffix(".pk")]
        raise UnreadError

    def _methods(self, code: ast.expr, *, is_one: bool) -> list[str]:
        """The methods that a text, a tuple or a constant of the module names."""
        try:
            found = ast.literal_eval(code)
        except ValueError:
            found = self._constant(code)
        if is_one is not isinstance(found, str):
            raise UnreadError
        found = [found] if is_one else found
        if not isinstance(found, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in found):
            raise UnreadError
        return sorted(found) if isinstance(found, set | frozenset) else list(found)

    def _values(self, code: ast.expr, *, is_one: bool) -> list[Any]:
        """The constants that a column is compared with."""
        try:
            found = ast.literal_eval(code)
        except ValueError:
            found = self._constant(code)
            if isinstance(code, ast.Tuple | ast.List | ast.Set):
                found = [self._constant(each) for each in code.elts]
        if is_one is isinstance(found, list | tuple | set | frozenset):
            raise UnreadError
        plain = [each.value if isinstance(each, Enum) else each for each in ([found] if is_one else found)]
        if not plain or not all(type(each) in (str, int, bool) for each in plain):
            raise UnreadError
        return sorted(plain, key=repr) if isinstance(found, set | frozenset) else plain

    def _constant(self, code: ast.expr) -> Any:  # noqa: ANN401 - whatever it is
        match code:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._named(self._names.get(name, name))
            case ast.Attribute(value=value, attr=attribute):
                owner = self._constant(value)
                if isinstance(owner, type | ModuleType | Enum):
                    return getattr(owner, attribute, None)
        return None

    def _named(self, name: str) -> Any:  # noqa: ANN401 - as above
        """What a name stands for: the class, where it is the permission itself or the caller."""
        if name == "self":
            return None if is_own(self._cls, "__init__") else self._cls
        return get_user_model() if name == "request.user" else self._globals.get(name)

    def _text(self, code: ast.expr) -> str:
        """An expression with the parameters under the names that DRF gives them."""
        return ast.unparse(_Attributes(self._names, self._model).visit(ast.parse(ast.unparse(code), mode="eval").body))


class _OfUser(ast.NodeTransformer):
    """Puts the caller in place of its name."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return user_symbol() if ast.unparse(node) == "request.user" else self.generic_visit(node)


class _UserReader(_Reader):
    """Reads a property of the user model, or a method that takes nothing."""

    def __init__(self, text: str) -> None:
        name, model = text.removesuffix("()"), get_user_model()
        if hasattr(AnonymousUser, name) or not hasattr(model, name):
            raise UnreadError
        super().__init__(model, name, lambda: None)
        self._kind = property if text == name else FunctionType

    def rule(self) -> Rule:
        """See _Reader."""
        found = vars(self._owner)[self._name]
        function = code_of(found)
        made = method_of(function, but=("property",))
        if made is None or not isinstance(found, self._kind) or len(inspect.signature(function).parameters) != 1:
            raise UnreadError
        self._function, self._globals = function, names_of(function)
        self._names[made.args.args[0].arg] = "request.user"
        return self._block(statements_of(made))


class _Attributes(ast.NodeTransformer):
    """Puts DRF's names in place of parameters, and what there is in place of `getattr(…, None)` and `hasattr(…)`."""

    def __init__(self, names: Mapping[str, str], model: Callable[[], Any]) -> None:
        self._names = names
        self._model = model

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.parse(self._names.get(node.id, node.id), mode="eval").body

    def visit_Call(self, node: ast.Call) -> ast.AST:
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

    def _is_always_there(self, text: str) -> bool:
        """Whether an expression is a row that a foreign key always points at."""
        model, name = self.rows_of(), text.removeprefix("obj.")
        field = next((each for each in model._meta.fields if each.name == name), None) if model else None
        is_true = isinstance(field, ForeignKey) and not any(is_own(field.related_model, each) for each in _TRUTHS)
        return text != name and is_true and field is not None and not field.null

    def rows_of(self) -> Any:  # noqa: ANN401 - a model class
        try:
            return self._model()
        except Exception:  # noqa: BLE001 - the project's own code, without a real request
            return None


def _is_column(name: str) -> bool:
    """Whether an attribute of the user model, which nobody lacks as AnonymousUser does, is a column of a plain kind."""
    field = next((each for each in get_user_model()._meta.concrete_fields if each.name == name), None)
    is_plain = isinstance(field, _PLAIN) and type(field).__module__.startswith("django.db.models.")
    return is_plain and not hasattr(AnonymousUser, name)
