"""Views whose callers have tokens of django-oauth-toolkit or of knox, and that look at what a token is for."""

from typing import Any

from knox.auth import TokenAuthentication
from oauth2_provider.contrib.rest_framework import authentication
from oauth2_provider.contrib.rest_framework import permissions as scopes
from oauth2_provider.models import AccessToken
from oauth2_provider.settings import oauth2_settings
from rest_framework import permissions, serializers, viewsets
from rest_framework.routers import SimpleRouter

from tests.kitchen.models import Recipe, Team


class TeamSerializer(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ("id", "name")


class RecipeSerializer(serializers.ModelSerializer[Recipe]):
    class Meta:
        model = Recipe
        fields = ("id", "name")


class ScopedTokens(scopes.TokenHasScope):
    """Scopes matter to access tokens alone, as projects with several kinds of tokens write it."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if isinstance(request.auth, AccessToken):
            return bool(super().has_permission(request, view))
        return bool(request.user.is_authenticated)


class NoStaffTokens(scopes.TokenHasReadWriteScope):
    def has_permission(self, request: Any, view: Any) -> bool:
        return super().has_permission(request, view) and not request.user.is_staff


class ReadOrWrite(scopes.TokenHasReadWriteScope):
    """The scope of the method alone, whatever the view lists, and none of other callers."""

    def get_scopes(self, request: Any, view: Any) -> list[str]:  # noqa: ARG002 - as the package calls it
        if request.method.upper() in permissions.SAFE_METHODS:
            read_write_scope = oauth2_settings.READ_SCOPE
        else:
            read_write_scope = oauth2_settings.WRITE_SCOPE
        return [read_write_scope]

    def has_permission(self, request: Any, view: Any) -> bool:
        if isinstance(request.auth, AccessToken):
            return bool(super().has_permission(request, view))
        return True


class ResourceAndMore(scopes.TokenHasResourceScope):
    def get_scopes(self, request: Any, view: Any) -> list[str]:
        found = super().get_scopes(request, view) + ["extra"]  # noqa: RUF005 - as a project writes it
        return found + ["delete"] if request.method == "DELETE" else found  # noqa: RUF005 - as above


class Teams(viewsets.ModelViewSet[Team]):
    queryset = Team.objects.all()
    serializer_class = TeamSerializer
    authentication_classes = (authentication.OAuth2Authentication, TokenAuthentication)
    filter_backends = ()


class ScopedTeams(Teams):
    permission_classes = (scopes.TokenHasReadWriteScope,)
    required_scopes = ["teams"]  # noqa: RUF012 - as a project writes it


class SignedTeams(Teams):
    authentication_classes = (TokenAuthentication, authentication.OAuth2Authentication)
    permission_classes = (permissions.IsAuthenticated,)


class OwnTeams(Teams):
    permission_classes = (ScopedTokens,)
    required_scopes = ("teams", "write")


class QuietTeams(Teams):
    permission_classes = (NoStaffTokens,)


class MethodTeams(Teams):
    permission_classes = (permissions.IsAuthenticated & ReadOrWrite,)  # type: ignore[operator] # of two stubs


class EitherTeams(Teams):
    permission_classes = (scopes.TokenHasResourceScope | permissions.IsAdminUser,)  # type: ignore[operator] # of two stubs
    required_scopes = ("teams",)


class OfferedTeams(Teams):
    permission_classes = (scopes.TokenMatchesOASRequirements,)
    required_alternate_scopes = {"GET": [["read"], ["teams", "write"]], "POST": [["teams"]]}  # noqa: RUF012 - as above


class OwnRecipes(viewsets.ReadOnlyModelViewSet[Recipe]):
    serializer_class = RecipeSerializer
    queryset = Recipe.objects.all()
    authentication_classes = (authentication.OAuth2Authentication,)
    permission_classes = (scopes.IsAuthenticatedOrTokenHasScope,)
    required_scopes = ("write",)
    filter_backends = ()

    def get_queryset(self) -> Any:
        return Recipe.objects.filter(author=self.request.user)


router = SimpleRouter()
for name, view in (
    ("scoped", ScopedTeams),
    ("signed", SignedTeams),
    ("own", OwnTeams),
    ("quiet", QuietTeams),
    ("either", EitherTeams),
    ("method", MethodTeams),
    ("offered", OfferedTeams),
    ("recipes", OwnRecipes),
):
    router.register(name, view, basename=name)
urlpatterns = router.urls
