"""PostgreSQL's ranges as DRF has them: a `ModelField` of Django's RangeField, whose values are JSON as text."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

from sqlalchemy import Numeric
from sqlalchemy.dialects.postgresql import Range

from shared_schema.contract.values import BIGGEST
from strangler_fastapi.drf.fields.fields import Field, Scope
from strangler_fastapi.drf.fields.time_fields import parse_date
from strangler_fastapi.drf.parameters import read_datetime
from strangler_fastapi.drf.validators import MOST_DIGITS, Invalid, is_in_range

_BOUNDS: Final = ("[)", "(]", "()", "[]")
_SHAPE: Final = 'A range is a list of its two ends, or a text such as {"lower": null, "upper": 1, "bounds": "[)"}.'


@dataclass(frozen=True, kw_only=True)
class RangeField(Field):
    """A range of numbers, days or moments, of the `type` that PostgreSQL calls it by.

    What Django fails on with 500 (other shapes, ends that are no values or in the wrong order) is refused.
    """

    kind: ClassVar[str] = "field"
    type: str

    async def convert(self, value: Any, scope: Scope) -> Range[Any]:  # noqa: ANN401, ARG002, D102 - see Field
        given = self._parts(value)
        if given.get("empty"):
            return Range(empty=True)
        lower, upper = (self._end(given.get(name)) for name in ("lower", "upper"))
        bounds = given.get("bounds", "[)")
        if bounds not in _BOUNDS or given.keys() - {"lower", "upper", "bounds", "empty"}:
            raise Invalid(_SHAPE)
        if lower is not None and upper is not None and lower > upper:
            raise Invalid("The start of the range must not exceed the end of the range.", "bound_ordering")
        if self.type in _LAST and (
            (bounds[0] == "(" and lower == _LAST[self.type]) or (bounds[1] == "]" and upper == _LAST[self.type])
        ):
            raise Invalid("The next value after this one is too large for the range.", "max_value")
        return Range(lower, upper, bounds=bounds)

    def representation(self, kind: Any = None) -> Callable[[Any], Any]:  # noqa: ANN401, ARG002, D102 - `type` is a field
        return range_text

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, D102 - see Field
        return Any if request else str

    def sample(self) -> Range[Any]:  # noqa: D102 - see Field
        return Range(empty=True)

    def _parts(self, value: Any) -> Mapping[str, Any]:  # noqa: ANN401 - whatever was sent
        if isinstance(value, list) and len(value) == 2:
            return {"lower": value[0], "upper": value[1]}
        try:
            parts = json.loads(value) if isinstance(value, str) else None
        except (ValueError, RecursionError):
            parts = None
        if not isinstance(parts, dict):
            raise Invalid(_SHAPE)
        return parts

    def _end(self, value: Any) -> Any:  # noqa: ANN401 - whatever was sent, and of the range's values
        if value is None:
            return None
        read, words = _ENDS[self.type]
        try:
            # Of true or a list there is no such text.
            end = read(value if isinstance(value, str) else str(value))
        except (ArithmeticError, TypeError, ValueError):
            raise Invalid(f"\u201c{value}\u201d {words}") from None
        most = _LAST.get(self.type)
        if isinstance(most, int) and not -most - 1 <= end <= most:
            raise Invalid(f"Ensure this value is less than or equal to {most}.", "max_value")
        return end


def range_text(value: Any) -> str:  # noqa: ANN401 - a driver's range
    """A range as Django writes it (`RangeField.value_to_string`)."""
    if value.isempty:
        return json.dumps({"empty": True})
    bounds = ("[" if value.lower_inc else "(") + ("]" if value.upper_inc else ")")
    return json.dumps({"bounds": bounds, "lower": _text(value.lower), "upper": _text(value.upper)})


def _text(end: Any) -> str | None:  # noqa: ANN401 - of the range's values
    if end is None:
        return None
    if isinstance(end, date):
        return end.isoformat()
    return f"{end:f}" if isinstance(end, Decimal) else str(end)


def _number(text: str) -> Decimal:
    number = Decimal(text)
    # The driver takes none with so many digits after the point, and of more before it a wrong one.
    if not is_in_range(Numeric(), number) or int(number.as_tuple().exponent) < -MOST_DIGITS:
        raise ValueError(text)
    return number


def _moment(text: str) -> datetime:
    moment = read_datetime(text)
    # As the driver sends it, and fails on what is no moment of these years there.
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_NO_DAY: Final = "value has an invalid date format. It must be in YYYY-MM-DD format."
_NO_MOMENT: Final = "value has an invalid format. It must be in YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ] format."
# How an end is read, and what Django says of one that isn't (`Field.to_python`).
_ENDS: Final[Mapping[str, tuple[Callable[[str], Any], str]]] = {
    "daterange": (parse_date, _NO_DAY),
    "int4range": (int, "value must be an integer."),
    "int8range": (int, "value must be an integer."),
    "numrange": (_number, "value must be a decimal number."),
    "tstzrange": (_moment, _NO_MOMENT),
}
# The last value of a range of whole ones, whose end PostgreSQL keeps as the first value after it.
_LAST: Final[Mapping[str, Any]] = {
    "daterange": date.max,
    "int4range": BIGGEST["integer"],
    "int8range": BIGGEST["bigint"],
}
