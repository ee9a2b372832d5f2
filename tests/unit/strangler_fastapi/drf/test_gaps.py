"""What isn't ported yet is closed to everybody, and listed in the OpenAPI document."""

import asyncio
import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.datastructures import QueryParams
from starlette.requests import Request

from shared_schema.contract.callables import callable_of
from shared_schema.mapping import Reflected
from strangler_fastapi.application import create_application
from strangler_fastapi.auth.authentication import BaseAuthentication, UnportedAuthentication
from strangler_fastapi.drf.fields.computed_fields import SerializerMethodField
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.filters.filtering import filter_criteria, not_ported_filter
from strangler_fastapi.drf.http.handlers import ErrorBody
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.links import ForeignKey
from strangler_fastapi.drf.pagination.pagination import PageNumberPagination
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.unported import unported, unported_of
from strangler_fastapi.drf.views.permissions import (
    SAFE_METHODS,
    AllowAny,
    BasePermission,
    ByMethod,
    IsAuthenticated,
    as_permission,
    not_ported,
)
from strangler_fastapi.drf.views.view import View, feature_router
from strangler_fastapi.errors import NotAuthenticated, NotPorted

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


@pytest.mark.parametrize(
    ("others", "describes", "permission", "status"),
    [
        (("GET",), True, AllowAny, 501),
        (("GET",), True, IsAuthenticated, 403),
        (("GET",), False, AllowAny, 200),
        ((), False, AllowAny, 501),
        ((), False, IsAuthenticated, 403),
    ],
)
async def test_options_is_a_gap_where_it_tells_what_one_takes_and_where_nothing_else_is(
    others: tuple[str, ...], describes: bool, permission: Any, status: int
) -> None:
    router = feature_router(PREFIXES, "boats")
    boats = View(router, "/boats/", name="Boat List", methods=(*others, "POST"), permission=permission)
    boats.gap("POST", "field total: computed by get_total", describes=describes)
    app = create_application((router,), service="boats", prefixes=PREFIXES, database=lambda: None)  # type: ignore[arg-type,return-value] # never started
    app.state.database = SimpleNamespace(problem=None, engine=None, is_pooled=False, replica=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
        answer = await client.options("/boats/")
    assert (answer.status_code, "get_total" in answer.text) == (status, status == NotPorted.status)


class ByTheTide(BasePermission):
    """Django's, of which what it says of writing isn't known."""

    def __init__(self, *, of_rows: bool) -> None:
        self._of_rows = of_rows

    def has_permission(self, request: Request, _caller: object) -> bool:
        return self._of_rows or self._says(request)

    def has_object_permission(self, request: Request, _caller: object, _obj: object) -> bool:
        return self._says(request)

    def _says(self, request: Request) -> bool:
        if request.method not in SAFE_METHODS:
            raise NotPorted("permission ByTheTide")
        return True


@pytest.mark.parametrize("of_rows", [False, True])
async def test_options_is_one_where_only_django_knows_whether_the_caller_may_write(*, of_rows: bool) -> None:
    router = feature_router(PREFIXES, "boats")

    async def find(request: Request, _session: object, _caller: object) -> None:
        await boat.access.check_object(request, None)

    boat = View(
        router,
        "/boats/{pk}/",
        name="Boat",
        methods=("PUT",),
        permission=ByTheTide(of_rows=of_rows),
        serializer=Serializer("Boat", {}),
        find=find,
    )
    app = create_application((router,), service="boats", prefixes=PREFIXES, database=lambda: None)  # type: ignore[arg-type,return-value] # never started
    app.state.database = SimpleNamespace(problem=None, engine=None, is_pooled=False, replica=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
        answer = await client.options("/boats/1/")
    assert (answer.status_code, answer.json()) == (501, NotPorted("permission ByTheTide").body)


async def test_a_value_that_only_django_makes_is_one() -> None:
    router = feature_router(PREFIXES, "boats")
    boats = View(router, "/boats/", name="Boat List", methods=("GET",), permission=AllowAny)

    @boats.get()
    async def boats_list(_request: Request) -> None:
        callable_of("harbour.new_code", type_name="text", column="boat.code")()

    app = create_application((router,), service="boats", prefixes=PREFIXES, database=lambda: None)  # type: ignore[arg-type,return-value] # never started
    app.state.database = SimpleNamespace(problem=None, engine=None, is_pooled=False, replica=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
        answer = await client.get("/boats/")
    sentence = "Column boat.code has no value, and Django would call harbour.new_code for one."
    assert (answer.status_code, answer.json()) == (501, {"detail": f"Not ported from Django yet: {sentence}"})


@unported("BoatSerializer.get_tide")
def boat_tide(boat: Mapping[str, Any]) -> object:
    """What `tide` is, of the other keys of an answer."""


def test_what_lacks_one_function_lists_it_until_it_is_written() -> None:
    def listed(method: Callable[[Mapping[str, Any]], object], *kinds: BaseAuthentication) -> list[str]:
        router = feature_router(PREFIXES, "boats")
        inner = Serializer("Tide", {"tide": SerializerMethodField(method=method)})
        form = Serializer("Boat", {"at": NestedField(children=inner, link=ForeignKey("sea", Reflected, "id"))})
        rule = ByMethod(AllowAny, GET=AllowAny & not_ported("permission OfTheCrew"))
        given = {"permission": rule, "serializer": form, "authenticators": kinds}
        boats = View(router, "/boats/", name="Boat List", methods=("GET",), **given)  # type: ignore[arg-type] # of each

        @boats.get()
        @boats.post()
        async def boats_list(_request: Request) -> None:
            raise NotImplementedError

        app = create_application((router,), service="boats", prefixes=PREFIXES, database=lambda: None)  # type: ignore[arg-type,return-value] # never started
        paths = app.openapi()["paths"]
        assert paths["/boats/"]["post"].get("x-not-ported", []) == [
            each for each in paths["/boats/"]["get"]["x-not-ported"] if each != "permission OfTheCrew"
        ]
        return list(paths["/boats/"]["get"]["x-not-ported"])

    lacking = UnportedAuthentication("harbour.ByFlag")
    every = ["authenticator harbour.ByFlag", "permission OfTheCrew", "BoatSerializer.get_tide"]
    assert listed(boat_tide, lacking) == every
    assert listed(lambda boat: boat["id"]) == every[1:2]
    with pytest.raises(NotPorted):
        boat_tide({})
    with pytest.raises(NotPorted):
        asyncio.run(lacking.authenticate(Request({"type": "http"}), None))  # type: ignore[arg-type] # never looked at


def test_errors_in_the_projects_own_form_are_lacking_until_that_is_written() -> None:
    def answered(error_body: ErrorBody | None) -> tuple[int, Any]:
        router = feature_router(PREFIXES, "boats")
        boats = View(router, "/boats/", name="Boat List", methods=("GET",), permission=IsAuthenticated)
        boats.gap("GET", "nothing")
        app = create_application(
            (router,),
            service="boats",
            prefixes=PREFIXES,
            database=lambda: None,  # type: ignore[arg-type,return-value] # never started
            error_body=error_body,
        )
        lacking = app.openapi()["paths"]["/boats/"]["get"]["x-not-ported"]
        assert lacking == ["nothing", *unported_of(error_body)]
        handler = app.exception_handlers[NotAuthenticated]
        request = Request({"type": "http", "app": app, "headers": []})
        answer = asyncio.run(handler(request, NotAuthenticated()))  # type: ignore[arg-type] # one of several forms
        return answer.status_code, json.loads(answer.body)

    assert answered(None) == (403, NotAuthenticated().body)
    assert answered(lambda _request, body, status: {"status": status, "message": body["detail"]}) == (
        403,
        {"status": 403, "message": NotAuthenticated().body["detail"]},
    )
    status, body = answered(unported("errors by harbour.errors.worded")(lambda *_: None))
    assert (status, body["detail"]) == (501, "Not ported from Django yet: errors by harbour.errors.worded.")


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


def test_a_parameter_that_code_of_a_project_reads_is_refused_where_it_is_empty() -> None:
    own = {"near": not_ported_filter("?near=: read by Boats.get_queryset", takes_empty=True)}
    usual = {"near": not_ported_filter("filter near: by_distance")}
    for text in ("", "x"):
        with pytest.raises(NotPorted):
            filter_criteria(QueryParams(near=text), own)
    assert filter_criteria(QueryParams(far="x"), own) == filter_criteria(QueryParams(near=""), usual) == ()
