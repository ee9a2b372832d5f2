from typing import Any, cast

import pytest
from sqlalchemy import (
    JSON,
    Column,
    ColumnDefault,
    Executable,
    Integer,
    MetaData,
    Table,
    Text,
    UpdateBase,
    bindparam,
    column,
    insert,
    literal,
    null,
    select,
    table,
    update,
)

from strangler_fastapi.db import query
from strangler_fastapi.db.query import Rows, Shape, ValueOfRow, fetch, fetch_built
from strangler_fastapi.db.session import RequestSession

POSTS = table("posts", column("id", Integer), column("title", Text), column("author_id", Integer))
USERS = table("users", column("id", Integer), column("username", Text))
AUTHOR = Shape({"id": USERS.c.id, "name": literal("@").concat(USERS.c.username)})
POST = Shape({"id": POSTS.c.id, "author": AUTHOR, "title": POSTS.c.title})


def test_a_shape_names_its_columns_and_those_within_in_order() -> None:
    assert [str(expression) for expression in POST.columns] == [
        "posts.id",
        "users.id",
        ":param_1 || users.username",
        "posts.title",
    ]


def test_a_row_becomes_the_item_with_its_keys_in_order() -> None:
    item = POST.build((1, 2, "@alice", "Fig trees"))
    assert item == {"id": 1, "author": {"id": 2, "name": "@alice"}, "title": "Fig trees"}
    assert [*item] == ["id", "author", "title"]


def test_columns_after_the_shapes_are_left_alone() -> None:
    assert AUTHOR.build((2, "@alice", 41)) == {"id": 2, "name": "@alice"}


def test_a_shape_within_can_stand_in_several() -> None:
    twice = Shape({"first": AUTHOR, "second": AUTHOR})
    assert twice.build((1, "@a", 2, "@b")) == {"first": {"id": 1, "name": "@a"}, "second": {"id": 2, "name": "@b"}}


def test_a_shape_converts_values_within_too_and_leaves_nulls_alone() -> None:
    author = Shape({"id": USERS.c.id, "name": USERS.c.username}, {"name": str.upper})
    post = Shape({"author": author, "title": POSTS.c.title, "id": POSTS.c.id}, {"author": repr, "title": str.lower})
    assert post.build((2, "alice", "Figs", 1)) == {"author": repr({"id": 2, "name": "ALICE"}), "title": "figs", "id": 1}
    assert post.build((2, None, None, 0)) == {"author": repr({"id": 2, "name": None}), "title": None, "id": 0}


def test_what_a_shape_makes_of_an_item_and_values_of_absent_rows_are_its_own_within_too() -> None:
    absent = ValueOfRow(USERS.c.username, USERS.c.username)
    made = {"shout": lambda item: f"{item['id']}!"}
    author = Shape(
        {"id": USERS.c.id, "editor": absent}, {"editor": str.upper}, made=made, order=("shout", "editor", "id")
    )
    post = Shape({"id": POSTS.c.id, "author": author})
    assert post.build((1, 2, ("bob",))) == {"id": 1, "author": {"shout": "2!", "editor": "BOB", "id": 2}}
    assert [*post.build((1, 2, ("bob",)))["author"]] == ["shout", "editor", "id"]
    assert post.build((1, 2, (None,)))["author"] == {"shout": "2!", "editor": None, "id": 2}
    assert post.build((1, 2, None))["author"] == {"shout": "2!", "id": 2}


def test_a_key_of_an_item_is_a_name_and_never_code() -> None:
    names = ["it's", '"', "{row}", "\n", "class", "é", "'] + [exit()"]
    shape = Shape(dict.fromkeys(names, POSTS.c.id))
    assert shape.build((*range(7),)) == dict(zip(names, range(7), strict=True))


class Driver:
    """Notes what it is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[Any, ...]]] = []
        self.in_transaction = False

    async def begin_transaction(self) -> None:
        self.in_transaction = True

    async def driver(self) -> "Driver":
        return self

    async def fetch(self, text: str, *values: Any) -> list[Any]:
        self.sent.append((text, values))
        return []


NUMBERS = iter(range(1, 100))
THINGS = Table(
    "things",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("state", Text, default=ColumnDefault("new")),
    Column("facts", JSON, default=ColumnDefault(dict)),
    Column("version", Integer, default=lambda: next(NUMBERS), onupdate=lambda: next(NUMBERS)),
)


async def sent(key: str, statement: Executable, *values: dict[str, Any]) -> list[tuple[str, tuple[Any, ...]]]:
    driver = Driver()
    for given in values:
        await fetch(cast("RequestSession", driver), Rows(("test", key), lambda: statement, given))
    assert driver.in_transaction == isinstance(statement, UpdateBase)
    return driver.sent


async def test_a_default_is_written_as_the_driver_takes_it_and_made_anew_for_each_call() -> None:
    statement = insert(THINGS).values(name=bindparam("given"))
    (text, first), (_, second) = await sent("insert", statement, {"given": "a"}, {"given": "b"})
    assert text.startswith("INSERT INTO things (name, state, facts, version) VALUES ($1")
    assert first[:3] == ("a", "new", "{}")
    assert second == ("b", "new", "{}", first[3] + 1)


async def test_a_row_of_several_has_its_own_default() -> None:
    rows = [{"name": "a", "state": "old", "facts": None}, {"name": "b", "state": "old", "facts": None}]
    ((_, values),) = await sent("several", insert(THINGS).values(rows), {})
    versions = [value for value in values if isinstance(value, int)]
    assert versions[1] == versions[0] + 1


async def test_rows_of_a_select_have_defaults_too() -> None:
    given = select(bindparam("given", type_=Text))
    ((text, values),) = await sent("select", insert(THINGS).from_select([THINGS.c.name], given), {"given": "a"})
    assert "INSERT INTO things (name, state, facts, version) SELECT" in text
    assert values[:3] == ("a", "new", "{}")


async def test_an_update_writes_what_changes_with_it_and_no_other_default() -> None:
    statement = update(THINGS).where(THINGS.c.name == bindparam("which")).values(state=bindparam("given"))
    (text, first), (_, second) = await sent("update", statement, *[{"which": "a", "given": "old"}] * 2)
    assert "SET state=$1::VARCHAR, version=$2::INTEGER WHERE" in text
    assert (first[0], first[2]) == ("old", "a")
    assert second[1] == first[1] + 1


async def test_a_value_that_is_left_out_is_no_null() -> None:
    statement = select(THINGS.c.name).where(THINGS.c.name == bindparam("which"))
    with pytest.raises(KeyError, match="which"):
        await sent("left out", statement, {"other": "a"})


async def test_a_list_of_constants_has_a_parameter_for_each() -> None:
    """As `status__in=[…]` of a `get_queryset` is written."""
    among = THINGS.c.state.in_(["new", "old"]), THINGS.c.name == bindparam("which"), THINGS.c.state.in_([])
    statement = select(THINGS.c.name).where(*among)
    (text, first), (_, second) = await sent("among", statement, {"which": "a"}, {"which": "b"})
    assert "state IN ($2::VARCHAR, $3::VARCHAR)" in text
    assert (first, second) == (("a", "new", "old"), ("b", "new", "old"))


async def built(*statements: Executable) -> list[tuple[str, tuple[Any, ...]]]:
    driver = Driver()
    for statement in statements:
        await fetch_built(cast("RequestSession", driver), statement)
    return driver.sent


def thing(**values: Any) -> Executable:
    return insert(THINGS).values(values).returning(THINGS.c.name)


async def test_a_statement_that_holds_its_values_sends_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Any] = []
    compile_ = query._compile

    def compile_noted(*given: Any) -> Any:
        compiled.append(given)
        return compile_(*given)

    monkeypatch.setattr(query, "_compile", compile_noted)
    (text, first), (again, second), (nulled, third) = await built(
        thing(name="built", facts={"a": 1}), thing(name="b", facts=[2]), thing(name="c", facts=null())
    )
    assert text == again != nulled
    assert (first[0], first[1], first[2]) == ("built", "new", '{"a": 1}')
    assert (second[0], second[2], second[3]) == ("b", "[2]", first[3] + 1)
    assert "NULL" in nulled
    assert third[0] == "c"
    assert len(compiled) == 2


async def test_rows_of_one_statement_are_each_sent_as_they_are() -> None:
    (_, first), (_, second) = await built(
        insert(POSTS).values([{"id": 1, "title": "a"}, {"id": 2, "title": "b"}]),
        insert(POSTS).values([{"id": 3, "title": "c"}]),
    )
    assert (first, second) == ((1, "a", 2, "b"), (3, "c"))


async def test_a_condition_that_holds_its_value_sends_its_own() -> None:
    statements = [select(POSTS.c.id).where(POSTS.c.title == title).limit(1) for title in ("a", "b")]
    (text, first), (again, second) = await built(*statements)
    assert text == again
    assert (first[0], second[0]) == ("a", "b")
