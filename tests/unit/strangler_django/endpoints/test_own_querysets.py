"""What of a `get_queryset` isn't what it looks like is no fact: each of these would show rows that Django doesn't."""

from typing import Any

import pytest
from django.db import models
from django.db.models import Count
from django.test.utils import isolate_apps
from rest_framework import viewsets

from django_app.blog.models import Post, Tag
from strangler_django.endpoints.code.filtered_columns import column_at
from strangler_django.endpoints.views import view_facts


class Posts(viewsets.ModelViewSet[Post]):
    queryset = Post.objects.all()


class Published(Posts):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(published=True)


def facts_of(view: Any, **parameters: str) -> Any:
    return view_facts(view.as_view({"get": "list"}), "get", "list", parameters)


def rows_of(view: Any, **parameters: str) -> Any:
    return facts_of(view, **parameters)["rows"]


class NothingForStaff(Posts):
    def get_queryset(self) -> Any:
        if self.request.user.is_staff:
            return Post.objects.none()
        return Post.objects.filter(author=self.request.user)


class NamesTwice(Posts):
    def get_queryset(self) -> Any:
        return Post.objects.filter(author=self.kwargs["one"]).filter(author=self.kwargs["other"])


class NamesWhatIsNotThere(Posts):
    def get_queryset(self) -> Any:
        return Post.objects.filter(author=self.kwargs.get("writer"))


published = True


class HasLocals(Posts):
    """A name of its own is none of the module's, whatever that has under it."""

    def get_queryset(self, published: bool = False) -> Any:
        return Post.objects.filter(published=published)


class PassesMore(HasLocals):
    def get_queryset(self) -> Any:  # type: ignore[override] # as projects write it
        return super().get_queryset(published=True)


class Shown:
    level = 1

    @classmethod
    def choose(cls, level: int) -> None:
        cls.level = level


class ByChanged(Posts):
    """What a function of the project changes is no constant."""

    def get_queryset(self) -> Any:
        return Post.objects.filter(published=Shown.level)


class IsPartOfText(Posts):
    def get_queryset(self) -> Any:
        queryset = Post.objects.all()
        if self.request.query_params.get("shown", "") in "yes":
            queryset = queryset.filter(published=True)
        return queryset


class IsNever(Posts):
    def get_queryset(self) -> Any:
        queryset = Post.objects.all()
        if self.request.query_params.get("shown") == ("yes", "no"):  # type: ignore[comparison-overlap] # never
            queryset = queryset.filter(published=True)
        return queryset


@pytest.mark.parametrize(
    "view", [NothingForStaff, NamesTwice, NamesWhatIsNotThere, HasLocals, PassesMore, IsPartOfText, IsNever, ByChanged]
)
def test_what_narrows_in_another_way_is_the_projects_own(view: Any) -> None:
    assert rows_of(view, one="1", other="2") is None


class Skips(Published):
    """`super()` of another class leaves out what that one does."""

    def get_queryset(self) -> Any:
        return super(Published, self).get_queryset().order_by("id")


class NamesItself(Published):
    def get_queryset(self) -> Any:
        return super(NamesItself, self).get_queryset().order_by("id")  # noqa: UP008 - as projects write it


def test_super_is_of_the_class_that_has_the_method() -> None:
    assert rows_of(Skips) is None
    assert rows_of(NamesItself) is not None
    assert facts_of(NamesItself)["queryset"]["where"] == [["is", "published", "exact", True]]


class ByDefault(Posts):
    def get_queryset(self) -> Any:
        queryset = Post.objects.all()
        state = self.request.query_params.get("state") or "published"
        if state == "published":
            queryset = queryset.filter(published=True)
        return queryset


class Unsent(Posts):
    def get_queryset(self) -> Any:
        queryset = Post.objects.all()
        state = self.request.query_params.get("state") and "all"
        if state is None:
            queryset = queryset.filter(published=True)
        return queryset


@pytest.mark.parametrize("view", [ByDefault, Unsent])
def test_what_is_joined_is_worth_one_of_its_values(view: Any) -> None:
    found = facts_of(view)
    assert found["rows"]["parameters"] == ["state"]
    assert found["queryset"]["where"] == [["is", "published", "exact", True]]


class Counted(viewsets.ModelViewSet[Tag]):
    def get_queryset(self) -> Any:
        queryset = Tag.objects.all()
        if post := self.request.query_params.get("post"):
            queryset = queryset.filter(posts__id=post)
        return queryset.annotate(number=Count("posts"))


def test_rows_that_are_counted_are_only_those_that_a_filter_before_it_links() -> None:
    found = rows_of(Counted)
    assert (found["filters"], found["parameters"]) == ({}, ["post"])


@isolate_apps("django_app.blog")
def test_rows_may_be_linked_twice_in_a_table_of_the_projects_own() -> None:
    class Ware(models.Model):
        class Meta:
            app_label = "blog"

    class Line(models.Model):
        ware = models.ForeignKey(Ware, models.CASCADE)
        order = models.ForeignKey("Order", models.CASCADE)

        class Meta:
            app_label = "blog"

    class Order(models.Model):
        wares = models.ManyToManyField(Ware, through=Line)
        gifts = models.ManyToManyField(Ware, related_name="given")

        class Meta:
            app_label = "blog"

    multiplies = {path: column_at(Order, path).multiplies for path in ("wares", "wares__id", "gifts", "gifts__id")}
    assert multiplies == {"wares": True, "wares__id": True, "gifts": False, "gifts__id": False}
    assert (column_at(Ware, "order").multiplies, column_at(Ware, "given").multiplies) == (True, False)
