"""What the validators of a model's column check, as DRF's ModelSerializer takes them.

Some become arguments of the field, which then has DRF's texts; the others are called, and have Django's.

Source: `rest_framework.utils.field_mapping.get_field_kwargs`.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from shared_schema.contract.callables import callable_of, is_callable_known
from shared_schema.contract.contract import ColumnFacts, ValidatorFacts
from shared_schema.contract.values import as_column
from strangler_fastapi.drf.fields.fields import Scope, Validator
from strangler_fastapi.drf.fields.file_fields import allowed_endings
from strangler_fastapi.drf.validators import Invalid, Pattern, at_least, filled, username_characters
from strangler_fastapi.errors import ErrorDetail

EMAIL: Final = "django.core.validators.EmailValidator"
URL: Final = "django.core.validators.URLValidator"
# Of an address of a network, by what checks it.
PROTOCOLS: Final = {
    "django.core.validators.validate_ipv4_address": "ipv4",
    "django.core.validators.validate_ipv46_address": "both",
    "django.core.validators.validate_ipv6_address": "ipv6",
}
# What a field makes sure of itself.
_BUILT_IN: Final = frozenset({*PROTOCOLS, EMAIL, URL, "django.core.validators.ProhibitNullCharactersValidator"})
_SLUG: Final = r"^[-a-zA-Z0-9_]+\Z"
# Kinds of columns whose least and greatest value DRF's field is made with.
_NUMERIC: Final = frozenset(
    {
        *("BigIntegerField", "DecimalField", "DurationField", "FloatField", "IntegerField", "PositiveBigIntegerField"),
        *("PositiveIntegerField", "PositiveSmallIntegerField", "SmallIntegerField"),
    }
)
_SHORT_TEXTS: Final = frozenset({"CharField", "SlugField"})
_SIZED: Final = _SHORT_TEXTS | {"FileField", "TextField"}
# What functions of a project's own compare with constants, and of a value.
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


@dataclass(frozen=True)
class _Limit:
    """A validator of Django's that holds a value against a limit, or its length.

    `plural` is for a limit of any but 1; where it `counts_shown`, for such a length.
    """

    code: str
    is_beyond: Callable[[Any, Any], bool]
    message: str
    plural: str | None = None
    counts_shown: bool = False


_LIMITS: Final = {
    "django.contrib.postgres.validators.ArrayMaxLengthValidator": _Limit(
        "max_length",
        operator.gt,
        "List contains %(show_value)d item, it should contain no more than %(limit_value)d.",
        "List contains %(show_value)d items, it should contain no more than %(limit_value)d.",
        counts_shown=True,
    ),
    "django.contrib.postgres.validators.ArrayMinLengthValidator": _Limit(
        "min_length",
        operator.lt,
        "List contains %(show_value)d item, it should contain no fewer than %(limit_value)d.",
        "List contains %(show_value)d items, it should contain no fewer than %(limit_value)d.",
        counts_shown=True,
    ),
    "django.core.validators.MaxValueValidator": _Limit(
        "max_value", operator.gt, "Ensure this value is less than or equal to %(limit_value)s."
    ),
    "django.core.validators.MinValueValidator": _Limit(
        "min_value", operator.lt, "Ensure this value is greater than or equal to %(limit_value)s."
    ),
    "django.core.validators.MaxLengthValidator": _Limit(
        "max_length",
        operator.gt,
        "Ensure this value has at most %(limit_value)d character (it has %(show_value)d).",
        "Ensure this value has at most %(limit_value)d characters (it has %(show_value)d).",
    ),
    "django.core.validators.MinLengthValidator": _Limit(
        "min_length",
        operator.lt,
        "Ensure this value has at least %(limit_value)d character (it has %(show_value)d).",
        "Ensure this value has at least %(limit_value)d characters (it has %(show_value)d).",
    ),
}

_validators: dict[str, Callable[[Mapping[str, Any]], Validator]] = {
    "django.contrib.auth.validators.UnicodeUsernameValidator": lambda _: username_characters,
    "django.core.validators.FileExtensionValidator": lambda given: allowed_endings(given["allowed_extensions"]),
    "django.core.validators.RegexValidator": lambda given: Pattern(
        given.get("regex", ""),
        message=given.get("message", "Enter a valid value."),
        flags=given.get("flags", 0),
        inverse=given.get("inverse_match", False),
    ),
}


def validator_register(name: str, make: Callable[[Mapping[str, Any]], Validator]) -> None:
    """Has `make` give what checks as Django's validator `name` does; it is called with that one's arguments."""
    _validators[name] = make


def limit_arguments(facts: ColumnFacts) -> dict[str, Any]:
    """The arguments of a field that validators of its column become: `max_value`, `min_value`, `min_length`."""
    found: dict[str, Any] = {}
    for validator in facts.validators:
        limit = _LIMITS.get(validator.name)
        if limit is None or limit.code == "max_length" or not _is_first(validator, facts):
            continue
        given = validator.arguments.get("limit_value")
        if _is_argument(limit, facts) and not _is_callable(given):
            found[limit.code] = _value(given, facts, limit)
    return found


def is_slug(validator: ValidatorFacts) -> bool:
    """Whether it is Django's `validate_slug`, in whose place `SlugField` has a check of its own."""
    return validator.arguments.get("regex") == _SLUG


def column_checks(facts: ColumnFacts, name: str) -> list[Validator]:
    """What the validators of a column check that its field doesn't; `name` is the column's, for errors.

    Raises:
        LookupError: there is no counterpart of one, or of the function that says its limit.
    """
    checks = (
        _check(validator, facts, name)
        for validator in facts.validators
        if validator.name not in _BUILT_IN and not (facts.kind == "SlugField" and is_slug(validator))
    )
    return [check for check in checks if check is not None]


def _check(validator: ValidatorFacts, facts: ColumnFacts, name: str) -> Validator | None:
    limit = _LIMITS.get(validator.name)
    if limit is not None:
        return _limit_check(limit, validator, facts, name)
    make = _validators.get(validator.name)
    if make is None and "checks" in validator.arguments:
        return _own_checks(validator.arguments["checks"])
    if make is None:
        raise LookupError(
            f"Column {name} is checked by {validator.name}, which has no counterpart here: register one,"
            f' `validator_register("{validator.name}", …)` of strangler_fastapi.drf.fields.model_validators.'
        )
    return make(validator.arguments)


def _own_checks(checks: list[list[Any]]) -> Validator:
    """Checks as the contract has them (see Django's `own_checks`): the first that fails is what is said."""

    def check(value: Any, _scope: Scope) -> None:  # noqa: ANN401 - of the column's type
        for of, sign, other, text, code in checks:
            bound = datetime.now(ZoneInfo(other["year"])).year if isinstance(other, Mapping) else other
            if _SIGNS[sign](_OF_VALUE[of](value), bound):
                raise Invalid([ErrorDetail("".join(str(value) if each is None else each for each in text), code)])

    return check


def _limit_check(limit: _Limit, validator: ValidatorFacts, facts: ColumnFacts, name: str) -> Validator | None:
    """A check with Django's text; None where the field has the limit as its argument, or DRF drops it."""
    given = validator.arguments.get("limit_value")
    is_argument = _is_argument(limit, facts)
    if is_argument and not (_is_callable(given) and limit.code != "max_length" and _is_first(validator, facts)):
        return None
    if is_argument and limit.code == "min_length":
        return _shortest(given, limit, facts, name)
    bound = _bound(given, limit, facts, name)
    own: str | None = None if is_argument else validator.arguments.get("message")

    def check(value: Any, _scope: Scope) -> None:  # noqa: ANN401 - of the column's type
        shown, most = value if limit.plural is None else len(value), bound()
        if not limit.is_beyond(shown, most):
            return
        is_one = (shown if limit.counts_shown else most) == 1
        text = own or (limit.message if limit.plural is None or is_one else limit.plural)
        sentence = filled(text, limit_value=most, show_value=shown, value=value)
        # Where DRF's field has the limit as its argument, the words are its own; in English, they read alike.
        message = None if own or is_argument else limit.message
        raise Invalid([ErrorDetail(sentence, limit.code, message)])

    return check


def _shortest(given: Any, limit: _Limit, facts: ColumnFacts, name: str) -> Validator | None:  # noqa: ANN401 - as the contract has it
    """The check of a text, with DRF's words; None where its field is one of choices, which knows no length."""
    if facts.choices is not None:
        return None
    bound = _bound(given, limit, facts, name)
    return lambda value, scope: at_least(bound())(value, scope)


def _is_first(validator: ValidatorFacts, facts: ColumnFacts) -> bool:
    """Whether it is the first of its kind: of several limits that a field could have, DRF takes that one alone."""
    return next(each for each in facts.validators if each.name == validator.name) is validator


def _is_argument(limit: _Limit, facts: ColumnFacts) -> bool:
    """Whether DRF hands a limit to the field, and drops the validator."""
    if limit.code == "max_length":
        return facts.max_length is not None and facts.kind in _SIZED
    if limit.code == "min_length":
        return facts.kind in _SHORT_TEXTS
    return facts.choices is None and facts.kind in _NUMERIC


def _is_callable(given: object) -> bool:
    """Whether the contract names a function that says the limit."""
    return isinstance(given, Mapping)


def _bound(given: Any, limit: _Limit, facts: ColumnFacts, name: str) -> Callable[[], Any]:  # noqa: ANN401 - as the contract has it
    if not _is_callable(given):
        value = _value(given, facts, limit)
        return lambda: value
    path = given["callable"]
    if not is_callable_known(path):
        raise LookupError(
            f"Column {name} is limited by what {path} returns, which only Django can call: register what gives it,"
            f' `callable_register("{path}", …)` of shared_schema.contract.callables.'
        )
    return callable_of(path, type_name=_type(facts, limit), column=name)


def _value(given: Any, facts: ColumnFacts, limit: _Limit) -> Any:  # noqa: ANN401 - of the column's type
    """A limit as the contract has it, which writes decimals, dates and durations as text."""
    return as_column(given, _type(facts, limit)) if isinstance(given, str) else given


def _type(facts: ColumnFacts, limit: _Limit) -> str:
    return facts.type if limit.plural is None else "bigint"
