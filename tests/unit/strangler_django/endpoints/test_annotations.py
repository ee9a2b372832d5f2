"""An annotation is read where it counts the rows that point at one, and nothing else."""

from typing import Any

import pytest
from django.db.models import (
    Avg,
    Case,
    Count,
    ExpressionWrapper,
    F,
    IntegerField,
    Max,
    Min,
    Prefetch,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from django_app.blog.models import Post, Tag
from strangler_django.endpoints.expressions.annotations import annotations_of
from strangler_django.endpoints.views import view_facts
from tests.installed_app import installed_app
from tests.kitchen.models import Recipe

POSTS: QuerySet[Post] = Post.objects.all()
LINKS = ["count", Post.tags.through._meta.db_table, "post"]


def test_rows_that_point_at_one_are_counted() -> None:
    assert annotations_of(POSTS.query) == {}
    assert annotations_of(POSTS.annotate(many=Count("tags")).query) == {"many": LINKS}
    assert annotations_of(POSTS.annotate(many=Count("tags", distinct=True)).query) == {"many": LINKS}
    counted = annotations_of(Tag.objects.annotate(many=Count("posts")).query)
    assert counted == {"many": [*LINKS[:2], "tag"]}


RATED = ["k_ratings", "recipe", "score"]


def test_numbers_of_a_column_of_the_rows_that_point_at_one_are_read() -> None:
    with installed_app("tests.kitchen"):
        score, recipes = "ratings__score", Recipe.objects.all()
        assert annotations_of(recipes.annotate(mean=Coalesce(Avg(score), 0.0)).query) == {
            "mean": ["coalesce", ["avg", *RATED], ["value", 0.0]]
        }
        several = recipes.annotate(
            many=Count("ratings"), last=Max(score), least=Min(score), all=Coalesce(Sum(score), 0)
        )
        assert annotations_of(several.query) == {
            "many": ["count", *RATED[:2]],
            "last": ["max", *RATED],
            "least": ["min", *RATED],
            "all": ["coalesce", ["sum", *RATED], ["value", 0]],
        }
        for other in (
            recipes.annotate(mean=Avg(score), many=Count("favorited")),
            recipes.annotate(mean=Avg(score) + 1),
            recipes.annotate(mean=Avg(score, filter=Q(ratings__is_final=True))),
            recipes.annotate(mean=Avg(score, distinct=True)),
            recipes.annotate(mean=Avg(score, output_field=IntegerField())),
            recipes.annotate(mean=Coalesce(Avg(score), 0, output_field=IntegerField())),
            recipes.annotate(mean=ExpressionWrapper(Avg(score), output_field=IntegerField())),
            recipes.annotate(mean=Coalesce(ExpressionWrapper(Avg(score), output_field=IntegerField()), 0)),
            recipes.annotate(mean=Avg("author__ratings__score")),
            recipes.annotate(mean=Max("ratings__is_final")),
        ):
            assert annotations_of(other.query) is None, other.query


def test_what_is_calculated_of_counts_and_columns_is_read() -> None:
    free = F("id") * 2 - Count("tags")
    calculated = ["-", ["*", ["column", "id"], ["value", 2]], LINKS]
    assert annotations_of(POSTS.annotate(free=free).query) == {"free": calculated}
    wrapped = ExpressionWrapper(Coalesce(F("id"), 0) + 1, output_field=IntegerField())
    assert annotations_of(POSTS.annotate(next=wrapped).query) == {
        "next": ["+", ["coalesce", ["column", "id"], ["value", 0]], ["value", 1]]
    }
    chosen = Case(When(published=True, then=F("id")), default=Value(None), output_field=IntegerField())
    assert annotations_of(POSTS.annotate(seen=chosen).query) == {
        "seen": ["case", [[["is", "published", "exact", True], ["column", "id"]]], ["value", None]]
    }


class Counted(ListAPIView[Post]):
    queryset = POSTS.annotate(many=Count("tags"))
    serializer_class = serializers.Serializer  # type: ignore[assignment] # it shows nothing


def test_rows_that_are_counted_have_lost_the_order_of_their_model() -> None:
    found = view_facts(Counted.as_view(), "get", "list", {})["queryset"]
    assert (found["annotations"], found["narrowed"], found["ordering"]) == ({"many": LINKS}, [], [])


@pytest.mark.parametrize(
    ("lookup", "narrowed"),
    [
        ("posts", False),
        (Prefetch("posts"), False),
        (Prefetch("posts", queryset=POSTS.select_related("author")), False),
        (Prefetch("posts", queryset=POSTS.filter(published=True)), True),
        (Prefetch("posts", queryset=POSTS.order_by("title")), True),
        (Prefetch("posts", queryset=POSTS.annotate(many=Count("tags"))), True),
        (Prefetch("posts", queryset=POSTS[:3]), True),
        (Prefetch("posts", to_attr="some"), True),
        (
            Prefetch("posts", queryset=POSTS.prefetch_related(Prefetch("tags", to_attr="some"))),
            True,
        ),
    ],
)
def test_rows_within_that_a_queryset_of_its_own_gives_are_named(lookup: "str | Prefetch[Any]", narrowed: bool) -> None:
    view = type("Within", (Counted,), {"queryset": Tag.objects.prefetch_related(lookup)})
    found = view_facts(view.as_view(), "get", "list", {})["queryset"]
    assert found["narrowed"] == ["rows within by querysets of their own"] * narrowed


@pytest.mark.parametrize(
    "queryset",
    [
        POSTS.annotate(many=Count("tags", filter=Q(tags__name="x"))),
        POSTS.annotate(many=Count("tags"), more=Count("tags__name")),
        POSTS.annotate(many=Sum("tags__id")),
        POSTS.annotate(many=Count("tags") / 2),
        POSTS.annotate(many=Count("tags") + Count("tags__name")),
        POSTS.annotate(many=Coalesce("title", Value("x"))),
        POSTS.annotate(many=Count("author")),
        POSTS.annotate(same=F("title")),
    ],
)
def test_anything_else_is_not(queryset: QuerySet[Post]) -> None:
    assert annotations_of(queryset.query) is None
