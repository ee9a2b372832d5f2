"""Values that are the same because they play the same part."""

import base64
import datetime as dt
import json

import pytest

from strangler.compare.json_values import Number
from strangler.compare.writes.id_mapping import LEFT, RIGHT, Clock, IdMapping, NewRow
from strangler.compare.writes.tables import Column, Table

BEGAN = dt.datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=dt.UTC)
POSTS = Table(
    schema="public",
    name="posts",
    partitioned=False,
    key=("id",),
    columns=(Column(name="id", type="bigint", category="N"),),
)
LINKS = Table(
    schema="public",
    name="links",
    partitioned=False,
    key=("id",),
    columns=(),
    references={"post_id": "public.posts"},
)
ANY = Table(schema="public", name="any", partitioned=False, key=("id",), columns=())


@pytest.fixture
def roles() -> IdMapping:
    """Post 101 of the left side is 102 of the right, and the other way round."""
    roles = IdMapping(Clock(BEGAN), transactions=((5000, 5010), (5000, 5010)))
    for number, (left, right) in enumerate([("101", "102"), ("102", "101")], start=1):
        role = NewRow("posts", 2, number)
        roles.learn(POSTS, LEFT, (left,), role)
        roles.learn(POSTS, RIGHT, (right,), role)
    return roles


def same(roles: IdMapping, name: str, category: str, left: str | None, right: str | None, kind: str = "text") -> bool:
    return roles.column_same(ANY, Column(name=name, type=kind, category=category), left, right)


def moment(seconds: float, timespec: str = "microseconds") -> str:
    return (BEGAN + dt.timedelta(seconds=seconds)).isoformat(sep=" ", timespec=timespec)


def test_a_foreign_key_to_a_new_row_is_that_row_and_not_its_number(roles: IdMapping) -> None:
    post = Column(name="post_id", type="bigint", category="N")
    assert roles.column_same(LINKS, post, "101", "102")
    assert not roles.column_same(LINKS, post, "101", "101")
    assert not roles.column_same(LINKS, post, "101", "17")
    assert roles.column_same(LINKS, post, "17", "17")
    assert not roles.column_same(LINKS, post, "17", "18")
    assert not roles.column_same(LINKS, post, "17", None)


def test_an_id_without_a_foreign_key_is_reported_by_its_name(roles: IdMapping) -> None:
    assert same(roles, "object_id", "S", "101", "102")
    assert same(roles, "post_id", "N", "101", "102")
    assert not same(roles, "post_id", "N", "101", "103")
    assert not same(roles, "post_count", "N", "101", "102")


def test_ids_stand_in_bodies_and_links(roles: IdMapping) -> None:
    assert roles.values_same(Number("101"), Number("102"))
    assert not roles.values_same(Number("101"), "102")
    assert not roles.values_same(Number("101"), Number("101.0"))
    assert roles.values_same("http://x/posts/101/?a=102", "http://x/posts/102/?a=101")
    assert not roles.values_same("http://x/posts/101/", "http://y/posts/102/")
    assert not roles.values_same("/posts/101/", "/posts/103/")
    assert not roles.values_same("/posts/1010/", "/posts/1020/")
    assert not roles.values_same(True, False)


def test_the_time_of_writing_is_the_same_time_and_no_other_is(roles: IdMapping) -> None:
    assert same(roles, "at", "D", moment(0.1), moment(0.9))
    assert same(roles, "expires", "D", moment(86400), moment(86400.5))
    assert not same(roles, "at", "D", moment(0.1), moment(3600.1))
    assert not same(roles, "at", "D", moment(0.1), moment(0.4, "seconds")), "cut to seconds"
    assert not same(roles, "at", "D", moment(-9000.1), moment(-9000.2)), "a time that was sent"
    assert not same(roles, "at", "D", moment(0.1), None)


def test_a_time_in_a_text_is_written_in_one_way(roles: IdMapping) -> None:
    aware = "2026-01-02T03:04:05.700000Z"
    assert roles.values_same(aware, "2026-01-02T03:04:05.800000Z")
    assert not roles.values_same(aware, "2026-01-02T03:04:05.800000"), "naive"
    assert not roles.values_same(aware, "2026-01-02T03:04:05.800000+00:00")
    assert not same(roles, "note", "S", "2026-01-02 03:04:05.700000+00:00", "2026-01-02 03:04:05.700001")


def test_a_random_value_is_the_same_wherever_it_turns_up(roles: IdMapping) -> None:
    first, second = "7d444840-9dc0-11d1-b245-5ffdce74fad2", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    third = "c9bf9e57-1685-4c89-bafb-ff5af830be8a"
    assert roles.column_same(ANY, Column(name="u", type="uuid", category="U"), first, second, certain=False)
    assert roles.values_same(first, third, certain=False), "a guess leaves no trace"
    assert roles.values_same(first, second)
    assert roles.values_same(f"/x/{first}/", f"/x/{second}/")
    assert not roles.values_same(first, third)
    assert not roles.values_same(third, second)


def test_numbers_of_transactions_are_those_of_the_scenario(roles: IdMapping) -> None:
    assert same(roles, "transaction_id", "N", "5001", "5002")
    assert same(roles, "transaction_id", "N", "5001", "5002")
    assert not same(roles, "transaction_id", "N", "5001", "5003"), "two transactions where the left has one"
    assert not same(roles, "transaction_id", "N", "4000", "5004")
    assert not same(roles, "number", "N", "5005", "5006")


def test_tokens_are_compared_by_their_claims(roles: IdMapping) -> None:
    now = int(BEGAN.timestamp())
    claims = {"exp": now + 300, "jti": "7d4448409dc011d1b2455ffdce74fad2", "user_id": "101"}
    left = token(claims)
    assert roles.values_same(left, token(claims | {"exp": now + 301, "user_id": "102"}))
    for other in ({"exp": now + 3600}, {"user_id": "17"}, {"jti": "short"}, {"more": 1}):
        assert not roles.values_same(left, token(claims | other))
    assert not roles.values_same(left, token(dict(reversed(claims.items())))), "the order of claims"


def test_json_in_a_column_is_compared_by_value(roles: IdMapping) -> None:
    assert same(roles, "data", "U", '{"post": 101}', '{"post": 102}', "jsonb")
    assert not same(roles, "data", "U", '{"post": 101}', '{"post": 103}', "jsonb")


def token(claims: dict[str, object]) -> str:
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, base64.urlsafe_b64encode(str(claims).encode()).decode().rstrip("=")[:43]])
