"""The endpoints below `users/`."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.generics import ListAPIView, get_object_or_404
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from django_app.accounts import selectors, services
from django_app.accounts.models import User
from django_app.accounts.serializers import ActiveUsersQuerySerializer, MeSerializer, UserSerializer
from django_app.blog.models import Post
from django_app.blog.selectors import post_list_of_user
from django_app.blog.views import VIEW_PARAMETER, PostListMixin
from strangler_django.permissions import MayChangeAccount
from strangler_django.views import UniqueRaceMixin

CHANGES = frozenset({"update", "partial_update", "destroy"})


class UserViewSet(UniqueRaceMixin, ModelViewSet):
    """Accounts: anyone registers; signed-in callers read; the user and staff change and delete."""

    serializer_class = UserSerializer
    search_fields = ("username",)
    ordering_fields = ("id", "username", "created_at", "post_count")
    ordering = ("id",)

    def get_queryset(self) -> QuerySet[User]:
        """All users, with their post counts."""
        return selectors.user_list()

    def get_permissions(self) -> list[BasePermission]:
        """What the action asks of the caller."""
        if self.action == "create":
            return [AllowAny()]
        return [IsAuthenticated(), MayChangeAccount()] if self.action in CHANGES else [IsAuthenticated()]

    def perform_create(self, serializer: BaseSerializer[User]) -> None:
        """Register the user."""
        user = services.user_create(**serializer.validated_data)
        serializer.instance = selectors.user_get(pk=user.pk)

    def perform_update(self, serializer: BaseSerializer[User]) -> None:
        """Change the user; the count that the instance carries stays true."""
        serializer.instance = services.user_update(user=serializer.instance, **serializer.validated_data)

    def perform_destroy(self, instance: User) -> None:
        """Delete the user with all posts."""
        services.user_delete(user=instance)

    @action(detail=False, serializer_class=MeSerializer, filter_backends=[], pagination_class=None)
    def me(self, request: Request) -> Response:
        """The caller, with the e-mail."""
        return Response(self.get_serializer(selectors.user_get(pk=request.user.pk)).data)

    @me.mapping.patch
    def me_update(self, request: Request) -> Response:
        """Change the caller's username, e-mail or password."""
        user = selectors.user_get(pk=request.user.pk)
        serializer = self.get_serializer(user, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        self.perform_update(serializer)
        return Response(serializer.data)

    @extend_schema(parameters=[ActiveUsersQuerySerializer], responses=UserSerializer(many=True))
    @action(detail=False)
    def active(self, request: Request) -> Response:
        """The users with at least `min_posts` posts, drafts included."""
        query = ActiveUsersQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        users = self.filter_queryset(selectors.user_list_active(**query.validated_data))
        page = self.paginate_queryset(users)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


@extend_schema_view(get=extend_schema(operation_id="users_posts_list", parameters=[VIEW_PARAMETER]))
class UserPostsView(PostListMixin, ListAPIView):
    """A user's posts: the published ones, and to the user all of them."""

    # Only the schema generator reads it, which has no user to ask for.
    queryset = Post.objects.none()

    def get_queryset(self) -> QuerySet[Post]:
        """The posts that the caller may see."""
        author = get_object_or_404(User.objects.all(), pk=self.kwargs["pk"])
        return post_list_of_user(author=author, viewer=self.request.user, minimal=self.is_minimal)
