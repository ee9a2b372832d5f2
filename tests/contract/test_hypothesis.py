"""Requests that nobody thought of: Hypothesis makes bodies and query strings, and both stacks are asked."""

import json
import string
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.bodies import FORM, JSON
from tests.contract.comparing import Ask, Comparison, differences

QUICK = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAMES = st.sampled_from(
    [
        "page",
        "page_size",
        "search",
        "ordering",
        "published",
        "tag",
        "created_after",
        "created_before",
        "view",
        "author",
        "format",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        ["", "1", "2", "last", "true", "-id", "title", "-created_at,title", "minimal", "2025-01-01", "json", "a"]
    ),
    st.integers(-5, 200).map(str),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.text(max_size=12),
)
QUERIES = st.lists(st.tuples(NAMES, VALUES), max_size=4).map(lambda pairs: urlencode(pairs, errors="surrogatepass"))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=10))
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
# A title too long: no example is ever taken, so that both sides refuse and nothing is written.
POSTS = st.fixed_dictionaries(
    {"title": st.text(min_size=201, max_size=220, alphabet=string.ascii_letters) | st.just("") | st.none()},
    optional={
        "content": ANYTHING,
        "tags": ANYTHING | st.lists(st.text(max_size=60), max_size=3),
        "published": ANYTHING,
    },
)

pytestmark = pytest.mark.long


def check(comparison: Comparison, ask: Ask) -> None:
    first, second = comparison.ask(ask, served_by="fastapi")
    assert not differences(first, second), f"{ask}"


@pytest.mark.parametrize("path", ["/feed/", "/posts/", "/users/2/posts/", "/tags/", "/users/"])
def test_queries(comparison: Comparison, access_tokens: dict[str, str], path: str) -> None:
    bearer = {"Authorization": f"Bearer {access_tokens['alice']}"}

    @QUICK
    @given(QUERIES)
    def run(query: str) -> None:
        check(comparison, Ask("GET", f"{path}?{query}", bearer))

    run()


def test_bodies_of_posts(comparison: Comparison, access_tokens: dict[str, str]) -> None:
    bearer = {"Authorization": f"Bearer {access_tokens['alice']}"}

    @QUICK
    @given(POSTS)
    def run(body: dict[str, Any]) -> None:
        check(comparison, Ask("POST", "/posts/", bearer | JSON, json.dumps(body).encode()))

    run()


def test_bodies_that_are_no_objects(comparison: Comparison, access_tokens: dict[str, str]) -> None:
    bearer = {"Authorization": f"Bearer {access_tokens['alice']}"}

    @QUICK
    @given(
        st.binary(max_size=30)
        | ANYTHING.filter(lambda value: not isinstance(value, dict)).map(lambda v: json.dumps(v).encode())
    )
    def run(body: bytes) -> None:
        for path in ("/posts/", "/tags/", "/auth/token/"):
            check(comparison, Ask("POST", path, bearer | JSON, body))

    run()


def test_forms(comparison: Comparison, access_tokens: dict[str, str]) -> None:
    bearer = {"Authorization": f"Bearer {access_tokens['alice']}"}
    fields = st.sampled_from(["content", "tags", "tags[0]", "tags[1]", "published", "extra"])

    @QUICK
    @given(st.lists(st.tuples(fields, st.text(max_size=10)), max_size=5))
    def run(pairs: list[tuple[str, str]]) -> None:
        body = urlencode([("title", ""), *pairs], errors="surrogatepass").encode()
        check(comparison, Ask("POST", "/posts/", bearer | FORM, body))

    run()


def test_accept_and_authorization_headers(comparison: Comparison, front: httpx.Client) -> None:  # noqa: ARG001 - the stack must run
    words = st.text(alphabet=string.ascii_letters + string.digits + '*/;=,. -"', max_size=30)

    @QUICK
    @given(words, words)
    def run(accept: str, authorization: str) -> None:
        headers = {"Accept": accept.strip(), "Authorization": authorization.strip()}
        check(comparison, Ask("GET", "/feed/?page_size=1", headers))

    run()
