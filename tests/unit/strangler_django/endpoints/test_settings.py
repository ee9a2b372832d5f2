"""Settings that endpoints answer by are exported, and those that the library goes without are named."""

import json
import sys
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.test.utils import override_settings
from django.urls import include, path, re_path
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet
from rest_framework_simplejwt import settings as simplejwt

from strangler.adoption.detection import ADMIN_FORM
from strangler.adoption.django_settings import DjangoSettings
from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.hazards import project_hazards
from strangler.adoption.scaffold.gaps import handler_gaps
from strangler_django.endpoints.document import (
    _cache,
    _endpoints,
    _login_forms,
    _settings,
    _token_cookie,
    endpoints_text,
)


def test_what_is_set_otherwise_than_by_drf_is_named() -> None:
    usual = DjangoSettings.model_validate(json.loads(json.dumps(_settings())))
    assert (usual.unfollowed, usual.compact_json, usual.unicode_json) == ({}, True, True)
    assert usual.sessions.csrf_header_name == "HTTP_X_CSRFTOKEN"
    unusual = {"NON_FIELD_ERRORS_KEY": "errors", "COMPACT_JSON": False, "UNAUTHENTICATED_USER": None}
    with override_settings(REST_FRAMEWORK=settings.REST_FRAMEWORK | unusual):
        found = DjangoSettings.model_validate(json.loads(json.dumps(_settings())))
    assert found.unfollowed == {"UNAUTHENTICATED_USER": "None"}
    assert (usual.own_errors_key, found.own_errors_key, found.compact_json) == (None, "errors", False)
    api = DjangoApi.model_validate({"format": 1, "endpoints": [], "settings": found.model_dump()})
    hazards = [each.what for each in project_hazards(api, {}) if each.code == "settings"]
    assert hazards == ["UNAUTHENTICATED_USER is None"]


def may_sign_in(user: Any) -> bool:
    return bool(user and user.email)


def test_settings_of_tokens_that_the_contract_lacks_are_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _settings()["simplejwt"] == {}
    given: dict[str, Any] = {
        "USER_AUTHENTICATION_RULE": may_sign_in,
        "JSON_ENCODER": json.JSONEncoder,
        "JWK_URL": "https://keys:secret@example.org/",
        "AUTH_HEADER_NAME": "HTTP_X_TOKEN",
        "CHECK_USER_IS_ACTIVE": False,
    }
    for name, value in given.items():
        monkeypatch.setattr(simplejwt.api_settings, name, value)
    assert _settings()["simplejwt"] == {
        "user_authentication_rule": f"{__name__}.may_sign_in",
        "json_encoder": "json.encoder.JSONEncoder",
        "jwk_url": True,
        "auth_header_name": "HTTP_X_TOKEN",
        "check_user_is_active": False,
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"REST_AUTH": {"USE_JWT": True}}, {"name": "", "csrf": False, "csrf_always": False}),
        (
            {"REST_AUTH": {"USE_JWT": True, "JWT_AUTH_COOKIE": "jwt", "JWT_AUTH_COOKIE_USE_CSRF": True}},
            {"name": "jwt", "csrf": True, "csrf_always": False},
        ),
        # As older versions have it.
        ({"REST_USE_JWT": True, "JWT_AUTH_COOKIE": "jwt"}, {"name": "jwt", "csrf": False, "csrf_always": False}),
    ],
)
def test_where_dj_rest_auth_has_its_tokens_is_exported(given: dict[str, Any], expected: dict[str, Any] | None) -> None:
    with override_settings(**given):
        assert _token_cookie() is None
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "dj_rest_auth"]
        try:
            assert _token_cookie() == expected
        finally:
            settings.INSTALLED_APPS = settings.INSTALLED_APPS[:-1]


def test_the_admins_form_is_one_that_signs_in() -> None:
    urls = ModuleType("urls_of_an_admin")
    urls.urlpatterns = [path("back/", AdminSite().urls)]  # type: ignore[attr-defined] # a module of a test's own
    with override_settings(ROOT_URLCONF=urls):
        assert list(_login_forms()) == [{"path": "/back/login/", "view": ADMIN_FORM, "user": "username"}]


class OwnLocale(LocaleMiddleware):
    """A project's own class of Django's."""


def own_function(get_response: Any) -> Any:
    return get_response


def test_middleware_is_exported_in_its_order_by_what_it_is_made_of() -> None:
    own = [f"{__name__}.OwnLocale", f"{__name__}.own_function", "django.middleware.gzip.GZipMiddleware"]
    policy = {"SECURE_REFERRER_POLICY": ["origin", "no-referrer"], "X_FRAME_OPTIONS": "SAMEORIGIN"}
    with override_settings(MIDDLEWARE=own, SECURE_HSTS_SECONDS=60, SECURE_SSL_REDIRECT=True, **policy):
        found = DjangoSettings.model_validate(json.loads(json.dumps(_settings())))
    assert found.middleware == tuple(own)
    assert found.standard_middleware == ("django.middleware.locale.LocaleMiddleware", *own[1:])
    assert found.security.model_dump(exclude_defaults=True) == {
        "referrer_policy": "origin,no-referrer",
        "x_frame_options": "SAMEORIGIN",
        "hsts_seconds": 60,
    }
    assert found.unfollowed == {"SECURE_SSL_REDIRECT": "True"}


def own_page(_request: Any, exception: Exception) -> HttpResponse:
    return HttpResponse(str(exception))


handler404 = own_page
urlpatterns: list[Any] = []


def test_a_page_of_ones_own_for_what_nobody_serves_is_told_of() -> None:
    with override_settings(ROOT_URLCONF=__name__):
        assert _settings()["unfollowed"] == {"handler404": f"{__name__}.own_page"}


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("redis://:secret@cache:6379/1", "redis://cache:6379/1"),
        ("redis://user:sec@ret@cache:6379/1", "redis://cache:6379/1"),
        ("redis://cache:6379/1?Password=secret&db=2", "redis://cache:6379/1?Password=&db=2"),
        (["redis://:secret@first", "redis://:s@cret@second"], "['redis://first', 'redis://second']"),
        ("/var/cache/@home", "/var/cache/@home"),
    ],
)
def test_the_place_of_a_cache_is_named_without_a_password(location: object, place: str) -> None:
    assert _cache({"BACKEND": "b", "LOCATION": location, "KEY_PREFIX": "p"})["place"] == f"{place} p"


class Reads(APIView):
    def get(self, _request: Any, **_variables: Any) -> Any:
        """Never called."""


class Rows(ViewSet):
    def list(self, _request: Any) -> Any:
        """Never called."""

    def retrieve(self, _request: Any, pk: str) -> Any:
        """Never called."""


class Writes(APIView):
    def post(self, _request: Any, **_variables: Any) -> Any:
        """Never called."""


def test_a_path_is_answered_by_the_first_view_that_has_it_whatever_its_methods() -> None:
    urls = ModuleType("urls_of_one_path_twice")
    urls.urlpatterns = [  # type: ignore[attr-defined] # a module of a test's own
        path("out/", Writes.as_view()),
        re_path("^out/?$", Reads.as_view()),
        path("rows/<int:pk>/", Writes.as_view()),
        path("rows/<int:key>/", Reads.as_view()),
        # Which has more rows than the one before.
        path("rows/<str:pk>/", Reads.as_view()),
    ]
    with override_settings(ROOT_URLCONF=urls):
        found = [
            (each["method"], each["path"], each["parameters"][0]["kind"] if each["parameters"] else "")
            for each in _endpoints()
        ]
    assert found == [("POST", "/out/", ""), ("POST", "/rows/{pk}/", "int"), ("GET", "/rows/{pk}/", "str")]


@pytest.mark.parametrize("regex", [True, False])
def test_paths_with_a_format_suffix_are_counted_and_no_endpoints(
    monkeypatch: pytest.MonkeyPatch, *, regex: bool
) -> None:
    router = DefaultRouter(use_regex_path=regex)
    router.register("rows", Rows, basename="row")
    urls = ModuleType("urls_with_suffixes")
    urls.urlpatterns = [  # type: ignore[attr-defined] # a module of a test's own
        path("", include(router.urls)),
        # No suffix, but the format all the same.
        path("sheets/<str:format>/", Reads.as_view()),
    ]
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    with override_settings(ROOT_URLCONF=urls.__name__):
        document = json.loads(endpoints_text())
    found = {each["path"]: each["format_parameter"] for each in document["endpoints"]}
    assert found == {"/": False, "/rows/": False, "/rows/{pk}/": False, "/sheets/{format}/": True}
    assert len(document["suffixed"]) == 3
    api = DjangoApi.model_validate(document)
    assert [each.what for each in project_hazards(api, {}) if each.code == "format-suffix"] == [
        "3 paths with a format suffix: nginx leaves them to Django at every stage"
    ]


class Unmade(APIView):
    def __init__(self, **_options: Any) -> None:
        raise LookupError("there is no view without a space")

    def get(self, _request: Any) -> None: ...


class Made(APIView):
    def get(self, _request: Any) -> None: ...


def test_a_view_that_cannot_be_made_is_a_gap_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = ModuleType("urls_of_views")
    urls.urlpatterns = [path("unmade/", Unmade.as_view()), path("made/", Made.as_view())]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    with override_settings(ROOT_URLCONF=urls.__name__):
        api = DjangoApi.model_validate_json(endpoints_text())
    unmade, made = api.endpoints
    assert [each.reason for each in unmade.unread] == ["LookupError: there is no view without a space"]
    assert [*handler_gaps(unmade)] == [
        "Unmade can't be made without a request (LookupError: there is no view without a space)"
    ]
    assert made.unread == ()
