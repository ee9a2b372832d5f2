"""Links are those that Django would write for the same client."""

from urllib.parse import quote, unquote_to_bytes

import pytest
from django.test import RequestFactory
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.utils.urls import remove_query_param, replace_query_param

from strangler_fastapi.drf.http.urls import (
    ApiPrefixes,
    asks_for_v1,
    public_path,
    public_url,
    replace_query_parameter,
    with_query,
)
from tests.unit.fastapi_app.asking import make_request, make_scope

# A server refuses a request line with any other byte before either stack sees it.
ASCII = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=40)
QUERIES = ASCII | st.sampled_from(["a=1&page=3&b=2", "page=1&page=2", "z=%20&a=+", "q=%E9", "a=1;b=2", "&&=&a"])


@given(query=QUERIES)
@pytest.mark.parametrize("value", ["2", None])
def test_a_parameter_is_replaced_or_removed_as_in_drf(query: str, value: str | None) -> None:
    url = f"http://client.example:8080/api/feed/?{query}"
    expected = remove_query_param(url, "page") if value is None else replace_query_param(url, "page", value)
    assert replace_query_parameter(url, "page", value) == expected


@given(raw=st.binary(max_size=30), query=ASCII.map(str.encode))
@example(raw="é b".encode(), query=b"a=b&c=%20")
@example(raw=b"(*)~'!@:;,$&=+", query=b'a[]=1&b={}|\\^`"<>')
def test_the_clients_address_is_written_as_django_writes_it(raw: bytes, query: bytes) -> None:
    # nginx resolves dots before either stack sees the path.
    text = raw.decode("utf-8", "replace").translate(dict.fromkeys(b"\r\n."))
    path = f"/api/v2/{text}/"
    request = make_request(path=path, query=query, headers={"host": "client.example:8080"})
    with_django = RequestFactory().get("/")
    with_django.path = path
    with_django.META |= {"QUERY_STRING": query.decode("latin-1"), "HTTP_HOST": "localhost"}
    expected = with_django.build_absolute_uri().replace("localhost", "client.example:8080", 1)
    assert public_url(request) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "http://testserver/api/v2/feed/?a=1"),
        ({"host": "c.example:8443", "x-forwarded-proto": "https"}, "https://c.example:8443/api/v2/feed/?a=1"),
        ({"x-forwarded-prefix": "/api"}, "http://testserver/api/feed/?a=1"),
        ({"x-forwarded-prefix": "/api/v2"}, "http://testserver/api/v2/feed/?a=1"),
        ({"x-forwarded-prefix": "/evil"}, "http://testserver/api/v2/feed/?a=1"),
        ({"x-forwarded-prefix": ""}, "http://testserver/api/v2/feed/?a=1"),
        ({"x-forwarded-prefix": "//evil.example"}, "http://testserver/api/v2/feed/?a=1"),
    ],
)
def test_the_address_is_the_one_that_the_client_used(headers: dict[str, str], expected: str) -> None:
    assert public_url(make_request(query=b"a=1", headers=headers)) == expected


def test_only_a_path_of_the_api_changes_its_prefix() -> None:
    headers = {"x-forwarded-prefix": "/api"}
    assert public_path(make_scope(path="/api/v2x/feed/", headers=headers)) == "/api/v2x/feed/"
    assert public_path(make_scope(path="/api/v2/api/v2/", headers=headers)) == "/api/api/v2/"


@pytest.mark.parametrize(
    ("service", "v1", "v2", "forwarded", "expected"),
    [
        ("/", "/", "/v2", "/", "/feed/"),
        ("/", "/", "/v2", "/v2", "/v2/feed/"),
        ("/new", "/", "/v2", "/", "/feed/"),
        ("/new", "/old/api", "/", "/", "/feed/"),
        ("/new", "/old/api", "/", "/old/api", "/old/api/feed/"),
        ("/new", "/old/api", "/", "", "/new/feed/"),
    ],
)
def test_any_prefix_will_do(service: str, v1: str, v2: str, forwarded: str, expected: str) -> None:
    prefixes = ApiPrefixes(service=service, v1=v1, v2=v2)
    scope = make_scope(path=prefixes.below("/feed/"), headers={"x-forwarded-prefix": forwarded}, prefixes=prefixes)
    assert public_path(scope) == expected
    assert asks_for_v1(scope) == (forwarded == v1)


def test_a_query_is_added_only_where_there_is_one() -> None:
    assert with_query(make_scope(), "/x/") == "/x/"
    assert with_query(make_scope(query=b"a=b%20c&d=\xff"), "/x/") == "/x/?a=b%20c&d=%FF"


@given(path=st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
def test_an_escaped_path_is_the_same_path(path: str) -> None:
    escaped = public_path(make_scope(path=path))
    assert unquote_to_bytes(escaped) == path.encode()
    assert quote(escaped, safe="/:;@&=+$,-_.!~*'()%") == escaped
