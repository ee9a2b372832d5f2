"""What isn't ported yet is closed to everybody, and listed in the OpenAPI document."""

import pytest
from starlette.requests import Request

from strangler_fastapi.application import create_application
from strangler_fastapi.drf.filtering import filter_criteria, not_ported_filter
from strangler_fastapi.drf.pagination import PageNumberPagination
from strangler_fastapi.drf.permissions import AllowAny, as_permission, not_ported
from strangler_fastapi.drf.urls import ApiPrefixes
from strangler_fastapi.drf.view import View, feature_router
from strangler_fastapi.errors import NotPorted

PREFIXES = ApiPrefixes(service="/", v1="/", v2="/v2")
SENTENCE = {"detail": "Not ported from Django yet: field total: computed by get_total; permission OfStaff is your own."}


def test_a_gap_is_listed_with_its_name() -> None:
    router = feature_router(PREFIXES, "boats")
    boats = View(router, "/boats/", name="Boat List", methods=("GET", "POST"), permission=AllowAny)
    boats.gap("POST", "field total: computed by get_total")
    closed = View(router, "/closed/", name="Closed", methods=("GET",), permission=not_ported("permission OfStaff"))
    closed.gap("GET", "permission OfStaff")

    @boats.get(gaps=("filter near: by_distance",))
    async def boats_list(_request: Request) -> None:
        raise NotImplementedError

    app = create_application((router,), service="boats", prefixes=PREFIXES, database=lambda: None)  # type: ignore[arg-type,return-value] # never started
    paths = app.openapi()["paths"]
    assert paths["/boats/"]["post"]["x-not-ported"] == ["field total: computed by get_total"]
    assert paths["/boats/"]["get"]["x-not-ported"] == ["filter near: by_distance"]
    assert paths["/closed/"]["get"]["x-not-ported"] == ["permission OfStaff"]
    assert "501" in paths["/closed/"]["get"]["responses"]


def test_a_permission_that_is_lacking_lets_nobody_pass() -> None:
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""})
    with pytest.raises(NotPorted) as refused:
        as_permission(
            not_ported("field total: computed by get_total", "permission OfStaff is your own")
        ).has_permission(request, object())
    assert (refused.value.status, refused.value.body) == (501, SENTENCE)


def test_a_filter_that_is_lacking_refuses_who_uses_it() -> None:
    filters = {"near": not_ported_filter("filter near: by_distance")}
    assert filter_criteria({"other": "1", "near": ""}, filters) == ()
    with pytest.raises(NotPorted):
        filter_criteria({"near": "1"}, filters)


def test_pages_say_their_own_parameters() -> None:
    fixed = PageNumberPagination(page_size=5, page_size_query_param=None, page_query_param="p", last_page_strings=())
    assert fixed.parameters["p"] == "The page's number."
    assert "page_size" not in fixed.parameters
