"""Deletes along relations that no project of the tests has, of many rows, and what a refusal says."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from shared_schema.consumer.samples import deletion_samples
from shared_schema.contract.callables import UnknownCallable, callable_register, on_delete_register
from shared_schema.contract.contract import Contract
from shared_schema.contract.deletion import ProtectedError, RestrictedError, delete_rows
from strangler.local.databases import database_drop, database_ensure
from tests.databases import PASSWORD, OwnDatabase
from tests.shared_stack import StackAddresses

# A member is a person and an account at once; others point at the card of a person, and at an account's number.
TABLES = """
CREATE TABLE person (id integer PRIMARY KEY, card text UNIQUE);
CREATE TABLE account (number integer PRIMARY KEY);
CREATE TABLE member (person_ptr_id integer PRIMARY KEY REFERENCES person DEFERRABLE INITIALLY DEFERRED,
    account_ptr_id integer UNIQUE REFERENCES account DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE guest (person_ptr_id integer PRIMARY KEY REFERENCES person DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE loan (id integer PRIMARY KEY, card text REFERENCES person (card) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE payment (id integer PRIMARY KEY, account_id integer REFERENCES account DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE visit (id integer PRIMARY KEY, member_id integer REFERENCES member DEFERRABLE INITIALLY DEFERRED,
    account_id integer REFERENCES account DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE chain (id integer PRIMARY KEY, before_id integer REFERENCES chain DEFERRABLE INITIALLY DEFERRED);
CREATE INDEX ON chain (before_id);
CREATE TABLE django_content_type (id integer PRIMARY KEY, app_label text, model text);
INSERT INTO django_content_type VALUES (1, 'shop', 'loan'), (2, 'shop', 'visit'), (3, 'other', 'loan');
CREATE TABLE remark (id integer PRIMARY KEY, content_type_id integer, object_id smallint, other_type_id integer);
"""


REMARKS = {
    "field": "remarks",
    "table": "remark",
    "content_type_column": "content_type_id",
    "object_id_column": "object_id",
    "content_type": ("shop", "loan"),
}


def column(type_name: str = "integer", *, key: bool = False, **reference: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"field": "field", "kind": "Field", "type": type_name, "null": not key, "primary_key": key}
    return facts | ({"references": {"on_delete": "CASCADE"} | reference} if reference else {})


def contract_of(**changed: dict[str, Any]) -> Contract:
    """The contract of the tables above; `changed` is what a reference is otherwise, by `table__column`."""
    references: dict[str, dict[str, Any]] = {
        "member__person_ptr_id": {"table": "person", "column": "id", "parent_link": True},
        "member__account_ptr_id": {"table": "account", "column": "number", "parent_link": True},
        "guest__person_ptr_id": {"table": "person", "column": "id", "parent_link": True},
        "loan__card": {"table": "person", "column": "card"},
        "payment__account_id": {"table": "account", "column": "number"},
        "visit__member_id": {"table": "member", "column": "person_ptr_id"},
        "visit__account_id": {"table": "account", "column": "number", "on_delete": "RESTRICT"},
        "chain__before_id": {"table": "chain", "column": "id"},
    }
    tables: dict[str, dict[str, Any]] = {
        "person": {"id": column(key=True), "card": column("text")},
        "account": {"number": column(key=True)},
        "member": {"person_ptr_id": column(key=True), "account_ptr_id": column()},
        "guest": {"person_ptr_id": column(key=True)},
        "loan": {"id": column(key=True), "card": column("text")},
        "payment": {"id": column(key=True), "account_id": column()},
        "visit": {"id": column(key=True), "member_id": column(), "account_id": column()},
        "chain": {"id": column(key=True), "before_id": column()},
        "django_content_type": {"id": column(key=True), "app_label": column("text"), "model": column("text")},
        "remark": {
            "id": column(key=True),
            "content_type_id": column(),
            "object_id": column("smallint"),
            "other_type_id": column(),
        },
    }
    for place, reference in references.items():
        table, _, name = place.partition("__")
        tables[table][name]["references"] = {"on_delete": "CASCADE"} | reference | changed.get(place, {})
    parents = {"member": ("person", "account"), "guest": ("person",)}
    facts = {
        name: {"name": name, "model": f"shop.{name}", "columns": columns, "parents": parents.get(name, ())}
        for name, columns in tables.items()
    }
    # The last is the first by another name.
    relations = [
        REMARKS,
        REMARKS | {"field": "others", "content_type_column": "other_type_id"},
        REMARKS | {"field": "x"},
    ]
    facts["loan"]["generic_relations"] = relations
    return Contract.model_validate({"format": 2, "tables": facts})


@pytest.fixture(scope="module")
def database(stack: StackAddresses, worker_id: str) -> Iterator[OwnDatabase]:
    database = OwnDatabase(name=f"deletion_{worker_id}", admin_dsn=stack.admin_dsn)
    database_ensure(admin_dsn=stack.admin_dsn, name=database.name, owner=database.owner, password=PASSWORD)
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute(TABLES)
    yield database
    database_drop(admin_dsn=stack.admin_dsn, name=database.name)


@asynccontextmanager
async def rows(database: OwnDatabase, *statements: str) -> AsyncIterator[AsyncSession]:
    """A session that sees what these statements add; it is rolled back."""
    engine = create_async_engine(make_url(database.owner_dsn).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    async with AsyncSession(engine) as session:
        for statement in statements:
            await session.execute(text(statement))
        yield session


async def left(session: AsyncSession, table: str) -> Sequence[Any]:
    return (await session.execute(text(f"SELECT * FROM {table} ORDER BY 1"))).all()  # noqa: S608 - a name of this file


MEMBERS = (
    "INSERT INTO person VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    "INSERT INTO account VALUES (10), (20), (30)",
    "INSERT INTO member VALUES (1, 10), (2, 20)",
    "INSERT INTO loan VALUES (1, 'a'), (2, 'a'), (3, 'b'), (4, NULL)",
    "INSERT INTO payment VALUES (1, 10), (2, 20), (3, 30)",
    "INSERT INTO visit VALUES (1, 1, 10), (2, 2, NULL)",
)


@pytest.mark.parametrize(("table", "key"), [("member", 1), ("person", 1), ("account", 10)])
async def test_what_points_at_any_part_of_a_row_goes_with_it(database: OwnDatabase, table: str, key: int) -> None:
    async with rows(database, *MEMBERS) as session:
        went = await delete_rows(session, table, [key], contract=contract_of())
        assert went == dict.fromkeys(("person", "account", "member", "payment", "visit"), 1) | {"loan": 2}
        assert await left(session, "loan") == [(3, "b"), (4, None)]
        assert await left(session, "member") == [(2, 20)]
        await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


async def test_another_that_continues_the_same_row_is_left_as_django_leaves_it(database: OwnDatabase) -> None:
    async with rows(database, *MEMBERS, "INSERT INTO guest VALUES (1), (2)") as session:
        assert "guest" not in await delete_rows(session, "member", [1], contract=contract_of())
        assert (await delete_rows(session, "person", [2], contract=contract_of()))["guest"] == 1
        with pytest.raises(DBAPIError, match="ForeignKeyViolation"):
            await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


async def test_what_is_in_the_way_is_named_and_counted_and_all_stays(database: OwnDatabase) -> None:
    contract = contract_of(loan__card={"on_delete": "PROTECT"}, payment__account_id={"on_delete": "RESTRICT"})
    async with rows(database, *MEMBERS) as session:
        with pytest.raises(ProtectedError) as raised:
            await delete_rows(session, "member", [1, 2], contract=contract)
        assert str(raised.value) == (
            "What is to be deleted is pointed at by 3 rows of loan with card: change or delete those first."
        )
        assert len(await left(session, "visit")) == 2
    contract = contract_of(payment__account_id={"on_delete": "RESTRICT"})
    async with rows(database, *MEMBERS) as session:
        with pytest.raises(RestrictedError, match=r"by 1 row of payment with account_id: change or delete"):
            await delete_rows(session, "account", [30], contract=contract)
        assert len(await left(session, "account")) == 3


async def test_a_row_that_goes_by_another_path_is_not_in_the_way(database: OwnDatabase) -> None:
    async with rows(database, *MEMBERS) as session:
        await session.execute(text("UPDATE visit SET account_id = 10"))
        with pytest.raises(RestrictedError, match=r"by 1 row of visit with account_id"):
            await delete_rows(session, "member", [1], contract=contract_of())
        assert (await delete_rows(session, "member", [1, 2], contract=contract_of()))["visit"] == 2


async def test_what_belongs_to_a_row_by_its_type_and_id_goes_with_it(database: OwnDatabase) -> None:
    """An id that the column can't hold belongs to no row, and is no mistake."""
    more = (
        "INSERT INTO loan VALUES (70000, 'a')",
        "INSERT INTO remark VALUES (1, 1, 1), (2, 1, 3), (3, 2, 1), (4, 3, 1)",
        "INSERT INTO remark VALUES (5, NULL, 1, 1), (6, NULL, 1, 2)",
    )
    async with rows(database, *MEMBERS, *more) as session:
        went = await delete_rows(session, "person", [1], contract=contract_of())
        assert (went["loan"], went["remark"]) == (3, 2)
        assert [row.id for row in await left(session, "remark")] == [2, 3, 4, 6]


async def test_a_function_of_the_project_is_asked_for_where_a_row_needs_it(database: OwnDatabase) -> None:
    path = "shop.models.heir"
    contract = contract_of(payment__account_id={"on_delete": "SET", "set_to_callable": path})
    async with rows(database, *MEMBERS) as session:
        assert await delete_rows(session, "account", [999], contract=contract) == {}
        with pytest.raises(
            UnknownCallable, match=r"Column payment\.account_id has no value, and Django would call shop"
        ):
            await delete_rows(session, "account", [10], contract=contract)
        callable_register(path, lambda: "30")
        await delete_rows(session, "account", [10], contract=contract)
        assert await left(session, "payment") == [(1, 30), (2, 20), (3, 30)]


async def test_a_project_that_sees_to_rows_itself_is_left_to_django(database: OwnDatabase) -> None:
    contract = contract_of(payment__account_id={"on_delete": "CUSTOM", "set_to_callable": "shop.models.on_gone"})
    async with rows(database, *MEMBERS, "DELETE FROM payment WHERE id = 3") as session:
        assert await delete_rows(session, "account", [30], contract=contract) == {"account": 1}
        with pytest.raises(UnknownCallable) as raised:
            await delete_rows(session, "account", [10], contract=contract)
    assert str(raised.value) == (
        "Django would have shop.models.on_gone see to 1 row of payment with account_id that point at what is to be"
        ' deleted: register what does the same, `on_delete_register("shop.models.on_gone", …)` of'
        " shared_schema.contract.callables, or delete it in Django."
    )


async def test_what_is_registered_for_it_sees_to_the_rows(database: OwnDatabase) -> None:
    async def archive(session: AsyncSession, table: str, column: str, values: list[Any]) -> None:
        statement = f"UPDATE {table} SET {column} = 20 WHERE {column} = any(:values)"  # noqa: S608 - names of the test
        await session.execute(text(statement), {"values": values})

    on_delete_register("shop.models.archive", archive)
    contract = contract_of(payment__account_id={"on_delete": "CUSTOM", "set_to_callable": "shop.models.archive"})
    async with rows(database, *MEMBERS) as session:
        await delete_rows(session, "account", [10, 30], contract=contract)
        assert await left(session, "payment") == [(1, 20), (2, 20), (3, 20)]
        assert await left(session, "account") == [(20,)]


async def test_what_django_leaves_alone_is_the_databases_to_refuse(database: OwnDatabase) -> None:
    contract = contract_of(payment__account_id={"on_delete": "DO_NOTHING"})
    async with rows(database, *MEMBERS) as session:
        assert await delete_rows(session, "account", [30], contract=contract) == {"account": 1}
        with pytest.raises(DBAPIError, match="ForeignKeyViolation"):
            await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


@pytest.mark.long
async def test_fifty_thousand_rows_go_at_once(database: OwnDatabase) -> None:
    """A statement may have 32,767 parameters: keys go as one array. It takes 0.9 s."""
    many = (
        "INSERT INTO person SELECT number, 'card ' || number FROM generate_series(1, 50000) AS number",
        "INSERT INTO loan SELECT number, 'card ' || number FROM generate_series(1, 50000) AS number",
    )
    async with rows(database, *many) as session:
        began = time.perf_counter()
        went = await delete_rows(session, "person", range(1, 50_001), contract=contract_of())
        assert went == {"person": 50_000, "loan": 50_000}
        assert time.perf_counter() - began < 20


async def test_a_chain_is_followed_to_its_end(database: OwnDatabase) -> None:
    """Longer than Python's stack is deep; and its end points at its beginning."""
    links = (
        "INSERT INTO chain SELECT number, nullif(number - 1, 0) FROM generate_series(1, 1500) AS number",
        "UPDATE chain SET before_id = 1500 WHERE id = 1",
    )
    async with rows(database, *links) as session:
        assert await delete_rows(session, "chain", [700], contract=contract_of()) == {"chain": 1500}


def test_every_statement_that_a_delete_sends_is_reported_of_before(database: OwnDatabase) -> None:
    sent: list[str] = []

    async def play() -> None:
        async with rows(database, *MEMBERS) as session:
            execute = session.execute

            async def noted(statement: Any, *arguments: Any, **options: Any) -> Any:
                sent.append(str(statement))
                return await execute(statement, *arguments, **options)

            session.execute = noted  # type: ignore[method-assign]
            await delete_rows(session, "person", [1], contract=contract_of())

    asyncio.run(play())
    reported = [str(sample.statement) for sample in deletion_samples("person", contract_of())]
    assert len(sent) >= 6
    assert set(sent) <= set(reported)
