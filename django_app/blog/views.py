"""The endpoints below `posts/`, `feed/` and `tags/`."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet, ModelViewSet

from django_app.blog import selectors, services
from django_app.blog.filters import FeedFilter, PostFilter
from django_app.blog.models import Post, Tag
from django_app.blog.serializers import (
    PostMinimalSerializer,
    PostSerializer,
    PublishedSerializer,
    RecentPostsQuerySerializer,
    TagSerializer,
)
from strangler_django.views import UniqueRaceMixin

VIEW_PARAMETER = OpenApiParameter(
    "view", enum=["minimal"], description="`minimal`: only id, title and author_id of each post, when reading."
)


class PostListMixin:
    """What all lists of posts share: filters, search, ordering and `?view=minimal`."""

    filterset_class = PostFilter
    search_fields = ("title", "content")
    ordering_fields = ("created_at", "title", "id")
    ordering = ("-created_at", "-id")

    @property
    def is_minimal(self) -> bool:
        """Whether the caller reads, and requested the short form; writes are always answered in full."""
        return self.request.method in SAFE_METHODS and self.request.query_params.get("view") == "minimal"

    def get_serializer_class(self) -> type[BaseSerializer[Post]]:
        """The serializer of the requested form."""
        return PostMinimalSerializer if self.is_minimal else PostSerializer


@extend_schema(parameters=[VIEW_PARAMETER])
class PostViewSet(PostListMixin, ModelViewSet):
    """The caller's own posts; those of others are not found."""

    def get_queryset(self) -> QuerySet[Post]:
        """The caller's posts."""
        return selectors.post_list_own(user=self.request.user, minimal=self.is_minimal)

    def perform_create(self, serializer: BaseSerializer[Post]) -> None:
        """Write the post, as the caller."""
        post = services.post_create(author=self.request.user, **serializer.validated_data)
        serializer.instance = selectors.post_get(pk=post.pk)

    def perform_update(self, serializer: BaseSerializer[Post]) -> None:
        """Change the post."""
        post = services.post_update(post=serializer.instance, **serializer.validated_data)
        serializer.instance = selectors.post_get(pk=post.pk)

    def perform_destroy(self, instance: Post) -> None:
        """Delete the post."""
        services.post_delete(post=instance)

    @extend_schema(request=None, responses=PublishedSerializer, parameters=[])
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: str) -> Response:  # noqa: ARG002 - DRF passes them; the body is never read
        """Publish a draft; a published post stays as it is."""
        services.post_publish(post=self.get_object())
        return Response({"status": "published"})

    @extend_schema(parameters=[RecentPostsQuerySerializer], responses=PostSerializer(many=True), filters=False)
    @action(detail=False, pagination_class=None)
    def recent(self, request: Request) -> Response:
        """The caller's newest posts, unpaged; filters, search and ordering don't apply."""
        query = RecentPostsQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        posts = self.get_queryset()[: query.validated_data["limit"]]
        return Response(self.get_serializer(posts, many=True).data)


@extend_schema(parameters=[VIEW_PARAMETER])
class FeedViewSet(PostListMixin, ListModelMixin, GenericViewSet):
    """Everybody's published posts, for everybody."""

    permission_classes = (AllowAny,)
    filterset_class = FeedFilter

    def get_queryset(self) -> QuerySet[Post]:
        """The published posts."""
        return selectors.post_list_published(minimal=self.is_minimal)

    @extend_schema(responses=PostSerializer(many=True), filters=False)
    @action(detail=False, pagination_class=None)
    def highlights(self, request: Request) -> Response:  # noqa: ARG002 - DRF passes it
        """The 10 newest posts that are published or by `admin`, unpaged."""
        posts = selectors.post_list_highlights(minimal=self.is_minimal)
        return Response(self.get_serializer(posts, many=True).data)


class TagViewSet(UniqueRaceMixin, ModelViewSet):
    """Tags: everybody reads, signed-in callers add, staff rename and delete."""

    serializer_class = TagSerializer
    search_fields = ("name",)
    ordering_fields = ("name", "post_count")
    ordering = ("name",)

    def get_queryset(self) -> QuerySet[Tag]:
        """All tags, with their post counts."""
        return selectors.tag_list()

    def get_permissions(self) -> list[BasePermission]:
        """What the action asks of the caller."""
        if self.action in {"list", "retrieve"}:
            return [AllowAny()]
        return [IsAdminUser()] if self.action in {"update", "partial_update", "destroy"} else [IsAuthenticated()]

    def perform_create(self, serializer: BaseSerializer[Tag]) -> None:
        """Add the tag."""
        tag = services.tag_create(**serializer.validated_data)
        serializer.instance = selectors.tag_get(pk=tag.pk)

    def perform_update(self, serializer: BaseSerializer[Tag]) -> None:
        """Rename the tag; the count that the instance carries stays true."""
        serializer.instance = services.tag_update(tag=serializer.instance, **serializer.validated_data)

    def perform_destroy(self, instance: Tag) -> None:
        """Delete the tag."""
        services.tag_delete(tag=instance)
