from sqlalchemy import Integer, Text, column, literal, table

from fastapi_app.reads import Shape

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
