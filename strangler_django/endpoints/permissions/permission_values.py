"""The values in the code of a permission: literals, and constants of its module, its class and the view."""

import ast
from collections.abc import Mapping
from enum import Enum
from operator import eq, is_, is_not, ne
from types import ModuleType
from typing import Any, Final

from django.contrib.auth import get_user_model

from strangler_django.endpoints.code.own_code import UnreadError, is_own
from strangler_django.endpoints.permissions.permission_names import Asked, PermissionNames

_COMPARED: Final = {
    ast.Eq: eq,
    ast.NotEq: ne,
    ast.Is: is_,
    ast.IsNot: is_not,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}


class PermissionValues:
    """Reads what the code of one method of a permission's class names, or of one that it derives from."""

    def __init__(self, cls: type, name: str, asked: Asked, after: type | None = None) -> None:
        order = cls.__mro__[cls.__mro__.index(after) + 1 :] if after else cls.__mro__
        self._cls, self._name, self._asked = cls, name, asked
        self._owner = next(each for each in order if name in vars(each))
        self._names: dict[str, str] = {}
        self._function: Any = None
        self._globals: Mapping[str, Any] = {}

    def _compared(self, texts: tuple[str, str], operator: ast.cmpop, right: ast.expr) -> bool | None:
        """What a comparison of two constants says, as of the view's action; None of another.

        :raises UnreadError: it compares what can't be, or asks whether two texts are one object.
        """
        compare = _COMPARED.get(type(operator))
        try:
            one, many = ast.literal_eval(texts[0]), self._known(texts[1], right)
        except ValueError:
            return None
        is_sure = not isinstance(operator, ast.Is | ast.IsNot) or many is None or isinstance(many, bool)
        if compare is None or not is_sure:
            raise UnreadError
        try:
            return bool(compare(one, many))
        except TypeError as error:
            raise UnreadError from error

    def _known(self, text: str, code: ast.expr) -> Any:  # noqa: ANN401 - whatever it is
        """The value of a literal or a constant.

        :raises ValueError: it is neither.
        """
        try:
            return ast.literal_eval(text)
        except ValueError:
            found = self._constant(code)
            if found is None:
                raise
            return found

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
        many = [found] if is_one else found
        # Other enumerations than those of texts or numbers equal no value.
        plain = [each.value if isinstance(each, Enum) and isinstance(each, str | int) else each for each in many]
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

    def _named_so(self) -> PermissionNames:
        return PermissionNames(self._names, self._asked)

    def _text(self, code: ast.expr) -> str:
        """An expression with the parameters under the names that DRF gives them."""
        return ast.unparse(self._named_so().visit(ast.parse(ast.unparse(code), mode="eval").body))


def is_literal(code: ast.expr) -> bool:
    """Whether an expression is a constant, or several of them."""
    try:
        ast.literal_eval(code)
    except ValueError:
        return False
    return True
