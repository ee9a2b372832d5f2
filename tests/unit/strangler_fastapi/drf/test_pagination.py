"""Which page a request asks for, and which links it gets, as in v1's pagination."""

import itertools
from typing import Any, cast

import pytest
from django.core.paginator import InvalidPage, Paginator
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.request import Request as DrfRequest
from rest_framework.test import APIRequestFactory

from django_app.config.lists import PagePagination
from strangler_fastapi.drf.pagination.pagination import PAGE_NUMBERS, PageNumberPagination, _previous
from strangler_fastapi.errors import NotFound

NUMBERS = st.integers(-3, 300).map(str) | st.text(st.sampled_from(list("0123456789+-_. e٣")), max_size=5)


@given(text=NUMBERS | st.text(max_size=5))
@example(text="100")
@example(text="101")
@example(text="0")
@example(text="9" * 5000)
def test_the_size_of_a_page(text: str) -> None:
    request = DrfRequest(APIRequestFactory().get("/", {"page_size": text}))
    assert PAGE_NUMBERS.size_of({"page_size": text}) == PagePagination().get_page_size(request)


def test_the_size_of_a_page_where_none_is_asked_for() -> None:
    assert PAGE_NUMBERS.size_of({}) == PagePagination().get_page_size(DrfRequest(APIRequestFactory().get("/")))


def test_a_page_whose_size_no_client_chooses() -> None:
    fixed = PageNumberPagination(page_size=7, page_size_query_param=None, max_page_size=None)
    assert fixed.size_of({"page_size": "3", "": "3"}) == 7
    assert PageNumberPagination(max_page_size=None).size_of({"page_size": "500"}) == 500


@given(text=(NUMBERS | st.text(max_size=5)).filter(lambda text: text != "last"))
def test_the_number_of_a_page(text: str) -> None:
    # As many pages as it takes: the number alone decides here.
    paginator: Any = Paginator(cast("list[int]", range(10**9)), 1)
    try:
        expected = paginator.validate_number(text)
    except InvalidPage:
        expected = None
    try:
        found = PAGE_NUMBERS._number(text)
    except NotFound:
        found = None
    assert found == expected


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("query", ["", "?page_size=10&a=b", "?page=x&z=1&a=%20"])
def test_the_link_to_the_page_before(number: int, query: str) -> None:
    legacy = PagePagination()
    legacy.request = DrfRequest(APIRequestFactory().get(f"/api/feed/{query}"))
    legacy.page = Paginator(list(itertools.repeat(0, 100)), 20).page(number)
    assert _previous(f"http://testserver/api/feed/{query}", "page", number) == legacy.get_previous_link()
