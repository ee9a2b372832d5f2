"""A column's facts on a key of a Pydantic model: `title: Annotated[str, Stored(Post, "title")]`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from shared_schema.contract.contract import ColumnFacts, Contract
from shared_schema.mapping import Reflected

_VALIDATORS: Final = "django.core.validators."
_TEXTS: Final = ("CharField", "TextField", "SlugField", "FileField", "FilePathField")


@dataclass(frozen=True)
class Stored:
    """What a value of `column` in the table of `model` may be: choices, length, digits.

    With `sent` also what Django asks of values that somebody sends, which rows from before may not keep to: validators,
    and that a text isn't blank. `contract` is that of the model's mapping where none is given.
    """

    model: type[Reflected]
    column: str
    sent: bool = False
    contract: Contract | None = field(default=None, hash=False)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - Pydantic's own
        """See Pydantic, "customizing validation"."""
        facts = column_facts(self.model, self.column, self.contract)
        if facts.choices is not None:
            blank = ("",) if facts.blank and facts.kind in _TEXTS and "" not in facts.choices else ()
            return handler.generate_schema(Literal[(*facts.choices, *blank)])
        limits = [*_limits(facts), *(_asked(facts) if self.sent else ())]
        return handler.generate_schema(Annotated[(source, *limits)]) if limits else handler(source)


def column_facts(model: type[Reflected], column: str, contract: Contract | None = None) -> ColumnFacts:
    """What the contract, that of the model's mapping where none is given, says of a column.

    Raises:
        LookupError: it knows none of that name.
    """
    table = model.key()
    found = (contract or model.__mapping__.contract).tables.get(table)
    if found is None or column not in found.columns:
        raise LookupError(
            f"Column {table}.{column} is not in the contract: name one that is, or export the schema again."
        )
    return found.columns[column]


def validator_argument(facts: ColumnFacts, name: str, argument: str) -> Any:  # noqa: ANN401 - whatever it was made with
    """What the column's validator of that name (Django's own) was made with; None where it has no such validator."""
    for validator in facts.validators:
        if validator.name == _VALIDATORS + name:
            return validator.arguments.get(argument)
    return None


def _limits(facts: ColumnFacts) -> Iterator[Any]:
    if facts.max_length is not None and facts.kind in _TEXTS:
        yield MaxLen(facts.max_length)
    if facts.max_digits is not None:
        yield Field(max_digits=facts.max_digits, decimal_places=facts.decimal_places)


def _asked(facts: ColumnFacts) -> Iterator[Any]:
    if facts.kind in _TEXTS:
        shortest = validator_argument(facts, "MinLengthValidator", "limit_value") or (0 if facts.blank else 1)
        if shortest:
            yield MinLen(shortest)
        pattern = validator_argument(facts, "RegexValidator", "regex")
        # Flags and the inverse have no form in JSON Schema.
        if isinstance(pattern, str) and not validator_argument(facts, "RegexValidator", "inverse_match"):
            yield Field(pattern=pattern)
    if (least := validator_argument(facts, "MinValueValidator", "limit_value")) is not None:
        yield Ge(least)
    elif facts.kind.startswith("Positive"):
        yield Ge(0)
    if (most := validator_argument(facts, "MaxValueValidator", "limit_value")) is not None:
        yield Le(most)
