"""What a query parameter narrows a queryset by is read where it is one of a few shapes; others are gaps by name."""

from datetime import datetime
from typing import Any

import pytest
from django.db import models
from django.db.models import Count, Q
from django.test.utils import isolate_apps
from rest_framework import viewsets

from django_app.blog.models import Post, Tag
from strangler_django.endpoints.code.filtered_columns import column_at
from strangler_django.endpoints.views import view_facts


class Posts(viewsets.ModelViewSet[Post]):
    queryset = Post.objects.all()

    @staticmethod
    def _ints(texts: str) -> list[int]:
        """As numbers."""
        return [int(text) for text in texts.split(",")]

    def _day(self, text: str) -> Any:
        return datetime.strptime(text, "%d.%m.%Y").date()  # noqa: DTZ007 - as projects write it


class Tags(viewsets.ModelViewSet[Tag]):
    queryset = Tag.objects.all()


def rows_of(view: Any, action: str = "list") -> Any:
    method = "get" if action in ("list", "retrieve") else "delete"
    return view_facts(view.as_view({method: action}), method, action, {})["rows"]


def column(path: str, lookup: str = "exact", *, part: str | None = None, **more: Any) -> dict[str, Any]:
    return {"path": path, "link": None, "part": part, "lookup": lookup, **more}


TAGS = {"kind": "many_to_many", "table": Tag._meta.db_table, "field": "tags"}
POSTS = {"kind": "other_end", "table": Post._meta.db_table, "field": "tags"}


class Searches(Posts):
    def get_queryset(self) -> Any:
        title = self.request.query_params.get("title")
        queryset = self.queryset
        if title:
            queryset = queryset.filter(title__icontains=title)
        if name := self.request.GET.get("by"):
            queryset = queryset.filter(author__username=name)
        author = self.request.query_params.get("author")
        if author:
            queryset = queryset.filter(author=author)
        if text := self.request.query_params.get("text", ""):
            queryset = queryset.filter(Q(title__icontains=text) | Q(author__username__startswith=text))
        return queryset.order_by("id")


class SearchesForStaff(Posts):
    def get_queryset(self) -> Any:
        queryset = self.queryset.filter(author=self.request.user)
        if self.request.user.is_staff:
            queryset = self.queryset
            title = self.request.query_params.get("title")
            if title:
                queryset = queryset.filter(title__icontains=title)
        return queryset


def test_a_text_is_read_as_django_compares_it_with_the_column() -> None:
    found = rows_of(Searches)
    assert found["filters"] == {
        "title": {"form": "text", "columns": [column("title", "icontains")]},
        "by": {"form": "text", "columns": [column("author__username")]},
        "author": {"form": "integer", "columns": [column("author")]},
        "text": {"form": "text", "columns": [column("title", "icontains"), column("author__username", "startswith")]},
    }
    assert found["parameters"] == []
    assert rows_of(SearchesForStaff) is None


class Converted(Posts):
    def get_queryset(self) -> Any:
        tags = self.request.query_params.get("tags")
        queryset = self.queryset
        if tags:
            keys = self._ints(tags)
            queryset = queryset.filter(tags__id__in=keys)
        if some := self.request.query_params.get("some"):
            queryset = queryset.filter(id__in=map(int, some.split(",")))
        tag = self.request.query_params.get("tag")
        if tag:
            queryset = queryset.filter(tags=int(tag))
        date = self.request.query_params.get("date")
        if date:
            date = datetime.strptime(date, "%Y-%m-%d").date()  # noqa: DTZ007 - as projects write it
            queryset = queryset.filter(created_at__date=date)
        if since := self.request.query_params.get("since"):
            queryset = queryset.filter(created_at__date__gte=self._day(since))
        if day := self.request.query_params.get("day"):
            queryset = queryset.filter(created_at__date=day)
        if year := self.request.query_params.get("year"):
            queryset = queryset.filter(created_at__year=int(year))
        return queryset.distinct()


def test_numbers_days_and_lists_of_keys_are_read() -> None:
    found = rows_of(Converted)
    assert found["parameters"] == []
    assert found["filters"] == {
        "tags": {"form": "integer", "columns": [column("tags__id", "in") | {"link": TAGS}]},
        "some": {"form": "integer", "columns": [column("id", "in")]},
        "tag": {"form": "integer", "columns": [column("tags") | {"link": TAGS}]},
        "date": {"form": "day", "format": "%Y-%m-%d", "columns": [column("created_at", part="date")]},
        "since": {"form": "day", "format": "%d.%m.%Y", "columns": [column("created_at", "gte", part="date")]},
        "day": {"form": "day", "columns": [column("created_at", part="date")]},
        "year": {"form": "integer", "columns": [column("created_at", part="year")]},
    }


class Flags(Tags):
    def get_queryset(self) -> Any:
        assigned_only = bool(int(self.request.query_params.get("assigned_only", 0)))
        queryset = self.queryset
        if assigned_only:
            queryset = queryset.filter(posts__isnull=False)
        shown = self.request.query_params.get("shown")
        if shown and shown.lower() in ("true", "1"):
            queryset = queryset.filter(posts__published=True)
        if self.request.query_params.get("named"):
            queryset = queryset.filter(name__gt="a")
        return queryset.order_by("-name").distinct()


def test_flags_narrow_by_constants() -> None:
    found = rows_of(Flags)
    assert found["parameters"] == []
    linked = {"link": POSTS}
    assert found["filters"] == {
        "assigned_only": {"form": "flag", "columns": [column("posts", "isnull", value=[False]) | linked]},
        "shown": {"form": "words", "words": ["1", "true"], "ignore_case": True}
        | {"columns": [column("posts__published", value=[True]) | linked]},
        "named": {"form": "given", "columns": [column("name", "gt", value=["a"])]},
    }


class Multiplied(Tags):
    """Rows come once for each of the others."""

    def get_queryset(self) -> Any:
        queryset = self.queryset
        if self.request.query_params.get("used"):
            queryset = queryset.filter(posts__isnull=False)
        return queryset


class Counted(Tags):
    """What is counted is multiplied, too."""

    queryset = Tag.objects.annotate(many=Count("posts"))

    def get_queryset(self) -> Any:
        queryset = self.queryset.distinct()
        if self.request.query_params.get("used"):
            queryset = queryset.filter(posts__published=True)
        return queryset


class Again(Posts):
    """The name has another meaning where the parameter was sent."""

    def get_queryset(self) -> Any:
        queryset = self.queryset
        title = self.request.query_params.get("title")
        if title:
            title = title.upper()
            queryset = queryset.filter(title=title)
        return queryset


class Twice(Posts):
    def get_queryset(self) -> Any:
        queryset = self.queryset
        title = self.request.query_params.get("title")
        if title:
            queryset = queryset.filter(title__gt=title)
        if self.request.query_params.get("x"):
            queryset = queryset.filter(title=title)
        some = int(self.request.query_params.get("some", 0))
        if some:
            queryset = queryset.filter(id=some)
        if "few" in self.request.query_params:
            queryset = queryset.filter(published=True)
        return queryset


@pytest.mark.parametrize(
    ("view", "parameters"),
    [
        (Multiplied, ["used"]),
        (Counted, ["used"]),
        (Again, ["title"]),
        (Twice, ["title", "x", "some", "few"]),
    ],
)
def test_any_other_is_a_gap_of_its_parameter(view: Any, parameters: list[str]) -> None:
    found = rows_of(view)
    assert (found["filters"], found["parameters"]) == ({}, parameters)


def test_a_year_is_that_of_several_rows_though_no_two_have_the_same_day() -> None:
    with isolate_apps("django_app.blog"):

        class Diary(models.Model):
            class Meta:
                app_label = "blog"

        class Entry(models.Model):
            diary = models.ForeignKey(Diary, models.CASCADE, related_name="entries")
            day = models.DateField(unique=True)

            class Meta:
                app_label = "blog"

        conditions = ("entries__day", "entries__day__year", "entries__day__gt")
        assert [column_at(Diary, each).multiplies for each in conditions] == [False, True, True]


class OfList(Posts):
    def get_queryset(self) -> Any:
        queryset = super().get_queryset()
        if self.action in ("list", "destroy"):
            queryset = queryset.select_related("author").annotate(many=Count("tags") + 1)
        if self.action == "list" and self.request.method in ("GET", "HEAD"):
            title = self.request.query_params.get("title")
            if title:
                queryset = queryset.filter(title=title)
        return queryset


class OfInherited(OfList):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(Q(published=True) | ~Q(title="old"))


class OfUnread(OfInherited):
    """What the superclass does isn't lost."""

    def get_queryset(self) -> Any:
        return super().get_queryset().order_by("id")


class Reversed(Posts):
    def get_queryset(self) -> Any:
        return self.queryset.reverse()


class OfReversed(Reversed):
    def get_queryset(self) -> Any:
        return super().get_queryset().order_by("id")


def test_a_method_may_look_at_the_action_and_call_that_of_its_superclass() -> None:
    assert list(rows_of(OfList)["filters"]) == ["title"]
    assert rows_of(OfList, "retrieve")["filters"] == {}
    facts = view_facts(OfUnread.as_view({"get": "list"}), "get", "list", {})
    assert list(facts["rows"]["filters"]) == ["title"]
    assert facts["queryset"]["where"] == [
        ["or", ["is", "published", "exact", True], ["not", ["is", "title", "exact", "old"]]]
    ]
    assert list(facts["queryset"]["annotations"]) == ["many"]
    assert view_facts(OfUnread.as_view({"get": "retrieve"}), "get", "retrieve", {})["queryset"]["annotations"] == {}
    assert rows_of(OfReversed) is None
