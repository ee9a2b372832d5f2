"""The query parameters that narrow lists of posts."""

# ruff: noqa: D106 - Meta is Django's word, the same in every model and serializer

from django_filters import rest_framework as filters

from django_app.blog.models import Post


class PostFilter(filters.FilterSet):
    """By state, tag and time; a time without an offset is UTC."""

    published = filters.BooleanFilter(help_text="true or false; anything else is ignored.")
    tag = filters.CharFilter(field_name="tags__name", help_text="A tag's whole name.")
    created_after = filters.IsoDateTimeFilter(
        field_name="created_at", lookup_expr="gte", help_text="The earliest time, ISO 8601, included."
    )
    created_before = filters.IsoDateTimeFilter(
        field_name="created_at", lookup_expr="lte", help_text="The latest time, ISO 8601, included."
    )

    class Meta:
        model = Post
        fields = ("published", "tag", "created_after", "created_before")


class FeedFilter(PostFilter):
    """As for posts, and by author."""

    author = filters.CharFilter(field_name="author__username", help_text="The author's whole username.")

    class Meta(PostFilter.Meta):
        fields = (*PostFilter.Meta.fields, "author")
