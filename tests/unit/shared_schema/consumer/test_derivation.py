"""The consumer's file from statements, without a database."""

import json
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapped

from shared_schema.consumer.consumer import Consumer
from shared_schema.consumer.derivation import as_statement, derive_consumer, derive_feature, render_consumer
from shared_schema.consumer.samples import Deletion, Sample, sample_value
from shared_schema.contract.contract import Contract
from shared_schema.mapping import Mapping, Reflected

SHOP = Mapping()


class Shop(Reflected):
    __mapping__ = SHOP


class Customer(Shop):
    __tablename__ = "customers"

    id: Mapped[int]
    name: Mapped[str | None]
    marks: Mapped[list[str]]


class Order(Shop):
    __tablename__ = "Or ders"
    __schema__ = "past"
    __columns__: ClassVar = {"total": "The Total"}

    id: Mapped[UUID]
    total: Mapped[int]
    customer_id: Mapped[int]
    at: Mapped[datetime]


def fact(type_name: str, **facts: Any) -> dict[str, Any]:
    return {"field": "a", "kind": "Field", "type": type_name, "null": False, **facts}


POINTER = {"table": "customers", "column": "id", "on_delete": "CASCADE"}
CONTRACT = Contract.model_validate(
    {
        "format": 2,
        "tables": {
            "customers": {
                "name": "customers",
                "model": "shop.Customer",
                "columns": {
                    "id": fact("integer", primary_key=True, identity="by default"),
                    "name": fact("character varying(50)", null=True),
                    "marks": fact("text[]"),
                    "joined": fact("timestamp with time zone", auto_now_add=True),
                },
            },
            "past.Or ders": {
                "name": "Or ders",
                "schema_name": "past",
                "model": "shop.Order",
                "columns": {
                    "id": fact("uuid", primary_key=True, default_callable="uuid.uuid4"),
                    "The Total": fact("integer", default=7),
                    "customer_id": fact("integer", references=POINTER),
                    "at": fact("timestamp with time zone", auto_now=True),
                },
            },
        },
    }
)


@pytest.fixture(scope="module")
def consumer() -> Consumer:
    """Derived once, which maps the classes."""
    return derive_consumer(SHOP, CONTRACT, {"orders": orders, "customers": lambda: [Deletion("customers")]})


def orders() -> list[Sample]:
    row = {"customer_id": bindparam("customer")}
    return [
        Sample("order add", insert(Order.__table__).values(row).returning(Order.id), {"customer": 3}),
        Sample("order touch", update(Order.__table__).where(Order.total > 5).values({"The Total": 6})),
        Sample("names", select(Customer.name).where(Customer.marks.contains(["a"]))),
        Sample("among", select(func.count()).where(Order.customer_id.in_([1, 2]))),
    ]


def test_what_a_feature_does_is_that_of_its_statements_defaults_included(consumer: Consumer) -> None:
    feature = consumer.features["orders"]
    assert feature.reads == {"customers": ("marks", "name"), "past.Or ders": ("The Total", "customer_id", "id")}
    assert feature.inserts == {"past.Or ders": ("The Total", "at", "customer_id", "id")}
    assert feature.updates == {"past.Or ders": ("The Total", "at")}
    assert feature.deletes == ()


def test_a_deletion_is_all_that_hangs_on_the_rows(consumer: Consumer) -> None:
    feature = consumer.features["customers"]
    assert feature.deletes == ("customers", "past.Or ders")
    assert feature.reads == {"customers": ("id",), "past.Or ders": ("customer_id",)}
    assert [statement.name for statement in feature.statements] == [
        "delete customers: remove past.Or ders.customer_id",
        "delete customers: rows of customers",
    ]
    assert [statement.values for statement in feature.statements] == [([1],), ([1],)]


def test_statements_are_as_the_driver_gets_them_with_values_that_are_always_the_same(consumer: Consumer) -> None:
    statements = {statement.name: statement for statement in consumer.features["orders"].statements}
    assert [*statements] == sorted(statements)
    add = statements["order add"]
    assert add.sql.startswith('INSERT INTO past."Or ders" (')
    # The statement of each process names the columns in the contract's order.
    assert dict(zip(add.sql.partition("(")[2].partition(")")[0].split(", "), add.values, strict=True)) == {
        "id": "00000000-0000-0000-0000-000000000001",
        '"The Total"': 7,
        "customer_id": 3,
        "at": "2026-01-01T00:00:00Z",
    }
    assert statements["among"].values == (1, 2)
    assert statements["names"].values == (["a"],)


def test_needs_are_the_annotations_of_what_is_read(consumer: Consumer) -> None:
    found = {
        table: {name: (need.type, need.nullable) for name, need in columns.items()}
        for table, columns in consumer.needs.items()
    }
    assert found == {
        "customers": {"id": ("int", False), "name": ("str", True), "marks": ("list[str]", False)},
        "past.Or ders": {"id": ("UUID", False), "The Total": ("int", False), "customer_id": ("int", False)},
    }


def test_the_text_is_sorted_and_read_back(consumer: Consumer) -> None:
    text = render_consumer(consumer)
    assert Consumer.model_validate_json(text) == consumer
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.usefixtures("consumer")
def test_a_name_stands_for_one_statement() -> None:
    sample = Sample("one", select(Customer.id))
    assert len(derive_feature([sample, Sample("one", select(Customer.id))], CONTRACT).statements) == 1
    with pytest.raises(ValueError, match="Two statements are called 'one': give each a name of its own"):
        derive_feature([sample, Sample("one", delete(Customer.__table__))], CONTRACT)


@pytest.mark.usefixtures("consumer")
def test_a_parameter_without_a_value_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="value is required for bind parameter 'name'"):
        as_statement(Sample("one", select(Customer.id).where(Customer.name == bindparam("name"))))


@pytest.mark.usefixtures("consumer")
def test_whatever_is_of_this_moment_is_written_as_another() -> None:
    now = datetime.now(UTC)
    given = [now, now.date(), now.time(), uuid4(), b"\x00\xff", [now]]
    statement = as_statement(Sample("one", select(*(bindparam(f"p{n}", value) for n, value in enumerate(given)))))
    assert statement.values == (
        "2026-01-01T00:00:00Z",
        "2026-01-01",
        "00:00:00",
        "00000000-0000-0000-0000-000000000001",
        "\\x00ff",
        ["2026-01-01T00:00:00Z"],
    )


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("character varying(50)", "sample"),
        ("bigint", 1),
        ("uuid", UUID(int=1)),
        ("timestamp with time zone", datetime(2026, 1, 1, tzinfo=UTC)),
        ("date", date(2026, 1, 1)),
        ("time without time zone", time(0)),
        ("integer[]", []),
        ("jsonb", {}),
    ],
)
def test_each_type_has_a_sample(type_name: str, value: object) -> None:
    assert sample_value(type_name) == value
