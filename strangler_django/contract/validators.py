"""The validators of a field, and what each was made with."""

import inspect
from typing import Any

from django.core.validators import DecimalValidator, MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db.models import Field

from strangler_django.contract.own_checks import own_checks
from strangler_django.contract.plain import callable_path, plain

Facts = dict[str, Any]

_BIGGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def validator_facts(field: Field, type_name: str) -> list[Facts]:
    """Those of the field in Django's order, but for what its type says already: its length, its digits, its range."""
    return [
        _facts(validator)
        for validator in field.validators
        if not (_checks_nothing(validator) or _is_implied(validator, field, type_name))
    ]


def _checks_nothing(validator: Any) -> bool:  # noqa: ANN401 - a function, a class, or an instance
    """Whether it is the class of a validator (`URLValidator` for `URLValidator()`): Django makes one of each value."""
    return inspect.isclass(validator) and hasattr(validator, "deconstruct")


def _is_implied(validator: Any, field: Field, type_name: str) -> bool:  # noqa: ANN401 - a function, or an instance
    biggest = _BIGGEST.get(type_name)
    if type(validator) is DecimalValidator:
        return validator.max_digits == field.max_digits and validator.decimal_places == field.decimal_places
    limits = {MaxLengthValidator: field.max_length}
    if biggest is not None:
        limits |= {MinValueValidator: -biggest - 1, MaxValueValidator: biggest}
    limit = limits.get(type(validator))
    return limit is not None and validator.limit_value == limit


def _facts(validator: Any) -> Facts:  # noqa: ANN401 - a function, or an instance that can be called
    if not hasattr(validator, "deconstruct"):
        # A class of the project's own too, which may refuse a value when it is made of it.
        checks = own_checks(validator)
        return {"name": callable_path(validator)} | ({"arguments": {"checks": checks}} if checks else {})
    name, arguments, options = validator.deconstruct()
    try:
        # Of the class itself only `*args, **kwargs` are known (django.utils.deconstruct).
        bound = inspect.signature(type(validator).__init__).bind(validator, *arguments, **options)
        named = dict(list(bound.arguments.items())[1:])
    except (TypeError, ValueError):
        named = options
    found = {key: _argument(value) for key, value in _flattened(named).items()}
    return {"name": name} | ({"arguments": found} if found else {})


def _flattened(named: dict[str, Any]) -> dict[str, Any]:
    """What **options hold is beside the named arguments, what *arguments hold a list."""
    more = named.get("kwargs")
    return {key: value for key, value in named.items() if key != "kwargs"} | (more if isinstance(more, dict) else {})


def _argument(value: Any) -> Any:  # noqa: ANN401 - whatever it was made with
    # A limit may be a function, which is called each time.
    return {"callable": callable_path(value)} if inspect.isroutine(value) else plain(value)
