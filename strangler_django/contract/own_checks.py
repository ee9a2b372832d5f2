"""What a function of a project's own checks as a validator, where it compares a value with constants and does no more.

def validate_year(value):
    if value > timezone.now().year:
        raise ValidationError("%(value)s is still to come.", params={"value": value})

Each check is a list: what of the value is compared (`value`, `lower` or `length`), how, with what (a constant, or the
`year` in a time zone), the text with None in the place of the value, and the code.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from types import FunctionType
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from rest_framework.exceptions import ValidationError as DrfError

from strangler_django.python_source import source_of

_SIGNS: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.NotEq: "!=",
    ast.NotIn: "not in",
}


class _OtherError(Exception):
    """The function does something else."""


def own_checks(function: Any) -> list[list[Any]] | None:  # noqa: ANN401 - a validator
    """Its checks, of which the first that a value fails is what is said; None where it does anything else."""
    if not isinstance(function, FunctionType) or function.__closure__ or hasattr(function, "__wrapped__"):
        return None
    made = source_of(function)
    if made is None:
        return None
    try:
        return _Function(made, function.__globals__).checks()
    except _OtherError:
        return None


class _Function:
    def __init__(self, made: ast.stmt, names: Mapping[str, Any]) -> None:
        match made:
            case ast.FunctionDef(
                args=ast.arguments(posonlyargs=[], args=[given], vararg=None, kwonlyargs=[], kwarg=None, defaults=[]),
                decorator_list=[],
            ):
                self._value, self._names = given.arg, names
            case _:
                raise _OtherError
        self._body = made.body[1:] if ast.get_docstring(made) is not None else made.body
        self._years: dict[str, dict[str, str]] = {}

    def checks(self) -> list[list[Any]]:
        """See `own_checks`."""
        found = [check for statement in self._body for check in self._statement(statement)]
        if not found:
            raise _OtherError
        return found

    def _statement(self, statement: ast.stmt) -> Iterator[list[Any]]:
        match statement:
            case ast.Return(value=None | ast.Constant(value=None)) if statement is self._body[-1]:
                return
            case ast.Return(value=ast.Name(id=name)) if statement is self._body[-1] and name == self._value:
                return
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if (year := self._year(value)) is not None:
                if name == self._value:
                    raise _OtherError
                self._years[name] = year
            case ast.If(test=test, body=[ast.Raise(exc=ast.Call() as raised)], orelse=otherwise):
                text, code = self._said(raised)
                for each in test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) else [test]:
                    yield [*self._compared(each), text, code]
                for each in otherwise:
                    if not isinstance(each, ast.If):
                        raise _OtherError
                    yield from self._statement(each)
            case _:
                raise _OtherError

    def _compared(self, test: ast.expr) -> tuple[str, str, Any]:
        match test:
            case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _SIGNS:
                of, other = self._of_value(left), self._other(right)
            case _:
                raise _OtherError
        if isinstance(sign, ast.In | ast.NotIn) is not isinstance(other, list):
            raise _OtherError
        return of, _SIGNS[type(sign)], other

    def _of_value(self, code: ast.expr) -> str:
        places = {
            self._value: "value",
            f"{self._value}.lower()": "lower",
            f"len({self._value})": "length",
        }
        if (found := places.get(ast.unparse(code))) is None or (found == "length" and "len" in self._names):
            raise _OtherError
        return found

    def _other(self, code: ast.expr) -> Any:  # noqa: ANN401 - JSON
        if (year := self._year(code)) is not None:
            return year
        if isinstance(code, ast.Name) and code.id in self._years:
            return self._years[code.id]
        found = self._constant(code)
        each = found if isinstance(found, list) else [found]
        if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in each):
            raise _OtherError
        return found

    def _constant(self, code: ast.expr) -> Any:  # noqa: ANN401 - as above
        try:
            found = ast.literal_eval(code)
        except ValueError:
            found = self._named(code)
        return list(found) if isinstance(found, list | tuple | set | frozenset) else found

    def _year(self, code: ast.expr) -> dict[str, str] | None:
        """The time zone in which it is the year; None of anything else."""
        match code:
            case ast.Attribute(value=ast.Call(func=called, args=[], keywords=[]), attr="year"):
                function = self._named(called)
            case _:
                return None
        if function == timezone.now and settings.USE_TZ:
            return {"year": "UTC"}
        # Django has the process be in its time zone.
        return {"year": settings.TIME_ZONE} if function in (datetime.now, date.today, timezone.now) else None

    def _said(self, raised: ast.Call) -> tuple[list[str | None], str]:
        """The text and the code of what is raised."""
        kind, named = self._named(raised.func), {str(each.arg): each.value for each in raised.keywords}
        is_known = kind in (ValidationError, DrfError) and len(raised.args) == 1
        if not is_known or not {*named} <= ({"code", "params"} if kind is ValidationError else {"code"}):
            raise _OtherError
        code, params = named.get("code", ast.Constant(value="invalid")), named.get("params")
        if not (isinstance(code, ast.Constant) and isinstance(code.value, str)):
            raise _OtherError
        return self._text(raised.args[0], params), code.value

    def _text(self, text: ast.expr, params: ast.expr | None) -> list[str | None]:
        match text, params:
            case ast.Constant(value=str(whole)), None:
                return [whole]
            case ast.Constant(value=str(whole)), ast.Dict(keys=[ast.Constant(value=str(key))], values=[value]) if (
                ast.unparse(value) == self._value and whole.replace(f"%({key})s", "").count("%") == 0
            ):
                return _split(whole.split(f"%({key})s"))
            case ast.JoinedStr(values=parts), None:
                return [self._part(each) for each in parts]
        raise _OtherError

    def _part(self, part: ast.expr) -> str | None:
        match part:
            case ast.Constant(value=str(text)):
                return text
            case ast.FormattedValue(value=ast.Name(id=name), conversion=-1, format_spec=None) if name == self._value:
                return None
        raise _OtherError

    def _named(self, code: ast.expr) -> Any:  # noqa: ANN401 - whatever the module has
        """What a name of the module stands for."""
        match code:
            case ast.Name(id=name) if name in self._names:
                return self._names[name]
            case ast.Attribute(value=inner, attr=attr):
                return getattr(self._named(inner), attr, None)
        raise _OtherError


def _split(texts: Sequence[str]) -> list[str | None]:
    return [part for number, text in enumerate(texts) for part in ((None, text) if number else (text,))]
