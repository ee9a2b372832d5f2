"""Fields that a column may ask for, besides those that any body has (`serializers`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from strangler_fastapi.drf.serializers import CharField, Field, Scope, Validator
from strangler_fastapi.drf.validators import NO_EMAIL, Invalid, email_address, within

_LONGEST_NUMBER: Final = 1000
_NO_FRACTION: Final = re.compile(r"\.0*\s*$")


@dataclass(frozen=True, kw_only=True)
class ChoiceField(Field):
    """One of the `choices`, which are given as value → what people read (`serializers.ChoiceField`)."""

    kind: ClassVar[str] = "choice"
    choices: Mapping[Any, str]

    async def convert(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        if value == "" and self.allow_blank:
            return ""
        for choice in self.choices:
            if str(choice) == str(value):
                return choice
        raise Invalid(f'"{value}" is not a valid choice.')

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        shown = [{"value": value, "display_name": text} for value, text in self.choices.items()]
        return super().describe(name) | {"choices": shown}


@dataclass(frozen=True, kw_only=True)
class IntegerField(Field):
    """A whole number, also one that is written out (`serializers.IntegerField`)."""

    kind: ClassVar[str] = "integer"
    min_value: int | None = None
    max_value: int | None = None

    async def convert(self, value: Any, scope: Scope) -> int:  # noqa: ANN401, ARG002, D102 - see Field
        if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
            raise Invalid("String value too large.")
        try:
            return int(_NO_FRACTION.sub("", str(value)))
        except ValueError:
            raise Invalid("A valid integer is required.") from None

    def limits(self) -> tuple[Validator, ...]:  # noqa: D102 - see Field
        return within(self.min_value, self.max_value)

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        bounds = {"min_value": self.min_value, "max_value": self.max_value}
        return super().describe(name) | {bound: value for bound, value in bounds.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class EmailField(CharField):
    """An e-mail address (`serializers.EmailField`)."""

    kind: ClassVar[str] = "email"
    refusal: ClassVar[str] = NO_EMAIL

    def limits(self) -> tuple[Validator, ...]:
        """The text's, then the address's."""
        return (*super().limits(), email_address)
