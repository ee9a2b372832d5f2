"""Writes of posts and tags. Each expects validated values: `serializers` is where they are checked."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from django_app.accounts.models import User
from django_app.blog.models import Post, Tag


@transaction.atomic
def post_create(*, author: User, title: str, content: str, published: bool = False, tags: Sequence[str] = ()) -> Post:
    """Write a post; tags are names, and unknown ones are created."""
    post = Post.objects.create(author=author, title=title, content=content, published=published)
    post.tags.set(tag_ensure(names=tags))
    return post


@transaction.atomic
def post_update(
    *,
    post: Post,
    title: str | None = None,
    content: str | None = None,
    published: bool | None = None,
    tags: Sequence[str] | None = None,
) -> Post:
    """Change what is given; None leaves a value as it is, an empty sequence takes all tags away."""
    if title is not None:
        post.title = title
    if content is not None:
        post.content = content
    if published is not None:
        post.published = published
    post.save(update_fields=["title", "content", "published"])
    if tags is not None:
        post.tags.set(tag_ensure(names=tags))
    return post


def post_publish(*, post: Post) -> Post:
    """Publish a post; a published one stays as it is."""
    post.published = True
    post.save(update_fields=["published"])
    return post


def post_delete(*, post: Post) -> None:
    """Remove a post."""
    post.delete()


def tag_ensure(*, names: Sequence[str]) -> list[Tag]:
    """The tags of these names, created where there are none yet, by whomever first."""
    known = set(Tag.objects.filter(name__in=names).values_list("name", flat=True))
    unknown = [Tag(name=name) for name in names if name not in known]
    if unknown:
        Tag.objects.bulk_create(unknown, ignore_conflicts=True)
    return list(Tag.objects.filter(name__in=names))


def tag_create(*, name: str) -> Tag:
    """Add a tag."""
    return Tag.objects.create(name=name)


def tag_update(*, tag: Tag, name: str | None = None) -> Tag:
    """Rename a tag, on all of its posts; None leaves the name as it is."""
    if name is not None:
        tag.name = name
        tag.save(update_fields=["name"])
    return tag


def tag_delete(*, tag: Tag) -> None:
    """Remove a tag from all posts and for good."""
    tag.delete()


def post_prune_drafts(*, before: datetime, dry_run: bool = False) -> int:
    """Delete the drafts that were written before a time, or only count them.

    :returns: the number of drafts.
    """
    drafts = Post.objects.filter(published=False, created_at__lt=before)
    if dry_run:
        return drafts.count()
    _, deleted = drafts.delete()
    return deleted.get(Post._meta.label, 0)  # noqa: SLF001 - Django's documented API
