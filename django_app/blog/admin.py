"""Posts and tags in the admin."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from django_app.blog import selectors
from django_app.blog.models import Post, Tag


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):
    """Posts, found by title and author, filtered by state."""

    list_display = ("title", "author", "published", "created_at")
    list_filter = ("published", "created_at")
    list_select_related = ("author",)
    search_fields = ("title", "author__username")
    autocomplete_fields = ("author", "tags")
    readonly_fields = ("created_at",)
    date_hierarchy = "created_at"


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    """Tags with their number of posts."""

    list_display = ("name", "post_count")
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:  # noqa: ARG002 - Django passes it
        """All tags, counted."""
        return selectors.tag_list()

    @admin.display(ordering="post_count", description="posts")
    def post_count(self, tag: Tag) -> int:
        """The number of posts that bear the tag."""
        return tag.post_count
