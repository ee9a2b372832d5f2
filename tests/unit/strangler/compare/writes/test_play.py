"""Answers that differ in nothing but ids, times and tokens."""

import datetime as dt

import pytest

from strangler.compare.client.response import SideResponse
from strangler.compare.differ import differences, links_of
from strangler.compare.writes.id_mapping import LEFT, RIGHT, Clock, IdMapping, NewRow
from strangler.compare.writes.play import is_same
from strangler.compare.writes.tables import Table

POSTS = Table(schema="public", name="posts", partitioned=False, key=("id",), columns=())


@pytest.fixture
def roles() -> IdMapping:
    """Post 8 of the left side is 9 of the right."""
    roles = IdMapping(Clock(dt.datetime.now(dt.UTC)))
    roles.learn(POSTS, LEFT, ("8",), NewRow("posts", 1, 1))
    roles.learn(POSTS, RIGHT, ("9",), NewRow("posts", 1, 1))
    return roles


def found(roles: IdMapping, left: str, right: str, *, location: tuple[str, str] = ("", "")) -> list[str]:
    answers = [
        SideResponse(status=201, body=text.encode(), base=base, headers=(("location", where),))
        for text, base, where in zip((left, right), ("/api", "/api/v2"), location, strict=True)
    ]
    links = links_of("/api", "/api/v2")
    return [each.place for each in differences(*answers) if not is_same(each, links, roles)]


def test_the_id_of_the_new_row_is_the_same_in_body_links_and_headers(roles: IdMapping) -> None:
    left, right = '{"id":8,"url":"/api/posts/8/","n":1}', '{"id":9,"url":"/api/v2/posts/9/","n":1}'
    assert found(roles, left, right, location=("/api/posts/8/", "/api/v2/posts/9/")) == []


def test_what_else_differs_stays(roles: IdMapping) -> None:
    assert found(roles, '{"id":8,"n":1}', '{"id":9,"n":2}') == ["$.n"]
    assert found(roles, '{"id":8,"n":1}', '{"id":9}') == ["$.n"]
    assert found(roles, '{"id":8,"n":1}', '{"n":1,"id":9}') == ["$"]
    assert found(roles, '{"id":8}', '{"id":"9"}') == ["$.id"]
    assert found(roles, '{"id":8}', '{"id":9}', location=("/api/posts/8/", "/api/posts/7/")) == ["header location"]


def test_another_way_to_write_the_same_is_a_difference(roles: IdMapping) -> None:
    assert found(roles, '{"id":8,"t":"é"}', '{"id":9,"t":"\\u00e9"}') == ["body"]
    assert found(roles, '{"id":8}', '{"id": 9}') == ["body"]
