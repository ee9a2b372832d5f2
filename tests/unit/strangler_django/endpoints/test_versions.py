"""Versions of the API: what a view's versioning says of them, and the addresses of rows that DRF makes of each."""

from types import ModuleType
from typing import Any

import pytest
from django.test.utils import override_settings
from django.urls import include, path, re_path
from rest_framework import versioning
from rest_framework.response import Response
from rest_framework.views import APIView

from strangler_django.endpoints.addresses import row_address
from strangler_django.endpoints.versions import version_facts
from strangler_django.endpoints.views import view_facts


class View(APIView):
    def get(self, _request: object, **_kwargs: object) -> Response:
        return Response()


def made(kind: type, **attributes: Any) -> Any:
    return type("Made", (kind,), {"default_version": None, "allowed_versions": None, **attributes})


def facts(kind: Any, namespace: str = "") -> Any:
    return view_facts(View.as_view(versioning_class=kind), "get", None, {}, namespace)["versions"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (versioning.AcceptHeaderVersioning, "accept"),
        (versioning.URLPathVersioning, "url"),
        (versioning.NamespaceVersioning, "namespace"),
        (versioning.HostNameVersioning, "host"),
        (versioning.QueryParameterVersioning, "query"),
        (versioning.BaseVersioning, "custom"),
    ],
)
def test_each_class_is_named_with_its_versions(kind: type, name: str) -> None:
    found = facts(made(kind, default_version="v1", allowed_versions=("v2", "v3")), "stock:v2")
    assert (found["kind"], found["default"], found["allowed"]) == (name, "v1", ["v2", "v3"])
    assert (found["namespace"], found["parameter"], found["overridden"]) == ("stock:v2", "version", [])
    assert (found["pattern"] is not None) == (name == "host")


def test_what_a_project_overrides_is_named() -> None:
    def determine_version(_self: object, _request: object) -> str:
        return "v7"

    assert facts(made(versioning.URLPathVersioning, determine_version=determine_version))["overridden"] == [
        "determine_version"
    ]
    assert view_facts(View.as_view(versioning_class=None), "get", None, {})["versions"] is None


@pytest.mark.parametrize(
    ("kind", "namespace", "address"),
    [
        (made(versioning.NamespaceVersioning), "v1", "/one/notes/{}/"),
        (made(versioning.NamespaceVersioning, allowed_versions=["v2"]), "some:v2", "/two/notes/{}/"),
        (made(versioning.NamespaceVersioning, default_version="v2"), "", "/two/notes/{}/"),
        (made(versioning.NamespaceVersioning, allowed_versions=["v3"]), "v1", "/notes/{}/"),
        (made(versioning.URLPathVersioning), "", "/notes/{}/"),
        (made(versioning.URLPathVersioning, version_param="v"), "", "/{v}/v1/notes/{}/"),
        (made(versioning.URLPathVersioning, version_param="v", default_version="v2"), "", "/{v}/v1/notes/{}/"),
        (made(versioning.QueryParameterVersioning, default_version="v1"), "", "/notes/{}/"),
    ],
)
def test_an_address_is_that_of_the_version(kind: Any, namespace: str, address: str) -> None:
    notes = [path("notes/<int:pk>/", View.as_view(), name="note")]
    urls: Any = ModuleType("urls_of_versions")
    urls.urlpatterns = [
        path("one/", include((notes, "notes"), "v1")),
        path("two/", include((notes, "notes"), "v2")),
        *notes,
        re_path(r"^(?P<v>v[12])/v1/notes/(?P<pk>\d+)/$", View.as_view(), name="note"),
    ]
    view = View(versioning_class=kind)
    view.request = type("Request", (), {})()  # type: ignore[assignment] # what a version is noted in
    version_facts(view, namespace)
    with override_settings(ROOT_URLCONF=urls):
        assert row_address("note", "pk", view.request) == address
