import json

import pytest

from django_app.contract.document import FORMAT, FactEncoder, schema_document
from django_app.contract.names import type_name


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, object]]:
    document = json.loads(json.dumps(schema_document(), cls=FactEncoder))
    assert document["format"] == FORMAT
    return document["tables"]


def test_every_table_of_every_app_is_there(tables: dict[str, dict[str, object]]) -> None:
    assert {"users", "posts", "tags", "blog_post_tags", "users_groups", "token_blacklist_outstandingtoken"} <= set(
        tables
    )


def test_what_only_django_knows_is_written(tables: dict[str, dict[str, object]]) -> None:
    posts, users = tables["posts"]["columns"], tables["users"]["columns"]
    assert posts["published"]["default"] is False
    assert posts["created_at"]["auto_now_add"] is True
    assert "default" not in posts["created_at"]
    assert users["date_joined"]["default_callable"] == "django.utils.timezone.now"
    assert (users["first_name"]["default"], users["last_login"]["null"]) == ("", True)
    assert "default" not in users["last_login"]
    assert users["username"]["max_length"] == 50
    assert posts["id"]["identity"] == "by default"


def test_relations_name_what_a_delete_does(tables: dict[str, dict[str, object]]) -> None:
    assert tables["posts"]["columns"]["author_id"]["references"] == {
        "table": "users",
        "column": "id",
        "on_delete": "CASCADE",
        "related_name": "posts",
    }
    tokens = tables["token_blacklist_outstandingtoken"]["columns"]
    assert tokens["user_id"]["references"]["on_delete"] == "SET_NULL"


def test_an_m2m_names_its_table_and_columns(tables: dict[str, dict[str, object]]) -> None:
    assert tables["posts"]["many_to_many"]["tags"] == {
        "table": "blog_post_tags",
        "source_column": "post_id",
        "target_column": "tag_id",
        "target": "tags",
        "related_name": "posts",
    }
    assert tables["blog_post_tags"]["auto_created"] is True


def test_choices_are_listed(tables: dict[str, dict[str, object]]) -> None:
    assert tables["django_admin_log"]["columns"]["action_flag"]["choices"] == [1, 2, 3]


def test_a_value_that_json_lacks_is_its_python_form() -> None:
    assert json.dumps({"x": 1j}, cls=FactEncoder) == '{"x": "1j"}'


@pytest.mark.parametrize(
    ("of_django", "of_postgres"),
    [
        ("varchar(50)", "character varying(50)"),
        ("varchar", "character varying"),
        ("time", "time without time zone"),
        ("timestamp with time zone", "timestamp with time zone"),
        ("numeric(6, 2)[]", "numeric(6,2)[]"),
        ("time[]", "time without time zone[]"),
        ("geometry(POINT,4326)", "geometry(POINT,4326)"),
    ],
)
def test_types_are_spelled_as_postgresql_does(of_django: str, of_postgres: str) -> None:
    assert type_name(of_django) == of_postgres
