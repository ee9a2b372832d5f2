"""What methods and properties of a project's own make of the columns of a row, read from their code.

def get_place(self, obj):
    return f"{obj.room.house.name}, {obj.room.number}" if obj.room else None

Each becomes a Python expression about columns by their lookups (`room__house__name`), where it is nothing but an
expression of texts and numbers. Properties, methods without arguments and `__str__` that it calls are read with it.
How many rows a relation has (`obj.comments.count()`, `exists()`) is a number of the row, too, as are those that the
caller of the request has with it (`caller_expressions`).
"""

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from django.db.models import Model

from strangler_django.endpoints.code.own_code import UnreadError
from strangler_django.endpoints.code.request_symbols import CALLER, SYMBOLS, simplified
from strangler_django.endpoints.code.sources import countable_link
from strangler_django.endpoints.expressions.caller_expressions import MATCH
from strangler_django.endpoints.expressions.row_attributes import COUNT, MARK
from strangler_django.endpoints.expressions.row_expressions import RowExpressions

# What fields of these kinds make of a value.
_SHOWN: Final = {"CharField": "str", "IntegerField": "int"}


def method_value(serializer: type, name: str, model: type[Model]) -> dict[str, Any] | None:
    """What a method of a serializer makes of a row of the model; None where it does anything else."""
    is_static = isinstance(inspect.getattr_static(serializer, name, None), staticmethod)
    function = getattr(serializer, name, None)
    reader = RowExpressions(model, serializer=serializer)
    return _value(reader, lambda: reader.returned(function, row=0 if is_static else 1), model)


def attribute_value(model: type[Model], source: str, kind: str) -> dict[str, Any] | None:
    """What a field of that kind shows of a row, where its source ends in a property or a method of a model's own."""
    reader = RowExpressions(model)

    def read() -> ast.expr:
        name = reader.file_name(source.split(".")) if kind == "CharField" else None
        if name is not None:
            return name
        found = reader.at(source.split("."))
        if kind not in _SHOWN:
            return found
        if any(isinstance(each, ast.IfExp) for each in ast.walk(found)):
            raise UnreadError
        if isinstance(found, ast.Name) and found.id.startswith(COUNT) and kind == "IntegerField":
            return found
        return ast.Call(func=ast.Name(id=_SHOWN[kind]), args=[found], keywords=[])

    return _value(reader, read, model)


def string_value(model: type[Model], source: str) -> dict[str, Any] | None:
    """The text of the row that a foreign key of the model points at, null where there is none."""
    code = f"def text(row):\n    return str(row.{source}) if row.{source} is not None else None"
    return row_value(model, code)


def row_value(model: type[Model], code: str) -> dict[str, Any] | None:
    """What a function of a `row` of the model returns; None where it does anything else."""
    reader = RowExpressions(model)
    return _value(reader, lambda: reader.of_code(code), model)


def _value(reader: RowExpressions, read: Callable[[], ast.expr], model: type[Model]) -> dict[str, Any] | None:
    """The expression as JSON: its `code`, and by their names in it what it is of.

    Those are `columns`, links that it `counts`, other rows that it `matches`, and the `caller`.
    """
    try:
        code = read()
        matched = _matched(reader, {each.id for each in ast.walk(code) if isinstance(each, ast.Name)})
        code = _Formatted().visit(simplified(code, _numbers(reader)))
        names = sorted({each.id for each in ast.walk(code) if isinstance(each, ast.Name)})
        if SYMBOLS & {*names}:
            return None
        matches = {matched[name]: reader.seen.matches[name].facts for name in names if name in matched}
    except UnreadError:
        return None
    columns = {
        name.removeprefix(MARK): name.removeprefix(MARK).removesuffix("_") for name in names if name.startswith(MARK)
    }
    counts = {
        f"{source}_count": countable_link(model, source)
        for name in names
        if (source := name.removeprefix(COUNT)) != name
    }
    given = [*columns, *counts, *matches, *(["caller"] if CALLER in names else [])]
    if not given or len(given) != len({*given}):
        return None
    text = ast.unparse(code).replace(MARK, "")
    shown = {f"{COUNT}{name.removesuffix('_count')}": name for name in counts} | matched | {CALLER: "caller"}
    for name, other in shown.items():
        text = re.sub(rf"\b{name}\b", other, text)
    facts: dict[str, Any] = {"code": text, "columns": columns} | ({"counts": counts} if counts else {})
    facts |= {"matches": matches} if matches else {}
    facts |= {"caller": True} if CALLER in names else {}
    return facts | ({"in_context": True} if reader.seen.in_context else {})


def _matched(reader: RowExpressions, names: set[str]) -> dict[str, str]:
    """What rows of other tables are called in the expression, by the names that they have until then."""
    found: dict[str, str] = {}
    for name in sorted(each for each in names if each in reader.seen.matches):
        rows = reader.seen.matches[name]
        what = rows.model._meta.model_name  # noqa: SLF001 - how Django documents to read a model
        plain = f"{what}_count" if rows.shown is None else f"{what}_{rows.shown}"
        same = sum(each == plain or each.startswith(f"{plain}_") for each in found.values())
        found[name] = f"{plain}_{same + 1}" if same else plain
    return found


def _numbers(reader: RowExpressions) -> dict[str, str | None]:
    """The numbers of the caller's rows, each with what is shown of the first of them."""
    named_so = {name: rows for name, rows in reader.seen.matches.items() if name.startswith(MATCH) and rows.is_callers}
    shown = {replace(rows, shown=None): name for name, rows in named_so.items() if rows.shown is not None}
    return {name: shown.get(rows) for name, rows in named_so.items() if rows.shown is None}


class _Formatted(ast.NodeTransformer):
    """Has texts within an f-string stand in none.

    Python 3.12 and later writes them in the quotes of the f-string, which the service's Python may be too old to read.
    """

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        self.generic_visit(node)
        if not any(_has_text(part) for part in node.values):
            return node
        template, values = "", []
        for part in node.values:
            match part:
                case ast.Constant(value=str() as text):
                    template += text.replace("{", "{{").replace("}", "}}")
                case ast.FormattedValue(value=value, conversion=conversion, format_spec=None | ast.JoinedStr() as spec):
                    shown = "".join(_written(each) for each in spec.values) if spec else ""
                    template += f"{{{f'!{chr(conversion)}' if conversion > 0 else ''}{f':{shown}' if shown else ''}}}"
                    values.append(value)
        method = ast.Attribute(ast.Constant(template), "format", ast.Load())
        return ast.Call(method, values, [])


def _has_text(part: ast.expr) -> bool:
    found = ast.walk(part.value) if isinstance(part, ast.FormattedValue) else ()
    return any(
        isinstance(each, ast.JoinedStr) or (isinstance(each, ast.Constant) and isinstance(each.value, str | bytes))
        for each in found
    )


def _written(part: ast.expr) -> str:
    """A part of how a value is formatted; a width or the like that is computed isn't read."""
    if not isinstance(part, ast.Constant):
        raise UnreadError
    return str(part.value)
