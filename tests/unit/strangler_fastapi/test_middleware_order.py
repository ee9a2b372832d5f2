"""Which headers an answer has by the order of Django's MIDDLEWARE, held against Django with the same list."""

import asyncio
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
from django.db.transaction import non_atomic_requests
from django.test import Client, override_settings
from django.urls import path
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.response import Response as DrfResponse
from rest_framework.views import APIView
from starlette.responses import Response

from strangler_fastapi.application import create_application
from strangler_fastapi.cors import Cors
from strangler_fastapi.drf.http.languages import Languages
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from strangler_fastapi.security import SecurityHeaders

PREFIXES = ApiPrefixes(service="/", v1="/", v2="/v2")
SECURITY = "django.middleware.security.SecurityMiddleware"
LOCALE = "django.middleware.locale.LocaleMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
FRAME = "django.middleware.clickjacking.XFrameOptionsMiddleware"
CONDITIONAL = "django.middleware.http.ConditionalGetMiddleware"
GZIP = "django.middleware.gzip.GZipMiddleware"
CORS = "corsheaders.middleware.CorsMiddleware"
ORDERS = st.lists(st.sampled_from([SECURITY, LOCALE, COMMON, FRAME, CONDITIONAL, GZIP]), unique=True, min_size=2)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "content_type_nosniff": st.booleans(),
        "referrer_policy": st.sampled_from([None, "", "origin", "no-referrer, same-origin"]),
        "cross_origin_opener_policy": st.sampled_from([None, "unsafe-none"]),
        "hsts_seconds": st.sampled_from([0, 3600]),
        "hsts_include_subdomains": st.booleans(),
        "hsts_preload": st.booleans(),
        "x_frame_options": st.just("sameorigin"),
    },
)
REQUESTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "GET", "GET", "HEAD", "PUT", "OPTIONS"]),
        "url": st.sampled_from(["/things/", "/things/", "/things/", "/things", "/nothing/", "/broken/", "/things?a=1"]),
        "headers": st.fixed_dictionaries(
            {},
            optional={
                "If-None-Match": st.sampled_from(["*", '"x"']),
                "If-Match": st.sampled_from(["*", '"x"']),
                "Accept-Encoding": st.sampled_from(["gzip", "br"]),
                "Accept-Language": st.sampled_from(["de", "en"]),
                "Host": st.just("evil.example"),
            },
        ),
        "scheme": st.sampled_from(["http", "https"]),
    }
)
LANGUAGES = Languages(
    default="en-us",
    negotiated=True,
    cookie="django_language",
    supported={"de": True, "en": True, "en-us": True},
    fallbacks={},
    messages=[],
    translations={},
)
# Long enough to be compressed.
TITLE = "one " * 100
# Both stacks word errors that no view has answered in their own way.
OWN_WORDS = ("content-type", "content-length", "etag", "allow")


class Things(APIView):
    permission_classes = ()
    authentication_classes = ()

    def get(self, _request: Any) -> DrfResponse:
        return DrfResponse({"title": TITLE})


class Broken(Things):
    def get(self, _request: Any) -> DrfResponse:
        raise LookupError


URLS: Any = ModuleType("urls_in_order")
URLS.urlpatterns = [
    path("things/", non_atomic_requests(Things.as_view())),
    path("broken/", non_atomic_requests(Broken.as_view())),
]


def of_library(order: list[str], security: SecurityHeaders, asked: dict[str, Any], cors: Cors | None = None) -> Any:
    router = feature_router(PREFIXES, "things")

    async def things() -> Response:
        """One."""
        return JsonResponse({"title": TITLE})

    async def broken() -> Response:
        """Fails."""
        raise LookupError

    View(router, "/things/", name="Things", methods=("GET",), permission=(AllowAny,)).get(response=dict)(things)
    View(router, "/broken/", name="Broken", methods=("GET",), permission=(AllowAny,)).get(response=dict)(broken)
    app = create_application(
        (router,),
        service="ordered",
        prefixes=PREFIXES,
        database=lambda: None,  # type: ignore[arg-type, return-value] # never started
        hosts=("testserver",),
        middleware=order,
        security=security,
        languages=LANGUAGES if LOCALE in order else None,
        cors=cors,
    )
    app.state.database = SimpleNamespace(problem=None, engine=None, is_pooled=False, replica=None)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"{asked['scheme']}://testserver") as client:
            # Without one httpx would say that it takes some.
            encodings = {"Accept-Encoding": "identity"}
            return await client.request(asked["method"], asked["url"], headers=encodings | asked["headers"])

    return asyncio.run(ask())


def of_django(order: list[str], security: SecurityHeaders, asked: dict[str, Any]) -> Any:
    named = {f"SECURE_{name.upper()}": value for name, value in vars(security).items() if name != "x_frame_options"}
    more = {"MIDDLEWARE": order, "ROOT_URLCONF": URLS, "ALLOWED_HOSTS": ["testserver"], "DEBUG": False}
    languages = {"LANGUAGES": [("de", "de"), ("en", "en"), ("en-us", "en")], "LANGUAGE_CODE": "en-us", "USE_I18N": True}
    with override_settings(**named, **more, **languages, X_FRAME_OPTIONS=security.x_frame_options):
        client = Client(raise_request_exception=False, headers=asked["headers"])
        return client.generic(asked["method"], asked["url"], secure=asked["scheme"] == "https")


def headers(answer: Any, *, is_worded: bool) -> dict[str, str]:
    found = {name.lower(): value for name, value in answer.headers.items()}
    found.pop("content-length", None)
    return found if is_worded else {name: value for name, value in found.items() if name not in OWN_WORDS}


def compare(order: list[str], security: SecurityHeaders, asked: dict[str, Any], cors: Cors | None = None) -> None:
    ours, theirs = of_library(order, security, asked, cors), of_django(order, security, asked)
    assert ours.status_code == theirs.status_code
    is_worded = ours.status_code in (200, 301, 304, 412, 405)
    if GZIP in order and CONDITIONAL in order[: order.index(GZIP)] and "gzip" in asked["headers"].values():
        # It is of what is compressed, which begins with a name by chance.
        tags = [answer.headers.pop("ETag", None) for answer in (ours, theirs)]
        assert (tags[0] is None) is (tags[1] is None)
    assert headers(ours, is_worded=is_worded) == headers(theirs, is_worded=is_worded)


@pytest.fixture(scope="module", autouse=True)
def translated() -> Iterator[None]:
    """Django answers in languages, whatever it has loaded before."""
    loaded: Any = translation._trans  # type: ignore[attr-defined] # keeps functions for translations or for none
    kept = dict(loaded.__dict__)
    loaded.__dict__.clear()
    yield
    loaded.__dict__.clear()
    loaded.__dict__.update(kept)


@given(order=ORDERS, security=SETTINGS, asked=REQUESTS)
@settings(max_examples=100, derandomize=True, deadline=None)
def test_an_answer_has_the_headers_that_djangos_order_gives_it(
    order: list[str], security: dict[str, Any], asked: dict[str, Any]
) -> None:
    if COMMON not in order:
        # Without it Django takes any host; the library never does.
        asked["headers"].pop("Host", None)
    compare(order, SecurityHeaders(**security), asked)


@pytest.mark.parametrize(
    ("order", "status", "names"),
    [
        ([SECURITY, CORS, COMMON, FRAME], 200, ["referrer-policy"]),
        ([CORS, SECURITY, COMMON, FRAME], 200, []),
        ([FRAME, SECURITY, COMMON, CORS], 200, ["referrer-policy", "x-frame-options"]),
        ([SECURITY, COMMON], 200, []),
    ],
)
def test_a_preflight_has_the_headers_of_what_stands_before_it(order: list[str], status: int, names: list[str]) -> None:
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "PUT"}
    asked = {"method": "OPTIONS", "url": "/things", "headers": headers, "scheme": "http"}
    answer = of_library(order, SecurityHeaders(), asked, Cors(allow_all_origins=True))
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert [name for name in ("referrer-policy", "x-frame-options") if name in answer.headers] == names
