"""What posts and tags look like in requests and responses."""

# ruff: noqa: D106 - Meta is Django's word, the same in every model and serializer

from typing import Any

from rest_framework import serializers

from django_app.accounts.serializers import UserSerializer
from django_app.blog.models import TAG_NAME_MAX_LENGTH, Post, Tag

RECENT_DEFAULT = 10
RECENT_MAX = 50
# Every page of a list carries them whole.
CONTENT_MAX_LENGTH = 50_000
TAGS_MAX = 50


class TagNamesField(serializers.ListField):
    """A post's tags as their names, sorted by name in responses; a name that is given twice counts once."""

    child = serializers.CharField(max_length=TAG_NAME_MAX_LENGTH)

    def to_internal_value(self, data: object) -> list[str]:
        """The names, each once, in the order given."""
        return list(dict.fromkeys(super().to_internal_value(data)))

    def to_representation(self, data: Any) -> list[str]:  # noqa: ANN401 - a related manager, whose class Django makes up
        """The names of the loaded tags, in the order the selector gave them."""
        return [tag.name for tag in data.all()]


class PostSerializer(serializers.ModelSerializer):
    """A post, its author within."""

    author = UserSerializer(read_only=True)
    tags = TagNamesField(required=False, max_length=TAGS_MAX)

    class Meta:
        model = Post
        fields = ("id", "title", "content", "author", "tags", "published", "created_at")
        extra_kwargs = {"content": {"max_length": CONTENT_MAX_LENGTH}}  # noqa: RUF012 - Django's own words


class PostMinimalSerializer(serializers.ModelSerializer):
    """A post for lists that know their authors: `?view=minimal`."""

    author_id = serializers.IntegerField(read_only=True)

    class Meta:
        model = Post
        fields = ("id", "title", "author_id")


class PublishedSerializer(serializers.Serializer):
    """What publishing answers."""

    status = serializers.CharField(read_only=True)


class RecentPostsQuerySerializer(serializers.Serializer):
    """The query of `posts/recent/`."""

    limit = serializers.IntegerField(
        default=RECENT_DEFAULT, min_value=1, max_value=RECENT_MAX, help_text="How many posts, 1 to 50."
    )


class TagSerializer(serializers.ModelSerializer):
    """A tag and how many posts bear it."""

    post_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Tag
        fields = ("id", "name", "post_count")
