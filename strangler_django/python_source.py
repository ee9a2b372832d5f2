"""The source of a project's own functions and classes, as Python's syntax trees, and what classes are called."""

import ast
import inspect
import textwrap
from typing import Any


def source_of(made: Any) -> ast.stmt | None:  # noqa: ANN401 - whatever stands under a name
    """The statement that makes a function or a class; None where its source isn't there, or is part of another."""
    try:
        (statement,) = ast.parse(textwrap.dedent(inspect.getsource(made))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    return statement


def class_name(cls: type) -> str:
    """The module and the name of a class."""
    return f"{cls.__module__}.{cls.__qualname__}"
