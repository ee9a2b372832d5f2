"""An annotation is read where it counts the rows that point at one, and nothing else."""

import pytest
from django.db.models import Count, F, Q, QuerySet, Sum
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from django_app.blog.models import Post, Tag
from strangler_django.endpoints.annotations import counts_of
from strangler_django.endpoints.views import view_facts

POSTS: QuerySet[Post] = Post.objects.all()
LINKS = {"table": Post.tags.through._meta.db_table, "field": "post"}


def test_rows_that_point_at_one_are_counted() -> None:
    assert counts_of(POSTS.query) == {}
    assert counts_of(POSTS.annotate(many=Count("tags")).query) == {"many": LINKS}
    assert counts_of(POSTS.annotate(many=Count("tags", distinct=True)).query) == {"many": LINKS}
    counted = counts_of(Tag.objects.annotate(many=Count("posts")).query)
    assert counted == {"many": LINKS | {"field": "tag"}}


class Counted(ListAPIView[Post]):
    queryset = POSTS.annotate(many=Count("tags"))
    serializer_class = serializers.Serializer  # type: ignore[assignment] # it shows nothing


def test_rows_that_are_counted_have_lost_the_order_of_their_model() -> None:
    found = view_facts(Counted.as_view(), "get", "list", {})["queryset"]
    assert (found["counts"], found["narrowed"], found["ordering"]) == ({"many": LINKS}, [], [])


@pytest.mark.parametrize(
    "queryset",
    [
        POSTS.annotate(many=Count("tags", filter=Q(tags__name="x"))),
        POSTS.annotate(many=Count("tags"), more=Count("tags__name")),
        POSTS.annotate(many=Sum("tags__id")),
        POSTS.annotate(many=Count("tags") + 1),
        POSTS.annotate(many=Count("author")),
        POSTS.annotate(same=F("title")),
    ],
)
def test_anything_else_is_not(queryset: QuerySet[Post]) -> None:
    assert counts_of(queryset.query) is None
