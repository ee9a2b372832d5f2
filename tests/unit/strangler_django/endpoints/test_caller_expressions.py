"""What a method asks of the caller is read in the shapes that projects write, and nothing else is taken for it."""

# ruff: noqa: ARG002 - DRF gives each of them the row

from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from rest_framework import serializers

from django_app.accounts.models import User
from strangler_django.endpoints.expressions.own_values import method_value
from strangler_django.endpoints.fields.serializers import serializer_facts
from tests.kitchen.models import Favorite, Follow, Rating, Recipe, Team
from tests.kitchen.views import RecipeSerializer


class Some(models.Manager[Any]):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(pk=1)


class Methods(serializers.ModelSerializer[Recipe]):
    class Meta:
        model = Recipe
        fields = ("name",)

    def held(self, obj: Any) -> Any:
        return self.context["request"].user.cooked.contains(obj)

    def not_mine(self, obj: Any) -> Any:
        return self.context["request"].user != obj.author

    def absent(self, obj: Any) -> Any:
        return obj not in self.context["request"].user.cooked.all()

    def by_truth(self, obj: Any) -> Any:
        mine = Favorite.objects.filter(user=self.context["request"].user).filter(recipe=obj)
        if mine:
            return "yes"
        return "no"

    def by_many(self, obj: Any) -> Any:
        return Favorite.objects.filter(user__teams=obj.team, recipe=obj).exists()

    def by_null(self, obj: Any) -> Any:
        return Team.objects.filter(id=obj.team_id).exists()

    def unguarded_null(self, obj: Any) -> Any:
        return Recipe.objects.filter(editor=self.context["request"].user.id).exists()

    def guarded_null(self, obj: Any) -> Any:
        user = self.context["request"].user
        return user.is_authenticated and Recipe.objects.filter(editor=user.id, name=obj.name).exists()

    def ordered(self, obj: Any) -> Any:
        return Rating.objects.filter(recipe=obj).order_by("id").first().score

    def missing(self, obj: Any) -> Any:
        return Rating.objects.get(recipe=obj, user=self.context["request"].user).score

    def caught_all(self, obj: Any) -> Any:
        try:
            return Rating.objects.get(recipe=obj, user=self.context["request"].user).score
        except Exception:  # noqa: BLE001 - of any kind
            return None

    def caught_base(self, obj: Any) -> Any:
        try:
            return Rating.objects.get(recipe=obj, user=self.context["request"].user).score
        except ObjectDoesNotExist:
            return 0

    def caught_other(self, obj: Any) -> Any:
        try:
            return Rating.objects.get(recipe=obj, user=self.context["request"].user).score
        except Follow.DoesNotExist:
            return None

    def wrong_model(self, obj: Any) -> Any:
        return Favorite.objects.filter(user=obj).exists()

    def wrong_kind(self, obj: Any) -> Any:
        return Favorite.objects.filter(user=obj.name).exists()

    def larger(self, obj: Any) -> Any:
        return obj.ratings.filter(user=self.context["request"].user, score__gt=3).exists()

    def by_name(self, obj: Any) -> Any:
        return obj.cooks.filter(username=self.context["request"].user.username).exists()

    def itself(self, obj: Any) -> Any:
        return self.context["request"].user

    def other_context(self, obj: Any) -> Any:
        return Favorite.objects.filter(user=self.context["user"], recipe=obj).exists()

    def with_name(self, obj: Any) -> Any:
        user = self.context["request"].user
        return user.is_authenticated and obj.name and Favorite.objects.filter(user=user, recipe=obj).exists()

    def named_first(self, obj: Any) -> Any:
        user = self.context["request"].user
        return obj.name and user.is_authenticated and Favorite.objects.filter(user=user, recipe=obj).exists()

    def row_or_score(self, obj: Any) -> Any:
        rating = Rating.objects.filter(user=self.context["request"].user, recipe=obj).first()
        return rating and rating.score

    def row(self, obj: Any) -> Any:
        rating = Rating.objects.filter(user=self.context["request"].user, recipe=obj).first()
        return rating  # noqa: RET504 - as projects write it

    def staff(self, obj: Any) -> Any:
        return self.context["request"].user.is_staff


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("held", "recipe_cooks_count > 0"),
        ("not_mine", "not author_id == caller"),
        ("absent", "not recipe_cooks_count > 0"),
        ("by_truth", "'yes' if favorite_count > 0 else 'no'"),
        ("guarded_null", "recipe_count > 0"),
        ("with_name", "caller is not None and name and (favorite_count > 0)"),
        ("named_first", "name and favorite_count > 0"),
        ("caught_base", "rating_score if rating_count > 0 else 0"),
    ],
)
def test_what_is_asked_of_the_caller_is_read(name: str, code: str) -> None:
    found = method_value(Methods, name, Recipe)
    assert found is not None
    assert found["code"] == code
    assert found["in_context"] is True


@pytest.mark.parametrize(
    "name",
    [
        *("by_many", "by_null", "unguarded_null", "ordered", "missing", "caught_all", "caught_other", "wrong_model"),
        *("wrong_kind", "larger", "by_name", "itself", "other_context", "staff", "row_or_score", "row"),
    ],
)
def test_anything_else_is_not(name: str) -> None:
    assert method_value(Methods, name, Recipe) is None


@pytest.mark.parametrize("name", ["get_is_favorited", "get_is_kept", "get_is_edited", "get_score"])
def test_rows_that_code_of_the_projects_own_gives_are_not_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert method_value(RecipeSerializer, name, Recipe) is not None
    some = Some()
    some.model = Favorite
    for model in (Favorite, Rating):
        monkeypatch.setattr(model._meta, "managers_map", {**model._meta.managers_map})
        monkeypatch.setattr(model._meta, "default_manager_name", None)
        monkeypatch.setattr(type(model), "_default_manager", some)
        monkeypatch.setattr(model, "objects", some)
    assert method_value(RecipeSerializer, name, Recipe) is None


def test_a_row_that_may_be_false_is_not_asked_for_its_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    assert method_value(RecipeSerializer, "get_score", Recipe) is not None
    monkeypatch.setattr(Rating, "__bool__", lambda _: False, raising=False)
    assert method_value(RecipeSerializer, "get_score", Recipe) is None


class Shown(serializers.ModelSerializer[User]):
    is_me = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("is_me",)

    def get_is_me(self, obj: User) -> Any:
        return self.context["request"].user == obj


class Showing(serializers.ModelSerializer[Recipe]):
    blind = serializers.SerializerMethodField()
    seeing = serializers.SerializerMethodField()

    class Meta:
        model = Recipe
        fields = ("blind", "seeing")

    def get_blind(self, obj: Recipe) -> Any:
        return Shown(obj.author).data

    def get_seeing(self, obj: Recipe) -> Any:
        return Shown(obj.author, context=self.context).data


def test_rows_within_that_lack_the_request_are_not_read() -> None:
    """Of a serializer without the context a method finds no request."""
    found = {each["name"]: each for each in serializer_facts(Showing())["fields"]}
    assert (found["blind"].get("serializer"), found["blind"]["computed"]) == (None, None)
    assert found["seeing"]["serializer"]["fields"][0]["computed"]["code"] == "id_ == caller"
