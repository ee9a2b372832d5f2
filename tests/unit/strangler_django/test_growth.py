"""What a request costs Django grows as its size does, in time and in memory: the settings' middleware and parsers."""

import sys
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.test import RequestFactory, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.growth import BODIES, HEADERS, QUERIES, header_list, require_growth


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Reader(APIView):
    """Reads all that there is to read of a request."""

    permission_classes = ()

    def post(self, request: Request) -> Response:
        """The number of what was read."""
        return Response(len(request.data) + len(request.query_params) + len(request.COOKIES) + len(request.headers))


urlpatterns = [path("api/made/", Reader.as_view())]


def asks(**sent: Any) -> Callable[[], int]:
    """A request through the whole of Django, without a server; it gives the status."""
    body = sent.pop("body", b"{}")
    environ = RequestFactory().generic("POST", "/api/made/", body, **sent).environ

    def ask() -> int:
        found: list[str] = []
        answer = handler({**environ, "wsgi.input": BytesIO(body)}, lambda status, _headers: found.append(status))
        answer.close()
        return int(found[0].split()[0])

    with override_settings(ROOT_URLCONF=__name__):
        handler = WSGIHandler()
    return ask


def read(ask: Callable[[], int]) -> None:
    with override_settings(ROOT_URLCONF=__name__):
        assert ask() < 500


def read_some(ask: Callable[[], int]) -> None:
    """What is small, so often that the clock sees it."""
    for _ in range(5):
        read(ask)


@pytest.mark.parametrize("name", BODIES)
def test_a_body(name: str) -> None:
    content_type, made = BODIES[name]
    require_growth(lambda size: asks(body=made(size), content_type=content_type), read, size=25_000)


@pytest.mark.parametrize("name", HEADERS)
def test_a_header(name: str) -> None:
    header, made = HEADERS[name]
    require_growth(
        lambda size: asks(headers={"content-type": "application/json", header: made(size)}), read, size=1_000
    )


@pytest.mark.parametrize("name", QUERIES)
def test_a_query(name: str) -> None:
    require_growth(
        lambda size: asks(QUERY_STRING=QUERIES[name](size), content_type="application/json"), read_some, size=1_000
    )


def test_a_list_of_headers() -> None:
    require_growth(lambda size: asks(headers=header_list(size), content_type="application/json"), read_some, size=10)


def test_all_of_it_is_read() -> None:
    with override_settings(ROOT_URLCONF=sys.modules[__name__]):
        assert asks(content_type="application/json")() == 200
        assert asks(body=b"[" * 100_000, content_type="application/json")() == 400
