"""What FastAPI's role is given, statement by statement; tests/integration lets PostgreSQL judge it."""

import pytest

from fastapi_app.consumer import CONSUMER_FILE
from shared_schema.consumer.consumer import Consumer, Feature, load_consumer
from shared_schema.consumer.privileges import Right, rights_wanted
from strangler.schema.grants import Relation, grant_statements, writing_features

EXAMPLE = load_consumer(CONSUMER_FILE)
CONSUMER = Consumer(
    features={
        "orders": Feature(
            reads={"users": ("id", "name"), "shop.Or ders": ("id",)},
            inserts={"shop.Or ders": ("user", 'the "total"')},
            updates={"users": ("name",)},
            deletes=("users", "left"),
        ),
        "people": Feature(reads={"users": ("mail",)}),
    }
)
RELATIONS = {
    "users": Relation("public", "users"),
    "left": Relation("public", "left"),
    "shop.Or ders": Relation("shop", "Or ders"),
}


def statements(*, writing: bool, role: str = "reader") -> list[str]:
    rights = rights_wanted(CONSUMER, writers=CONSUMER.features if writing else ())
    relations = {right.table: RELATIONS[right.table] for right in rights}
    granted = grant_statements(role=role, database="blog-db", rights=rights, relations=relations)
    return [statement.as_string() for statement in granted]


def test_without_a_moved_write_route_rights_are_select_only() -> None:
    assert [statement for statement in statements(writing=False) if "SELECT" in statement] == [
        'GRANT SELECT ("id") ON "shop"."Or ders" TO "reader"',
        'GRANT SELECT ("id", "mail", "name") ON "public"."users" TO "reader"',
    ]
    assert not any(word in " ".join(statements(writing=False)) for word in ("INSERT", "UPDATE", "DELETE"))


def test_with_a_moved_write_route_its_feature_may_write() -> None:
    assert [statement for statement in statements(writing=True) if " SCHEMA " not in statement] == [
        'GRANT CONNECT ON DATABASE "blog-db" TO "reader"',
        'GRANT DELETE ON "public"."left" TO "reader"',
        'GRANT INSERT ("the ""total""", "user"), SELECT ("id") ON "shop"."Or ders" TO "reader"',
        'GRANT DELETE, SELECT ("id", "mail", "name"), UPDATE ("name") ON "public"."users" TO "reader"',
    ]


@pytest.mark.parametrize(
    ("routes", "writers"),
    [
        ([], set()),
        (["orders.create"], {"orders"}),
        (["orders.create", "people.rename"], {"orders", "people"}),
        (["orders.archive.delete"], {"orders"}),
        # Nothing tells what the route writes.
        (["order.create"], {"orders", "people"}),
    ],
)
def test_the_feature_of_a_route_follows_from_its_name(routes: list[str], writers: set[str]) -> None:
    assert writing_features(routes, CONSUMER) == writers


def test_a_feature_may_be_of_one_route_alone() -> None:
    consumer = Consumer(features={"users": Feature(), "users.create": Feature()})
    assert writing_features(["users.create"], consumer) == {"users.create"}
    assert writing_features(["users.delete"], consumer) == {"users"}


def test_the_role_may_see_each_schema_that_it_needs_but_not_create() -> None:
    granted = statements(writing=False)
    for schema in ("public", "shop"):
        assert f'REVOKE CREATE ON SCHEMA "{schema}" FROM "reader"' in granted
        assert f'GRANT USAGE ON SCHEMA "{schema}" TO "reader"' in granted


def test_a_name_cannot_break_out_of_its_statement() -> None:
    for statement in statements(writing=True, role='r"; DROP TABLE users; --'):
        assert statement.count('"r""; DROP TABLE users; --"') == 1
        assert statement.endswith('"r""; DROP TABLE users; --"')


def test_the_example_may_not_make_itself_staff_but_by_its_admin() -> None:
    rights = set(rights_wanted(EXAMPLE, writers=[name for name in EXAMPLE.features if name != "admin"]))
    assert Right("users", "UPDATE", "password") in rights
    assert Right("users", "SELECT", "is_staff") in rights
    assert Right("users", "UPDATE", "is_staff") not in rights
    assert Right("users", "UPDATE", "is_superuser") not in rights
