"""What of a row that a path names isn't what it looks like is no fact: others would be let in, or see other rows."""

from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.test.utils import isolate_apps
from rest_framework import serializers, viewsets
from rest_framework.exceptions import NotFound, PermissionDenied

from django_app.accounts.models import User
from django_app.blog.models import Post, Tag
from strangler_django.endpoints.views import view_facts


class PostSerializer(serializers.ModelSerializer[Post]):
    class Meta:
        model = Post
        fields = ("title",)


class Posts(viewsets.ModelViewSet[Post]):
    serializer_class = PostSerializer

    def get_queryset(self) -> Any:
        return get_object_or_404(User, pk=self.kwargs["user"]).posts.all()  # type: ignore[attr-defined] # a relation


def facts_of(view: Any) -> Any:
    return view_facts(view.as_view({"get": "list"}), "get", "list", {"user": "1", "other": "2"})


def told(parent: Any) -> tuple[Any, ...]:
    return parent["model"]["label"], parent["within"], parent["owner"], parent["fails"], parent["detail"]


class Caught(Posts):
    def get_queryset(self) -> Any:
        try:
            user = User.objects.get(username=self.kwargs["user"])
        except ObjectDoesNotExist:
            raise NotFound("Nobody.") from None
        return Post.objects.filter(author_id=user.id)


class OrNone(Posts):
    """Whether there is a row is asked twice, and answered as the first time."""

    def get_user(self) -> User:
        return get_object_or_404(User.objects.filter(is_active=True), id=self.kwargs.get("user"))

    @property
    def person(self) -> User:
        return self.get_user()

    def get_queryset(self) -> Any:
        user = self.get_user()
        return Post.objects.filter(author=user).exclude(author=1).filter(author=self.person.pk)


def user_of(kwargs: Any, key: str) -> User:
    user_id = kwargs.get(key)
    return get_object_or_404(User, pk=user_id)


class ByFunction(Posts):
    def get_user(self, of: Any, name: str) -> User:
        """The one who follows the other."""
        return get_object_or_404(User, pk=self.kwargs[name], last_name="x", id=of.pk)

    def get_queryset(self) -> Any:
        user = user_of(self.kwargs, key="user")
        return Post.objects.filter(author=user)


class ByArguments(ByFunction):
    def get_queryset(self) -> Any:
        return self.get_user(user_of(self.kwargs, "user"), name="other").posts.all()  # type: ignore[attr-defined] # a relation


def test_functions_that_get_what_the_path_says_are_read() -> None:
    (one,) = facts_of(ByFunction)["rows"]["parents"]
    assert told(one) == ("accounts.User", {"pk": "user"}, None, False, None)
    assert facts_of(ByArguments)["rows"] is None


def test_the_shapes_are_read() -> None:
    (plain,), (caught,), (twice,) = (facts_of(each)["rows"]["parents"] for each in (Posts, Caught, OrNone))
    assert told(plain) == ("accounts.User", {"pk": "user"}, None, False, None)
    assert told(caught) == ("accounts.User", {"username": "user"}, None, False, "Nobody.")
    assert told(twice) == ("accounts.User", {"id": "user"}, None, False, None)
    assert twice["queryset"]["where"] == [["is", "is_active", "exact", True]]
    assert facts_of(Posts)["rows"]["within"] == facts_of(OrNone)["rows"]["within"] == {"author": "user"}
    assert facts_of(Caught)["rows"]["within"] == {"author__username": "user"}
    assert facts_of(Posts)["model"]["table"] == "posts"


def allow(user: str) -> str:
    if user == "0":
        raise PermissionDenied
    return user


class CallsMore(Posts):
    """Nobody looks at what it gives, and it may refuse."""

    def get_queryset(self) -> Any:
        user = allow(self.kwargs["user"])  # noqa: F841 - as above
        return Post.objects.all()


class IsNotOne(Posts):
    """Several users may have a name."""

    def get_queryset(self) -> Any:
        return get_object_or_404(User, first_name=self.kwargs["user"]).posts.all()  # type: ignore[attr-defined] # a relation


class IsAnother(Posts):
    def get_queryset(self) -> Any:
        user = get_object_or_404(User, pk=self.kwargs["user"])
        posts = Post.objects.filter(author=user)
        user = get_object_or_404(User, pk=self.kwargs["other"])
        return posts.filter(author=user)


class IsOfAnother(Posts):
    """A tag is no author."""

    def get_queryset(self) -> Any:
        return Post.objects.filter(author=get_object_or_404(Tag, pk=self.kwargs["user"]))


class Linked(Posts):
    def get_queryset(self) -> Any:
        return get_object_or_404(Tag, pk=self.kwargs["user"]).posts.all()  # type: ignore[attr-defined] # a relation


class ByColumn(Posts):
    def get_queryset(self) -> Any:
        user = get_object_or_404(User, pk=self.kwargs["user"])
        return Post.objects.filter(author=user.pk, published=user.is_active)


class CatchesMore(Posts):
    def get_queryset(self) -> Any:
        try:
            user = User.objects.get(pk=self.kwargs["user"])
        except User.DoesNotExist:
            raise PermissionDenied from None
        return Post.objects.filter(author=user)


class CatchesLess(Posts):
    """What isn't raised isn't caught."""

    def get_queryset(self) -> Any:
        try:
            user = User.objects.get(pk=self.kwargs["user"])
        except Http404:
            raise NotFound("Nobody.") from None
        return Post.objects.filter(author=user)


class IsNotAsked(Posts):
    """Nobody learns whether there is the row."""

    def get_queryset(self) -> Any:
        if self.request.user.is_anonymous:
            return Post.objects.none()
        user = get_object_or_404(User, pk=self.kwargs["user"])
        return Post.objects.filter(author=user, author__id=self.request.user.id)


class Itself(Posts):
    def get_user(self) -> Any:
        return self.get_user()

    def get_queryset(self) -> Any:
        return Post.objects.filter(author=self.get_user())


class TakesMore(Posts):
    def get_user(self, name: str = "user") -> Any:
        return get_object_or_404(User, pk=self.kwargs[name])

    def get_queryset(self) -> Any:
        return Post.objects.filter(author=self.get_user())


class Unnamed(Posts):
    def get_queryset(self) -> Any:
        return Post.objects.filter(author=get_object_or_404(User, pk=self.kwargs["nobody"]))


@pytest.mark.parametrize(
    "view",
    [
        *(CallsMore, IsNotOne, IsAnother, IsOfAnother, Linked, ByColumn, CatchesMore, CatchesLess, IsNotAsked, Itself),
        *(TakesMore, Unnamed),
    ],
)
def test_what_is_looked_for_in_another_way_is_the_projects_own(view: Any) -> None:
    assert facts_of(view)["rows"] is None


@isolate_apps("django_app.blog")
def test_rows_that_a_manager_chooses_are_the_projects_own() -> None:
    class Shown(models.Manager["Room"]):
        def get_queryset(self) -> Any:
            return super().get_queryset().filter(name="x")

    class Room(models.Model):
        name = models.CharField(max_length=9)
        objects = Shown()

        class Meta:
            app_label = "blog"

    globals()["Room"] = Room

    class InRoom(Posts):
        def get_queryset(self) -> Any:
            get_object_or_404(Room, pk=self.kwargs["user"])
            return Post.objects.all()

    try:
        assert facts_of(InRoom)["rows"] is None
    finally:
        del globals()["Room"]


class Creates(Posts):
    def perform_create(self, serializer: Any) -> None:
        user = get_object_or_404(User, pk=self.kwargs["user"])
        serializer.save(author=user)


class CreatesFor(Posts):
    def perform_create(self, serializer: Any) -> None:
        serializer.save(author_id=self.kwargs["user"])


def test_what_a_new_row_belongs_to_is_read() -> None:
    for view, names, fails in ((Creates, ["author"], False), (CreatesFor, ["author_id"], True)):
        found = facts_of(view)["creation"]
        assert [*found["fields"]] == names
        assert [told(each) for each in found["parents"]] == [("accounts.User", {"pk": "user"}, None, fails, None)]


class SavesMore(Posts):
    def perform_create(self, serializer: Any) -> None:
        user = get_object_or_404(User, pk=self.kwargs["user"])
        serializer.save(author=user, title=user.username)


class SavesKey(Posts):
    """Django refuses a key in the place of a row."""

    def perform_create(self, serializer: Any) -> None:
        serializer.save(author=get_object_or_404(User, pk=self.kwargs["user"]).pk)


class SavesRow(Posts):
    def perform_create(self, serializer: Any) -> None:
        serializer.save(author_id=get_object_or_404(User, pk=self.kwargs["user"]))


class SavesTwice(Posts):
    def perform_create(self, serializer: Any) -> None:
        user = get_object_or_404(User, pk=self.kwargs["user"])
        serializer.save(author=user)
        user.save()


class SavesByHeart(Posts):
    def perform_create(self, serializer: Any) -> None:
        if self.request.query_params.get("mine"):
            serializer.save(author=self.request.user)
        serializer.save(author=get_object_or_404(User, pk=self.kwargs["user"]))


class SavesOther(Posts):
    def perform_create(self, serializer: Any) -> None:
        serializer.save(title=self.kwargs["user"])


class SavesNothing(Posts):
    def perform_create(self, serializer: Any) -> None:
        """Nothing."""


@pytest.mark.parametrize("view", [SavesMore, SavesKey, SavesRow, SavesTwice, SavesByHeart, SavesOther, SavesNothing])
def test_what_is_saved_in_another_way_is_the_projects_own(view: Any) -> None:
    found = facts_of(view)
    assert (found["creator"], found["creation"]) == (None, None)
