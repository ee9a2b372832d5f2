"""Filter backends of a project's own are read as a `get_queryset` is; any that does more is no fact."""

from typing import Any, ClassVar

import pytest
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import filters, viewsets

from django_app.blog.models import Post
from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.gaps import handler_gaps
from strangler_django.endpoints.views import view_facts


class Posts(viewsets.ModelViewSet[Post]):
    queryset = Post.objects.all()


class OwnRows(filters.BaseFilterBackend):
    def filter_queryset(self, request: Any, queryset: Any, _view: Any) -> Any:
        """The caller's."""
        if request.user.is_superuser:
            return queryset
        return queryset.filter(author=request.user)


class ByTitle(filters.BaseFilterBackend):
    def filter_queryset(self, asked: Any, rows: Any, _view: Any) -> Any:
        title = asked.query_params.get("title")
        if title:
            rows = rows.filter(title__icontains=title)
        return rows


class Published(filters.BaseFilterBackend):
    def filter_queryset(self, _request: Any, queryset: Any, view: Any) -> Any:
        if view.action == "list":
            return queryset.filter(published=True)
        return queryset


class OfPath(filters.BaseFilterBackend):
    def filter_queryset(self, _request: Any, queryset: Any, view: Any) -> Any:
        return queryset.filter(author=view.kwargs["pk"])


class ByHeader(filters.BaseFilterBackend):
    def filter_queryset(self, request: Any, queryset: Any, _view: Any) -> Any:
        return queryset.filter(title=request.headers["X-Title"])


class ByItself(filters.BaseFilterBackend):
    title = "a"

    def filter_queryset(self, _request: Any, queryset: Any, _view: Any) -> Any:
        return queryset.filter(title=self.title)


class ByOrder(filters.OrderingFilter):
    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        return super().filter_queryset(request, queryset, view).filter(published=True)


class Named(filters.SearchFilter):
    search_param = "q"

    def get_schema_operation_parameters(self, _view: Any) -> Any:
        return []


class ByTerm(filters.SearchFilter):
    def get_search_terms(self, request: Any) -> Any:
        return [request.headers["X-Term"]]


class ByCaller(filters.SearchFilter):
    @property
    def search_param(self) -> Any:
        return self.chosen


class Wide(filters.SearchFilter):
    lookup_prefixes: ClassVar = {"*": "startswith"}
    default_lookup = "iexact"


class Lenient(DjangoFilterBackend):
    raise_exception = False


class OwnAgain(OwnRows):
    pass


def facts_of(*backends: Any, base: Any = Posts, **parameters: str) -> Any:
    class View(base):  # type: ignore[misc] # any view
        filter_backends = backends

    return view_facts(View.as_view({"get": "list"}), "get", "list", parameters)


def gaps_of(found: Any) -> list[str]:
    facts = {"path": "/api/posts/", "method": "GET", "kind": "viewset", "view": "blog.views.Posts"}
    return list(handler_gaps(DjangoEndpoint.model_validate(facts | found)))


def test_a_backend_says_which_rows_a_caller_sees() -> None:
    found = facts_of(OwnRows, filters.SearchFilter)
    assert (found["rows"]["owner"], found["rows"]["unless"]) == ("author", "is_superuser")
    assert gaps_of(found) == []
    assert facts_of(OwnAgain)["rows"]["owner"] == "author"


def test_several_narrow_what_get_queryset_gives() -> None:
    class Titled(Posts):
        def get_queryset(self) -> Any:
            return Post.objects.exclude(title="")

    found = facts_of(ByTitle, Published, OfPath, base=Titled, pk="1")
    assert (found["rows"]["within"], list(found["rows"]["filters"])) == ({"author": "pk"}, ["title"])
    where = found["queryset"]["where"]
    assert where == [["not", ["is", "title", "exact", ""]], ["is", "published", "exact", True]]
    assert gaps_of(found) == []


@pytest.mark.parametrize("backend", [ByHeader, ByItself, ByOrder])
def test_one_that_does_more_is_a_gap_and_others_are_read(backend: Any) -> None:
    found = facts_of(OwnRows, backend)
    assert (found["rows"]["owner"], len(found["rows"]["backends"])) == ("author", 1)
    assert gaps_of(found) == [f"filter backend {__name__}.{backend.__name__}"]
    assert facts_of(backend)["rows"] is None


def test_none_is_read_where_get_queryset_is_not() -> None:
    class Own(Posts):
        def get_queryset(self) -> Any:
            return Post.objects.filter(title=self.request.headers["X-Title"])

    found = facts_of(OwnRows, base=Own)
    assert found["rows"] is None
    assert f"filter backend {__name__}.OwnRows" in gaps_of(found)


def test_one_that_has_no_more_than_settings_is_the_librarys() -> None:
    class Searched(Posts):
        search_fields = ("*title", "text")
        filterset_fields = ("title",)

    assert facts_of(Named)["own_filters"] == []
    found = facts_of(Wide, Lenient, base=Searched)
    assert (found["own_filters"], found["filters"]["filterset"]["lenient"]) == ([], True)
    assert found["filters"]["search"]["lookups"] == [["title", "startswith"], ["text", "iexact"]]
    named = [f"filter backend {__name__}.{each.__name__}" for each in (ByTerm, ByCaller)]
    assert facts_of(ByTerm, ByCaller)["own_filters"] == named
