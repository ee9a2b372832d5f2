"""Reads what a function returns of a row as one expression of its columns, and of what the caller has with it."""

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from django.db.models import ForeignKey

from strangler_django.contract.plain import plain
from strangler_django.endpoints.code.own_code import UnreadError, method_of, named, names_of, statements_of
from strangler_django.endpoints.code.request_symbols import SIGNED_IN, folded, is_request, is_user
from strangler_django.endpoints.expressions.caller_expressions import CallerExpressions, is_rows
from strangler_django.endpoints.expressions.matching_rows import MatchingRows
from strangler_django.endpoints.expressions.row_attributes import NUMBERS, column_of

_FUNCTIONS: Final = frozenset({"abs", "bool", "float", "int", "len", "max", "min", "round", "str"})
_METHODS: Final = frozenset({"capitalize", "lower", "lstrip", "replace", "rstrip", "strip", "title", "upper"})
# Of an expression that has no names in it but those that are read.
_PLAIN: Final = (
    *(ast.BinOp, ast.BoolOp, ast.Compare, ast.UnaryOp, ast.Constant, ast.Tuple, ast.List, ast.JoinedStr),
    *(ast.FormattedValue, ast.operator, ast.boolop, ast.cmpop, ast.unaryop, ast.expr_context),
)


class RowExpressions(CallerExpressions):
    """Reads expressions about a row of a model, also of a method of a serializer's class."""

    _globals: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, *arguments: Any, serializer: type | None = None) -> None:  # noqa: ANN401 - see RowAttributes
        super().__init__(*arguments)
        self.serializer = serializer

    def returned(self, function: Any, *, row: int = 0, given: Sequence[Any] = ()) -> ast.expr:  # noqa: ANN401 - whatever a class has under a name
        """What a function returns, whose parameter of that number is the row.

        The parameters behind it are `given`: expressions that were read, or models.

        :raises UnreadError: it does something else.
        """
        made = method_of(function, but=("property", "cached_property", "staticmethod"))
        names = [each.arg for each in made.args.args] if made else []
        if made is None or len(names) != row + 1 + len(given) or made.args.vararg or made.args.kwonlyargs:
            raise UnreadError
        self._row = names[row]
        self._serializer = names[0] if row and self.serializer else ""
        named_so = dict(zip(names[row + 1 :], given, strict=True))
        self._globals = {
            **names_of(function),
            **{name: each for name, each in named_so.items() if isinstance(each, type)},
        }
        self._locals |= {name: each for name, each in named_so.items() if isinstance(each, ast.expr)}
        return self._block(statements_of(made))

    def rows_of(self, code: ast.expr, row: str, names: Mapping[str, Any]) -> MatchingRows:
        """The rows that an expression finds, in which the row has that name.

        :raises UnreadError: it is something else.
        """
        self._row, self._globals = row, names
        found = self._matching(code)
        if found is None:
            raise UnreadError
        return found

    def asked(self, code: ast.expr, row: str, names: Mapping[str, Any]) -> tuple[MatchingRows, bool] | None:
        """The rows by the caller for which an expression asks, and whether it denies them; None of another expression.

        :raises UnreadError: it asks otherwise.
        """
        self._row, self._globals = row, names
        found, denied = self._of_caller(code), False
        if isinstance(found, ast.UnaryOp):
            found, denied = found.operand, True
        match found:
            case ast.Compare(left=ast.Name(id=name), ops=[ast.Gt()]) if name in self.seen.matches:
                rows: MatchingRows = self.seen.matches[name]
                if not rows.is_callers:
                    raise UnreadError
                return rows, denied
        return None

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
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name != self._row:
                kept = self._kept(value)
                self._locals[name] = self._read(value) if kept is None else kept
                return self._block(rest)
            case ast.Try(body=tried, handlers=[handler], orelse=[], finalbody=[]):
                test, names = self._looked_up(tried, handler), dict(self._locals)
                found = self._block([*tried, *rest])
                self._locals, self._catches = names, False
                return ast.IfExp(test=test, body=found, orelse=self._block([*handler.body, *rest]))
            case ast.If(test=test, body=then, orelse=otherwise):
                return self._chosen(test, lambda: self._block([*then, *rest]), lambda: self._block([*otherwise, *rest]))
        raise UnreadError

    def _chosen(self, test: ast.expr, then: Any, otherwise: Any) -> ast.expr:  # noqa: ANN401 - functions
        """One of two expressions; in the first what the test names isn't null, in the second if the test denies it."""
        condition, before, names = self._condition(test), self._known, dict(self._locals)
        if isinstance(condition, ast.Constant):
            return then() if condition.value else otherwise()
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
                return folded(ast.BoolOp(op=operator, values=self._each(values, operator, self._condition)))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return folded(ast.UnaryOp(op=ast.Not(), operand=self._condition(operand)))
            case ast.Compare(
                left=left, ops=[ast.Is() | ast.IsNot() as operator], comparators=[ast.Constant(value=None)]
            ):
                if (key := self._key(left)) is not None:
                    return ast.Compare(left=key, ops=[operator], comparators=[ast.Constant(value=None)])
        key = self._key(test)
        if key is None:
            found = self._truth(test)
            found = self._read(test) if found is None else found
            return ast.Constant(value=True) if is_request(found) or is_user(found) else found
        if (names := self._attributes(test)) and self._may_be_false(names[0]):
            raise UnreadError
        return ast.Compare(left=key, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)])

    def _each(
        self, values: list[ast.expr], operator: ast.boolop, read: Callable[[ast.expr], ast.expr]
    ) -> list[ast.expr]:
        """The values that are joined, each with what those before it prove; those that are never looked at are none."""
        before, found = self._known, list[ast.expr]()
        for each in values:
            found.append(read(each))
            if isinstance(found[-1], ast.Constant) and bool(found[-1].value) is isinstance(operator, ast.Or):
                break
            self._known |= self._proved(each, holds=isinstance(operator, ast.And))
        self._known = before
        return found

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
        match test:
            case ast.Attribute(value=owner, attr="is_authenticated" | "is_anonymous" as name) if is_user(
                self._symbol(owner)
            ):
                return frozenset({SIGNED_IN}) if holds is (name == "is_authenticated") else frozenset()
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
        if (found := self._of_caller(code)) is not None:
            return found
        match code:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name)), keywords=[]) if (
                name and name == self._serializer
            ):
                return self._helped(code)
            case ast.Call(func=ast.Attribute(value=inner, attr=name), args=[_, *_] as args, keywords=[]) if (
                self._is_row(inner) and self._path == () and isinstance(inner, ast.Name) and name not in _METHODS
            ):
                function = inspect.getattr_static(self._model, name, None)
                return self._reader(self._model, self._path).returned(
                    function, given=[self._given(each) for each in args]
                )
            case ast.Name(id=name) if name in self._locals:
                # Rows themselves are no value: `row and row.score` is None without one.
                if is_rows(self._locals[name]):
                    raise UnreadError
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

    def _given(self, code: ast.expr) -> Any:  # noqa: ANN401 - a model, or an expression
        """What a function is called with: a model's class, or an expression that was read."""
        found = named(code, self._globals)
        return found if isinstance(found, type) else self._read(code)

    def _helped(self, called: ast.Call) -> ast.expr:
        """What another method of the serializer returns, of the same row or of none."""
        assert isinstance(called.func, ast.Attribute)  # noqa: S101 - the caller has looked
        function = inspect.getattr_static(self.serializer, called.func.attr, None)
        reader = self._reader(self._model, self._path)
        reader.serializer = self.serializer
        is_of_row = bool(called.args) and isinstance(called.args[0], ast.Name) and called.args[0].id == self._row
        given = [self._given(each) for each in called.args[is_of_row:]]
        return reader.returned(function, row=1 if is_of_row else 0, given=given)

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
        if isinstance(code, ast.BoolOp):
            return folded(ast.BoolOp(op=code.op, values=self._each(code.values, code.op, self._read)))
        fields: dict[str, Any] = {}
        for name, value in ast.iter_fields(code):
            if isinstance(value, ast.expr):
                fields[name] = self._read(value)
            elif isinstance(value, list):
                fields[name] = [self._read(each) if isinstance(each, ast.expr) else each for each in value]
            else:
                fields[name] = value
        return folded(type(code)(**fields))
