"""A validator is read where it compares the value with constants, and nothing else."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from rest_framework.exceptions import ValidationError as DrfError

from strangler_django.contract.own_checks import own_checks

MOST = 9
NAMES = {"me"}


def plain(value: Any) -> None:
    """Says what is wrong."""
    if value < 1 or value > MOST:
        raise ValidationError("%(number)s is none of 1 to 9.", code="range", params={"number": value})
    elif value in NAMES:  # noqa: RET506 - so some write it
        raise DrfError(f"Not {value}!")


def years(value: Any) -> Any:
    this = dt.date.today().year  # noqa: DTZ011 - so some write it
    if value >= this:
        raise ValidationError("100% later")
    if value != timezone.now().year:
        raise ValidationError("other")
    return value


def test_comparisons_with_constants_are_read() -> None:
    said = [None, " is none of 1 to 9."]
    assert own_checks(plain) == [
        ["value", "<", 1, ["", *said], "range"],
        ["value", ">", 9, ["", *said], "range"],
        ["value", "in", ["me"], ["Not ", None, "!"], "invalid"],
    ]
    assert own_checks(years) == [
        ["value", ">=", {"year": "UTC"}, ["100% later"], "invalid"],
        ["value", "!=", {"year": "UTC"}, ["other"], "invalid"],
    ]


def changes(value: Any) -> None:
    value = value * 2
    if value > 1:
        raise ValidationError("x")


def asks(value: Any) -> None:
    if value > len(NAMES):
        raise ValidationError("x")


def computes(value: Any) -> None:
    if value % 2 > 0:
        raise ValidationError("x")


def several(value: Any) -> None:
    if value > 1:
        raise ValidationError(["x", "y"])


def both(value: Any) -> None:
    if value > 1 and value < 3:
        raise ValidationError("x")


def otherwise(value: Any) -> None:
    if value > 1:
        pass
    else:
        raise ValidationError("x")


def formatted(value: Any) -> None:
    if value > 1:
        raise ValidationError(f"{value:>3}")


def percent(value: Any) -> None:
    if value > 1:
        raise ValidationError("%(value)s of 100%%", params={"value": value})


def other_error(value: Any) -> None:
    if value > 1:
        raise ValueError("x")


def logs(value: Any) -> None:
    print(value)  # noqa: T201 - so some write it
    if value > 1:
        raise ValidationError("x")


def returns_early(value: Any) -> None:
    if value == 0:
        return
    if value < 1:
        raise ValidationError("x")


def nothing(value: Any) -> None:  # noqa: ARG001 - as above
    return None


def made(most: int) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if value > most:
            raise ValidationError("x")

    return check


@pytest.mark.parametrize(
    "function",
    [
        *(changes, asks, computes, several, both, otherwise, formatted, percent, other_error, logs, returns_early),
        *(nothing, made(3), lambda _value: None, int),
    ],
)
def test_anything_else_is_not(function: Any) -> None:
    assert own_checks(function) is None
