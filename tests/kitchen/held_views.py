"""Views whose permissions ask what the caller holds in Django's tables of permissions and groups."""

# ruff: noqa: ARG002 - a permission gets what DRF gives it

from typing import Any

from rest_framework import permissions, serializers, viewsets
from rest_framework.routers import SimpleRouter

from tests.kitchen.models import Favorite, Follow, Rating, Team

SCORES = (4, 5)
EDITORS = ("editors", "chiefs")


class TeamSerializer(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ("id", "name")


class MayRename(permissions.BasePermission):
    message = "Renaming is another's."

    def has_permission(self, request: Any, view: Any) -> bool:
        return request.method in permissions.SAFE_METHODS or bool(request.user.has_perm("kitchen.change_team"))


class MayDoAll(permissions.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        user = request.user
        return bool(user.has_perms(["kitchen.change_team", "kitchen.add_team"]))


class MayNot(permissions.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return request.user.is_authenticated and not request.user.has_perm("kitchen.add_team")


class IsEditor(permissions.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        is_editor = request.user.groups.filter(name="editors").exists()
        return is_editor or request.method == "GET"


class IsEditorOrChief(permissions.IsAuthenticated):
    def has_permission(self, request: Any, view: Any) -> bool:
        return super().has_permission(request, view) and request.user.groups.filter(name__in=EDITORS).exists()


class IsNoChief(permissions.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return "chiefs" not in request.user.groups.values_list("name", flat=True)


class OfRow(permissions.BasePermission):
    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return bool(request.user.has_perm("kitchen.change_team"))


class HasRated(permissions.BasePermission):
    """Of the recipe that the path names."""

    def has_permission(self, request: Any, view: Any) -> bool:
        recipe = view.kwargs["recipe_pk"]
        return Rating.objects.filter(recipe_id=recipe, user=request.user, score__in=SCORES, is_final=True).exists()


class HasFavorite(permissions.IsAuthenticated):
    def has_permission(self, request: Any, view: Any) -> bool:
        is_one = request.user.favorites.filter(recipe=view.kwargs["recipe_pk"]).exists()
        return super().has_permission(request, view) and not is_one


class HasKey(permissions.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return Favorite.objects.filter(user_id=request.user.id, recipe__pk=view.kwargs["recipe_pk"]).exists()


class Follows(permissions.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return Follow.objects.filter(user=request.user).exists()


class IsFollowed(permissions.BasePermission):
    """By another column of the same table."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return Follow.objects.filter(author=request.user).exists()


class IsAnn(permissions.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return request.user.is_authenticated and request.user.profile.bio == "Ann"


class OfProfile(permissions.BasePermission):
    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return request.method == "GET" or request.user.profile.bio in ("Ann", "Bob")


class Teams(viewsets.ModelViewSet[Team]):
    queryset = Team.objects.all()
    serializer_class = TeamSerializer
    filter_backends = ()


router = SimpleRouter()
for each in (MayRename, MayDoAll, MayNot, IsEditor, IsEditorOrChief, IsNoChief, OfRow, Follows, IsFollowed):
    view = type(f"{each.__name__}Teams", (Teams,), {"permission_classes": (each,), "__module__": __name__})
    router.register(each.__name__.lower(), view, basename=each.__name__.lower())
either = type(
    "EitherTeams",
    (Teams,),
    {"permission_classes": (IsEditor & MayRename | permissions.IsAdminUser,), "__module__": __name__},
)
router.register("either", either, basename="either")
for each in (HasRated, HasFavorite, HasKey, IsAnn, OfProfile):
    view = type(f"{each.__name__}Teams", (Teams,), {"permission_classes": (each,), "__module__": __name__})
    router.register(rf"recipes/(?P<recipe_pk>[^/.]+)/{each.__name__.lower()}", view, basename=each.__name__.lower())
urlpatterns = router.urls
