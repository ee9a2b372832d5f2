"""`qs` of a FilterSet is read as a `get_queryset` is; one that does more is no fact."""

from typing import Any

import pytest
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework import viewsets

from django_app.blog.models import Post
from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.scaffold.gaps import handler_gaps
from strangler_django.endpoints.views import view_facts


class Titles(FilterSet):
    class Meta:
        model = Post
        fields = ("title",)


class Own(Titles):
    @property
    def qs(self) -> Any:
        """The caller's."""
        parent = super().qs
        return parent.filter(author=getattr(self.request, "user", None))


class ByStaff(Titles):
    @property
    def qs(self) -> Any:
        if self.request.user.is_staff:
            return super().qs
        return super().qs.filter(author=self.request.user)


class Both(Titles):
    def filter_queryset(self, rows: Any) -> Any:
        rows = super().filter_queryset(rows)
        return rows.filter(published=True)

    @property
    def qs(self) -> Any:
        return super().qs.exclude(title="")


class ByFilters(Titles):
    @property
    def qs(self) -> Any:
        return self.queryset.filter(author=self.request.user)


class ByData(Titles):
    @property
    def qs(self) -> Any:
        return super().qs.filter(title=self.data["title"])


class Unfiltered(Titles):
    def filter_queryset(self, queryset: Any) -> Any:
        super().filter_queryset(queryset)
        return queryset.filter(author=self.request.user)


class Aside(Titles):
    def filter_queryset(self, queryset: Any) -> Any:
        found = super().filter_queryset(queryset)
        return queryset.filter(author=self.request.user) if found else found


class Again(Own):
    @property
    def qs(self) -> Any:
        return super().qs.filter(published=True)


class Elsewhere(Titles):
    @property
    def qs(self) -> Any:
        return Post.objects.filter(author=self.request.user)


class Valid(Titles):
    def is_valid(self) -> bool:
        return True

    @property
    def qs(self) -> Any:
        return super().qs.filter(author=self.request.user)


def facts_of(filterset: type) -> Any:
    class Posts(viewsets.ModelViewSet[Post]):
        queryset = Post.objects.all()
        filter_backends = (DjangoFilterBackend,)
        filterset_class = filterset

    return view_facts(Posts.as_view({"get": "list"}), "get", "list", {})


def gaps_of(found: Any) -> list[str]:
    facts = {"path": "/api/posts/", "method": "GET", "kind": "viewset", "view": "blog.views.Posts"}
    return list(handler_gaps(DjangoEndpoint.model_validate(facts | found)))


def test_a_filter_set_says_which_rows_a_caller_sees() -> None:
    own, staff, both = map(facts_of, (Own, ByStaff, Both))
    assert (own["rows"]["owner"], own["rows"]["unless"], gaps_of(own)) == ("author", None, [])
    assert (staff["rows"]["owner"], staff["rows"]["unless"], gaps_of(staff)) == ("author", "is_staff", [])
    where = [["is", "published", "exact", True], ["not", ["is", "title", "exact", ""]]]
    assert (both["queryset"]["where"], gaps_of(both)) == (where, [])
    assert both["rows"]["backends"] == ["FilterSet: filter_queryset, qs"]


@pytest.mark.parametrize("filterset", [ByFilters, ByData, Unfiltered, Aside, Again, Elsewhere, Valid])
def test_one_that_does_more_is_a_gap(filterset: type) -> None:
    found = facts_of(filterset)
    assert found["rows"] is None
    assert [each for each in gaps_of(found) if each.startswith("FilterSet: ")] != []
