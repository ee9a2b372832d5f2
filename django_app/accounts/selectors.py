"""Reads of users."""

from django.db.models import Count, Q, QuerySet
from django.db.models.expressions import OuterRef, Subquery
from django.db.models.functions import Coalesce

from django_app.accounts.models import User
from django_app.blog.models import Post


def user_list() -> QuerySet[User]:
    """All users with `post_count`, the number of their posts, drafts included; no order.

    The count is a subquery and not a join: PostgreSQL then counts for the rows of the page alone.
    """
    posts = Post.objects.filter(author=OuterRef("pk")).order_by()
    counts = posts.values("author").annotate(number=Count("pk")).values("number")
    return User.objects.annotate(post_count=Coalesce(Subquery(counts), 0))


def user_get(*, pk: int) -> User:
    """One user with `post_count`.

    :raises User.DoesNotExist: when there is none.
    """
    return user_list().get(pk=pk)


def user_list_active(*, min_posts: int) -> QuerySet[User]:
    """The users with at least `min_posts` posts, drafts included, with `post_count`; no order."""
    return User.objects.annotate(post_count=Count("posts")).filter(post_count__gte=min_posts)


def user_list_with_stats() -> QuerySet[User]:
    """All users with `post_count` and `published_count`, the most productive first."""
    published = Count("posts", filter=Q(posts__published=True))
    return User.objects.annotate(post_count=Count("posts"), published_count=published).order_by("-post_count", "id")
