"""A key of a Pydantic model that stands for a column takes what the column takes."""

from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared_schema.contract.contract import Contract
from shared_schema.contract.stored import Stored
from shared_schema.mapping import Mapping, Reflected


def validator(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": f"django.core.validators.{name}", "arguments": arguments}


COLUMNS: dict[str, dict[str, Any]] = {
    "title": {"kind": "CharField", "type": "character varying(5)", "max_length": 5},
    "card": {"kind": "CharField", "type": "text", "validators": [validator("MinLengthValidator", limit_value=4)]},
    "remark": {"kind": "TextField", "type": "text", "blank": True},
    "code": {"kind": "CharField", "type": "text", "validators": [validator("RegexValidator", regex="^[a-z]+$")]},
    "condition": {"kind": "CharField", "type": "text", "choices": ["new", "worn"], "blank": True},
    "audience": {"kind": "PositiveSmallIntegerField", "type": "smallint", "choices": [0, 12]},
    "pages": {"kind": "PositiveIntegerField", "type": "integer"},
    "rank": {
        "kind": "IntegerField",
        "type": "integer",
        "validators": [validator("MinValueValidator", limit_value=-1), validator("MaxValueValidator", limit_value=9)],
    },
    "price": {"kind": "DecimalField", "type": "numeric(5,2)", "max_digits": 5, "decimal_places": 2},
    "password": {"kind": "BinaryField", "type": "bytea", "max_length": 3},
}
CONTRACT = Contract.model_validate(
    {
        "format": 2,
        "tables": {
            "things": {
                "name": "things",
                "model": "shop.Thing",
                "columns": {name: {"field": name, "null": False} | facts for name, facts in COLUMNS.items()},
            }
        },
    }
)


class Thing(Reflected):
    __mapping__ = Mapping()
    __tablename__ = "things"


def adapter(column: str, source: Any, *, sent: bool) -> TypeAdapter[Any]:
    kind: Any = Annotated[source, Stored(Thing, column, sent=sent, contract=CONTRACT)]
    return TypeAdapter(kind)


@pytest.mark.parametrize(
    ("column", "source", "schema", "sent"),
    [
        ("title", str, {"type": "string", "maxLength": 5}, {"minLength": 1}),
        ("card", str, {"type": "string"}, {"minLength": 4}),
        ("remark", str, {"type": "string"}, {}),
        ("code", str, {"type": "string"}, {"minLength": 1, "pattern": "^[a-z]+$"}),
        ("condition", str, {"type": "string", "enum": ["new", "worn", ""]}, {}),
        ("audience", int, {"type": "integer", "enum": [0, 12]}, {}),
        ("pages", int, {"type": "integer"}, {"minimum": 0}),
        ("rank", int, {"type": "integer"}, {"minimum": -1, "maximum": 9}),
        ("password", bytes, {"type": "string", "format": "binary"}, {}),
    ],
)
def test_what_is_documented_is_what_the_column_takes(
    column: str, source: Any, schema: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert adapter(column, source, sent=False).json_schema() == schema
    assert adapter(column, source, sent=True).json_schema() == schema | sent


@pytest.mark.parametrize(
    ("column", "source", "good", "bad"),
    [
        ("title", str, "abcde", "abcdef"),
        ("title", str, "a", ""),
        ("card", str, "1234", "123"),
        ("condition", str, "worn", "lost"),
        ("price", Decimal, "999.99", "1000.00"),
        ("price", Decimal, "1.5", "1.555"),
        ("rank", int, 9, 10),
        ("pages", int, 0, -1),
        ("code", str, "abc", "a1"),
    ],
)
def test_what_is_sent_is_held_against_it(column: str, source: Any, good: Any, bad: Any) -> None:
    checked = adapter(column, source, sent=True)
    checked.validate_python(good)
    with pytest.raises(ValidationError):
        checked.validate_python(bad)


def test_a_value_may_be_missing_besides() -> None:
    checked: TypeAdapter[Any] = TypeAdapter(Annotated[str, Stored(Thing, "title", contract=CONTRACT)] | None)
    assert checked.validate_python(None) is None
    with pytest.raises(ValidationError):
        checked.validate_python("abcdef")


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match=r"Column things\.titel is not in the contract: name one that is"):
        adapter("titel", str, sent=False)
