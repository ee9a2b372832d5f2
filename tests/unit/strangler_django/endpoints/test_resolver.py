"""The paths of a URL resolver: every notation of Django's and DRF's becomes a template with named parameters."""

import pytest
from django.urls import include, path, re_path, register_converter
from django.urls.converters import IntConverter, StringConverter
from rest_framework.routers import DefaultRouter, SimpleRouter
from rest_framework.viewsets import ModelViewSet

from django_app.blog.models import Tag
from strangler_django.endpoints import addresses
from strangler_django.endpoints.resolver import PathParameter, resolved_paths


def view(_request: object) -> None:
    """Never called."""


class TagViews(ModelViewSet):
    queryset = Tag.objects.all()
    lookup_field = "name"
    lookup_value_regex = "[a-z.]+"


def paths(*patterns: object) -> list[str]:
    return [found.path for found in resolved_paths(patterns)]  # type: ignore[arg-type] # Django's own objects


@pytest.mark.parametrize(
    ("pattern", "template"),
    [
        (path("", view), "/"),
        (path("posts/", view), "/posts/"),
        (path("posts/<int:post_id>/", view), "/posts/{post_id}/"),
        (path("users/<userId>", view), "/users/{userId}"),
        (path("files/<path:name>.json", view), "/files/{name}.json"),
        (re_path(r"^posts/$", view), "/posts/"),
        (re_path(r"^posts/(?P<pk>[^/.]+)/comments/(?P<id>\d+)/?$", view), "/posts/{pk}/comments/{id}/"),
        (re_path(r"^y/(?P<year>(?:19|20)[0-9]{2})/\Z", view), "/y/{year}/"),
        (path("api/", include([path("v1/", include([re_path(r"^a/$", view)]))])), "/api/v1/a/"),
        (re_path(r"^api/", include([path("<slug:name>/", view)])), "/api/{name}/"),
    ],
)
def test_a_pattern_becomes_a_template(pattern: object, template: str) -> None:
    assert paths(pattern) == [template]


def test_parameters_have_their_kind_and_their_pattern() -> None:
    whole = path("a/<int:a>/", include([path("<uuid:b>/<c>/", view), re_path(r"^(?P<d>[a-z]+(?:-[0-9])?)/$", view)]))
    first, second = resolved_paths([whole])
    assert [(each.name, each.kind) for each in first.parameters] == [("a", "int"), ("b", "uuid"), ("c", "str")]
    assert first.parameters[2].pattern == "[^/]+"
    assert second.parameters[1] == PathParameter(name="d", kind="regex", pattern="[a-z]+(?:-[0-9])?")


def test_names_bear_their_namespaces_and_optional_slashes_are_known() -> None:
    (found,) = resolved_paths([path("a/", include(([re_path(r"^b/?$", view, name="b")], "app"), namespace="app"))])
    assert (found.name, found.optional_slash) == ("app:b", True)
    (strict,) = resolved_paths([re_path(r"^b/$", view)])
    assert (strict.name, strict.optional_slash) == (None, False)


def test_routers_of_both_kinds_and_without_a_slash() -> None:
    for router in (SimpleRouter(trailing_slash=False), DefaultRouter(), DefaultRouter(trailing_slash=False)):
        router.register("tags", TagViews)
        found = set(paths(*router.urls))
        slash = "" if getattr(router, "trailing_slash", "/") == "" else "/"
        assert {f"/tags{slash}", f"/tags/{{name}}{slash}"} <= found


def test_the_root_of_a_router_lists_in_its_own_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "reverse", lambda name: f"/{name}/")
    router = DefaultRouter()
    for name in ("zebras", "apes"):
        router.register(name, TagViews, basename=name)
    root = router.get_api_root_view()
    assert addresses.root_addresses(root, "api-root") == [("zebras", "/zebras-list/"), ("apes", "/apes-list/")]
    assert addresses.root_addresses(TagViews.as_view({"get": "list"}), None) is None


class Year:
    regex = "[0-9]{4}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: object) -> str:
        return str(value)


class Word(StringConverter):
    regex = "[a-z]+"


class Hashed(Word):
    def to_python(self, value: str) -> str:
        return value[::-1]


@pytest.mark.parametrize(
    ("converter", "named"), [(Year, None), (Word, None), (Hashed, f"{__name__}.Hashed"), (IntConverter, None)]
)
def test_a_converter_that_makes_other_values_is_named(converter: type, named: str | None) -> None:
    register_converter(converter, converter.__name__)
    (found,) = resolved_paths([path(f"things/<{converter.__name__}:pk>/", view)])
    assert found.parameters[0].converter == named
