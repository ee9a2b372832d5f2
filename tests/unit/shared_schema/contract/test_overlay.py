"""Inserts and updates have what Django would write: constants, times, and what a project's functions give."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Connection, MetaData, Table, create_engine, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session, registry
from sqlalchemy.types import JSON, BigInteger, Date, DateTime, Integer, Interval, LargeBinary, Numeric, Text, Time, Uuid

from shared_schema.contract.callables import UnknownCallable, callable_register
from shared_schema.contract.contract import Contract
from shared_schema.contract.overlay import overlay
from shared_schema.contract.values import as_column

MOMENT = datetime(2026, 2, 28, 9, 30)  # noqa: DTZ001 - of a project without time zones
# The type of the contract, SQLAlchemy's, the facts, and what a row then has.
CONSTANTS: dict[str, tuple[str, Any, dict[str, Any], Any]] = {
    "text": ("character varying(20)", Text(), {"default": ""}, ""),
    "number_in_text": ("text", Text(), {"default": 7}, "7"),
    "flag": ("boolean", Integer(), {"default": False}, False),
    "price": ("numeric(8,2)", Numeric(8, 2), {"default": "9.90"}, Decimal("9.90")),
    "on_day": ("date", Date(), {"default": "2026-02-28"}, date(2026, 2, 28)),
    "at_time": ("time without time zone", Time(), {"default": "09:30:00"}, time(9, 30)),
    "moment": ("timestamp(0) without time zone", DateTime(), {"default": "2026-02-28T09:30:00"}, MOMENT),
    "lasts": ("interval", Interval(), {"default": "P28DT00H00M00S"}, timedelta(days=28)),
    "code": ("uuid", Uuid(), {"default": "00000000-0000-0000-0000-000000000001"}, UUID(int=1)),
    "raw": ("bytea", LargeBinary(), {"default": "\\x00ff"}, b"\x00\xff"),
    "facts": ("jsonb", JSON(), {"default_callable": "builtins.dict"}, {}),
    "marks": ("integer[]", JSON(), {"default": [1, 2]}, [1, 2]),
    "none": ("text", Text(), {"default": None}, None),
}


def contract_of(columns: dict[str, dict[str, Any]]) -> Contract:
    facts = {name: {"field": name, "kind": "Field", "null": True} | given for name, given in columns.items()}
    return Contract.model_validate(
        {"format": 2, "tables": {"things": {"name": "things", "model": "shop.Thing", "columns": facts}}}
    )


def things(columns: dict[str, tuple[str, Any, dict[str, Any]]]) -> Table:
    """The table with the facts laid over it; `id` is the database's own."""
    metadata = MetaData()
    table = Table(
        "things",
        metadata,
        Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
        *(Column(name, kind) for name, (_, kind, _) in columns.items()),
    )
    overlay(
        metadata, contract_of({name: {"type": type_name} | facts for name, (type_name, _, facts) in columns.items()})
    )
    return table


@pytest.mark.parametrize(
    ("type_name", "value", "expected"),
    [
        ("int4range", {"lower": 1, "upper": 5, "bounds": "[)"}, Range(1, 5)),
        ("daterange", {"lower": "2026-01-31", "upper": None, "bounds": "(]"}, Range(date(2026, 1, 31), bounds="(]")),
        ("int4range", {"lower": None, "upper": None, "bounds": None}, Range(empty=True)),
        ("jsonb", {"lower": 1}, {"lower": 1}),
        ("numeric(5,2)[]", ["1.50"], [Decimal("1.50")]),
    ],
)
def test_a_constant_of_a_type_of_postgresql_has_it_too(type_name: str, value: Any, expected: Any) -> None:
    assert as_column(value, type_name) == expected


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def inserted(connection: Connection, table: Table, **values: Any) -> Any:
    table.metadata.create_all(connection)
    connection.execute(insert(table).values(values))
    return connection.execute(select(table).order_by(table.c.id.desc())).first()


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_has_the_type_of_its_column(connection: Connection, name: str) -> None:
    type_name, kind, facts, expected = CONSTANTS[name]
    value = getattr(inserted(connection, things({name: (type_name, kind, facts)})), name)
    assert value == expected
    assert type(value) is type(expected) or name == "flag"


def test_a_value_that_is_given_stands(connection: Connection) -> None:
    table = things({"text": ("text", Text(), {"default": "django's"})})
    assert inserted(connection, table, text="given").text == "given"
    assert inserted(connection, table, text=None).text is None


def test_what_the_database_fills_in_is_left_to_it() -> None:
    table = things(
        {
            "rank": ("integer", Integer(), {"db_default": "7"}),
            "of_both": ("integer", Integer(), {"db_default": "7", "default": 8}),
            "null_of_both": ("integer", Integer(), {"db_default": "7", "default": None}),
            "made": ("text", Text(), {"generated": "upper(a)", "default": ""}),
            "free": ("text", Text(), {}),
        }
    )
    text = str(insert(table).values(id=1).compile(dialect=postgresql.dialect()))
    assert "(id, of_both, null_of_both)" in text
    assert "NULL" in text


def test_times_are_those_of_each_row(connection: Connection) -> None:
    aware = ("timestamp with time zone", DateTime(timezone=True))
    table = things(
        {
            "made_at": (*aware, {"auto_now_add": True}),
            "changed_at": (*aware, {"auto_now": True}),
            "seen_at": (*aware, {"default_callable": "django.utils.timezone.now"}),
            "held_at": (*aware, {"default_callable": "django.utils.timezone.localtime"}),
            "held_on": ("date", Date(), {"default_callable": "django.utils.timezone.localdate"}),
            "made_on": ("date", Date(), {"auto_now_add": True}),
            "seen_on": ("date", Date(), {"default_callable": "django.utils.timezone.now"}),
            "seen_time": ("time without time zone", Time(), {"auto_now": True}),
            "text": ("text", Text(), {}),
        }
    )
    before = datetime.now(UTC).replace(tzinfo=None)
    row = inserted(connection, table)
    for name in ("made_at", "changed_at", "seen_at", "held_at"):
        assert before <= getattr(row, name) <= datetime.now(UTC).replace(tzinfo=None), name
    assert row.made_on == row.seen_on == row.held_on == datetime.now().astimezone().date()
    assert isinstance(row.seen_time, time)
    connection.execute(update(table).values(text="new"))
    changed = connection.execute(select(table)).one()
    assert changed.changed_at > row.changed_at
    assert (changed.made_at, changed.seen_at) == (row.made_at, row.seen_at)


def test_each_row_of_a_statement_has_its_own(connection: Connection) -> None:
    table = things({"code": ("uuid", Uuid(), {"default_callable": "uuid.uuid4"}), "text": ("text", Text(), {})})
    table.metadata.create_all(connection)
    connection.execute(insert(table).values([{"text": "a"}, {"text": "b"}]))
    connection.execute(insert(table), [{"text": "c"}, {"text": "d"}])
    codes = connection.execute(select(table.c.code)).scalars().all()
    assert len(set(codes)) == 4
    assert all(code.version == 4 for code in codes)


def test_a_class_that_is_mapped_has_them_too(connection: Connection) -> None:
    table = things({"price": ("numeric(8,2)", Numeric(8, 2), {"default": "9.90"}), "text": ("text", Text(), {})})
    table.metadata.create_all(connection)

    class Thing:
        pass

    registry().map_imperatively(Thing, table)
    with Session(connection) as session:
        session.add(Thing())
        session.flush()
    assert connection.execute(select(table.c.price)).scalar_one() == Decimal("9.90")


def test_a_function_of_the_project_is_asked_for_where_it_is_needed(connection: Connection) -> None:
    table = things({"code": ("text", Text(), {"default_callable": "shop.models.new_code"})})
    assert inserted(connection, table, code="given").code == "given"
    with pytest.raises(UnknownCallable) as raised:
        inserted(connection, table)
    assert str(raised.value) == (
        "Column things.code has no value, and Django would call shop.models.new_code for one: give a value, or register"
        ' what gives it, `callable_register("shop.models.new_code", …)` of shared_schema.contract.callables.'
    )
    callable_register("shop.models.new_code", lambda: 17)
    assert inserted(connection, table).code == "17"


def test_a_function_of_the_library_is_called(connection: Connection) -> None:
    table = things({"code": ("text", Text(), {"default_callable": "secrets.token_hex"})})
    assert len(inserted(connection, table).code) == 64


def test_a_function_with_arguments_of_its_own_is_asked_for(connection: Connection) -> None:
    table = things({"code": ("text", Text(), {"default_callable": "partial(secrets.token_hex)"})})
    with pytest.raises(UnknownCallable, match=r"Django would call partial\(secrets\.token_hex\) for one"):
        inserted(connection, table)


def test_tables_and_columns_that_the_contract_does_not_know_stay() -> None:
    metadata = MetaData()
    other = Table("others", metadata, Column("id", Integer, primary_key=True), Column("text", Text))
    known = Table("things", metadata, Column("id", Integer, primary_key=True), Column("unknown", Text))
    overlay(metadata, contract_of({"text": {"type": "text", "default": ""}}))
    assert [column.default for table in (other, known) for column in table.columns] == [None] * 4
