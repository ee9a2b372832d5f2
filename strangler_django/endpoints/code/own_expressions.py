"""What an expression of a method is worth, of a caller that is known in part, with no query parameter sent.

user = self.request.user
if user.is_staff or not self.request.query_params.get("mine"):
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from strangler_django.endpoints.code.own_code import UnreadError

CALLER: Final = "self.request.user"
PARAMETERS: Final = ("self.request.query_params", "self.request.GET")
_CONVERSIONS: Final[Mapping[str, type]] = {"bool": bool, "int": int, "str": str}


class UnknownCallerError(Exception):
    """The code depends on an attribute of the caller; the text is its name."""


@dataclass
class SeenOfRequest:
    """What a method looks at: whether somebody is signed in, and query parameters."""

    asks_for_anonymous: bool = False
    parameters: tuple[str, ...] = ()


class RequestValues:
    """The values, with local variables by name; those that are expressions stand for themselves.

    `known` are the values of other expressions, such as `self.action`.
    """

    def __init__(self, seen: SeenOfRequest, caller: Mapping[str, bool], known: Mapping[str, Any]) -> None:
        self._seen = seen
        self._caller = caller
        self._known = known
        self._names: dict[str, Any] = {}

    def _is_true(self, test: ast.expr) -> bool:
        """Whether a condition holds, of what is known."""
        return self._truth(self._resolved(test))

    def _truth(self, code: ast.expr) -> bool:
        """Whether an expression is true: of several that are joined, one that is known may decide."""
        match code:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self._truth(operand)
            case ast.BoolOp(op=operator, values=values):
                return self._joined(values, ends_with=isinstance(operator, ast.Or))
        return bool(self._constant(code))

    def _constant(self, code: ast.expr) -> Any:  # noqa: ANN401 - a constant
        """What an expression is worth, with no query parameter sent.

        :raises UnreadError: that isn't known.
        """
        match code:
            case ast.Constant(value=value):
                return value
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                self._names[name] = value
                return self._constant(value)
            case ast.UnaryOp(op=ast.Not()):
                return self._truth(code)
            case ast.BoolOp(op=operator, values=values):
                return self._last(values, ends_with=isinstance(operator, ast.Or))
            case ast.Compare(left=left, ops=[ast.In()], comparators=[right]) if ast.unparse(right) in PARAMETERS:
                self._use(left)
                return False
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as operator], comparators=[right]):
                return (self._constant(left) in _constants(right)) is isinstance(operator, ast.In)
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                values = self._constant(left), self._constant(right)
                same = values[0] is values[1] if isinstance(operator, ast.Is | ast.IsNot) else values[0] == values[1]
                if not isinstance(operator, ast.Is | ast.IsNot | ast.Eq | ast.NotEq):
                    raise UnreadError
                return same if isinstance(operator, ast.Is | ast.Eq) else not same
            case ast.Call(func=ast.Name(id=name), args=[value], keywords=[]) if name in _CONVERSIONS:
                return _converted(_CONVERSIONS[name], self._constant(value))
            case ast.Call(func=ast.Attribute(value=given, attr="get"), args=[name, *default], keywords=[]) if (
                ast.unparse(given) in PARAMETERS
            ):
                self._use(name)
                return self._constant(default[0]) if default else None
        return self._of_request(ast.unparse(code))

    def _last(self, values: list[ast.expr], *, ends_with: bool) -> Any:  # noqa: ANN401 - a constant
        """What values that are joined are worth: the first that ends them, or the last."""
        found: Any = None
        for each in values:
            found = self._constant(each)
            if bool(found) is ends_with:
                break
        return found

    def _joined(self, values: list[ast.expr], *, ends_with: bool) -> bool:
        """`or` ends with the first that is true, `and` with the first that isn't: one that is known decides."""
        unknown: Exception | None = None
        for each in values:
            try:
                if self._truth(each) is ends_with:
                    return ends_with
            except (UnreadError, UnknownCallerError) as error:
                unknown = error
        if unknown is not None:
            raise unknown
        return not ends_with

    def _of_request(self, text: str) -> Any:  # noqa: ANN401 - a constant
        if text in self._known:
            return self._known[text]
        if text == "getattr(self, 'swagger_fake_view', False)":
            return False
        if text == CALLER:
            return True
        owner, _, attribute = text.rpartition(".")
        if owner != CALLER:
            raise UnreadError
        if attribute in ("is_anonymous", "is_authenticated"):
            self._seen.asks_for_anonymous = True
            return self._caller["is_authenticated"] is (attribute == "is_authenticated")
        if attribute not in ("is_staff", "is_superuser"):
            raise UnreadError
        if attribute not in self._caller:
            raise UnknownCallerError(attribute)
        return self._caller[attribute]

    def _use(self, name: ast.expr) -> None:
        """Notes a query parameter."""
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            raise UnreadError
        self._seen.parameters = tuple(dict.fromkeys((*self._seen.parameters, name.value)))

    def _resolved(self, code: ast.expr) -> ast.expr:
        """The expression with local variables replaced by what they stand for."""
        return replaced(code, {name: value for name, value in self._names.items() if isinstance(value, ast.expr)})


def replaced(code: ast.expr, names: Mapping[str, ast.expr]) -> ast.expr:
    """A copy of an expression, with others in place of these names."""
    found: ast.expr = _Replace(names).visit(ast.parse(ast.unparse(code), mode="eval").body)
    return found


def replaced_in(statement: ast.stmt, names: Mapping[str, ast.expr]) -> ast.stmt:
    """A copy of a statement, with expressions in place of these names."""
    (copied,) = ast.parse(ast.unparse(statement)).body
    found: ast.stmt = _Replace(names).visit(copied)
    return ast.fix_missing_locations(found)


class _Replace(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, ast.expr]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._names.get(node.id, node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        return ast.NamedExpr(target=node.target, value=self.visit(node.value))


def _constants(code: ast.expr) -> tuple[Any, ...]:
    """The constants that are listed."""
    try:
        found = ast.literal_eval(code)
    except ValueError:
        raise UnreadError from None
    if not isinstance(found, tuple | list | set):
        raise UnreadError
    return tuple(found)


def _converted(kind: type, value: Any) -> Any:  # noqa: ANN401 - constants
    try:
        return kind(value)
    except (TypeError, ValueError):
        raise UnreadError from None
