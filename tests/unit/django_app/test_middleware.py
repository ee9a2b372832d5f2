import logging
from collections.abc import Callable
from io import BytesIO

import pytest
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.test import RequestFactory

from django_app.config.logs import request_id
from django_app.config.middleware import BodyDrainMiddleware, ForwardedPrefixMiddleware, RequestLogMiddleware


def public_path(path: str, prefix: str | None) -> str:
    headers = {} if prefix is None else {"X-Forwarded-Prefix": prefix}
    request = RequestFactory().get(path, headers=headers)
    ForwardedPrefixMiddleware(lambda _: HttpResponse())(request)
    assert request.path_info == path
    return request.path


@pytest.mark.parametrize(
    ("path", "prefix", "expected"),
    [
        ("/api/posts/", "/api/v2", "/api/v2/posts/"),
        ("/api/posts/", "/api", "/api/posts/"),
        ("/api/posts/", None, "/api/posts/"),
        ("/api/posts/", "", "/api/posts/"),
        ("/api/posts/", "/api/v3", "/api/posts/"),
        ("/api/posts/", "https://evil.example/api", "/api/posts/"),
        ("/api/posts/", "/api/v2/", "/api/posts/"),
        ("/admin/", "/api/v2", "/admin/"),
        ("/apiary/", "/api/v2", "/apiary/"),
        ("/api/users/api/", "/api/v2", "/api/v2/users/api/"),
    ],
)
def test_only_the_public_prefixes_are_applied(path: str, prefix: str | None, expected: str) -> None:
    assert public_path(path, prefix) == expected


def test_a_request_is_logged_with_its_id_and_nothing_secret(caplog: pytest.LogCaptureFixture) -> None:
    seen = []

    def answer(_request: HttpRequest) -> HttpResponse:
        seen.append(request_id.get())
        return HttpResponse(status=201)

    headers = {"X-Request-ID": "abc-1", "Authorization": "Bearer secret"}
    request = RequestFactory().post("/api/auth/token/?token=secret", {"password": "secret"}, headers=headers)
    with caplog.at_level(logging.INFO, logger="django_app.request"):
        RequestLogMiddleware(answer)(request)
    assert seen == ["abc-1"]
    assert request_id.get() is None
    (line,) = caplog.records
    assert (line.method, line.path, line.status) == ("POST", "/api/auth/token/", 201)
    assert "secret" not in str(vars(line))


def test_the_id_is_forgotten_after_a_failure() -> None:
    def fail(_request: HttpRequest) -> HttpResponse:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        RequestLogMiddleware(fail)(RequestFactory().get("/", headers={"X-Request-ID": "abc"}))
    assert request_id.get() is None


@pytest.mark.parametrize("read", [lambda _: None, lambda request: request.body, lambda request: request.POST])
def test_nothing_of_the_body_is_left_unread(read: Callable[[HttpRequest], object]) -> None:
    def answer(request: HttpRequest) -> HttpResponse:
        read(request)
        return HttpResponse(status=401)

    request = RequestFactory().post("/", b"x" * 300_000, content_type="text/plain")
    assert BodyDrainMiddleware(answer)(request).status_code == 401
    assert request.META["wsgi.input"].read() == b""


def test_a_client_that_left_is_no_error() -> None:
    class Gone(BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise OSError

    request = RequestFactory().generic("POST", "/", b"abc", **{"wsgi.input": Gone()})
    assert BodyDrainMiddleware(lambda _: HttpResponse())(request).status_code == 200
    with pytest.raises(UnreadablePostError):
        request.read(1)
