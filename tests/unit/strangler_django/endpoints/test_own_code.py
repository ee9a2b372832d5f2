"""What a view's caller owns is read in exactly one shape; anything more is the project's own code."""

from typing import Any

import pytest
from rest_framework import serializers, viewsets

from django_app.blog.models import Post
from strangler_django.endpoints.own_code import owned_rows, returned_attribute, saved_caller
from strangler_django.endpoints.views import view_facts


class PostSerializer(serializers.ModelSerializer[Post]):
    class Meta:
        model = Post
        fields = ("title",)


class Posts(viewsets.ModelViewSet[Post]):
    queryset = Post.objects.all()
    serializer_class = PostSerializer


class Owned(Posts):
    def perform_create(self, serializer: Any) -> None:
        """Whoever sends it wrote it."""
        serializer.save(author=self.request.user)

    def get_queryset(self) -> Any:
        return Post.objects.filter(author=self.request.user)


class More(Posts):
    def perform_create(self, serializer: Any) -> None:
        serializer.save(author=self.request.user, title="x")

    def get_queryset(self) -> Any:
        return Post.objects.filter(author=self.request.user).exclude(title="")


class Twice(Posts):
    def perform_create(self, serializer: Any) -> None:
        serializer.save(author=self.request.user)
        serializer.instance.refresh_from_db()

    def get_queryset(self) -> Any:
        return Post.objects.filter(author__nickname=self.request.user)


class Else(Posts):
    def perform_create(self, serializer: Any) -> None:
        serializer.instance.save(author=self.request.user)

    def get_queryset(self) -> Any:
        return Post.objects.exclude(author=self.request.user)


def test_the_plain_shapes_are_read_and_so_is_all_else_of_the_view() -> None:
    assert (saved_caller(Owned), owned_rows(Owned)) == ("author", (Post, "author"))
    found = view_facts(Owned.as_view({"get": "list"}), "get", "list", {})
    assert (found["creator"], found["owner"], found["unread"]) == ("author", "author", [])
    assert found["queryset"]["narrowed"] == []


@pytest.mark.parametrize("view", [More, Twice, Else, Posts])
def test_any_other_shape_is_not(view: type) -> None:
    assert (saved_caller(view), owned_rows(view)) == (None, None)


def test_a_text_is_that_of_one_column() -> None:
    class Plain:
        name = "x"

        def __str__(self) -> str:
            return self.name

    class Made(Plain):
        def __str__(self) -> str:
            return self.name.upper()

    assert (returned_attribute(Plain.__str__), returned_attribute(Made.__str__)) == ("name", None)
    assert returned_attribute(object.__str__) is None
