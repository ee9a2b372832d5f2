"""The rules that Django's choices and validators give a column, as far as a CHECK constraint can say them."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from shared_schema.contract.contract import ColumnFacts, TableFacts, ValidatorFacts
from shared_schema.contract.values import as_column, python_type

RuleKind = Literal["choices", "min", "max", "min_length", "max_length"]
_VALIDATORS: Final[dict[str, RuleKind]] = {
    "django.core.validators.MinValueValidator": "min",
    "django.core.validators.MaxValueValidator": "max",
    "django.core.validators.MinLengthValidator": "min_length",
    "django.core.validators.MaxLengthValidator": "max_length",
}
_NUMBERS: Final = frozenset({int, float, Decimal})
# PostgreSQL cuts names after so many bytes.
_LONGEST_NAME: Final = 63


@dataclass(frozen=True)
class ColumnRule:
    """What a value must be: one of `values`, or within the single limit in it; NULL always passes.

    `or_empty` is whether an empty text passes too, as Django's validators skip it.
    """

    name: str
    column: str
    kind: RuleKind
    values: tuple[Any, ...]
    or_empty: bool = False


def table_rules(table: TableFacts) -> Iterator[ColumnRule]:
    """The rules of all columns of a table, by column."""
    for column, facts in table.columns.items():
        if facts.choices:
            yield from _choices(table.name, column, facts)
        for validator in facts.validators:
            if (kind := rule_kind(facts, validator)) is not None:
                limit = as_column(validator.arguments["limit_value"], _limit_type(kind, facts))
                empty = kind == "min_length" and facts.blank
                yield ColumnRule(check_name(table.name, column, kind), column, kind, (limit,), empty)


def rule_kind(facts: ColumnFacts, validator: ValidatorFacts) -> RuleKind | None:
    """The kind of rule that a validator is; None where SQL can't say it."""
    kind = _VALIDATORS.get(validator.name)
    limit = validator.arguments.get("limit_value")
    if kind is None or isinstance(limit, dict) or limit is None:
        return None
    wanted = frozenset({str}) if kind.endswith("_length") else _NUMBERS
    return kind if python_type(facts.type) in wanted else None


def check_name(table: str, column: str, kind: RuleKind) -> str:
    """The name of a rule's constraint: `posts_status_choices`; a long one is cut and bears a checksum."""
    name = f"{table}_{column}_{kind}"
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    tail = f"_{zlib.crc32(name.encode()):08x}_{kind}"
    return name.encode()[: _LONGEST_NAME - len(tail)].decode(errors="ignore") + tail


def _choices(table: str, column: str, facts: ColumnFacts) -> Iterator[ColumnRule]:
    kind = python_type(facts.type)
    if kind is not str and kind not in _NUMBERS:
        return
    allowed = [value for value in facts.choices or () if value is not None]
    # What Django writes by itself is allowed, whatever the choices are; "" stands for no value, and a form refuses it.
    if facts.default is not None and facts.default != "":
        allowed.append(facts.default)
    if kind is str and facts.blank:
        allowed.append("")
    values = tuple(dict.fromkeys(as_column(value, facts.type) for value in allowed))
    yield ColumnRule(check_name(table, column, "choices"), column, "choices", values)


def _limit_type(kind: RuleKind, facts: ColumnFacts) -> str:
    return "bigint" if kind.endswith("_length") else facts.type
