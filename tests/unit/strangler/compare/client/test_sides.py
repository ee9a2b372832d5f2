"""The two that are compared where nobody names them."""

from dataclasses import replace

import pytest

from strangler.cli.comparison_run import sides_of
from strangler.compare.case import Case
from strangler.errors import UsageError
from tests.example import example_settings


def test_the_local_services_are_asked_themselves() -> None:
    left, right = sides_of(None, None, [], example_settings(django_port=1, fastapi_port=2))
    assert (left.url, right.url) == ("http://127.0.0.1:1/api", "http://127.0.0.1:2/api/v2")
    assert (left.links, right.links, left.stack, right.stack) == ("/api", "/api", "", "")


def test_below_v2s_prefix_fastapi_is_asked_as_v2_and_django_as_v1() -> None:
    case = Case(method="GET", target="/posts/", below_v2=True)
    sides = sides_of(None, None, [], example_settings(django_port=1, fastapi_port=2))
    left, right = (side.requested_for(case) for side in sides)
    assert (left.url, right.url) == tuple(side.url for side in sides)
    assert (left.links, right.links) == ("/api", "/api/v2")
    assert dict(left.headers)["X-Forwarded-Prefix"] == "/api"
    assert dict(right.headers)["X-Forwarded-Prefix"] == "/api/v2"
    assert left.own
    assert right.own
    assert left.own.host == right.own.host == dict(right.headers)["Host"] == "localhost:9"
    assert sides[1].requested_for(replace(case, below_v2=False)) is sides[1]


def test_containers_are_asked_through_the_gateway_which_must_say_who_answered() -> None:
    left, right = sides_of(None, None, ["X-Mine: 1"], example_settings(gateway="container", proxy_port=9))
    assert (left.url, right.url) == ("http://127.0.0.1:9/api", "http://127.0.0.1:9/api/v2")
    assert (left.links, right.links) == ("/api", "/api/v2")
    assert (left.stack, right.stack) == ("django", "fastapi")
    assert ("X-Stack", "django") in left.headers
    assert ("X-Stack", "fastapi") in right.headers
    assert ("X-Mine", "1") in left.headers


def test_one_address_is_no_comparison() -> None:
    with pytest.raises(UsageError, match="two base addresses"):
        sides_of("http://127.0.0.1:1/api", None, [], example_settings())
