"""Input fields that validate as DRF's serializer fields do, with the same words and in the same order."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi_app.drf.errors import ValidationFailed

_MISSING = object()
_LONGEST_INTEGER = 1000
# 7.0 is taken for 7.
_DECIMAL_ZEROS = re.compile(r"\.0*\s*$")


class Invalid(Exception):
    """A value that a field refuses; the text is DRF's."""


@dataclass(frozen=True, kw_only=True)
class CharField:
    """Text that must be there. Numbers are taken as text; white space around it is cut off (`serializers.CharField`).

    A read-only field is only described, never read.
    """

    read_only: bool = False

    def describe(self, name: str) -> dict[str, object]:
        """What OPTIONS says of the field (`rest_framework.metadata`)."""
        return {
            "type": "string",
            "required": not self.read_only,
            "read_only": self.read_only,
            "label": name.replace("_", " ").capitalize(),
        }

    def clean(self, value: object) -> str:
        """The text that `value` stands for.

        Raises:
            Invalid: it stands for none.
        """
        if value is None:
            raise Invalid("This field may not be null.")
        if str(value).strip() == "":
            raise Invalid("This field may not be blank.")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Invalid("Not a valid string.")
        return check_characters(str(value).strip())


@dataclass(frozen=True, kw_only=True)
class IntegerParameter:
    """A whole number in a query string (`serializers.IntegerField` on a QueryDict); left out or empty, the default."""

    default: int
    least: int
    most: int

    def clean(self, text: str | None) -> int:
        """The number that `text` stands for.

        Raises:
            Invalid: it stands for none, or for one out of range.
        """
        if not text:
            return self.default
        if len(text) > _LONGEST_INTEGER:
            raise Invalid("String value too large.")
        try:
            number = int(_DECIMAL_ZEROS.sub("", text))
        except ValueError:
            raise Invalid("A valid integer is required.") from None
        if number > self.most:
            raise Invalid(f"Ensure this value is less than or equal to {self.most}.")
        if number < self.least:
            raise Invalid(f"Ensure this value is greater than or equal to {self.least}.")
        return number


def integer_parameter(params: Mapping[str, str], name: str, field: IntegerParameter) -> int:
    """The parameter `name` of a query string.

    Raises:
        ValidationFailed: it is no whole number in the field's range.
    """
    try:
        return field.clean(params.get(name))
    except Invalid as error:
        raise ValidationFailed({name: [str(error)]}) from None


def check_characters(text: str) -> str:
    """Refuses what PostgreSQL's text can't hold.

    Raises:
        Invalid: a NUL or half a surrogate pair.
    """
    if "\x00" in text:
        raise Invalid("Null characters are not allowed.")
    for character in text:
        if "\ud800" <= character <= "\udfff":
            raise Invalid(f"Surrogate characters are not allowed: U+{ord(character):X}.")
    return text


def validate(data: object, fields: Mapping[str, CharField]) -> dict[str, str]:
    """The cleaned values of `fields` in `data`; other keys are ignored.

    Raises:
        ValidationFailed: with every field's error, in the order of `fields`.
    """
    if data is None:
        raise ValidationFailed({"non_field_errors": ["No data provided"]})
    if not isinstance(data, dict):
        kind = type(data).__name__
        raise ValidationFailed({"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]})
    cleaned: dict[str, str] = {}
    errors: dict[str, Any] = {}
    for name, field in fields.items():
        if field.read_only:
            continue
        value = data.get(name, _MISSING)
        try:
            if value is _MISSING:
                raise Invalid("This field is required.")
            cleaned[name] = field.clean(value)
        except Invalid as error:
            errors[name] = [str(error)]
    if errors:
        raise ValidationFailed(errors)
    return cleaned
