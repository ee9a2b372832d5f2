"""The version that a request means, what is answered where there is none such, and links to the same version."""

import asyncio
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
from django.db.transaction import non_atomic_requests
from django.test import Client
from django.test.utils import override_settings
from django.urls import include, path
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import versioning as drf
from rest_framework.response import Response as DrfResponse
from rest_framework.reverse import reverse
from rest_framework.views import APIView
from starlette.requests import Request
from starlette.responses import Response

from strangler_fastapi.application import create_application
from strangler_fastapi.drf.fields.hyperlinks import address
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.http.versioning import (
    AcceptHeaderVersioning,
    BaseVersioning,
    HostNameVersioning,
    NamespaceVersioning,
    QueryParameterVersioning,
    URLPathVersioning,
)
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router

PREFIXES = ApiPrefixes(service="/", v1="/", v2="/v2")
# The default and the allowed versions of each class's two views.
RULES: dict[str, tuple[str | None, tuple[str, ...]]] = {"some": ("v1", ("v2", "v 3")), "any": (None, ())}
KINDS: dict[str, tuple[Any, Any]] = {
    "accept": (drf.AcceptHeaderVersioning, AcceptHeaderVersioning),
    "host": (drf.HostNameVersioning, HostNameVersioning),
    "query": (drf.QueryParameterVersioning, QueryParameterVersioning),
    "url": (drf.URLPathVersioning, URLPathVersioning),
}
# Django keeps one of each name.
NAMESPACES = {"some": ("v1", "v2", "v9", ""), "any": ("w1", "w2", "w9", "")}
VERSIONS = st.sampled_from(["v1", "v2", "v 3", "v9", "V2", ""])
ACCEPTS = st.sampled_from(
    [
        *("*/*", "application/json", "application/json; version={}", "*/*; version={}", "application/*; Version={}"),
        *(
            'application/json; version="{}"',
            "text/html, application/json; indent=1; version={}",
            "text/html;version={}",
        ),
    ]
)
HOSTS = st.sampled_from(["{}.example.com", "{}.example.com:8000", "a.{}.example.com", "localhost", "{}.com"])
QUERIES = st.sampled_from(["", "?version={}", "?version=v1&version={}", "?format=json&version={}", "?v={}"])


def drf_view(kind: Any, rules: str) -> Any:
    default, allowed = RULES[rules]
    made = type("Made", (kind,), {"default_version": default, "allowed_versions": allowed})

    class Versioned(APIView):
        versioning_class = made
        authentication_classes = permission_classes = ()

        def get(self, request: Any, **_kwargs: Any) -> DrfResponse:
            name = f"{kind.__name__}-{rules}"
            return DrfResponse({"version": request.version, "url": reverse(name, kwargs={"pk": 5}, request=request)})

    return non_atomic_requests(Versioned.as_view())


def patterns() -> Iterator[Any]:
    for rules in RULES:
        for name, (kind, _) in KINDS.items():
            view, begin = drf_view(kind, rules), f"{name}-{rules}/" + ("<str:version>/" if name == "url" else "")
            yield path(f"{begin}notes/", view)
            yield path(f"{begin}notes/<int:pk>/", view, name=f"{kind.__name__}-{rules}")
        view = drf_view(drf.NamespaceVersioning, rules)
        within = [path("notes/", view), path("notes/<int:pk>/", view, name=f"NamespaceVersioning-{rules}")]
        for number, name in enumerate(NAMESPACES[rules]):
            yield path(f"space-{rules}-{number}/", include((within, "notes"), name) if name else include(within))


@pytest.fixture(scope="module")
def django() -> Iterator[Client]:
    urls: Any = ModuleType("urls_with_versions")
    urls.urlpatterns = [*patterns()]
    with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=[], ALLOWED_HOSTS=["*"]):
        yield Client()


def library_views() -> Iterator[tuple[str, BaseVersioning]]:
    """The path of each view, and its versioning."""
    for rules, (default, allowed) in RULES.items():
        for name, (_, kind) in KINDS.items():
            yield f"/{name}-{rules}/" + ("{version}/" if name == "url" else ""), kind(default=default, allowed=allowed)
        for number, name in enumerate(NAMESPACES[rules]):
            yield f"/space-{rules}-{number}/", NamespaceVersioning(name, default=default, allowed=allowed)


@pytest.fixture(scope="module")
def library() -> Any:
    router = feature_router(PREFIXES, "notes")
    for begin, versioning in library_views():
        add_view(router, begin, versioning)
    app = create_application((router,), service="notes", prefixes=PREFIXES, database=lambda: None)  # type: ignore[arg-type, return-value] # never started
    app.state.database = SimpleNamespace(problem=None, engine=None, is_pooled=False, replica=None)
    return app


def add_view(router: Any, begin: str, versioning: BaseVersioning) -> None:
    view = View(
        router,
        f"{begin}notes/",
        name="Versioned",
        methods=("GET",),
        permission=AllowAny,
        authenticators=(),
        versioning=versioning,
    )

    @view.get(response=dict)
    async def read(request: Request) -> Response:
        """The version."""
        # Outside of namespaces the version is the default, whose links lead into the namespace of that name.
        linked = begin.replace("space-some-3", "space-some-0")
        return JsonResponse({"version": request.state.version, "url": address(f"{linked}notes/{{}}/", 5)})


def of_library(app: Any, url: str, headers: dict[str, str]) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.get(url, headers=headers)

    return asyncio.run(ask())


@given(
    begin=st.sampled_from([begin for begin, _ in library_views()]),
    version=VERSIONS,
    accept=ACCEPTS,
    host=HOSTS,
    query=QUERIES,
)
@settings(max_examples=150, derandomize=True, deadline=None)
def test_a_request_has_the_version_that_drf_finds(
    django: Client, library: Any, begin: str, version: str, accept: str, host: str, query: str
) -> None:
    plain = version.replace(" ", "")
    url = f"{begin.format(version=version or 'x')}notes/{query.format(version)}".replace(" ", "%20")
    headers = {"Accept": accept.format(version), "Host": host.format(plain)}
    theirs, ours = django.get(url, headers=headers), of_library(library, url, headers)
    assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content), (url, headers)


def test_each_way_to_refuse_is_met(library: Any) -> None:
    html = {"Accept": "application/json; version=v9"}
    refused = {
        "/accept-some/notes/": (html, 406, 'Invalid version in "Accept" header.'),
        "/host-some/notes/": ({"Host": "v9.example.com"}, 404, "Invalid version in hostname."),
        "/query-some/notes/?version=v9": ({}, 404, "Invalid version in query parameter."),
        "/url-some/v9/notes/": ({}, 404, "Invalid version in URL path."),
        "/space-some-2/notes/": ({}, 404, "Invalid version in URL path. Does not match any version namespace."),
    }
    for url, (headers, status, detail) in refused.items():
        answer = of_library(library, url, headers)
        assert (answer.status_code, answer.json()) == (status, {"detail": detail})
