"""How a branch of `get_queryset` narrows rows by one query parameter, read from its code.

genres = self.request.query_params.get("genres")
if genres:
    queryset = queryset.filter(genres__id__in=[int(each) for each in genres.split(",")])

assigned_only = bool(int(self.request.query_params.get("assigned_only", 0)))
if assigned_only:
    queryset = queryset.filter(recipe__isnull=False)
"""

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import models
from django.utils.dateparse import parse_date

from strangler_django.contract.plain import plain
from strangler_django.endpoints.code.filtered_columns import FilteredColumn, column_at
from strangler_django.endpoints.code.own_code import UnreadError, method_of, named, only_statement
from strangler_django.endpoints.code.own_expressions import PARAMETERS, replaced


@dataclass(frozen=True)
class ReadFilter:
    """What a query parameter narrows rows by: a value that any of the columns is compared with.

    `form` is how its text is read: text, integer, float, number, boolean, identifier or day (by `format`), in lists
    with commas where the lookup is `in`. With `given` (any text), `flag` (a whole number that isn't 0) or `words`
    (one of these; in any case where they `ignore_case`) the columns are compared with constants.
    """

    form: str
    columns: tuple[FilteredColumn, ...]
    format: str | None = None
    words: tuple[str, ...] = ()
    ignore_case: bool = False
    is_distinct: bool = False

    @property
    def multiplies(self) -> bool:
        """Whether rows may be found more than once."""
        return not self.is_distinct and any(each.multiplies for each in self.columns)

    @property
    def facts(self) -> dict[str, Any]:
        """The same as JSON."""
        columns = [each.facts for each in self.columns]
        facts: dict[str, Any] = {"form": self.form, "columns": columns}
        facts |= {"format": self.format} if self.format else {}
        return facts | ({"words": list(self.words), "ignore_case": self.ignore_case} if self.words else {})


@dataclass(frozen=True)
class _Wanted:
    """What a branch wants of its parameter: `given`, `flag` or `words`."""

    parameter: str
    form: str
    words: tuple[str, ...] = ()
    ignore_case: bool = False


class FilterReader:
    """Reads branches of a method of a view, in whose module names stand for what `names` says."""

    def __init__(self, view: type, names: Mapping[str, Any]) -> None:
        self._view = view
        self._names = names

    def read(
        self,
        test: ast.expr,
        conditions: Sequence[ast.expr | ast.keyword],
        model: Any,  # noqa: ANN401 - a model class
    ) -> tuple[str, ReadFilter]:
        """The parameter, and what it narrows the rows of `model` by where `test` holds.

        `conditions` are the arguments of `filter`.

        :raises UnreadError: it is something else.
        """
        wanted = self._wanted(test)
        if wanted is None or len(conditions) != 1:
            raise UnreadError
        found = [self._column(model, each, wanted) for each in self._alternatives(conditions[0])]
        forms = {(form, pattern) for _column, form, pattern in found}
        if len(forms) != 1:
            raise UnreadError
        ((form, pattern),) = forms
        columns = tuple(column for column, _form, _pattern in found)
        if form != wanted.form and wanted.form != "given":
            # Of `int(…)` that is 0 there is no narrowing; of a text that is `0` there is.
            raise UnreadError
        return wanted.parameter, ReadFilter(form, columns, pattern, wanted.words, wanted.ignore_case)

    def _wanted(self, test: ast.expr) -> _Wanted | None:
        match test:
            case ast.BoolOp(op=ast.And(), values=[first, second]):
                before, then = self._wanted(first), self._wanted(second)
                is_same = before and then and before.parameter == then.parameter and before.form == "given"
                return then if is_same else None
            case ast.UnaryOp(op=ast.Not(), operand=ast.UnaryOp(op=ast.Not(), operand=inner)):
                return self._wanted(inner)
            case ast.Call(func=ast.Name(id="bool"), args=[inner], keywords=[]):
                return self._wanted(inner)
            case ast.Call(func=ast.Name(id="int"), args=[inner], keywords=[]):
                name = _parameter(inner, lambda otherwise: otherwise in (0, "0", False))
                return None if name is None else _Wanted(name, "flag")
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[ast.Constant(value=str(word))]):
                return _one_of(left, [word])
            case ast.Compare(
                left=left,
                ops=[ast.In()],
                comparators=[ast.Tuple(elts=words) | ast.List(elts=words) | ast.Set(elts=words)],
            ):
                return _one_of(left, [getattr(each, "value", None) for each in words])
        name = _parameter(test, lambda otherwise: not otherwise, is_optional=True)
        return None if name is None else _Wanted(name, "given")

    def _alternatives(self, condition: ast.expr | ast.keyword) -> Iterator[ast.keyword]:
        """The conditions of which one has to be met: `Q(a=x) | Q(b=x)`."""
        match condition:
            case ast.keyword():
                yield condition
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                yield from self._alternatives(left)
                yield from self._alternatives(right)
            case ast.Call(func=called, args=[], keywords=[ast.keyword(arg=str()) as keyword]) if (
                named(called, self._names) is models.Q
            ):
                yield keyword
            case _:
                raise UnreadError

    def _column(
        self,
        model: Any,  # noqa: ANN401 - a model class
        condition: ast.keyword,
        wanted: _Wanted,
    ) -> tuple[FilteredColumn, str, str | None]:
        """One condition, and the form of its value."""
        column = column_at(model, condition.arg or "")
        constant = self._constant(condition.value)
        if constant:
            return column.with_value(constant[0]), wanted.form, None
        kind, pattern, is_several = self._value(condition.value, wanted.parameter)
        return column, column.form(kind, is_several=is_several), pattern

    def _constant(self, code: ast.expr) -> tuple[Any, ...]:
        """The constant that an expression is, if it is one."""
        try:
            found = ast.literal_eval(code)
        except ValueError:
            found = named(code, self._names)
        return (plain(found),) if isinstance(found, bool | int | str) else ()

    def _value(self, code: ast.expr, parameter: str) -> tuple[str, str | None, bool]:
        """What an expression makes of the text: its form, the format of a day, and whether it takes several."""
        code = self._inlined(code)
        match code:
            case ast.Call(func=ast.Name(id="list"), args=[inner], keywords=[]):
                return self._value(inner, parameter)
            case ast.Call(func=ast.Name(id="map"), args=[ast.Name(id="int"), inner]) if self._is_split(
                inner, parameter
            ):
                return "integer", None, True
            case ast.ListComp(
                elt=made, generators=[ast.comprehension(target=ast.Name(id=name), iter=inner, ifs=[])]
            ) if self._is_split(inner, parameter):
                if ast.unparse(made) in (f"int({name})", f"int({name}.strip())"):
                    return "integer", None, True
                if ast.unparse(made) == name:
                    return "sent", None, True
            case ast.Call(func=ast.Name(id=("int" | "float") as kind), args=[inner], keywords=[]) if self._is_sent(
                inner, parameter
            ):
                return {"int": "integer"}.get(kind, kind), None, False
            case ast.Call(func=ast.Attribute(value=inner, attr="date"), args=[], keywords=[]):
                kind, pattern, is_several = self._value(inner, parameter)
                if kind == "day":
                    return kind, pattern, is_several
            case ast.Call(func=called, args=[inner, ast.Constant(value=str(pattern))], keywords=[]) if (
                self._is_sent(inner, parameter) and named(called, self._names) == datetime.strptime
            ):
                return "day", pattern, False
            case ast.Call(func=called, args=[inner], keywords=[]) if self._is_sent(inner, parameter) and (
                named(called, self._names) in (date.fromisoformat, parse_date)
            ):
                return "day", None, False
        if self._is_split(code, parameter):
            return "sent", None, True
        if self._is_sent(code, parameter):
            return "sent", None, False
        raise UnreadError

    def _inlined(self, code: ast.expr) -> ast.expr:
        """The expression that a function of the project's own returns, with what it is called with."""
        match code:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=("self" | "cls")), attr=name), args=[given], keywords=[]
            ):
                found = inspect.getattr_static(self._view, name, None)
                is_bound = not isinstance(found, staticmethod)
                return _returned(getattr(found, "__func__", found), given, is_bound=is_bound) or code
            case ast.Call(func=called, args=[given], keywords=[]):
                found = named(called, self._names)
                return (_returned(found, given, is_bound=False) if inspect.isfunction(found) else None) or code
        return code

    @staticmethod
    def _is_sent(code: ast.expr, parameter: str) -> bool:
        return _parameter(code, lambda otherwise: not otherwise, is_optional=True) == parameter

    def _is_split(self, code: ast.expr, parameter: str) -> bool:
        match code:
            case ast.Call(func=ast.Attribute(value=inner, attr="split"), args=[ast.Constant(value=",")], keywords=[]):
                return self._is_sent(inner, parameter)
        return False


def _parameter(code: ast.expr, may_be: Callable[[Any], bool], *, is_optional: bool = False) -> str | None:
    """The query parameter that an expression is the text of, if what is taken without one is such as `may_be` says."""
    match code:
        case ast.Call(func=ast.Attribute(value=given, attr="get"), args=[ast.Constant(value=str(name)), *otherwise]):
            if code.keywords or ast.unparse(given) not in PARAMETERS:
                return None
            match otherwise:
                case []:
                    return name if is_optional else None
                case [ast.Constant(value=value)]:
                    return name if may_be(value) else None
    return None


def _one_of(left: ast.expr, words: Sequence[Any]) -> _Wanted | None:
    """A parameter that has to be one of some words."""
    match left:
        case ast.Call(func=ast.Attribute(value=inner, attr="lower"), args=[], keywords=[]):
            ignore_case = True
        case _:
            inner, ignore_case = left, False
    name = _parameter(inner, lambda otherwise: not otherwise, is_optional=True)
    if name is None or not words or not all(isinstance(each, str) and each for each in words):
        return None
    return _Wanted(name, "words", tuple(sorted(words)), ignore_case)


def _returned(function: Any, given: ast.expr, *, is_bound: bool) -> ast.expr | None:  # noqa: ANN401 - a function
    """What a function of one statement returns for an argument; None where it does more."""
    made = method_of(function, {"staticmethod", "classmethod"})
    names = [each.arg for each in made.args.args][is_bound:] if made else []
    match only_statement(made):
        case ast.Return(value=ast.expr() as value) if len(names) == 1:
            return replaced(value, {names[0]: given})
    return None
