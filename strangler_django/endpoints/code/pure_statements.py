"""Statements of a function that do nothing but to give values, and those of them that nothing reads."""

import ast
from collections.abc import Callable
from typing import Any, Final

# Calls without another effect than their result.
_PURE: Final = frozenset({"get", "getattr", "hasattr", "isinstance", "repr", "str", "type", "items", "keys", "values"})


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a function without its docstring."""
    first = body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if is_text else body


def leave_unread(made: ast.FunctionDef) -> None:
    """Leaves out what a name is given that nothing reads, as what was logged alone."""
    while True:
        read = {each.id for each in ast.walk(made) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}

        def is_unread(node: ast.stmt, read: set[str] = read) -> bool:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    return name not in read and is_pure(value)
                case ast.If(test=test, body=[ast.Pass()], orelse=[]):
                    return is_pure(test)
            return False

        if not _filter(made, lambda node: not is_unread(node)):
            return


def _filter(node: Any, keeps: Callable[[ast.stmt], bool]) -> bool:  # noqa: ANN401 - any part of a tree
    """Leaves out statements; whether there were any."""
    found = False
    for name in ("body", "orelse", "finalbody", "handlers"):
        block = getattr(node, name, None)
        if not isinstance(block, list):
            continue
        kept = [each for each in block if isinstance(each, ast.ExceptHandler) or keeps(each)]
        found |= len(kept) < len(block)
        setattr(node, name, kept or ([ast.Pass()] if name == "body" else []))
        for each in kept:
            found |= _filter(each, keeps)
    return found


def is_pure(node: ast.AST) -> bool:
    """Whether an expression does nothing but to give a value."""
    calls = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    names = (each.id if isinstance(each, ast.Name) else getattr(each, "attr", "") for each in calls)
    effects = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
    return all(name in _PURE for name in names) and not any(isinstance(each, effects) for each in ast.walk(node))
