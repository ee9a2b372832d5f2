"""What the kitchen's API answers: fields by the caller of the request, in the shapes that projects write them."""

# ruff: noqa: ARG002 - a handler gets what DRF gives it

import base64
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Avg, Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404
from django.urls import include, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_cookie, vary_on_headers
from rest_framework import filters, generics, permissions, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from django_app.accounts.models import User
from tests.kitchen import basket_views, filtered_views, link_views
from tests.kitchen.models import Favorite, Follow, Order, Photo, Profile, Rating, Recipe, Team


class AuthorSerializer(serializers.ModelSerializer[User]):
    is_subscribed = serializers.SerializerMethodField()
    is_me = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("username", "is_subscribed", "is_me")

    def get_is_subscribed(self, obj: User) -> bool:
        user = self.context["request"].user
        if user.is_anonymous or (user == obj):
            return False
        return Follow.objects.filter(user=user, author=obj).exists()

    def get_is_me(self, obj: User) -> bool:
        return self.context["request"].user == obj  # type: ignore[no-any-return] # a comparison


class RecipeSerializer(serializers.ModelSerializer[Recipe]):
    written_by = AuthorSerializer(source="author", read_only=True)
    is_favorited = serializers.SerializerMethodField()
    is_liked = serializers.SerializerMethodField()
    is_kept = serializers.SerializerMethodField()
    is_cooked = serializers.SerializerMethodField()
    is_mine = serializers.SerializerMethodField()
    is_edited = serializers.SerializerMethodField()
    follows = serializers.SerializerMethodField()
    in_team = serializers.SerializerMethodField()
    score = serializers.SerializerMethodField()
    final = serializers.SerializerMethodField()
    first = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()
    rated = serializers.SerializerMethodField()

    class Meta:
        model = Recipe
        exclude = ("author", "cooks")

    def get_is_favorited(self, obj: Recipe) -> bool:
        request = self.context.get("request")
        if request is None or request.user.is_anonymous:
            return False
        return Favorite.objects.filter(user=request.user, recipe=obj).exists()

    def get_is_liked(self, obj: Recipe) -> bool:
        request = self.context.get("request")
        return bool(
            request
            and hasattr(request, "user")
            and request.user.is_authenticated
            and request.user.favorites.filter(recipe=obj).exists()
        )

    def get_is_kept(self, obj: Recipe) -> bool:
        return self._has(obj, Favorite)

    def _has(self, obj: Recipe, model: Any) -> bool:
        user = getattr(self.context.get("request"), "user", None)
        if not user or not user.is_authenticated:
            return False
        return model.objects.filter(Q(user_id=user.id) & Q(recipe_id=obj.id)).exists()  # type: ignore[no-any-return] # a bool

    def get_is_cooked(self, obj: Recipe) -> bool:
        user = self.context["request"].user
        return True if user in obj.cooks.all() else False  # noqa: SIM210 - so some write it

    def get_is_mine(self, obj: Recipe) -> bool:
        return obj.author == self.context["request"].user

    def get_is_edited(self, obj: Recipe) -> bool:
        request = self.context["request"]
        return obj.editor == request.user or obj.is_liked_by(request.user) if request.user.is_authenticated else False

    def get_follows(self, obj: Recipe) -> bool:
        return obj.author.followers.filter(user=self.context["request"].user.pk).exists()  # type: ignore[attr-defined,no-any-return] # a relation

    def get_in_team(self, obj: Recipe) -> bool | None:
        if obj.team is None:
            return None
        return obj.team.members.filter(id=self.context["request"].user.id).exists()  # type: ignore[no-any-return] # a bool

    def get_score(self, obj: Recipe) -> int | None:
        request = self.context.get("request")
        if request and request.user.is_authenticated:
            rating = obj.ratings.filter(user=request.user).first()  # type: ignore[attr-defined] # a relation
            return rating.score if rating else None
        return None

    def get_final(self, obj: Recipe) -> int | None:
        user = self.context["request"].user
        if not user.is_authenticated:
            return None
        try:
            rating = Rating.objects.get(recipe=obj, user=user, is_final=True)
            return rating.score
        except Rating.DoesNotExist:
            return None

    def get_first(self, obj: Recipe) -> int:
        user = self.context["request"].user
        if user.is_anonymous:
            return -1
        return obj.ratings.filter(user=user).values_list("score", flat=True).first() or 0  # type: ignore[attr-defined,no-any-return] # a relation

    def get_state(self, obj: Recipe) -> str:
        user = self.context["request"].user
        if user.is_anonymous:
            return "unknown"
        return f"{obj.name}: {obj.ratings.filter(user=user).count()} of {obj.ratings.count()}"  # type: ignore[attr-defined] # a relation

    def get_rated(self, obj: Recipe) -> bool:
        user = self.context["request"].user
        if not user.is_authenticated:
            return False
        return user.id in obj.ratings.values_list("user", flat=True)  # type: ignore[attr-defined,no-any-return] # a relation


class TeamSerializer(serializers.ModelSerializer[Team]):
    recipes = RecipeSerializer(many=True, read_only=True)

    class Meta:
        model = Team
        fields = ("id", "name", "recipes")


class ShownSerializer(serializers.ModelSerializer[Recipe]):
    is_liked = serializers.BooleanField(read_only=True)

    class Meta:
        model = Recipe
        fields: tuple[str, ...] = ("id", "name", "is_liked")


class LikedSerializer(ShownSerializer):
    is_open = serializers.ReadOnlyField()

    class Meta(ShownSerializer.Meta):
        fields = ("id", "name", "is_liked", "is_open")


class RecipeViewSet(viewsets.ModelViewSet[Recipe]):
    queryset = Recipe.objects.all()
    serializer_class = RecipeSerializer
    permission_classes = (permissions.IsAuthenticatedOrReadOnly,)
    filter_backends = ()

    def perform_create(self, serializer: serializers.BaseSerializer[Recipe]) -> None:
        serializer.save(author=self.request.user)


class TeamViewSet(viewsets.ReadOnlyModelViewSet[Team]):
    queryset = Team.objects.all()
    serializer_class = TeamSerializer
    permission_classes = (permissions.AllowAny,)
    filter_backends = ()


class LikedViewSet(viewsets.ReadOnlyModelViewSet[Recipe]):
    serializer_class = LikedSerializer
    permission_classes = (permissions.IsAuthenticated,)
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Recipe]:
        user = self.request.user
        liked = Favorite.objects.filter(user=user, recipe=OuterRef("pk"))  # type: ignore[misc] # nobody else is let in
        return Recipe.objects.annotate(
            is_liked=Exists(liked),
            is_open=~Exists(Rating.objects.filter(recipe=OuterRef("pk"), user=user, is_final=True)),
        )


class RatedSerializer(serializers.ModelSerializer[Recipe]):
    rating = serializers.FloatField(read_only=True)
    whole = serializers.IntegerField(source="rating", read_only=True)
    same = serializers.ReadOnlyField(source="rating")
    many = serializers.IntegerField(read_only=True)
    best = serializers.IntegerField(read_only=True)
    least = serializers.ReadOnlyField()
    total = serializers.IntegerField(read_only=True)

    class Meta:
        model = Recipe
        fields = ("id", "name", "rating", "whole", "same", "many", "best", "least", "total")


class RatedViewSet(viewsets.ReadOnlyModelViewSet[Recipe]):
    serializer_class = RatedSerializer
    permission_classes = (permissions.AllowAny,)
    filter_backends = (filters.OrderingFilter,)
    ordering_fields = ("rating", "best", "many")

    def get_queryset(self) -> QuerySet[Recipe]:
        return Recipe.objects.annotate(
            rating=Avg("ratings__score"),
            many=Count("ratings"),
            best=Max("ratings__score"),
            least=Min("ratings__score"),
            total=Coalesce(Sum("ratings__score"), 0),
        ).order_by("id")


class ProfileSerializer(serializers.ModelSerializer[Profile]):
    class Meta:
        model = Profile
        fields = ("id", "bio")


class Base64ImageField(serializers.ImageField):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and data.startswith("data:image"):
            format, imgstr = data.split(";base64,")
            ext = format.split("/")[-1]
            data = ContentFile(base64.b64decode(imgstr), name="temp." + ext)
        return super().to_internal_value(data)


class PhotoSerializer(serializers.ModelSerializer[Photo]):
    picture = Base64ImageField(required=False)

    class Meta:
        model = Photo
        fields = ("id", "picture")


class PhotoViewSet(viewsets.ModelViewSet[Photo]):
    queryset = Photo.objects.all()
    serializer_class = PhotoSerializer
    permission_classes = (permissions.AllowAny,)
    filter_backends = ()


class OrderSerializer(serializers.ModelSerializer[Order]):
    details = serializers.JSONField(required=False)
    seen = serializers.JSONField(source="details", read_only=True)
    owner = serializers.IntegerField(source="user_id", read_only=True)
    finisher = serializers.ReadOnlyField(source="done_by_id")

    class Meta:
        model = Order
        fields = (
            "id",
            "user",
            "state",
            "is_paid",
            "done_by",
            "details",
            "seen",
            "owner",
            "finisher",
            "done_by_id",
            "views",
        )
        read_only_fields = ("user",)


class OwnProfile(generics.RetrieveUpdateAPIView[Profile]):
    serializer_class = ProfileSerializer
    permission_classes = (permissions.IsAuthenticated,)

    def get_object(self) -> Profile:
        return get_object_or_404(Profile, user=self.request.user)


class OwnProfileAgain(generics.RetrieveDestroyAPIView[Profile]):
    serializer_class = ProfileSerializer
    permission_classes = (permissions.IsAuthenticated,)

    def get_object(self) -> Profile:
        return self.request.user.profile  # type: ignore[union-attr,no-any-return] # a relation


class ShownViewSet(viewsets.ReadOnlyModelViewSet[Recipe]):
    serializer_class = ShownSerializer
    permission_classes = (permissions.AllowAny,)
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Recipe]:
        user = self.request.user
        recipes = Recipe.objects.order_by("-id")
        if user.is_authenticated:
            return recipes.annotate(is_liked=Exists(Favorite.objects.filter(user=user, recipe=OuterRef("pk"))))
        return recipes.annotate(is_liked=Value(False))


class PaidViewSet(viewsets.ReadOnlyModelViewSet[Order]):
    serializer_class = OrderSerializer
    permission_classes = (permissions.IsAuthenticated,)
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Order]:
        """Shows less to a HEAD, though it is answered by what answers a GET."""
        if self.request.method == "GET":
            return Order.objects.all()
        return Order.objects.filter(is_paid=True)


class OrderViewSet(viewsets.ModelViewSet[Order]):
    serializer_class = OrderSerializer
    permission_classes = (permissions.IsAuthenticated,)
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Order]:
        return Order.objects.filter(user=self.request.user)  # type: ignore[misc] # nobody else is let in

    @transaction.atomic
    def perform_create(self, serializer: serializers.BaseSerializer[Order]) -> None:
        serializer.save(user=self.request.user)

    @action(detail=True, methods=["post"])
    def finish(self, request: Request, pk: Any = None) -> Response:
        order = self.get_object()
        with transaction.atomic():
            order.state = Order.State.DONE
            order.done_at = timezone.now()
            order.done_by = request.user
            order.save(update_fields=["state", "done_at", "done_by"])
        return Response(self.get_serializer(order).data)

    @action(detail=True, methods=["patch"])
    @transaction.atomic
    def pay(self, request: Request, pk: Any = None) -> Response:
        order = get_object_or_404(Order, pk=pk, user=request.user)
        order.is_paid = True
        order.save()
        return Response({"status": "paid"}, status=202)

    @action(detail=True, methods=["post"])
    def toggle(self, request: Request, pk: Any = None) -> Response:
        order = self.get_object()
        order.is_paid = not order.is_paid
        order.save(update_fields=["is_paid"])
        return Response(self.get_serializer(order).data)

    @action(detail=True, methods=["post"])
    def see(self, request: Request, pk: Any = None) -> Response:
        order = self.get_object()
        order.views += 1
        order.save()
        return Response(self.get_serializer(order).data)

    @action(detail=True, methods=["post"])
    def unsee(self, request: Request, pk: Any = None) -> Response:
        order = self.get_object()
        order.views = F("views") - 1
        order.save(update_fields=["views"])
        order.refresh_from_db()
        return Response(OrderSerializer(order, context={"request": request}).data)

    @action(detail=True, methods=["post"])
    def unshown(self, request: Request, pk: Any = None) -> Response:
        order = self.get_object()
        order.views = F("views") + 2
        order.save()
        return Response({"status": "seen"})

    @action(detail=True, methods=["post"])
    def stale(self, request: Request, pk: Any = None) -> Response:
        """Fails, as an expression is no number."""
        order = self.get_object()
        order.views = F("views") + 2
        order.save()
        return Response(self.get_serializer(order).data)

    @action(detail=True, methods=["get", "post"])
    def paid(self, request: Request, pk: Any = None) -> Response:
        order = self.get_object()
        if request.method == "POST":
            order.is_paid = True
            order.save()
        return Response(self.get_serializer(order).data)

    @action(detail=True, methods=["get", "post"])
    def unpaid(self, request: Request, pk: Any = None) -> Response:
        """Answers HEAD as a POST."""
        order = self.get_object()
        if request.method == "GET":
            return Response(self.get_serializer(order).data)
        order.is_paid = False
        order.save()
        return Response({"is_paid": False})

    @action(detail=True, methods=["post"])
    def forget(self, request: Request, pk: Any = None) -> Response:
        """Gives a column that isn't saved."""
        order = self.get_object()
        order.is_paid = False
        order.state = Order.State.NEW
        order.save(update_fields=["state"])
        return Response(self.get_serializer(order).data)


class IsMember(permissions.BasePermission):
    def has_object_permission(self, request: Request, view: Any, obj: Team) -> bool:
        if request.method in permissions.SAFE_METHODS:
            return True
        return obj.members.filter(id=request.user.id).exists()  # type: ignore[no-any-return] # a bool


class MayCook(permissions.BasePermission):
    message = "Only cooks."

    def has_object_permission(self, request: Request, view: Any, obj: Recipe) -> bool:
        if obj.author == request.user:
            return False
        return request.user in obj.cooks.all() or Favorite.objects.filter(user=request.user, recipe=obj).exists()


class IsOwner(permissions.BasePermission):
    """As code asks that several views and models share: of the view, and of what the row belongs to."""

    message = "Not yours."

    def has_permission(self, request: Request, view: Any) -> bool:
        if hasattr(view, "is_private") and view.is_private:
            return request.user and request.user.is_authenticated
        return getattr(view, "action", None) not in ("create", "destroy") and not hasattr(view, "is_closed")

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        owner_object = obj.get_owner_object() if hasattr(obj, "get_owner_object") else False
        if owner_object and owner_object.author == request.user:
            return True
        if not owner_object and request.method in permissions.SAFE_METHODS:
            return True
        return bool(view.action == "retrieve" and request.user.is_staff)


class RatingSerializer(serializers.ModelSerializer[Rating]):
    class Meta:
        model = Rating
        fields = ("id", "recipe", "score")


class RatingViewSet(viewsets.ModelViewSet[Rating]):
    queryset = Rating.objects.all()
    serializer_class = RatingSerializer
    permission_classes = (permissions.IsAuthenticated, IsOwner)
    http_method_names = ("get", "patch", "delete", "head", "options")
    filter_backends = (filters.OrderingFilter,)
    ordering_fields = ("recipe", "recipe__team", "score")
    is_private = True


class RecipeRatings(generics.ListCreateAPIView[Rating]):
    """Of any recipe that the path names: a list doesn't ask whether there is one."""

    serializer_class = RatingSerializer
    permission_classes = (permissions.IsAuthenticatedOrReadOnly,)
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Rating]:
        return Rating.objects.filter(recipe_id=self.kwargs["recipe"])

    def perform_create(self, serializer: serializers.BaseSerializer[Rating]) -> None:
        recipe = get_object_or_404(Recipe, pk=self.kwargs["recipe"])
        serializer.save(user=self.request.user, recipe=recipe)


class PublicTeamViewSet(viewsets.ModelViewSet[Team]):
    """Nobody owns a team, and nobody may make one, or remove it."""

    queryset = Team.objects.all()
    serializer_class = TeamSerializer
    permission_classes = (IsOwner,)
    filter_backends = ()


class KeptTeamViewSet(viewsets.ReadOnlyModelViewSet[Team]):
    queryset = Team.objects.all()
    serializer_class = TeamSerializer
    permission_classes = (permissions.AllowAny,)
    filter_backends = ()

    @method_decorator(vary_on_headers("Authorization", "Cookie"))
    @method_decorator(cache_page(60 * 15))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)


@method_decorator([vary_on_cookie, cache_page(60)], name="dispatch")
class KeptTeams(generics.ListCreateAPIView[Team]):
    queryset = Team.objects.all()
    serializer_class = TeamSerializer
    permission_classes = (permissions.IsAuthenticatedOrReadOnly,)
    filter_backends = ()


class KeptTwice(KeptTeamViewSet):
    @method_decorator(cache_page(60))
    def dispatch(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)


class JoinedViewSet(viewsets.ModelViewSet[Team]):
    queryset = Team.objects.all()
    serializer_class = TeamSerializer
    permission_classes = (IsMember,)
    filter_backends = ()


class RecipeRemoval(generics.DestroyAPIView[Recipe]):
    queryset = Recipe.objects.all()
    permission_classes = (permissions.IsAuthenticated, MayCook)
    filter_backends = ()


router = SimpleRouter()
router.registry.extend(link_views.router.registry)
router.registry.extend(basket_views.router.registry)
router.register("recipes", RecipeViewSet)
router.register("teams", TeamViewSet)
router.register("ratings", RatingViewSet)
router.register("public", PublicTeamViewSet, basename="public")
router.register("kept", KeptTeamViewSet, basename="kept")
router.register("twice", KeptTwice, basename="twice")
router.register("joined", JoinedViewSet, basename="joined")
router.register("liked", LikedViewSet, basename="liked")
router.register("shown", ShownViewSet, basename="shown")
router.register("photos", PhotoViewSet)
router.register("paid", PaidViewSet, basename="paid")
router.register("rated", RatedViewSet, basename="rated")
router.register("orders", OrderViewSet, basename="orders")
router.register("own-orders", filtered_views.OwnOrderViewSet, basename="own-orders")
router.register("unpaid-orders", filtered_views.UnpaidOrderViewSet, basename="unpaid-orders")
urlpatterns = [
    path("", include(router.urls)),
    path("follow/<int:pk>/", link_views.FollowView.as_view()),
    path("dishes/<int:recipe>/ratings/", RecipeRatings.as_view()),
    path("kept-all/", KeptTeams.as_view()),
    path("removal/<int:pk>/", RecipeRemoval.as_view()),
    path("me/", OwnProfile.as_view()),
    path("me/again/", OwnProfileAgain.as_view()),
]
