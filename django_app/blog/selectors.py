"""Reads of posts and tags. `minimal` loads id, title and author_id alone, else authors and tags come along."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from django_app.accounts import selectors as accounts
from django_app.accounts.models import User
from django_app.blog.models import Post, Tag

HIGHLIGHTED_AUTHOR = "admin"
HIGHLIGHTS = 10


def post_list(*, minimal: bool = False) -> QuerySet[Post]:
    """All posts, the newest first, in three statements for any number of posts: posts, authors with counts, tags."""
    if minimal:
        return Post.objects.only("id", "title", "author_id")
    authors = Prefetch("author", queryset=accounts.user_list())
    tags = Prefetch("tags", queryset=Tag.objects.order_by("name"))
    return Post.objects.prefetch_related(authors, tags)


def post_get(*, pk: int) -> Post:
    """One post.

    :raises Post.DoesNotExist: when there is none.
    """
    return post_list().get(pk=pk)


def post_list_own(*, user: User | AnonymousUser, minimal: bool = False) -> QuerySet[Post]:
    """The user's own posts, drafts included."""
    return post_list(minimal=minimal).filter(author_id=user.pk)


def post_list_of_user(*, author: User, viewer: User | AnonymousUser, minimal: bool = False) -> QuerySet[Post]:
    """The author's posts that the viewer may see: the published ones, and to the author all of them."""
    posts = post_list(minimal=minimal).filter(author=author)
    return posts if author.pk == viewer.pk else posts.filter(published=True)


def post_list_published(*, minimal: bool = False) -> QuerySet[Post]:
    """Everybody's published posts."""
    return post_list(minimal=minimal).filter(published=True)


def post_list_highlights(*, minimal: bool = False) -> QuerySet[Post]:
    """The 10 newest posts that are published or by `admin`."""
    posts = post_list(minimal=minimal)
    return posts.filter(Q(published=True) | Q(author__username=HIGHLIGHTED_AUTHOR))[:HIGHLIGHTS]


def tag_list() -> QuerySet[Tag]:
    """All tags with `post_count`, the number of posts that bear it, drafts included."""
    links = Post.tags.through.objects.filter(tag=OuterRef("pk")).order_by()
    counts = links.values("tag").annotate(number=Count("pk")).values("number")
    return Tag.objects.annotate(post_count=Coalesce(Subquery(counts), 0))


def tag_get(*, pk: int) -> Tag:
    """One tag with `post_count`.

    :raises Tag.DoesNotExist: when there is none.
    """
    return tag_list().get(pk=pk)
