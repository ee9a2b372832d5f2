"""Constant filters of a queryset are read as conditions; one that may be another at another time is not."""

import datetime as dt
from typing import Any

import pytest
from django.db.models import Count, F, Q, QuerySet

from django_app.blog.models import Post
from strangler_django.endpoints.code.conditions import conditions_of

POSTS: QuerySet[Post] = Post.objects.all()
PUBLISHED = ["is", "published", "exact", True]


@pytest.mark.parametrize(
    ("queryset", "conditions"),
    [
        (POSTS, []),
        (POSTS.filter(published=True, title__in=("a", "b")), [PUBLISHED, ["is", "title", "in", ["a", "b"]]]),
        (POSTS.exclude(published=True), [["not", PUBLISHED]]),
        (POSTS.filter(author__is_active=True), [["is", "author__is_active", "exact", True]]),
        (POSTS.filter(author=3), [["is", "author", "exact", 3]]),
        (POSTS.filter(Q(published=True) | Q(id__gt=4)), [["or", PUBLISHED, ["is", "id", "gt", 4]]]),
    ],
)
def test_constant_filters_are_read(queryset: QuerySet[Post], conditions: list[Any]) -> None:
    assert conditions_of(queryset.query) == conditions


@pytest.mark.parametrize(
    "queryset",
    [
        POSTS.filter(created_at__lte=dt.datetime.now(dt.UTC)),
        POSTS.filter(title__icontains="x"),
        POSTS.filter(title=F("content")),
        POSTS.filter(tags__name="x"),
        POSTS.annotate(many=Count("tags")).filter(many__gt=1),
        POSTS.none(),
    ],
)
def test_any_other_filter_is_not(queryset: QuerySet[Post]) -> None:
    assert conditions_of(queryset.query) is None
