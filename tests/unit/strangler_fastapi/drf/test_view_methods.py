"""A view answers HEAD and OPTIONS unless Django's leaves them out, and OPTIONS as `described` says."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from rest_framework import permissions as drf_permissions
from rest_framework import serializers
from rest_framework.mixins import CreateModelMixin, UpdateModelMixin
from rest_framework.test import APIRequestFactory
from rest_framework.viewsets import GenericViewSet
from starlette.responses import Response

from strangler_fastapi.application import create_application
from strangler_fastapi.drf.fields.fields import CharField
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.permissions import SAFE_METHODS, AllowAny, BasePermission
from strangler_fastapi.drf.views.view import View, feature_router

PREFIXES = ApiPrefixes("/api/v2", "/api", "/api/v2")


@pytest.mark.parametrize(
    ("without", "allow"), [((), "GET, HEAD, OPTIONS"), (("HEAD", "OPTIONS"), "GET"), (("HEAD",), "GET, OPTIONS")]
)
def test_what_is_left_out_is_not_allowed(without: tuple[str, ...], allow: str) -> None:
    router = feature_router(PREFIXES, "boats")
    view = View(router, "/boats/", name="Boats", methods=("GET",), without=without, permission=AllowAny)

    @view.get()
    async def boats_list() -> Response:
        return Response()

    assert view.allow == allow
    own = [each for each in router.routes if isinstance(each, APIRoute) and each.endpoint is boats_list]
    assert ["HEAD" in each.methods for each in own].count(True) == ("HEAD" in allow)


async def options_of(router: APIRouter, path: str) -> tuple[FastAPI, dict[str, Any]]:
    app = create_application((router,), service="boats", prefixes=PREFIXES, database=lambda: pytest.fail("not started"))
    app.state.database = SimpleNamespace(problem=None, engine=None, is_pooled=False, replica=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver/api/v2") as client:
        return app, (await client.options(path)).json()


class NewBoat(serializers.Serializer[None]):
    sail = serializers.CharField(max_length=5)


class Boat(serializers.Serializer[None]):
    name = serializers.CharField()


class Boats(CreateModelMixin, GenericViewSet[None]):
    """Its action is `metadata` while it answers OPTIONS, which so describes no new boat."""

    permission_classes = authentication_classes = ()

    def get_serializer_class(self) -> type[serializers.Serializer[None]]:
        return NewBoat if self.action == "create" else Boat


@pytest.mark.parametrize("is_described", [True, False])
async def test_options_describes_another_body_than_is_taken_where_djangos_does(*, is_described: bool) -> None:
    router = feature_router(PREFIXES, "boats")
    new = Serializer("NewBoat", {"sail": CharField(max_length=5)})
    boat = Serializer("Boat", {"name": CharField()})
    view = View(
        router,
        "/boats/",
        name="Boats",
        methods=("POST",),
        permission=AllowAny,
        serializer=new,
        described=boat if is_described else None,
    )

    @view.post()
    async def boats_create() -> Response:
        return Response()

    app, answer = await options_of(router, "/boats/")
    actions = answer["actions"]
    theirs = Boats.as_view({"post": "create"})(APIRequestFactory().options("/boats/")).data["actions"]
    assert (actions == theirs) == is_described
    assert [*actions["POST"]] == (["name"] if is_described else ["sail"])
    body = app.openapi()["paths"]["/api/v2/boats/"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert [*body["properties"]] == ["sail"]


class TheirsReadOnly(drf_permissions.BasePermission):
    def has_object_permission(self, request: Any, _view: Any, obj: Any) -> bool:
        return request.method in drf_permissions.SAFE_METHODS or obj == "own"


class OursReadOnly(BasePermission):
    def has_object_permission(self, request: Request, _caller: object, obj: object) -> bool:
        return request.method in SAFE_METHODS or obj == "own"


class OneBoat(UpdateModelMixin, GenericViewSet[None]):
    authentication_classes = ()
    permission_classes = (TheirsReadOnly,)
    serializer_class = Boat

    def get_object(self) -> Any:
        self.check_object_permissions(self.request, self.kwargs["pk"])
        return self.kwargs["pk"]


@pytest.mark.parametrize("key", ["own", "another"])
async def test_options_describes_a_put_to_those_alone_who_may_put_this_object(key: str) -> None:
    """A permission that lets everybody read is asked about a PUT, and not about OPTIONS, which is safe."""
    router = feature_router(PREFIXES, "boats")

    async def find(request: Request, _session: object, _caller: object) -> str:
        found = str(request.path_params["pk"])
        await view.access.check_object(request, found)
        return found

    boat = Serializer("Boat", {"name": CharField()})
    view = View(
        router,
        "/boats/{pk}/",
        name="Boat",
        methods=("PUT",),
        permission=OursReadOnly,
        serializer=boat,
        find=find,
    )

    @view.put()
    async def boats_update() -> Response:
        return Response()

    _app, answer = await options_of(router, f"/boats/{key}/")
    theirs = OneBoat.as_view({"put": "update"})(APIRequestFactory().options("/boats/"), pk=key).data
    assert answer.get("actions") == theirs.get("actions")
    assert ("actions" in answer) == (key == "own")


async def test_views_are_tried_in_their_own_order_by_whichever_method() -> None:
    """A view of a variable answers no method that an earlier one's path has alone, such as an action's POST."""
    router = feature_router(PREFIXES, "boats")
    sink = View(router, "/boats/sink/", name="Sink", methods=("POST",), permission=AllowAny)
    boat = View(router, "/boats/{pk}/", name="Boat", methods=("GET", "DELETE"), permission=AllowAny)

    @boat.get()
    async def boats_retrieve() -> Response:
        return Response("a boat")

    @sink.post()
    async def boats_sink() -> Response:
        return Response("sunk")

    app = create_application((router,), service="boats", prefixes=PREFIXES, database=lambda: pytest.fail("not started"))
    app.state.database = SimpleNamespace(problem=None, engine=None, is_pooled=False, replica=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver/api/v2") as client:
        answers = [await client.request(method, "/boats/sink/") for method in ("POST", "GET", "DELETE")]

    assert [(answer.status_code, answer.headers["allow"]) for answer in answers] == [
        (200, "POST, OPTIONS"),
        (405, "POST, OPTIONS"),
        (405, "POST, OPTIONS"),
    ]
