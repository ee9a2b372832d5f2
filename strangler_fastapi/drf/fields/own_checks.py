"""What a function of a project's own checks as a validator of a column: comparisons with constants, by the contract."""

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from strangler_fastapi.drf.fields.fields import Scope, Validator
from strangler_fastapi.drf.validators import Invalid
from strangler_fastapi.errors import ErrorDetail

_SIGNS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda value, others: value in others,
    "not in": lambda value, others: value not in others,
}
_OF_VALUE: Final[Mapping[str, Callable[[Any], Any]]] = {"length": len, "lower": str.lower, "value": lambda value: value}


def own_checks(checks: list[list[Any]]) -> Validator:
    """Checks as the contract has them (see Django's `own_checks`): the first that fails is what is said."""

    def check(value: Any, _scope: Scope) -> None:  # noqa: ANN401 - of the column's type
        for of, sign, other, text, code in checks:
            bound = datetime.now(ZoneInfo(other["year"])).year if isinstance(other, Mapping) else other
            if _SIGNS[sign](_OF_VALUE[of](value), bound):
                raise Invalid([ErrorDetail("".join(str(value) if each is None else each for each in text), code)])

    return check
