"""Fields of files that take a text in base64, as nearly every tutorial has one, read from their code.

class Base64ImageField(serializers.ImageField):
    def to_internal_value(self, data):
        if isinstance(data, str) and data.startswith("data:image"):
            format, imgstr = data.split(";base64,")
            ext = format.split("/")[-1]
            data = ContentFile(base64.b64decode(imgstr), name="temp." + ext)
        return super().to_internal_value(data)
"""

import ast
import base64
from collections.abc import Mapping
from typing import Any

from django.core.files.base import ContentFile
from rest_framework import serializers

from strangler_django.endpoints.code.own_code import is_own, is_super, method_of, named, names_of, statements_of

_OTHERS = ("__init__", "to_representation", "run_validation", "validate_empty_values", "get_value", "get_attribute")


def base64_facts(field: Any) -> dict[str, str] | None:  # noqa: ANN401 - any field of a serializer
    """What a text begins with that such a field takes, and how the name of its file begins; None of others."""
    cls = type(field)
    if not isinstance(field, serializers.FileField) or not is_own(cls, "to_internal_value"):
        return None
    owner = next(each for each in cls.__mro__ if "to_internal_value" in vars(each))
    below = cls.__mro__[cls.__mro__.index(owner) + 1]
    if any(is_own(cls, name) for name in _OTHERS) or below not in (serializers.ImageField, serializers.FileField):
        return None
    function = vars(owner)["to_internal_value"]
    made = method_of(function)
    if made is None or len(made.args.args) != 2 or made.args.vararg or made.args.kwonlyargs:
        return None
    data, names = made.args.args[1].arg, names_of(function)
    match statements_of(made):
        case [
            ast.If(test=test, body=body, orelse=[]),
            ast.Return(
                value=ast.Call(
                    func=ast.Attribute(value=above, attr="to_internal_value"), args=[ast.Name(id=passed)], keywords=[]
                )
            ),
        ] if passed == data and is_super(above, function):
            begins, name = _begins(test, data), _name(body, data, names)
            return None if begins is None or name is None else {"begins": begins, "name": name}
    return None


def _begins(test: ast.expr, data: str) -> str | None:
    """What a text has to begin with, of `isinstance(data, str) and data.startswith("data:image")`."""
    match test:
        case ast.BoolOp(
            op=ast.And(),
            values=[
                is_text,
                ast.Call(
                    func=ast.Attribute(value=ast.Name(id=name), attr="startswith"),
                    args=[ast.Constant(value=str(begins))],
                    keywords=[],
                ),
            ],
        ) if name == data and ast.unparse(is_text) == f"isinstance({data}, str)":
            return begins
    return None


def _name(body: list[ast.stmt], data: str, names: Mapping[str, Any]) -> str | None:
    """What the file is called before the ending, of the three statements that make one of the text."""
    match body:
        case [
            ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id=head), ast.Name(id=text)])], value=parts),
            ast.Assign(targets=[ast.Name(id=ending)], value=last),
            ast.Assign(
                targets=[ast.Name(id=kept)],
                value=ast.Call(func=made, args=[content], keywords=[ast.keyword(arg="name", value=name)]),
            ),
        ] if kept == data and named(made, names) is ContentFile:
            is_split = ast.unparse(parts) == f"{data}.split(';base64,')"
            is_last = ast.unparse(last) == f"{head}.split('/')[-1]"
            if is_split and is_last and _is_decoded(content, text, names):
                return _before(name, ending)
    return None


def _is_decoded(code: ast.expr, text: str, names: Mapping[str, Any]) -> bool:
    match code:
        case ast.Call(func=called, args=[ast.Name(id=name)], keywords=[]):
            return name == text and named(called, names) is base64.b64decode
    return False


def _before(code: ast.expr, ending: str) -> str | None:
    """The constant before the ending: `"temp." + ext`, `f"temp.{ext}"`."""
    match code:
        case ast.BinOp(left=ast.Constant(value=str(before)), op=ast.Add(), right=ast.Name(id=name)) if name == ending:
            return before
        case ast.JoinedStr(
            values=[
                ast.Constant(value=str(before)),
                ast.FormattedValue(value=ast.Name(id=name), conversion=-1, format_spec=None),
            ]
        ) if name == ending:
            return before
    return None
