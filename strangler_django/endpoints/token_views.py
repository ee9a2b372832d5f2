"""Views of simplejwt's whose serializer is the project's own: what a sign-in adds to tokens and to its answer.

class SignIn(TokenObtainPairSerializer):
    @classmethod
    def get_token(cls, user):
        token = super().get_token(user)
        token["name"] = user.username
        return token

    def validate(self, attrs):
        data = super().validate(attrs)
        data["user"] = UserSerializer(self.user).data
        return data
"""

import ast
import inspect
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any, Final

from django.contrib.auth import get_user_model
from rest_framework import serializers

from strangler_django.endpoints.code.own_code import UnreadError, is_super, method_of, named, names_of, statements_of
from strangler_django.endpoints.code.own_expressions import replaced
from strangler_django.endpoints.expressions.own_values import row_value
from strangler_django.endpoints.fields.serializers import serializer_facts

_SIMPLEJWT: Final = "rest_framework_simplejwt."
_SIGN_INS: Final = ("TokenObtainPairSerializer", "TokenObtainSlidingSerializer")
# What a class may say besides.
_OF_CLASSES: Final = frozenset(
    {
        *("__module__", "__doc__", "__qualname__", "__parameters__", "__orig_bases__", "__annotations__"),
        *("__firstlineno__", "__static_attributes__", "_declared_fields"),
    }
)
_OF_VIEWS: Final = frozenset(
    {
        *("serializer_class", "permission_classes", "authentication_classes", "throttle_classes", "throttle_scope"),
        *("parser_classes", "renderer_classes", "versioning_class", "schema"),
    }
)
_OF_SERIALIZERS: Final = frozenset({"get_token", "validate", "username_field", "default_error_messages"})
_REFUSAL: Final = "no_active_account"
# Claims that simplejwt gives a token itself.
_RESERVED: Final = frozenset({"exp", "iat", "jti", "token_type", "refresh_exp", "aud", "iss"})


def token_view_facts(view: Any, serializer: type | None) -> dict[str, Any] | None:  # noqa: ANN401 - an instance of any view
    """What a view of simplejwt's, or one derived from it, does; None of any other view.

    `view` and `serializer` are the paths of simplejwt's own classes, `claims` and `answer` what a sign-in adds, in
    order: a `name`, None where all keys are taken, and the `serializer` of the user that is shown, or a `value`.
    `refusal` is what it says to who may not sign in. `gap` is why it is another view.
    """
    if find_spec("rest_framework_simplejwt") is None or serializer is None:
        return None
    # Imported late: a project without simplejwt has no such module.
    from strangler_django.tokens import TokenRefreshSerializer

    base = next((each for each in type(view).__mro__ if each.__module__.startswith(_SIMPLEJWT)), None)
    if base is None or base.__name__ == "TokenViewBase":
        return None
    if serializer is TokenRefreshSerializer:
        # It has what the contract says of it (`revoke_token_family`).
        return {"view": _path(base), "serializer": f"{_SIMPLEJWT}serializers.TokenRefreshSerializer"}
    shown = next((each for each in serializer.__mro__ if each.__module__.startswith(_SIMPLEJWT)), None)
    facts: dict[str, Any] = {"view": _path(base), "serializer": _path(shown) if shown else None}
    try:
        _refuse_more(type(view), base, _OF_VIEWS)
        if shown is None:
            raise UnreadError(f"its serializer {serializer.__name__} is none of simplejwt's")
        return facts | _additions(serializer, shown)
    except UnreadError as gap:
        return facts | {"gap": str(gap)}


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _refuse_more(cls: type, base: type, known: frozenset[str]) -> None:
    """Looks at what a class says that another doesn't.

    :raises UnreadError: it says more than what is known.
    """
    for each in cls.__mro__[: cls.__mro__.index(base)]:
        if more := sorted({*vars(each)} - _OF_CLASSES - known):
            raise UnreadError(f"{each.__name__}.{more[0]} is your own")
        if {*getattr(each, "_declared_fields", ())} != {*getattr(base, "_declared_fields", ())}:
            raise UnreadError(f"{each.__name__} has fields of its own")


def _additions(serializer: type, base: type) -> dict[str, Any]:
    if serializer is base:
        return {}
    _refuse_more(serializer, base, _OF_SERIALIZERS)
    own = [each for each in serializer.__mro__[: serializer.__mro__.index(base)] if {*vars(each)} & _OF_SERIALIZERS]
    if not own:
        return {}
    if base.__name__ not in _SIGN_INS:
        raise UnreadError(f"{own[0].__name__}.{min({*vars(own[0])} & _OF_SERIALIZERS)} is your own")
    if getattr(serializer, "username_field", "") != get_user_model().USERNAME_FIELD:
        raise UnreadError(f"{serializer.__name__} signs in by {serializer.username_field}")  # type: ignore[attr-defined] # a class of simplejwt's
    found: dict[str, Any] = {"claims": [], "answer": []} | _refusal(serializer, own)
    # What a class adds comes after what those do that it calls.
    for each in reversed(own):
        for name, key in (("get_token", "claims"), ("validate", "answer")):
            if name in vars(each):
                found[key] += _Method(each, name).additions()
    if reserved := sorted(_RESERVED & {str(each["name"]) for each in found["claims"]}):
        raise UnreadError(f"{serializer.__name__} gives tokens another {reserved[0]}")
    return found


def _refusal(serializer: type, own: Sequence[type]) -> dict[str, str]:
    """What is said to who may not sign in, where a class says it."""
    named: dict[str, Any] = {}
    for each in reversed(own):
        named |= vars(each).get("default_error_messages", {})
    if {*named} - {_REFUSAL} or not all(type(text) is str for text in named.values()):
        raise UnreadError(f"{serializer.__name__}.default_error_messages is your own")
    return {"refusal": named[_REFUSAL]} if named else {}


class _Method:
    """A method of a serializer that adds keys to what its superclass gives."""

    def __init__(self, cls: type, name: str) -> None:
        self._cls = cls
        function = vars(cls)[name]
        self._function = getattr(function, "__func__", function)
        self._name = f"{cls.__name__}.{name}"
        made = method_of(self._function, but=("classmethod",))
        if made is None or len(made.args.args) != 2:
            raise UnreadError(f"{self._name} is your own")
        self._given = made.args.args[1].arg
        self._body = [_unannotated(each) for each in statements_of(made)]
        self._user = self._given if name == "get_token" else f"{made.args.args[0].arg}.user"
        self._called = name

    def additions(self) -> list[dict[str, Any]]:
        """What it adds, in order; keys of the user that follow one another are of one serializer.

        :raises UnreadError: it does anything else.
        """
        match self._body:
            case [
                ast.Assign(
                    targets=[ast.Name(id=result)],
                    value=ast.Call(func=ast.Attribute(value=caller, attr=called), args=[ast.Name(id=given)]),
                ),
                *rest,
                ast.Return(value=ast.Name(id=returned)),
            ] if is_super(caller, self._function) and (called, given, returned) == (self._called, self._given, result):
                pass
            case _:
                raise UnreadError(f"{self._name} is your own")
        found: list[dict[str, Any]] = []
        plain: list[tuple[str, ast.expr]] = []
        for name, value in (pair for each in rest for pair in self._pairs(each, result)):
            shown = self._shown(value)
            if shown is None and not isinstance(value, ast.Constant):
                plain.append((str(name), value))
                continue
            found += self._row(plain)
            plain = []
            found.append({"name": name, **(shown if shown is not None else {"value": _constant(value)})})
        return [*found, *self._row(plain)]

    def _pairs(self, statement: ast.stmt, result: str) -> Iterator[tuple[str | None, ast.expr]]:
        match statement:
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Name(id=owner), slice=ast.Constant(value=str(name)))], value=value
            ) if owner == result:
                yield name, value
            case ast.Expr(
                value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="update"), args=[value], keywords=[])
            ) if owner == result:
                if not isinstance(value, ast.Dict):
                    yield None, value
                    return
                for key, each in zip(value.keys, value.values, strict=True):
                    if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                        raise UnreadError(f"{self._name} is your own")
                    yield key.value, each
            case _:
                raise UnreadError(f"{self._name}: {ast.unparse(statement)}")

    def _shown(self, value: ast.expr) -> dict[str, Any] | None:
        """The serializer that shows the user; None of any other value."""
        match value:
            case ast.Attribute(value=ast.Call(func=func, args=[user], keywords=keywords), attr="data"):
                cls = named(func, names_of(self._function))
                is_known = all(ast.unparse(each.value) == "self.context" for each in keywords)
                if not inspect.isclass(cls) or not issubclass(cls, serializers.BaseSerializer) or not is_known:
                    raise UnreadError(f"{self._name}: {ast.unparse(value)}")
                if ast.unparse(user) != self._user:
                    raise UnreadError(f"{self._name}: {ast.unparse(value)}")
                return {"serializer": serializer_facts(cls(), get_user_model())}
        return None

    def _row(self, plain: list[tuple[str, ast.expr]]) -> list[dict[str, Any]]:
        """What is made of the user's columns, as a serializer of them."""
        if not plain:
            return []
        model: Any = get_user_model()
        fields = {name: self._field(name, value, model) for name, value in plain}
        title = f"{self._cls.__module__}.{self._cls.__name__.removesuffix('Serializer')}"
        what = "Claims" if self._called == "get_token" else "Answer"
        facts = {
            "class": f"{title}{what}",
            "model": model._meta.label,  # noqa: SLF001 - how Django documents to read a model
            "table": model._meta.db_table,  # noqa: SLF001 - as above
            "fields": list(fields.values()),
        }
        return [{"name": None, "serializer": facts}]

    def _field(self, name: str, value: ast.expr, model: Any) -> dict[str, Any]:  # noqa: ANN401 - a model class
        row = ast.Name("row", ast.Load())
        code = _AsRow(self._user, row, model).visit(replaced(value, {}))
        found = row_value(model, f"def text(row):\n    return {ast.unparse(code)}")
        if found is None:
            raise UnreadError(f"{self._name}: {name} is {ast.unparse(value)}")
        kind = "SerializerMethodField"
        return {
            "name": name,
            "kind": kind,
            "class": f"rest_framework.fields.{kind}",
            "method": self._called,
            "read_only": True,
            "computed": found,
        }


class _AsRow(ast.NodeTransformer):
    """Puts a row in place of the user, and its columns in place of `getattr` with a default."""

    def __init__(self, user: str, row: ast.expr, model: Any) -> None:  # noqa: ANN401 - a model class
        self._user = user
        self._row = row
        self._names = {each.name for each in model._meta.get_fields()}  # noqa: SLF001 - as above

    def visit(self, node: ast.AST) -> Any:  # noqa: ANN401 - as ast has it
        """A copy of it."""
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) == self._user:
            return self._row
        match node:
            case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str(name)), _]) if (
                ast.unparse(owner) == self._user and name in self._names
            ):
                return ast.Attribute(self._row, name, ast.Load())
        return self.generic_visit(node)


def _unannotated(statement: ast.stmt) -> ast.stmt:
    match statement:
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            return ast.Assign(targets=[target], value=value, lineno=statement.lineno)
    return statement


def _constant(value: ast.expr) -> Any:  # noqa: ANN401 - a constant
    found = value.value if isinstance(value, ast.Constant) else None
    if found is not None and type(found) not in (str, int, float, bool):
        raise UnreadError(f"{ast.unparse(value)} is no JSON")
    return found
