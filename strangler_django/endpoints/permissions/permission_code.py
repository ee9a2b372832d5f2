"""The code of a permission's method, read as a rule."""

import ast
import inspect
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from types import FunctionType
from typing import Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group, PermissionsMixin
from django.db.models import ForeignKey
from rest_framework import permissions

from strangler_django.endpoints.code.own_code import (
    UnreadError,
    code_of,
    is_own,
    is_super,
    method_of,
    names_of,
    statements_of,
)
from strangler_django.endpoints.code.read_querysets import field_at
from strangler_django.endpoints.code.request_symbols import user_symbol
from strangler_django.endpoints.expressions.row_expressions import RowExpressions
from strangler_django.endpoints.permissions.permission_names import Asked, is_column
from strangler_django.endpoints.permissions.permission_rules import (
    ATTRIBUTES,
    AUTHENTICATED,
    TOKEN,
    Rule,
    both,
    either,
    of_profile,
    of_user,
    opposite,
    where_it_fails_for_nobody,
)
from strangler_django.endpoints.permissions.permission_values import PermissionValues, is_literal
from strangler_django.endpoints.permissions.required_scopes import is_scope_permission
from strangler_django.endpoints.permissions.scope_rules import scope_rule
from strangler_django.endpoints.permissions.stored_rules import StoredRules
from strangler_django.endpoints.token_packages import is_access_token

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
# What a name may stand for that was given before.
_NAMED: Final = (ast.Call, ast.Compare, ast.BoolOp, ast.UnaryOp)
# What Django's anonymous user has, too.
_OF_ANYBODY: Final = ("request.user.id", "request.user.pk", "request.user.username")
# The methods of a permission, and what they are given.
HOOKS: Final = {"has_permission": ("request", "view"), "has_object_permission": ("request", "view", "obj")}


class PermissionCode(PermissionValues):
    """Reads one method of a permission's class, or of one that it derives from."""

    def rule(self) -> Rule:
        """The rule.

        :raises UnreadError: the method does something else.
        """
        if is_scope_permission(self._owner) and self._name == "has_permission":
            return scope_rule(self._cls, self._owner, self._asked.view)
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
                if isinstance(found, bool):
                    return self._block([*(inner if found else other), *rest])
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
                return self._assigned(name, value, rest)
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
                is_there = self._named_so().has(self._text(owner), attribute)
                return self._assigned(name, value if is_there else instead, rest)
        raise UnreadError

    def _assigned(self, name: str, value: ast.expr, rest: list[ast.stmt]) -> Rule:
        """What the statements return behind one that gives something a name."""
        text = self._text(value)
        guard = self._guard(text)
        self._names[name] = text
        return both(guard, self._block(rest))

    def _guard(self, text: str) -> Rule:
        """Whom Django doesn't fail for, where an expression is looked at whether or not it matters.

        :raises UnreadError: it may do anything.
        """
        if text in ("request", "request.user", "request.method", "obj", "view", *_OF_ANYBODY):
            return True
        code = ast.parse(text, mode="eval").body
        if is_literal(code) or (isinstance(code, ast.Name | ast.Attribute) and self._constant(code) is not None):
            return True
        match code:
            case ast.Subscript(value=ast.Attribute() as kwargs, slice=ast.Constant(value=str() as variable)) if (
                ast.unparse(kwargs) == "view.kwargs" and self._asked.view.has_variable(variable)
            ):
                return True
        if text.startswith("obj."):
            if not self._named_so().is_of_row(text.split(".")[1:]):
                raise UnreadError
            return True
        return where_it_fails_for_nobody(self._expression(code))

    def _expression(self, code: ast.expr) -> Rule:
        if (held := self._held(code)) is not None:
            return held
        if isinstance(code, ast.Call) and (stored := self._stored(code)) is not None:
            return stored
        if (rows := self._rows(code)) is not None:
            return rows
        match code:
            case ast.Constant(value=value):
                return bool(value)
            case ast.BoolOp(op=ast.And(), values=values):
                return both(*self._until(values, last=False))
            case ast.BoolOp(op=ast.Or(), values=values):
                return either(*self._until(values, last=True))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return opposite(self._expression(operand))
            case ast.Call(func=ast.Name(id="bool"), args=[value], keywords=[]):
                return self._expression(value)
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")) as above, attr=name),
                args=args,
                keywords=[],
            ) if name == self._name and tuple(map(self._text, args)) == HOOKS.get(name, ()):
                if not is_super(above, self._function):
                    raise UnreadError
                return PermissionCode(self._cls, name, self._asked, after=self._owner).rule()
            case ast.Call(func=ast.Name(id="isinstance"), args=[value, kind], keywords=[]) if self._text(
                value
            ) == "request.auth" and is_access_token(self._constant(kind)):
                return TOKEN
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self._comparison(left, operator, right)
        text = self._text(code)
        if isinstance(code, ast.Name) and isinstance(made := ast.parse(text, mode="eval").body, _NAMED):
            return self._expression(made)
        with suppress(ValueError, TypeError):
            return bool(ast.literal_eval(text))
        # Django's anonymous user is an object too.
        if text == "request.user" or self._named_so().is_always_there(text):
            return True
        owner, _, attribute = text.rpartition(".")
        if owner != "request.user":
            raise UnreadError
        if attribute == "is_anonymous":
            return ["not", AUTHENTICATED]
        if (attribute in ATTRIBUTES and not is_own(get_user_model(), attribute)) or is_column(attribute):
            return ["caller", attribute]
        return of_user(_UserCode(attribute).rule())

    def _held(self, code: ast.expr) -> Rule | None:
        """What the caller has in Django's tables of permissions and groups; None of another expression.

        :raises UnreadError: the user model finds it otherwise.
        """
        match code:
            case ast.Call(
                func=ast.Attribute(value=owner, attr="has_perm" | "has_perms" as name), args=[given], keywords=[]
            ) if self._is_user(owner):
                if not issubclass(get_user_model(), PermissionsMixin) or is_own(get_user_model(), name):
                    raise UnreadError
                names = self._methods(given, is_one=name == "has_perm")
                return ["perms", *names] if names else True
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Call(
                        func=ast.Attribute(value=ast.Attribute(value=owner, attr="groups"), attr="filter"),
                        args=[],
                        keywords=[ast.keyword(arg="name" | "name__in" as field, value=given)],
                    ),
                    attr="exists",
                ),
                args=[],
                keywords=[],
            ) if self._is_user(owner):
                return self._groups(self._methods(given, is_one=field == "name"))
            case ast.Compare(
                left=given,
                ops=[ast.In() | ast.NotIn() as operator],
                comparators=[
                    ast.Call(
                        func=ast.Attribute(value=ast.Attribute(value=owner, attr="groups"), attr="values_list"),
                        args=[ast.Constant(value="name")],
                        keywords=[ast.keyword(arg="flat", value=ast.Constant(value=True))],
                    )
                ],
            ) if self._is_user(owner):
                found = self._groups(self._methods(given, is_one=True))
                return opposite(found) if isinstance(operator, ast.NotIn) else found
        return None

    def _stored(self, code: ast.expr) -> Rule | None:
        """The rows of another table that the caller has to have; None of another expression."""
        try:
            text = self._text(code)
        except UnreadError:
            return None
        made = ast.parse(text, mode="eval").body
        # Those of the row, too, are asked for otherwise.
        is_of_row = any(isinstance(each, ast.Name) and each.id == "obj" for each in ast.walk(made))
        return None if is_of_row else self._stored_rules().rows(made)

    def _stored_rules(self) -> StoredRules:
        return StoredRules(self._constant, lambda given, is_one: self._values(given, is_one=is_one), self._asked.view)

    def _is_user(self, code: ast.expr) -> bool:
        return isinstance(code, ast.Name | ast.Attribute) and self._text(code) == "request.user"

    def _groups(self, names: list[str]) -> Rule:
        """The rule of a caller who is in one of the groups."""
        model = get_user_model()
        if not issubclass(model, PermissionsMixin) or model._meta.get_field("groups").related_model is not Group:  # noqa: SLF001 - Django's documented way
            raise UnreadError
        return ["groups", *names] if names else False

    def _until(self, values: list[ast.expr], *, last: bool) -> Iterator[Rule]:
        """The operands that Python looks at: none behind one that is always this."""
        for each in values:
            found = self._expression(each)
            yield found
            if found is last:
                return

    def _rows(self, code: ast.expr) -> Rule | None:
        """The rows of another table that the caller has to have with the row; None of another expression."""
        if self._name != "has_object_permission" or not isinstance(code, ast.Call | ast.Compare):
            return None
        model = self._named_so().rows_of()
        if model is None or getattr(model, "_meta", None) is None:
            return None
        try:
            text = self._text(code)
        except UnreadError:
            # `bool(obj.author == request.user or …)` asks for none.
            return None
        asked = _OfUser().visit(ast.parse(text, mode="eval").body)
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
        if (known := self._compared(texts, operator, right)) is not None:
            return known
        if texts[0] == "request.method" and isinstance(operator, ast.In | ast.NotIn | ast.Eq | ast.NotEq):
            rule: Rule = ["methods", *self._methods(right, is_one=isinstance(operator, ast.Eq | ast.NotEq))]
            return opposite(rule) if isinstance(operator, ast.NotIn | ast.NotEq) else rule
        if {*texts} == {"request.user", "None"}:
            return isinstance(operator, ast.IsNot | ast.NotEq)
        if isinstance(operator, ast.In | ast.NotIn | ast.Eq | ast.NotEq):
            is_one = isinstance(operator, ast.Eq | ast.NotEq)
            for text, other in ((texts[0], right), (texts[1], left))[: 1 + is_one]:
                column = text.removeprefix("request.user.")
                values = partial(self._values, other, is_one=is_one)
                if (of_row := self._stored_rules().value(text, values)) is not None:
                    if isinstance(operator, ast.NotIn | ast.NotEq):
                        raise UnreadError
                    return of_profile(of_row)
                if column != text and is_column(column):
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
                return self._owner_rule(rest, is_key=caller != "request.user")
        raise UnreadError

    def _owner_rule(self, text: str, *, is_key: bool) -> Rule:
        """The rule of a row's attribute that is the caller, or its key.

        :raises UnreadError: a row is compared with a key, which it never equals.
        """
        name = text.removesuffix(".id").removesuffix(".pk") if is_key else text
        names, model = self._named_so(), self._named_so().rows_of()
        *way, last = name.split(".")
        field = None if model is None else field_at(model, "__".join((*way, last)))
        is_row = isinstance(field, ForeignKey) and last == field.name
        if way and (field is None or not names.is_of_row([*way, last])):
            raise UnreadError
        if not last.isidentifier() or (field is not None and is_row is not (text != name or not is_key)):
            raise UnreadError
        is_there = model is None or (field is not None and not field.null)
        path = "__".join((*way, last))
        # Nobody's key is null, and so may the row's be.
        return ["owner", path] if is_there or not is_key else ["key", path]


class _OfUser(ast.NodeTransformer):
    """Puts the caller in place of its name."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return user_symbol() if ast.unparse(node) == "request.user" else self.generic_visit(node)


class _UserCode(PermissionCode):
    """Reads a property of the user model, or a method that takes nothing."""

    def __init__(self, text: str) -> None:
        name, model = text.removesuffix("()"), get_user_model()
        if hasattr(AnonymousUser, name) or not hasattr(model, name):
            raise UnreadError
        super().__init__(model, name, Asked())
        self._kind = property if text == name else FunctionType

    def rule(self) -> Rule:
        """See PermissionCode."""
        found = vars(self._owner)[self._name]
        function = code_of(found)
        made = method_of(function, but=("property",))
        if made is None or not isinstance(found, self._kind) or len(inspect.signature(function).parameters) != 1:
            raise UnreadError
        self._function, self._globals = function, names_of(function)
        self._names[made.args.args[0].arg] = "request.user"
        return self._block(statements_of(made))
