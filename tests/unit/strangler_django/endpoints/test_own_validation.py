"""What `validate` asks of rows is read where it does no more: each of these would take a body that Django refuses."""

from typing import Any

import pytest
from django.shortcuts import get_object_or_404
from rest_framework import serializers, viewsets

from django_app.accounts.models import User
from django_app.blog.models import Post
from strangler_django.endpoints.own_validation import read_validation
from strangler_django.endpoints.views import view_facts


class Once(serializers.ModelSerializer[Post]):
    class Meta:
        model = Post
        fields = ("title",)

    def validate(self, data: Any) -> Any:
        request = self.context["request"]
        user_id = self.context["view"].kwargs.get("user")
        if request.method == "POST" and Post.objects.filter(author=user_id, published=True).exists():
            raise serializers.ValidationError("Once.")
        return data


class Posts(viewsets.ModelViewSet[Post]):
    queryset = Post.objects.all()
    serializer_class: Any = Once


def read(serializer: Any, **attributes: Any) -> Any:
    """What is read of a view with the serializer, for each row: its fields, the caller's, the text, and when."""
    view = type("Made", (Posts,), attributes | {"serializer_class": serializer})
    facts = view_facts(view.as_view({"post": "create"}), "post", "create", {"user": "1"})["serializer"]
    if "validate" in facts["overridden"]:
        return None
    told = ("within", "owner")
    return [(*map(each["row"].get, told), each["refused"], each["of_new"]) for each in facts["rows"]]


class ForNew(Once):
    def validate(self, attrs: Any) -> Any:
        if self.instance:
            return attrs
        user = get_object_or_404(User, pk=self.context["request"].parser_context.get("kwargs")["user"])
        if self.context.get("request").user.posts.filter(author__id=user.pk).exists():  # type: ignore[union-attr] # there is one
            raise serializers.ValidationError({"title": "Mine."})
        return attrs


class Always(Once):
    def validate(self, data: Any) -> Any:
        view = self.context.get("view")
        user = get_object_or_404(User, pk=view.kwargs["user"])  # type: ignore[union-attr] # there is one
        if view.action == "create" and user.posts.exists():  # type: ignore[union-attr, attr-defined] # as above, a relation
            raise serializers.ValidationError("Once.")
        return data


def test_the_shapes_are_read() -> None:
    assert read(Once) == [({"author": "user"}, None, "Once.", True)]
    assert read(ForNew) == [
        ({"pk": "user"}, None, None, True),
        ({"author": "user"}, "author", {"title": "Mine."}, True),
    ]
    assert read(Always) == [({"pk": "user"}, None, None, False), ({"author": "user"}, None, "Once.", True)]


class NotOfChanges(Once):
    def validate(self, data: Any) -> Any:
        if self.context["request"].method != "PATCH":  # noqa: SIM102 - as projects write it
            if Post.objects.filter(author=self.context["view"].kwargs["user"]).exists():
                raise serializers.ValidationError("Once.")
        return data


def test_methods_that_a_view_has_not_are_none() -> None:
    assert read(NotOfChanges) is None
    found = read(NotOfChanges, http_method_names=("get", "post", "patch"))
    assert found == [({"author": "user"}, None, "Once.", True)]


class Changes(Once):
    def validate(self, data: Any) -> Any:
        data["title"] = data["title"].strip()
        return data


class ReturnsMore(Once):
    def validate(self, data: Any) -> Any:
        if Post.objects.filter(author=self.context["view"].kwargs["user"]).exists():
            raise serializers.ValidationError("Once.")
        return {**data, "published": True}


class ByBody(Once):
    def validate(self, data: Any) -> Any:
        if Post.objects.filter(author=self.context["view"].kwargs["user"], title=data["title"]).exists():
            raise serializers.ValidationError("Once.")
        return data


class ByText(Once):
    def validate(self, data: Any) -> Any:
        user = self.context["view"].kwargs["user"]
        if Post.objects.filter(author=user).exists():
            raise serializers.ValidationError(f"{user} has one.")
        return data


class Unless(Once):
    def validate(self, data: Any) -> Any:
        if not Post.objects.filter(author=self.context["view"].kwargs["user"]).exists():
            raise serializers.ValidationError("None yet.")
        return data


class Either(Once):
    def validate(self, data: Any) -> Any:
        user = self.context["view"].kwargs["user"]
        if self.instance is None or Post.objects.filter(author=user).exists():
            raise serializers.ValidationError("Once.")
        return data


class OfColumns(Once):
    def validate(self, data: Any) -> Any:
        if self.instance and self.instance.published:
            return data
        if Post.objects.filter(author=self.context["view"].kwargs["user"]).exists():
            raise serializers.ValidationError("Once.")
        return data


class Everywhere(Once):
    def validate(self, data: Any) -> Any:
        if Post.objects.filter(author=self.context["view"].kwargs["other"]).exists():
            raise serializers.ValidationError("Once.")
        return data


class ByNothing(Once):
    def validate(self, data: Any) -> Any:
        if Post.objects.filter(published=True).exists():
            raise serializers.ValidationError("Once.")
        return data


class ByTime(Once):
    """A text that is no moment is a refusal of the body, in Django's words."""

    def validate(self, data: Any) -> Any:
        if Post.objects.filter(created_at=self.context["view"].kwargs["user"]).exists():
            raise serializers.ValidationError("Once.")
        return data


class Above(Once):
    def validate(self, data: Any) -> Any:
        return super().validate(data)


class ReturnsNothing(Once):
    def validate(self, data: Any) -> Any:
        """Django fails on it."""


@pytest.mark.parametrize(
    "serializer",
    [
        *(Changes, ReturnsMore, ByBody, ByText, Unless, Either, OfColumns, Everywhere, ByNothing, ByTime, Above),
        ReturnsNothing,
    ],
)
def test_what_is_asked_in_another_way_is_the_projects_own(serializer: Any) -> None:
    assert read(serializer) is None


def test_what_drf_has_is_nothing() -> None:
    assert read_validation(Posts(), serializers.ModelSerializer) is None
