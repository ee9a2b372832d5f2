"""The tables `posts`, `tags`, `blog_post_tags` and `post_events`."""

# ruff: noqa: D106 - Meta is Django's word, the same in every model and serializer

from django.conf import settings
from django.db import models

TITLE_MAX_LENGTH = 200
TAG_NAME_MAX_LENGTH = 50


class Tag(models.Model):
    """What a post is about."""

    name = models.CharField(max_length=TAG_NAME_MAX_LENGTH, unique=True)

    class Meta:
        db_table = "tags"
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class Post(models.Model):
    """Something that a user wrote: a draft until it is published."""

    title = models.CharField(max_length=TITLE_MAX_LENGTH)
    content = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="posts")
    # The name that Django would give the table if the posts' own were not set: old tables kept it.
    tags = models.ManyToManyField(Tag, related_name="posts", blank=True, db_table="blog_post_tags")
    created_at = models.DateTimeField(auto_now_add=True)
    published = models.BooleanField(default=False)

    class Meta:
        db_table = "posts"
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=["-created_at", "-id"], name="posts_newest"),
            models.Index(fields=["author", "-created_at", "-id"], name="posts_newest_of_author"),
            models.Index(
                fields=["-created_at", "-id"], condition=models.Q(published=True), name="posts_newest_published"
            ),
        )

    def __str__(self) -> str:
        return self.title


class PostEvent(models.Model):
    """That a post was written, by whomever: triggers add the rows and keep the newest 100,000 (docs/events.md).

    Plain numbers, no foreign keys: an event outlives its post. `was_…` is how it was before, `published` false once
    it is deleted: both together tell who may see the event.
    """

    class Kind(models.TextChoices):
        """What was done."""

        CREATED = "created", "created"
        PUBLISHED = "published", "published"
        UPDATED = "updated", "updated"
        DELETED = "deleted", "deleted"

    kind = models.CharField(max_length=9, choices=Kind)
    post_id = models.BigIntegerField()
    author_id = models.BigIntegerField()
    was_author_id = models.BigIntegerField()
    published = models.BooleanField()
    was_published = models.BooleanField()
    # PostgreSQL's xid8: ids are given when a row is written, not when it can be seen, so ids alone are no order.
    transaction_id = models.BigIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "post_events"
        ordering = ("transaction_id", "id")
        default_permissions = ()
        indexes = (models.Index(fields=["transaction_id", "id"], name="post_events_order"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.post_id}"
