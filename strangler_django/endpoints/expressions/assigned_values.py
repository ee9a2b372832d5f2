"""What code of a project's own gives a column as it saves a row: a constant, the time, or the caller."""

import ast
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import DateTimeField, ForeignKey
from django.utils import timezone

from strangler_django.contract.plain import plain
from strangler_django.endpoints.code.own_code import UnreadError, named
from strangler_django.endpoints.code.own_expressions import CALLER
from strangler_django.endpoints.expressions.matching_rows import fits


def assigned(field: Any, code: ast.expr, names: Mapping[str, Any]) -> list[Any]:  # noqa: ANN401 - a field
    """An expression as a list of `caller`, of `now`, or of `value` and a constant; `names` are those of its module.

    :raises UnreadError: it is something else, or nothing that the column takes.
    """
    if ast.unparse(code) == CALLER:
        target = field.related_model if isinstance(field, ForeignKey) else None
        if target is not get_user_model() or not field.target_field.primary_key:
            raise UnreadError
        return ["caller"]
    if is_now(code, names):
        if type(field) is not DateTimeField or not settings.USE_TZ:
            raise UnreadError
        return ["now"]
    match code:
        case ast.Constant(value=value):
            pass
        case _:
            value = named(code, names)
            if value is None:
                raise UnreadError
    if value is not None and not isinstance(value, str | int):
        # Django saves another text of an enumeration that is none of texts or numbers.
        raise UnreadError
    plain_value = plain(value)
    if (plain_value is None and not field.null) or (plain_value is not None and not fits(plain_value, field)):
        raise UnreadError
    return ["value", plain_value]


def given_value(field: Any, code: ast.expr, names: Mapping[str, Any]) -> list[Any]:  # noqa: ANN401 - as above
    """The same of an argument of `serializer.save`, by the column that it fills.

    :raises UnreadError: as above; or Django fills the column by itself, or none is like another.
    """
    is_timed = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    if field is None or field.primary_key or field.unique or is_timed:
        raise UnreadError
    return assigned(field, code, names)


def is_now(code: ast.expr, names: Mapping[str, Any]) -> bool:
    """Whether an expression is the time: `timezone.now()`."""
    match code:
        case ast.Call(func=called, args=[], keywords=[]):
            return named(called, names) is timezone.now
    return False
