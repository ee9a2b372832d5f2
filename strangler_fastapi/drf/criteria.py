"""What narrows a read: conditions whose values are parameters, so that a statement is built once for many requests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Numeric, bindparam, false

from shared_schema.contract.values import BIGGEST
from strangler_fastapi.drf.validators import Invalid, check_storable, is_in_range
from strangler_fastapi.errors import ApiError, Http404

# Others are made by their own class.
_CONVERTERS: dict[type, Callable[[str], Any]] = {date: date.fromisoformat, datetime: datetime.fromisoformat}


@dataclass(frozen=True)
class Criterion:
    """One condition. Two of the same name differ in nothing but their values.

    `refusal` is what a statement with it is answered with: one that Django makes, too, and that fails in the database.
    `scans` says that no index finds the rows that meet it: a page and its count then look at them once, together.
    """

    name: str
    clause: Callable[[], ColumnElement[bool]]
    values: Mapping[str, Any] = field(default_factory=dict)
    refusal: ApiError | None = None
    scans: bool = False


Criteria = tuple[Criterion, ...]


def equals(name: str, column: Callable[[], Any], value: object, *, parameter: str | None = None) -> Criterion:
    """`column` holds `value`; the statement's parameter has the criterion's name where none is given."""
    bound = parameter or name
    return Criterion(name, lambda: column() == bindparam(bound), {bound: value})


def primary_key(column: Callable[[], Any], text: str) -> Criterion:
    """`column` holds the number in the path; a number too large for the column matches nothing.

    Raises:
        Http404: it is no number.
    """
    try:
        key = int(text)
    except ValueError:
        raise Http404 from None
    return equals("pk", column, key) if abs(key) <= BIGGEST["bigint"] else Criterion("nothing", false)


def lookup(column: Callable[[], Any], text: str, name: str = "pk") -> Criterion:
    """`column` holds what a path names (`get_object_or_404`); a number too large for the column matches nothing.

    Raises:
        Http404: the text is no value of the column's type.
    """
    kind = column().type
    try:
        value = read_text(kind.python_type, text)
    except (ArithmeticError, TypeError, ValueError, Invalid):
        raise Http404 from None
    # Of no filter's name.
    held = equals(name, column, value, parameter=f"{name} of the path")
    return held if is_in_range(kind, value) else Criterion("nothing", false)


def compared_type(kind: Any) -> Any:  # noqa: ANN401 - types of SQLAlchemy
    """The type of a value that a column is compared with: a number may have more digits than the column's."""
    return Numeric() if isinstance(kind, Numeric) and kind.asdecimal else kind


def read_text(kind: type, text: str) -> Any:  # noqa: ANN401 - of that type
    """A text as a value of a column's Python type.

    Raises:
        ArithmeticError, TypeError, ValueError: it is none.
        Invalid: no column can hold it.
    """
    value = _CONVERTERS.get(kind, kind)(text)
    if isinstance(value, str):
        check_storable(value)
    return value


def key_of(criteria: Criteria) -> tuple[str, ...]:
    """The structure that the criteria give to a statement."""
    return tuple(criterion.name for criterion in criteria)


def values_of(criteria: Criteria) -> dict[str, Any]:
    """The parameters of all criteria.

    Raises:
        ApiError: the database doesn't take one of them.
        LookupError: two criteria have another value of one name, and either would narrow by that of the other.
    """
    values: dict[str, Any] = {}
    for criterion in criteria:
        if criterion.refusal:
            raise criterion.refusal
        for name, value in criterion.values.items():
            if values.setdefault(name, value) is not value:
                raise LookupError(f"Two criteria of a list have the parameter {name!r}: give one another name.")
    return values


def clauses_of(criteria: Criteria) -> list[ColumnElement[bool]]:
    """The conditions themselves."""
    return [criterion.clause() for criterion in criteria]
