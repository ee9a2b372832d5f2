"""A project's own renderers: both stacks answer in the same form, errors and OPTIONS too."""

import csv
import io
import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from rest_framework import serializers as drf
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny as DrfAllowAny
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response as DrfResponse
from rest_framework.test import APIRequestFactory
from starlette.requests import Request
from starlette.responses import Response

from strangler_fastapi.application import create_application
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.fields.fields import CharField
from strangler_fastapi.drf.fields.number_fields import IntegerField
from strangler_fastapi.drf.http.renderers import BROWSABLE_API, JSON_RENDERER, Renderer, json_renderer
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router

PREFIXES = ApiPrefixes(service="/", v1="/", v2="/v2")


def camel_case(content: Any) -> Any:
    """As `djangorestframework-camel-case` has it, of keys."""
    if isinstance(content, dict):
        return {
            re.sub(r"_([a-z])", lambda found: found[1].upper(), name): camel_case(value)
            for name, value in content.items()
        }
    return [*map(camel_case, content)] if isinstance(content, list) else content


def camel_json(content: Any, _request: Any = None) -> bytes:
    return json.dumps(camel_case(content), separators=(",", ":"), ensure_ascii=False).encode()


def as_csv(content: Any, _request: Any = None) -> str:
    out = io.StringIO()
    rows = content if isinstance(content, list) else [content]
    writer = csv.DictWriter(out, [*rows[0]])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


class DrfCamel(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> Any:  # noqa: ARG002 - DRF's signature
        return b"" if data is None else camel_json(json.loads(JSONRenderer().render(data)))


class DrfCsv(BaseRenderer):
    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> Any:  # noqa: ARG002 - DRF's signature
        return b"" if data is None else as_csv(json.loads(JSONRenderer().render(data)))


class DrfSpaced(JSONRenderer):
    compact = False


class DrfAscii(JSONRenderer):
    ensure_ascii = True


class DrfOld(JSONRenderer):
    compact = False
    ensure_ascii = True


CAMEL, CSV = Renderer("application/json", "json", camel_json), Renderer("text/csv", "csv", as_csv, "utf-8")
OF_ONE: dict[Any, Renderer] = {
    JSONRenderer: JSON_RENDERER,
    DrfCamel: CAMEL,
    DrfCsv: CSV,
    BrowsableAPIRenderer: BROWSABLE_API,
    DrfSpaced: json_renderer(compact=False),
    DrfAscii: json_renderer(unicode=False),
    DrfOld: json_renderer(compact=False, unicode=False),
}


class BoatSerializer(drf.Serializer[Any]):
    boat_name = drf.CharField(max_length=5)
    crew_size = drf.IntegerField()


def drf_view(kinds: list[Any]) -> Callable[..., Any]:
    class Boats(GenericAPIView[Any]):
        serializer_class = BoatSerializer
        renderer_classes = kinds
        permission_classes = (DrfAllowAny,)
        authentication_classes = ()

        def get(self, request: Any) -> DrfResponse:  # noqa: ARG002 - DRF's signature
            return DrfResponse([{"boat_name": "é\u2028", "crew_size": 2}])

        def post(self, request: Any) -> DrfResponse:
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            return DrfResponse(serializer.data, status=201)

        def delete(self, request: Any) -> DrfResponse:  # noqa: ARG002 - DRF's signature
            return DrfResponse(status=204)

    return Boats.as_view()


def library(kinds: list[Any], vary: tuple[str, ...] = ()) -> Any:
    serializer = Serializer("Boat", {"boat_name": CharField(max_length=5), "crew_size": IntegerField()})
    router = feature_router(PREFIXES, "boats")
    view = View(
        router,
        "/boats/",
        name="Boats",
        methods=("GET", "POST", "DELETE"),
        permission=AllowAny,
        authenticators=(),
        vary=vary,
        serializer=serializer,
        renderers=tuple(OF_ONE[kind] for kind in kinds),
    )

    @view.get(response=dict)
    async def boats_list() -> Response:
        """All."""
        return JsonResponse([{"boat_name": "é\u2028", "crew_size": 2}])

    @view.post(status=201)
    async def boats_create(request: Request, session: Session) -> Response:
        """Another."""
        return JsonResponse(await serializer.read(request, session), status_code=201)

    @view.delete()
    async def boats_delete() -> Response:
        """None."""
        return Response(status_code=204)

    app = create_application((router,), service="boats", prefixes=PREFIXES, database=lambda: None)  # type: ignore[arg-type, return-value] # never started
    app.state.database = SimpleNamespace(problem=None, engine=None, is_pooled=False, replica=None)
    return app


REQUESTS: list[tuple[str, str, dict[str, str], bytes]] = [
    (method, query, {"Accept": accept, "Content-Type": "application/json"}, body)
    for accept in ("*/*", "application/json", "text/csv", "application/json; indent=4", "text/xml", "text/*, */*;q=0.1")
    for query in ("", "?format=json", "?format=csv", "?format=xml")
    for method, body in (
        ("GET", b""),
        ("OPTIONS", b""),
        ("PUT", b""),
        ("DELETE", b""),
        ("POST", b'{"boat_name": "ab", "crew_size": 1}'),
        ("POST", b'{"boat_name": "abcdef", "crew_size": "x"}'),
        ("POST", b"{bad"),
    )
]


@pytest.mark.parametrize(
    "kinds",
    [
        [JSONRenderer],
        [DrfCamel],
        [DrfSpaced],
        [DrfAscii],
        [DrfOld],
        [JSONRenderer, DrfCsv],
        [DrfCsv, JSONRenderer],
        [DrfCamel, DrfCsv],
    ],
)
async def test_both_stacks_write_the_same(kinds: list[Any]) -> None:
    view, app = drf_view(kinds), library(kinds)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        for method, query, headers, body in REQUESTS:
            ours = await client.request(method, f"/boats/{query}", headers=headers, content=body)
            given = {f"HTTP_{name.upper()}": value for name, value in headers.items() if name == "Accept"}
            theirs: Any = view(
                APIRequestFactory().generic(method, f"/boats/{query}", body, content_type="application/json", **given)
            ).render()
            asked = f"{method} {query} {headers} {body!r}"
            assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content), asked
            for name in ("Content-Type", "Vary"):
                assert ours.headers.get(name) == theirs.headers.get(name), f"{name} of {asked}"


async def test_who_asks_for_a_page_of_djangos_gets_json_here() -> None:
    kinds = [JSONRenderer, BrowsableAPIRenderer]
    transport = httpx.ASGITransport(library(kinds))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        for accept, query in (("text/html", ""), ("*/*", "?format=api"), ("text/html,*/*;q=0.8", "")):
            answer = await client.get(f"/boats/{query}", headers={"Accept": accept})
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
            assert answer.headers["vary"] == "Accept"
        described = (await client.options("/boats/")).json()
    theirs: Any = drf_view(kinds)(APIRequestFactory().options("/boats/")).render()
    assert described == json.loads(theirs.content)


async def test_an_answer_in_no_form_that_there_is_varies_as_others() -> None:
    """As by a decorator of Django's around `dispatch`."""
    transport = httpx.ASGITransport(library([JSONRenderer, BrowsableAPIRenderer], vary=("Cookie",)))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        for query, status, vary in (("", 200, "Accept, Cookie"), ("?format=xml", 404, "Accept, Cookie")):
            answer = await client.get(f"/boats/{query}")
            assert (answer.status_code, answer.headers["vary"]) == (status, vary)
