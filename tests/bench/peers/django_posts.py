"""Posts for the peers that have Django's ORM at its fastest: dictionaries of `.values()`, tags within the statement."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet

from django_app.accounts.models import User
from django_app.blog.models import Post, Tag
from tests.bench.peers import shared


def own_posts(user: User) -> QuerySet[Post, dict[str, Any]]:
    """The user's posts."""
    names = Tag.objects.filter(posts=OuterRef("pk")).order_by("name").values("name")
    shown = ("id", "title", "content", "published", "created_at", "author_id")
    joined = {"username": F("author__username"), "joined_at": F("author__created_at")}
    return Post.objects.filter(author=user).values(*shown, **joined, names=ArraySubquery(names))


def item(row: dict[str, Any], count: int) -> dict[str, Any]:
    """One of them as v2 shows it."""
    return shared.post({**row, "tags": row["names"]}, count)
