"""A JSONRenderer of the project's own that puts answers into another form, as code that a service carries over.

class Enveloped(JSONRenderer):
    def render(self, data, accepted_media_type=None, renderer_context=None):
        response = renderer_context["response"]
        wrapped = {"ok": response.status_code < 400, "data": data}
        return super().render(wrapped, accepted_media_type, renderer_context)
"""

import ast
import re
from typing import Any, Final

from rest_framework.renderers import JSONRenderer

from strangler_django.endpoints.code.carried_code import Carried
from strangler_django.endpoints.code.carried_names import function_code
from strangler_django.endpoints.code.own_code import UnreadError, is_super
from strangler_django.python_source import class_name

_KNOWN: Final = frozenset(
    {"render", "charset", "media_type", "format", "__module__", "__doc__", "__firstlineno__", "__static_attributes__"}
)
_PARAMETERS: Final = 4


def renderer_facts(made: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - any view
    """What renderers of the project's own that derive from DRF's JSONRenderer do, by their paths.

    The `name` of a function of what is answered and a context with the `response`, its `code`, the names that it
    `uses`, and the renderer's attributes; or a `gap`.
    """
    own = [type(each) for each in made.get_renderers() if type(each) is not JSONRenderer]
    return {class_name(each): _facts(each) for each in own if issubclass(each, JSONRenderer)}


def _facts(cls: type[JSONRenderer]) -> dict[str, Any]:
    try:
        if cls.__mro__[1] is not JSONRenderer:
            raise UnreadError(f"it derives from {cls.__mro__[1].__name__}")
        if more := sorted({*vars(cls)} - _KNOWN):
            raise UnreadError(f"{cls.__name__}.{more[0]} is your own")
        carried = Carried(frozenset())
        function = vars(cls).get("render")
        code = _function(cls, function)
        carried.add(function, code)
    except UnreadError as gap:
        return {"gap": str(gap)}
    return {
        "name": code.name,
        "code": carried.code,
        "uses": dict(sorted(carried.uses.items())),
        "media_type": cls.media_type,
        "format": cls.format,
        "charset": cls.charset,
    }


def _function(cls: type, function: Any) -> ast.FunctionDef:  # noqa: ANN401 - whatever the class has
    """The method as a function of what is answered and of the context, which gives what is to be written as JSON.

    :raises UnreadError: it writes something itself, or looks at more than the answer.
    """
    made = function_code(function)
    names = [each.arg for each in made.args.args]
    if len(names) != _PARAMETERS:
        raise UnreadError(f"{cls.__name__}.render has other parameters")
    written = _Written(function, names[3]).visit(made)
    assert isinstance(written, ast.FunctionDef)  # noqa: S101 - it stays one
    for node in ast.walk(written):
        if isinstance(node, ast.Name) and node.id in (names[0], names[2]):
            raise UnreadError(f"{cls.__name__}.render looks at {node.id}")
        if isinstance(node, ast.Return) and not isinstance(node.value, _Data):
            raise UnreadError(f"{cls.__name__}.render: {ast.unparse(node)}")
    for node in ast.walk(written):
        if isinstance(node, ast.Return) and isinstance(node.value, _Data):
            node.value = node.value.given
    written.name = f"{re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '_', cls.__name__).lower()}_form"
    written.args.args = [written.args.args[1], written.args.args[3]]
    written.args.defaults = []
    return written


class _Data(ast.expr):
    """What DRF's own renderer is given."""

    _fields = ()

    def __init__(self, given: ast.expr) -> None:
        super().__init__()
        self.given = given


class _Written(ast.NodeTransformer):
    """Finds what is given to DRF's own renderer, and what is read of the context."""

    def __init__(self, function: Any, context: str) -> None:  # noqa: ANN401 - as above
        self._function = function
        self._context = context

    def visit_Return(self, node: ast.Return) -> ast.AST:
        """`return super().render(data, …)` gives the data."""
        match node.value:
            case ast.Call(func=ast.Attribute(value=owner, attr="render"), args=[given, *rest], keywords=keywords) if (
                is_super(owner, self._function)
            ):
                passed = [ast.unparse(each) for each in (*rest, *(keyword.value for keyword in keywords))]
                if self._context not in passed:
                    # Then it is never indented.
                    raise UnreadError(f"{self._function.__qualname__} passes on no context")
                return ast.Return(value=_Data(self.visit(given)))
            case ast.Constant(value=b"" | "" | None):
                return ast.Return(value=_Data(ast.Constant(value=None)))
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`renderer_context.get("response")` is as good as the key."""
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr="get"), args=[ast.Constant(value="response"), *_]) if (
                ast.unparse(owner) in (self._context, f"{self._context} or {{}}")
            ):
                return _response(self._context)
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Of the context the response alone is read."""
        if isinstance(node.value, ast.Name) and node.value.id == self._context:
            if not isinstance(node.slice, ast.Constant) or node.slice.value != "response":
                raise UnreadError(f"{self._function.__qualname__} looks at {ast.unparse(node)}")
            return _response(self._context)
        return self.generic_visit(node)


def _response(context: str) -> ast.expr:
    return ast.Subscript(ast.Name(context, ast.Load()), ast.Constant(value="response"), ast.Load())
