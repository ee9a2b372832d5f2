"""Which columns strangler_fastapi makes fields of, and what it checks of their values."""

from collections.abc import Iterator, Mapping
from typing import Final

from shared_schema.contract.contract import ColumnFacts
from strangler.adoption.django_settings import DjangoSettings
from strangler.adoption.serializer_facts import SerializerField

# Those of PostgreSQL's ranges.
RANGES: Final = frozenset(
    {"BigIntegerRangeField", "DateRangeField", "DateTimeRangeField", "DecimalRangeField", "IntegerRangeField"}
)
# The kinds of columns that `strangler_fastapi.drf.fields.model_fields` makes a field of.
KINDS: Final = frozenset(
    {
        *("AutoField", "BigAutoField", "SmallAutoField", "BigIntegerField", "BooleanField", "CharField", "DateField"),
        *("DateTimeField", "DecimalField", "FloatField", "IntegerField", "JSONField", "PositiveBigIntegerField"),
        *("PositiveIntegerField", "PositiveSmallIntegerField", "SlugField", "SmallIntegerField", "TextField"),
        *("TimeField", "UUIDField", "FileField", "DurationField", "GenericIPAddressField", "HStoreField", *RANGES),
    }
)
# The kinds of columns whose values are compared as they are written.
NAMES: Final = frozenset(
    {
        *("AutoField", "BigAutoField", "BigIntegerField", "CharField", "IntegerField", "PositiveIntegerField"),
        *("PositiveSmallIntegerField", "SlugField", "SmallIntegerField", "TextField", "UUIDField"),
    }
)
# The kinds of values that an array may have.
_ITEMS: Final = KINDS - RANGES - {"FileField", "GenericIPAddressField", "HStoreField", "JSONField"}
_VALIDATORS: Final = frozenset(
    {
        *(f"django.contrib.postgres.validators.Array{name}LengthValidator" for name in ("Max", "Min")),
        "django.contrib.auth.validators.UnicodeUsernameValidator",
        *(
            f"django.core.validators.{name}Validator"
            for name in (
                *("Email", "FileExtension", "MaxLength", "MaxValue", "MinLength", "MinValue"),
                *("ProhibitNullCharacters", "Regex", "URL"),
            )
        ),
        *(f"django.core.validators.validate_{name}_address" for name in ("ipv4", "ipv6", "ipv46")),
    }
)
# The format of days and times that is usual.
ISO: Final = "iso-8601"
_TEXTS: Final = frozenset({"CharField", "SlugField", "TextField"})
TEXT_LOOKUPS: Final = frozenset(
    {"iexact", "icontains", "startswith", "istartswith", "endswith", "iendswith", "regex", "iregex"}
)
# Callables whose value the service makes by itself (`shared_schema.contract.callables`).
CALLABLES: Final = (
    *("builtins.", "uuid.", "datetime."),
    *(f"django.utils.timezone.{name}" for name in ("localdate", "localtime", "now")),
)


def is_known(facts: ColumnFacts) -> bool:
    """Whether a column is of a kind that strangler_fastapi makes a field of."""
    if facts.kind != "ArrayField":
        return facts.kind in KINDS
    return facts.items is not None and facts.choices is None and not facts.items.read_only and _is_item(facts.items)


def _is_item(items: ColumnFacts) -> bool:
    return items.kind in _ITEMS if items.kind != "ArrayField" else is_known(items)


def innermost(items: ColumnFacts) -> ColumnFacts:
    """What the values of an array are, or of the arrays within it."""
    return items if items.items is None else innermost(items.items)


def is_usual(items: ColumnFacts, each: SerializerField, settings: DjangoSettings) -> bool:
    """Whether the values of an array are written and read as the library's fields do it by themselves."""
    is_iso = each.format in (None, ISO) and each.input_formats in ((), (ISO,))
    is_utc = settings.use_tz and settings.time_zone == "UTC"
    return is_iso and each.coerce_to_string is not False and (is_utc or innermost(items).kind != "DateTimeField")


def check_gaps(facts: ColumnFacts) -> Iterator[str]:
    """What the validators of a column, and of an array's values, lack here."""
    for validator in facts.validators:
        limit = validator.arguments.get("limit_value")
        if validator.name not in _VALIDATORS and "checks" not in validator.arguments:
            yield f"checked by {validator.name}"
        elif isinstance(limit, Mapping) and not limit["callable"].startswith(CALLABLES):
            yield f"limited by what {limit['callable']} returns"
    if facts.items is not None:
        yield from check_gaps(facts.items)


def is_known_callable(path: str) -> bool:
    """Whether a service makes the value of a default that is called by itself, or no default is."""
    return not path or path.startswith(CALLABLES)


def is_compared(facts: ColumnFacts, lookup: str) -> bool:
    """Whether a filter, a search or a path may compare a column with a value as Django does."""
    # PostgreSQL's text of an array or of JSON is compared then; `contains` and `exact` of these are others.
    if lookup == "search":
        return facts.kind in _TEXTS
    is_known_text = lookup in TEXT_LOOKUPS and facts.kind in ("ArrayField", "JSONField")
    return facts.references is not None or facts.kind in KINDS - RANGES - {"HStoreField", "JSONField"} or is_known_text
