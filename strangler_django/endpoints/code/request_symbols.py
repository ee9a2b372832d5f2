"""The request and its caller within expressions that are read, and what follows of them being there.

request = self.context.get("request")
if request is None or request.user.is_anonymous:
    return False

A view gives its serializer a request, whose user is somebody or nobody: an object, and true, either way. What of the
caller an expression needs is its key, None of nobody.
"""

import ast
from collections.abc import Mapping
from typing import Any, Final

from strangler_django.endpoints.code.own_code import UnreadError

_REQUEST: Final = "_strangler_request"
_USER: Final = "_strangler_user"
# The caller's key.
CALLER: Final = "_strangler_caller"
# Names that only expressions on their way to being read have.
SYMBOLS: Final = frozenset({_REQUEST, _USER})
# What is known where somebody is signed in.
SIGNED_IN: Final = "the caller"
_NONE: Final = ast.Constant(value=None)


def request_symbol() -> ast.Name:
    """The request."""
    return ast.Name(id=_REQUEST, ctx=ast.Load())


def user_symbol() -> ast.Name:
    """Its user."""
    return ast.Name(id=_USER, ctx=ast.Load())


def caller_key() -> ast.Name:
    """The key of that."""
    return ast.Name(id=CALLER, ctx=ast.Load())


def is_request(code: ast.expr | None) -> bool:
    """Whether it is the request."""
    return isinstance(code, ast.Name) and code.id == _REQUEST


def is_user(code: ast.expr | None) -> bool:
    """Whether it is the request's user."""
    return isinstance(code, ast.Name) and code.id == _USER


def is_caller_key(code: ast.expr | None) -> bool:
    """Whether it is the key of the caller."""
    return isinstance(code, ast.Name) and code.id == CALLER


def user_attribute(name: str, model: Any) -> ast.expr:  # noqa: ANN401 - the model of users
    """What an attribute of the request's user is.

    :raises UnreadError: only its row says.
    """
    key = model._meta.pk  # noqa: SLF001 - how Django documents to read a model
    if name in ("pk", "id", key.name, key.attname) and (name != "id" or key.name == "id"):
        return caller_key()
    if name in ("is_authenticated", "is_anonymous"):
        operator = ast.IsNot() if name == "is_authenticated" else ast.Is()
        return ast.Compare(left=caller_key(), ops=[operator], comparators=[_NONE])
    raise UnreadError


def in_context(code: ast.expr, serializer: str) -> bool:
    """Whether it is the request in the context of a serializer, which has that name."""
    match code:
        case ast.Subscript(value=context, slice=ast.Constant(value="request")):
            return ast.unparse(context) in _contexts(serializer)
        case ast.Call(
            func=ast.Attribute(value=context, attr="get"), args=[ast.Constant(value="request"), *default], keywords=[]
        ):
            is_plain = [ast.unparse(each) for each in default] in ([], ["None"])
            return is_plain and ast.unparse(context) in _contexts(serializer)
    return False


def _contexts(serializer: str) -> tuple[str, ...]:
    return (f"{serializer}.context", f"{serializer}._context", f"{serializer}.parent.context")


def folded(code: ast.expr) -> ast.expr:
    """The expression without what is known of it: constants within `and`, `or` and `not`."""
    match code:
        case ast.UnaryOp(op=ast.Not(), operand=operand) if (known := _known(operand)) is not None:
            return ast.Constant(value=not known)
        case ast.UnaryOp(
            op=ast.Not(), operand=ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as operator], comparators=[_])
        ) if is_caller_key(left):
            other = ast.IsNot() if isinstance(operator, ast.Is) else ast.Is()
            return ast.Compare(left=left, ops=[other], comparators=[_NONE])
        case ast.BoolOp(op=operator, values=values):
            return _joined(operator, values)
    return code


def _known(code: ast.expr) -> bool | None:
    """Whether an expression is true, if that is known."""
    if is_request(code) or is_user(code):
        return True
    return bool(code.value) if isinstance(code, ast.Constant) else None


def _joined(operator: ast.boolop, values: list[ast.expr]) -> ast.expr:
    ends_with, left = isinstance(operator, ast.Or), list[ast.expr]()
    for number, each in enumerate(values):
        known = _known(each)
        if known is (not ends_with) and number < len(values) - 1:
            continue
        left.append(each)
        if known is ends_with:
            break
    return left[0] if len(left) == 1 else ast.BoolOp(op=operator, values=left)


def simplified(code: ast.expr, numbers: Mapping[str, str | None]) -> ast.expr:
    """The expression without questions whose answer another part of it gives.

    `numbers` are the names that stand for how many rows the caller has, each with the one for a value of the first of
    them: nobody has any.
    """
    return _Simplified(numbers).visit(code)  # type: ignore[no-any-return] # an expression of one


class _Simplified(ast.NodeTransformer):
    def __init__(self, numbers: Mapping[str, str | None]) -> None:
        self._numbers = numbers

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.And) and self._is_number(node.values[-1]):
            *values, last = node.values
            # What stands between them may be the answer: `user.is_authenticated and obj.note and rows.exists()`.
            while values and _is_signed_in(values[-1]):
                values.pop()
            return ast.BoolOp(op=node.op, values=[*values, last]) if values else last
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        is_bool = isinstance(node.func, ast.Name) and node.func.id == "bool" and len(node.args) == 1
        return node.args[0] if is_bool and isinstance(node.args[0], ast.Compare) else node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        test, then, otherwise = node.test, node.body, node.orelse
        if _is_anonymous(test) or (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
            test = test.operand if isinstance(test, ast.UnaryOp) else _signed_in()
            then, otherwise = otherwise, then
        if isinstance(test, ast.Compare) and (ast.unparse(then), ast.unparse(otherwise)) == ("True", "False"):
            return test
        if _is_signed_in(test) and self._is_number(then) and ast.unparse(otherwise) == "False":
            return then
        is_shown = isinstance(then, ast.Name) and ast.unparse(otherwise) == "None"
        if is_shown and (_is_signed_in(test) or self._value_of(test) == ast.unparse(then)):
            return then if ast.unparse(then) in self._numbers.values() else node
        return node

    def _is_number(self, code: ast.expr) -> bool:
        """Whether it says that the caller has rows."""
        match code:
            case ast.Compare(left=ast.Name(id=name), ops=[ast.Gt()], comparators=[ast.Constant(value=0)]):
                return name in self._numbers
        return False

    def _value_of(self, test: ast.expr) -> str | None:
        """The name of what is shown of the first row, if a test is for there being one."""
        match test:
            case ast.Compare(left=ast.Name(id=name), ops=[ast.Gt()], comparators=[ast.Constant(value=0)]):
                return self._numbers.get(name)
        return None


def _signed_in() -> ast.expr:
    return ast.Compare(left=caller_key(), ops=[ast.IsNot()], comparators=[_NONE])


def _is_signed_in(code: ast.expr) -> bool:
    return ast.unparse(code) == f"{CALLER} is not None"


def _is_anonymous(code: ast.expr) -> bool:
    return ast.unparse(code) == f"{CALLER} is None"
