"""Query parameters that are validated, not only ignored when they make no sense."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi_app.drf.errors import ValidationFailed
from fastapi_app.drf.validators import Invalid

_LONGEST_INTEGER = 1000
# 7.0 is taken for 7.
_DECIMAL_ZEROS = re.compile(r"\.0*\s*$")


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
        raise ValidationFailed({name: error.detail}) from None
