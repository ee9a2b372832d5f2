"""What methods and properties of a project's own make of the columns of a row, read from their code.

def get_place(self, obj):
    return f"{obj.room.house.name}, {obj.room.number}" if obj.room else None

Each becomes a Python expression about columns by their lookups (`room__house__name`), where it is nothing but an
expression of texts and numbers. Properties, methods without arguments and `__str__` that it calls are read with it.
How many rows a relation has (`obj.comments.count()`, `exists()`) is a number of the row, too.
"""

import ast
import inspect
import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from django.db.models import ForeignKey, Model

from strangler_django.contract.plain import plain
from strangler_django.endpoints.own_code import UnreadError, method_of, named, names_of, statements_of
from strangler_django.endpoints.row_attributes import COUNT, MARK, NUMBERS, RowAttributes, column_of
from strangler_django.endpoints.sources import countable_link

_FUNCTIONS: Final = frozenset({"abs", "bool", "float", "int", "len", "max", "min", "round", "str"})
_METHODS: Final = frozenset({"capitalize", "lower", "lstrip", "replace", "rstrip", "strip", "title", "upper"})
# Of an expression that has no names in it but those that are read.
_PLAIN: Final = (
    *(ast.BinOp, ast.BoolOp, ast.Compare, ast.UnaryOp, ast.Constant, ast.Tuple, ast.List, ast.JoinedStr),
    *(ast.FormattedValue, ast.operator, ast.boolop, ast.cmpop, ast.unaryop, ast.expr_context),
)
# What fields of these kinds make of a value.
_SHOWN: Final = {"CharField": "str", "IntegerField": "int"}


def method_value(serializer: type, name: str, model: type[Model]) -> dict[str, Any] | None:
    """What a method of a serializer makes of a row of the model; None where it does anything else."""
    is_static = isinstance(inspect.getattr_static(serializer, name, None), staticmethod)
    return _value(lambda: _Reader(model).returned(getattr(serializer, name, None), row=0 if is_static else 1), model)


def attribute_value(model: type[Model], source: str, kind: str) -> dict[str, Any] | None:
    """What a field of that kind shows of a row, where its source ends in a property or a method of a model's own."""

    def read() -> ast.expr:
        name = _Reader(model).file_name(source.split(".")) if kind == "CharField" else None
        if name is not None:
            return name
        found = _Reader(model).at(source.split("."))
        if kind not in _SHOWN:
            return found
        if any(isinstance(each, ast.IfExp) for each in ast.walk(found)):
            raise UnreadError
        if isinstance(found, ast.Name) and found.id.startswith(COUNT) and kind == "IntegerField":
            return found
        return ast.Call(func=ast.Name(id=_SHOWN[kind]), args=[found], keywords=[])

    return _value(read, model)


def string_value(model: type[Model], source: str) -> dict[str, Any] | None:
    """The text of the row that a foreign key of the model points at, null where there is none."""
    code = f"def text(row):\n    return str(row.{source}) if row.{source} is not None else None"
    return _value(lambda: _Reader(model).of_code(code), model)


def _value(read: Any, model: type[Model]) -> dict[str, Any] | None:  # noqa: ANN401 - a function
    """The expression as JSON: its `code`, and the `columns` and links that it `counts` by their names in it."""
    try:
        code = _Formatted().visit(read())
    except UnreadError:
        return None
    names = sorted({each.id for each in ast.walk(code) if isinstance(each, ast.Name)})
    columns = {
        name.removeprefix(MARK): name.removeprefix(MARK).removesuffix("_") for name in names if name.startswith(MARK)
    }
    counts = {
        f"{source}_count": countable_link(model, source)
        for name in names
        if (source := name.removeprefix(COUNT)) != name
    }
    if not (columns or counts) or columns.keys() & counts.keys():
        return None
    text = ast.unparse(code).replace(MARK, "")
    for name in counts:
        source = name.removesuffix("_count")
        text = re.sub(rf"\b{COUNT}{source}\b", name, text)
    return {"code": text, "columns": columns} | ({"counts": counts} if counts else {})


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


class _Reader(RowAttributes):
    """Reads expressions about a row of a model."""

    _row = ""
    _globals: Mapping[str, Any] = MappingProxyType({})

    def returned(self, function: Any, *, row: int = 0) -> ast.expr:  # noqa: ANN401 - whatever a class has under a name
        """What a function returns, whose parameter of that number is the row.

        :raises UnreadError: it does something else.
        """
        made = method_of(function, but=("property", "cached_property", "staticmethod"))
        if made is None or len(made.args.args) != row + 1 or made.args.vararg or made.args.kwonlyargs:
            raise UnreadError
        self._row = made.args.args[row].arg
        self._globals = names_of(function)
        return self._block(statements_of(made))

    def of_code(self, code: str) -> ast.expr:
        """What a function of a `row` returns."""
        (made,) = ast.parse(code).body
        assert isinstance(made, ast.FunctionDef)  # noqa: S101 - so it was written
        self._row = "row"
        return self._block(made.body)

    def _block(self, body: list[ast.stmt]) -> ast.expr:
        """What the statements return, as one expression."""
        if not body:
            return ast.Constant(value=None)
        first, *rest = body
        match first:
            case ast.Return(value=value):
                return ast.Constant(value=None) if value is None else self._read(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._locals[name] = self._read(value)
                return self._block(rest)
            case ast.If(test=test, body=then, orelse=otherwise):
                return self._chosen(test, lambda: self._block([*then, *rest]), lambda: self._block([*otherwise, *rest]))
        raise UnreadError

    def _chosen(self, test: ast.expr, then: Any, otherwise: Any) -> ast.expr:  # noqa: ANN401 - functions
        """One of two expressions; in the first what the test names isn't null, in the second if the test denies it."""
        condition, before, names = self._condition(test), self._known, dict(self._locals)
        self._known = before | self._proved(test, holds=True)
        first = then()
        # What one branch assigns is unknown to the other.
        self._known, self._locals = before | self._proved(test, holds=False), names
        second = otherwise()
        self._known = before
        return ast.IfExp(test=condition, body=first, orelse=second)

    def _condition(self, test: ast.expr) -> ast.expr:
        """A test; of a foreign key whether there is a row."""
        match test:
            case ast.BoolOp(op=operator, values=values):
                return ast.BoolOp(op=operator, values=list(map(self._condition, values)))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ast.UnaryOp(op=ast.Not(), operand=self._condition(operand))
            case ast.Compare(
                left=left, ops=[ast.Is() | ast.IsNot() as operator], comparators=[ast.Constant(value=None)]
            ):
                if (key := self._key(left)) is not None:
                    return ast.Compare(left=key, ops=[operator], comparators=[ast.Constant(value=None)])
        key = self._key(test)
        if key is None:
            return self._read(test)
        if (names := self._attributes(test)) and self._may_be_false(names[0]):
            raise UnreadError
        return ast.Compare(left=key, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)])

    def _key(self, code: ast.expr) -> ast.expr | None:
        """The column of the foreign key that an expression is; None of anything else."""
        names = self._attributes(code)
        if names is None or not isinstance(field := self._fields().get(names[0]), ForeignKey):
            return None
        return column_of("__".join((*self._path, field.attname))) if names == [field.name] else None

    def _may_be_false(self, name: str) -> bool:
        """Whether a row that a foreign key points at may be false all the same."""
        model = self._fields()[name].related_model
        return any(hasattr(model, each) for each in ("__bool__", "__len__"))

    def _proved(self, test: ast.expr, *, holds: bool) -> frozenset[str]:
        """The foreign keys that aren't null where a test holds, or where it doesn't."""
        match test:
            case ast.BoolOp(op=operator, values=values) if isinstance(operator, ast.And) is holds:
                return frozenset().union(*(self._proved(each, holds=holds) for each in values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._proved(operand, holds=not holds)
            case ast.Compare(
                left=left, ops=[ast.Is() | ast.IsNot() as operator], comparators=[ast.Constant(value=None)]
            ):
                is_proved = isinstance(operator, ast.IsNot) is holds
                return self._proved(left, holds=True) if is_proved else frozenset()
        names = self._attributes(test) if holds else None
        return frozenset({"__".join((*self._path, *names))}) if names and self._key(test) is not None else frozenset()

    def _attributes(self, code: ast.expr) -> list[str] | None:
        """The names of attributes of the row, one behind the other; None of another expression."""
        names: list[str] = []
        while isinstance(code, ast.Attribute):
            names.insert(0, code.attr)
            code = code.value
        return names if names and isinstance(code, ast.Name) and code.id == self._row else None

    def _read(self, code: ast.expr) -> ast.expr:
        """The expression with columns for attributes of the row.

        :raises UnreadError: it is about something else.
        """
        if (names := self._attributes(code)) is not None:
            return self.at(names)
        match code:
            case ast.Name(id=name) if name in self._locals:
                return self._locals[name]
            case ast.IfExp(test=test, body=then, orelse=otherwise):
                return self._chosen(test, lambda: self._read(then), lambda: self._read(otherwise))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if self._is_builtin(name) and args:
                if name == "len" and len(args) == 1 and (names := self._rows(args[0])) is not None:
                    return self._counted(names, "count")
                if name == "str" and len(args) == 1 and self._is_row(args[0]):
                    return self.at([*(self._attributes(args[0]) or []), "__str__"])
                return ast.Call(func=ast.Name(id=name), args=list(map(self._read, args)), keywords=[])
            case ast.Call(func=ast.Name() as function, args=[ast.Constant() as value], keywords=[]):
                if named(function, self._globals) is Decimal:
                    return ast.Call(func=ast.Name(id="Decimal"), args=[value], keywords=[])
            case ast.Call(func=ast.Attribute(value=inner, attr=name), args=args, keywords=[]):
                if name in _METHODS:
                    function = ast.Attribute(value=self._read(inner), attr=name)
                    return ast.Call(func=function, args=list(map(self._read, args)), keywords=[])
                if not args and (names := self._attributes(code.func)) is not None:
                    return self.at(names)
                if not args and name in NUMBERS:
                    return self._counted(self._rows(inner), name)
            case ast.Name() | ast.Attribute():
                if isinstance(value := named(code, self._globals), bool | int | str):
                    return ast.Constant(value=plain(value))
            case _ if isinstance(code, _PLAIN):
                return self._parts(code)
        raise UnreadError

    def _is_builtin(self, name: str) -> bool:
        """Whether a name is one of Python's functions, and nothing of the project's own (`from … import round`)."""
        return name in _FUNCTIONS and name not in self._globals and name not in self._locals

    def _rows(self, code: ast.expr) -> list[str] | None:
        """The names of the relation all of whose rows an expression is; None of another one."""
        match code:
            case ast.Call(func=ast.Attribute(value=inner, attr="all"), args=[], keywords=[]):
                return self._attributes(inner)
        return None

    def _is_row(self, code: ast.expr) -> bool:
        """Whether an expression is the row itself, or one that it points at."""
        return (isinstance(code, ast.Name) and code.id == self._row) or self._key(code) is not None

    def _parts(self, code: Any) -> Any:  # noqa: ANN401 - any node
        """A node that is plain itself, with its parts read."""
        if isinstance(code, ast.FormattedValue) and self._is_row(code.value):
            text = self.at([*(self._attributes(code.value) or []), "__str__"])
            return ast.FormattedValue(value=text, conversion=code.conversion, format_spec=code.format_spec)
        fields: dict[str, Any] = {}
        for name, value in ast.iter_fields(code):
            if isinstance(value, ast.expr):
                fields[name] = self._read(value)
            elif isinstance(value, list):
                fields[name] = [self._read(each) if isinstance(each, ast.expr) else each for each in value]
            else:
                fields[name] = value
        return type(code)(**fields)
