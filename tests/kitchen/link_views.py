"""Actions that link a row to the caller, or no longer, in the shapes that projects write them."""

# ruff: noqa: ARG002 - a handler gets what DRF gives it

from typing import Any

from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from rest_framework import permissions, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from django_app.accounts.models import User
from tests.kitchen.models import Favorite, Follow, Recipe, Team


class ShortSerializer(serializers.ModelSerializer[Recipe]):
    class Meta:
        model = Recipe
        fields = ("id", "name")


class ClubSerializer(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ("id", "name")


class MenuViewSet(viewsets.GenericViewSet[Recipe]):
    queryset = Recipe.objects.all()
    serializer_class = ShortSerializer
    permission_classes = (permissions.IsAuthenticated,)
    filter_backends = ()

    @action(detail=True, methods=["post", "delete"])
    def favorite(self, request: Request, pk: Any = None) -> Response:
        recipe = get_object_or_404(Recipe, pk=pk)
        user = request.user
        if request.method == "POST":
            if Favorite.objects.filter(user=user, recipe=recipe).exists():
                return Response({"errors": "It is one already."}, status=status.HTTP_400_BAD_REQUEST)
            Favorite.objects.create(user=user, recipe=recipe)
            serializer = ShortSerializer(recipe, context={"request": request})
            return Response(serializer.data, status=status.HTTP_201_CREATED)
        favorite = get_object_or_404(Favorite, user=user, recipe=recipe)
        favorite.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    @action(detail=True, methods=["post"])
    def like(self, request: Request, pk: Any = None) -> Response:
        recipe = self.get_object()
        _, created = Favorite.objects.get_or_create(user=request.user, recipe=recipe)
        return Response({"liked": True, "is_new": created}, status=201 if created else 200)

    @like.mapping.delete
    def unlike(self, request: Request, pk: Any = None) -> Response:
        recipe = self.get_object()
        deleted, _ = request.user.favorites.filter(recipe=recipe).delete()
        if not deleted:
            return Response({"detail": "It wasn't liked."}, status=400)
        return Response(status=204)

    @action(detail=True, methods=["post"])
    def keep(self, request: Request, pk: Any = None) -> Response:
        """Leaves it to the database to say that there is one."""
        recipe = self.get_object()
        try:
            with transaction.atomic():
                Favorite.objects.create(user=request.user, recipe=recipe)
        except IntegrityError:
            return Response({"error": "Kept."}, status=409)
        return Response(self.get_serializer(recipe).data, status=201)

    @action(detail=True, methods=["post"])
    def cook(self, request: Request, pk: Any = None) -> Response:
        """Toggles."""
        recipe = self.get_object()
        user = request.user
        if user in recipe.cooks.all():
            recipe.cooks.remove(user)
            state = "left"
        else:
            recipe.cooks.add(user)
            state = "cooks"
        return Response({"status": state})

    @action(detail=True, methods=["post"])
    def star(self, request: Request, pk: Any = None) -> Response:
        recipe = self.get_object()
        found = recipe.favorited.filter(user=request.user).first()  # type: ignore[attr-defined] # a relation
        if found is None:
            Favorite.objects.create(user=request.user, recipe=recipe)
            return Response({"starred": True})
        found.delete()
        return Response({"starred": False})

    @action(detail=True, methods=["delete"])
    def clear(self, request: Request, pk: Any = None) -> Response:
        recipe = self.get_object()
        Favorite.objects.filter(user_id=request.user.id, recipe__id=recipe.pk).delete()
        return Response(status=204)


class ClubViewSet(viewsets.GenericViewSet[Team]):
    queryset = Team.objects.all()
    serializer_class = ClubSerializer
    permission_classes = (permissions.IsAuthenticated,)
    filter_backends = ()

    @action(detail=True, methods=["post"])
    def join(self, request: Request, pk: Any = None) -> Response:
        team = self.get_object()
        team.members.add(request.user)
        return Response(self.get_serializer(team).data)

    @action(detail=True, methods=["post"])
    def depart(self, request: Request, pk: Any = None) -> Response:
        """Answers nothing to a POST."""
        team = self.get_object()
        team.members.remove(request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @action(detail=True, methods=["post"])
    def leave(self, request: Request, pk: Any = None) -> Response:
        team = self.get_object()
        if not team.members.filter(id=request.user.id).exists():
            return Response({"error": "No member."}, status=400)
        request.user.teams.remove(team)  # type: ignore[union-attr] # nobody else is let in
        return Response({"message": "Left."})


class FollowView(APIView):
    permission_classes = (permissions.IsAuthenticated,)

    def post(self, request: Request, pk: int) -> Response:
        author = get_object_or_404(User, id=pk)
        if request.user == author:
            return Response({"errors": "That's you."}, status=400)
        if Follow.objects.filter(user=request.user, author=author).exists():
            return Response({"errors": "Followed."}, status=400)
        Follow.objects.create(user=request.user, author=author)
        return Response({"status": "followed"}, status=201)

    def delete(self, request: Request, pk: int) -> Response:
        author = get_object_or_404(User, id=pk)
        follow = Follow.objects.filter(user=request.user, author=author)
        if follow.exists():
            follow.delete()
            return Response(status=204)
        return Response({"errors": "You don't."}, status=400)


router = SimpleRouter()
router.register("menu", MenuViewSet, basename="menu")
router.register("clubs", ClubViewSet, basename="clubs")
