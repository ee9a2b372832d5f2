"""What statements use, as SQLAlchemy knows it; tests/integration compares it with PostgreSQL's grants."""

from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Executable,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    column,
    delete,
    exists,
    func,
    literal,
    literal_column,
    select,
    text,
    true,
    update,
    values,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from shared_schema.consumer.recorder import UnreadableStatementError
from shared_schema.consumer.usage import Usage, usage_of

METADATA = MetaData()
USERS = Table(
    "users",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", Text),
    Column("mail", Text),
    Column("made", Text, default="now"),
    Column("changed", Text, onupdate="now"),
    UniqueConstraint("name", "mail", name="one_mail"),
)
ORDERS = Table(
    "Or ders",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("user", ForeignKey("users.id")),
    schema="shop",
)
KEY = "shop.Or ders"
ADDED = insert(USERS).values(name="n")
OF_USER = select(USERS.c.id).where(USERS.c.name == "n")


def used(**kinds: Any) -> Usage:
    """`reads={"users": "id name"}`, `deletes="users"`."""
    deletes = frozenset(kinds.pop("deletes", "").split("|")) - {""}
    columns: dict[str, Any] = {
        kind: {table: frozenset(names.split()) for table, names in tables.items()} for kind, tables in kinds.items()
    }
    return Usage(**columns, deletes=deletes)


READS = [
    (select(USERS.c.id).where(USERS.c.name == "n").order_by(USERS.c.mail), used(reads={"users": "id name mail"})),
    (select(USERS.alias("u").c.name), used(reads={"users": "name"})),
    (select(func.count()).select_from(USERS), used(reads={"users": "id"})),
    (select(func.count(USERS.c.mail)), used(reads={"users": "mail"})),
    (select(literal(1)).where(exists(OF_USER)), used(reads={"users": "id name"})),
    (select(ORDERS.c.id).join(USERS), used(reads={KEY: "id user", "users": "id"})),
    (select(ORDERS.c.id).where(ORDERS.c.user.in_(OF_USER)), used(reads={KEY: "id user", "users": "id name"})),
    (
        select(ORDERS.c.id).join(page := OF_USER.cte("page").prefix_with("MATERIALIZED"), page.c.id == ORDERS.c.user),
        used(reads={KEY: "id user", "users": "id name"}),
    ),
    (
        select(reported := OF_USER.lateral("reported")).select_from(
            values(column("one", Integer), name="always").data([(1,)]).outerjoin(reported, true())
        ),
        used(reads={"users": "id name"}),
    ),
    (select(USERS.c.id).union_all(select(ORDERS.c.user)), used(reads={"users": "id", KEY: "user"})),
    (
        select(func.array_agg(aggregate_order_by(USERS.c.mail, USERS.c.name)).filter(USERS.c.id > 1)),
        used(reads={"users": "id name mail"}),
    ),
    (select(USERS.c.id).with_for_update(), used(reads={"users": "id"}, updates={"users": "id"})),
    (
        select(USERS.c.id).join_from(ORDERS, USERS).with_for_update(of=ORDERS),
        used(reads={"users": "id", KEY: "user"}, updates={KEY: "id"}),
    ),
]
WRITES = [
    # The primary key that PostgreSQL gave is asked for by SQLAlchemy.
    (ADDED, used(reads={"users": "id"}, inserts={"users": "name made"})),
    (ADDED.returning(USERS.c.mail), used(reads={"users": "mail"}, inserts={"users": "name made"})),
    (ADDED.on_conflict_do_nothing().returning(USERS.c.id), used(reads={"users": "id"}, inserts={"users": "name made"})),
    (
        ADDED.on_conflict_do_nothing(index_elements=["mail"]).returning(USERS.c.id),
        used(reads={"users": "id mail"}, inserts={"users": "name made"}),
    ),
    (
        ADDED.on_conflict_do_nothing(constraint="one_mail").returning(USERS.c.id),
        used(reads={"users": "id name mail"}, inserts={"users": "name made"}),
    ),
    (
        ADDED.on_conflict_do_update(
            index_elements=[USERS.c.name], set_={"mail": ADDED.excluded.changed, USERS.c.changed: USERS.c.made}
        ).returning(USERS.c.id),
        used(reads={"users": "id name made"}, inserts={"users": "name made"}, updates={"users": "mail changed"}),
    ),
    (
        insert(USERS).from_select(["name"], select(ORDERS.c.user)),
        used(reads={KEY: "user"}, inserts={"users": "name made"}),
    ),
    (insert(USERS).values([{"name": "a"}, {"name": "b"}]), used(inserts={"users": "name made"})),
    (insert(ORDERS).values().returning(ORDERS.c.id), used(reads={KEY: "id"}, inserts={KEY: "id"})),
    (update(USERS).values(name="n"), used(updates={"users": "name changed"})),
    (
        update(USERS).values(name=USERS.c.mail).where(USERS.c.made == "m").returning(USERS.c.id),
        used(reads={"users": "mail made id"}, updates={"users": "name changed"}),
    ),
    (
        update(USERS).values(name=select(ORDERS.c.id).limit(1).scalar_subquery()),
        used(reads={KEY: "id"}, updates={"users": "name changed"}),
    ),
    (delete(ORDERS), used(deletes=KEY)),
    (delete(ORDERS).where(ORDERS.c.user == bindparam("u")), used(reads={KEY: "user"}, deletes=KEY)),
    (
        select(delete(ORDERS).returning(ORDERS.c.user).cte("gone").c.user),
        used(reads={KEY: "user"}, deletes=KEY),
    ),
]


# Not the usage in a test's name: sets have another order in each process.
@pytest.mark.parametrize(
    ("statement", "expected"), READS + WRITES, ids=[str(statement).replace("\n", "") for statement, _ in READS + WRITES]
)
def test_columns_are_found_wherever_they_stand(statement: Executable, expected: Usage) -> None:
    assert usage_of(statement) == expected


@pytest.mark.parametrize(
    "statement",
    [
        select(text("name")).select_from(USERS),
        select(literal_column("name")).select_from(USERS),
        select(literal_column("*")).select_from(USERS),
        select(USERS.c.id).where(text("name = 'n'")),
        select(literal(1)).where(exists().where(USERS.c.id == 1)),
    ],
    ids=str,
)
def test_text_that_may_name_a_column_is_refused(statement: Executable) -> None:
    with pytest.raises(UnreadableStatementError, match="write it with SQLAlchemy's expressions"):
        usage_of(statement)


def test_constants_are_no_columns() -> None:
    assert usage_of(select(literal_column("'@'"), literal_column("0"), literal_column("-1"))) == Usage()


def test_usages_add_up_and_what_is_beyond_another_is_reported() -> None:
    few, many = usage_of(select(USERS.c.id)), usage_of(select(USERS.c.id, USERS.c.name))
    gone = usage_of(delete(ORDERS))
    assert few | many == many
    assert many - few == used(reads={"users": "name"})
    assert not few - many
    assert (few | gone) - few == gone
    assert few | gone
