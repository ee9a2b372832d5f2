"""Fields of numbers, as DRF has them under the same names."""

import decimal
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

from annotated_types import Ge, Le
from pydantic import Field as PydanticField

from strangler_fastapi.drf.fields.fields import Field, Scope, Validator, ValueField
from strangler_fastapi.drf.validators import within

# Characters of a text.
LONGEST_NUMBER: Final = 1000
_TOO_LONG: Final = "String value too large."
_NO_NUMBER: Final = "A valid number is required."
_NO_FRACTION: Final = re.compile(r"\.0*\s*$")


@dataclass(frozen=True, kw_only=True)
class IntegerField(Field):
    """A whole number, also one that is written out (`serializers.IntegerField`)."""

    kind: ClassVar[str] = "integer"
    refusal: ClassVar[str] = "A valid integer is required."
    min_value: int | None = None
    max_value: int | None = None

    async def convert(self, value: Any, scope: Scope) -> int:  # noqa: ANN401, ARG002, D102 - see Field
        if isinstance(value, str) and len(value) > LONGEST_NUMBER:
            raise self.refused("max_string_length", _TOO_LONG, max_length=LONGEST_NUMBER)
        try:
            return int(_NO_FRACTION.sub("", str(value)))
        except ValueError:
            raise self.refused("invalid", self.refusal) from None

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:  # noqa: D102 - see Field
        return None if kind is int else int

    def limits(self) -> tuple[Validator, ...]:  # noqa: D102 - see Field
        return within(self.min_value, self.max_value, self.error_messages)

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, D102 - see Field
        least = () if self.min_value is None else (Ge(self.min_value),)
        most = () if self.max_value is None else (Le(self.max_value),)
        return Annotated[(int, *least, *most)] if request and (least or most) else int

    def sample(self) -> int:  # noqa: D102 - see Field
        least = 1 if self.min_value is None else max(1, self.min_value)
        return least if self.max_value is None else min(least, self.max_value)

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        bounds = {"min_value": self.min_value, "max_value": self.max_value}
        return super().describe(name) | {bound: value for bound, value in bounds.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class BigIntegerField(IntegerField):
    """A whole number, answered as text where `coerce_to_string` says so (`serializers.BigIntegerField`)."""

    refusal: ClassVar[str] = "A valid biginteger is required."
    coerce_to_string: bool = False

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:  # noqa: D102 - see Field
        return str if self.coerce_to_string else super().representation(kind)


@dataclass(frozen=True, kw_only=True)
class FloatField(ValueField):
    """A finite number (`serializers.FloatField`)."""

    kind: ClassVar[str] = "float"
    python: ClassVar[type] = float
    min_value: float | None = None
    max_value: float | None = None

    async def convert(self, value: Any, scope: Scope) -> float:  # noqa: ANN401, ARG002, D102 - see Field
        if isinstance(value, str) and len(value) > LONGEST_NUMBER:
            raise self.refused("max_string_length", _TOO_LONG, max_length=LONGEST_NUMBER)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise self.refused("invalid", _NO_NUMBER) from None
        except OverflowError:
            raise self.refused("overflow", "Integer value too large to convert to float") from None
        if not math.isfinite(number):
            raise self.refused("invalid", _NO_NUMBER)
        return number

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:  # noqa: D102 - see Field
        return None if kind is float else float

    def limits(self) -> tuple[Validator, ...]:  # noqa: D102 - see Field
        return within(self.min_value, self.max_value, self.error_messages)

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        return super().describe(name) | _given(min_value=self.min_value, max_value=self.max_value)


@dataclass(frozen=True, kw_only=True)
class DecimalField(ValueField):
    """A number of so many digits, answered as text unless `coerce_to_string` is false (`serializers.DecimalField`).

    `rounding` is one of the decimal module's; `normalize_output` leaves zeros at the end out of an answer.
    """

    kind: ClassVar[str] = "decimal"
    python: ClassVar[type] = Decimal
    max_digits: int | None
    decimal_places: int | None
    min_value: Decimal | None = None
    max_value: Decimal | None = None
    rounding: str | None = None
    normalize_output: bool = False
    coerce_to_string: bool = True

    async def clean(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, D102 - see Field
        return await super().clean(None if self.allow_null and str(value).strip() == "" else value, scope)

    async def convert(self, value: Any, scope: Scope) -> Decimal:  # noqa: ANN401, ARG002, D102 - see Field
        text = str(value).strip()
        if len(text) > LONGEST_NUMBER:
            raise self.refused("max_string_length", _TOO_LONG, max_length=LONGEST_NUMBER)
        try:
            number = Decimal(text)
        except decimal.DecimalException:
            raise self.refused("invalid", _NO_NUMBER) from None
        if not number.is_finite():
            raise self.refused("invalid", _NO_NUMBER)
        self._check_precision(number)
        return self._quantized(number)

    def limits(self) -> tuple[Validator, ...]:  # noqa: D102 - see Field
        return within(self.min_value, self.max_value, self.error_messages)

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return Annotated[str, PydanticField(json_schema_extra={"format": "decimal"})]

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        bounds = _given(min_value=self.min_value, max_value=self.max_value)
        return super().describe(name) | bounds | _given(max_digits=self.max_digits, decimal_places=self.decimal_places)

    def _check_precision(self, number: Decimal) -> None:
        _, digits, exponent = number.as_tuple()
        assert isinstance(exponent, int)  # noqa: S101 - it is finite
        total = len(digits) + exponent if exponent >= 0 else max(len(digits), -exponent)
        places = max(0, -exponent)
        if self.max_digits is not None and total > self.max_digits:
            text = "Ensure that there are no more than {max_digits} digits in total."
            raise self.refused("max_digits", text, max_digits=self.max_digits)
        if self.decimal_places is not None and places > self.decimal_places:
            text = "Ensure that there are no more than {max_decimal_places} decimal places."
            raise self.refused("max_decimal_places", text, max_decimal_places=self.decimal_places)
        if self.max_digits is not None and self.decimal_places is not None:
            whole = self.max_digits - self.decimal_places
            if total - places > whole:
                text = "Ensure that there are no more than {max_whole_digits} digits before the decimal point."
                raise self.refused("max_whole_digits", text, max_whole_digits=whole)

    def _quantized(self, number: Decimal) -> Decimal:
        if self.decimal_places is None:
            return number
        context = decimal.getcontext().copy()
        context.prec = self.max_digits or context.prec
        return number.quantize(Decimal(".1") ** self.decimal_places, rounding=self.rounding, context=context)

    def representation(self, kind: type | None = None) -> Callable[[Any], Any]:  # noqa: ARG002, D102 - see Field
        return self._written

    def _written(self, value: object) -> str | float:
        quantized = self._quantized(value if isinstance(value, Decimal) else Decimal(str(value).strip()))
        quantized = quantized.normalize() if self.normalize_output else quantized
        return f"{quantized:f}" if self.coerce_to_string else float(quantized)


def _given(**bounds: Any) -> dict[str, Any]:  # noqa: ANN401 - numbers
    return {name: value for name, value in bounds.items() if value is not None}
