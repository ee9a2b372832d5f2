"""What of a handler that links its row to the caller isn't what it looks like is no fact."""

# ruff: noqa: ARG002 - a handler gets what DRF gives it

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import permissions
from rest_framework.response import Response
from rest_framework.views import APIView

from django_app.accounts.models import User
from strangler_django.endpoints.path_views import view_methods
from strangler_django.endpoints.views import view_facts
from tests.installed_app import installed_app
from tests.kitchen.models import Favorite, Follow, Rating, Recipe, Team


@pytest.fixture(autouse=True)
def kitchen() -> Iterator[None]:
    with installed_app("tests.kitchen"):
        yield


class Base(APIView):
    permission_classes = (permissions.IsAuthenticated,)


def handler_of(view: Any) -> Any:
    made = view.as_view()
    return view_facts(made, "post", view_methods(made)["post"], {"pk": 1}).get("handler")


class Plain(Base):
    def post(self, request: Any, pk: int) -> Response:
        recipe = get_object_or_404(Recipe, pk=pk)
        like = recipe.favorited.filter(user=request.user).first()  # type: ignore[attr-defined] # a relation
        if not like:
            Favorite.objects.create(user=request.user, recipe=recipe)
        return Response({"is_new": like is None}, status=200 if like else 201)


class Caught(Base):
    def post(self, request: Any, pk: int) -> Response:
        recipe = get_object_or_404(Recipe, pk=pk)
        try:
            found = Favorite.objects.get(recipe=recipe, user=request.user)
        except Favorite.DoesNotExist:
            return Response({"left": False}, status=404)
        found.delete()
        return Response({"left": True})


class Http(Base):
    def post(self, request: Any, pk: int) -> Response:
        recipe = get_object_or_404(Recipe, pk=pk)
        try:
            found = get_object_or_404(Favorite, recipe=recipe, user=request.user)
        except Http404:
            return Response({"left": False}, status=400)
        found.delete()
        return Response({"left": True})


class Oneself(Base):
    def post(self, request: Any, pk: int) -> Response:
        author = get_object_or_404(User, pk=pk)
        if author == request.user or Follow.objects.filter(user=request.user, author=author).exists():
            return Response({"error": "You or yours."}, status=400)
        Follow.objects.create(user=request.user, author=author)
        return Response(status=201)


@pytest.mark.parametrize(
    ("view", "absent", "present", "own"),
    [
        (Plain, ("add", 201), (None, 200), None),
        (Caught, (None, 404), ("remove", 200), None),
        (Http, (None, 400), ("remove", 200), None),
        (Oneself, ("add", 201), (None, 400), 400),
    ],
)
def test_what_is_done_where_there_is_a_link_is_told_from_what_is_where_there_is_none(
    view: Any, absent: Any, present: Any, own: int | None
) -> None:
    found = handler_of(view)
    links = found["links"]
    ways = [(links[name]["writes"], links[name]["answer"]["status"]) for name in ("absent", "present")]
    assert (found["action"], ways) == ("link", [absent, present])
    assert (links["own"] and links["own"]["status"]) == own


class Counted(Base):
    def post(self, request: Any, pk: int) -> Response:
        team = get_object_or_404(Team, pk=pk)
        team.members.add(request.user)
        return Response({"members": team.members.count()})


class Another(Base):
    def post(self, request: Any, pk: int) -> Response:
        team = get_object_or_404(Team, pk=pk)
        team.members.add(request.data["user"])
        return Response()


class Scored(Base):
    def post(self, request: Any, pk: int) -> Response:
        recipe = get_object_or_404(Recipe, pk=pk)
        Rating.objects.create(user=request.user, recipe=recipe, score=1)
        return Response()


class OneOfSeveral(Base):
    def post(self, request: Any, pk: int) -> Response:
        """Fails where there are two."""
        author = get_object_or_404(User, pk=pk)
        Follow.objects.get_or_create(user=request.user, author=author)
        return Response()


class GotOfSeveral(Base):
    def post(self, request: Any, pk: int) -> Response:
        author = get_object_or_404(User, pk=pk)
        get_object_or_404(Follow, user=request.user, author=author).delete()
        return Response()


class Reversed(Base):
    def post(self, request: Any, pk: int) -> Response:
        """Is followed, and doesn't follow."""
        author = get_object_or_404(User, pk=pk)
        Follow.objects.create(user=author, author=author)
        return Response()


class Uncaught(Base):
    def post(self, request: Any, pk: int) -> Response:
        recipe = get_object_or_404(Recipe, pk=pk)
        Favorite.objects.get(user=request.user, recipe=recipe).delete()
        return Response()


class CaughtMore(Base):
    def post(self, request: Any, pk: int) -> Response:
        recipe = get_object_or_404(Recipe, pk=pk)
        try:
            Favorite.objects.create(user=request.user, recipe=recipe)
            recipe.cooks.add(request.user)
        except IntegrityError:
            return Response(status=400)
        return Response()


class Both(Base):
    def post(self, request: Any, pk: int) -> Response:
        recipe = get_object_or_404(Recipe, pk=pk)
        Favorite.objects.create(user=request.user, recipe=recipe)
        recipe.cooks.add(request.user)
        return Response()


class Twice(Base):
    def post(self, request: Any, pk: int) -> Response:
        team = get_object_or_404(Team, pk=pk)
        team.members.remove(request.user)
        team.members.add(request.user)
        return Response()


class Unfound(Base):
    def post(self, request: Any, pk: int) -> Response:
        Favorite.objects.filter(user=request.user, recipe_id=pk).delete()
        return Response()


class First(Base):
    def post(self, request: Any, pk: int) -> Response:
        """Looks for the link before it looks for the row."""
        if Favorite.objects.filter(user=request.user, recipe_id=pk).exists():
            return Response(status=400)
        recipe = get_object_or_404(Recipe, pk=pk)
        Favorite.objects.create(user=request.user, recipe=recipe)
        return Response()


class Chosen(Base):
    def post(self, request: Any, pk: int) -> Response:
        team = get_object_or_404(Team, pk=pk)
        if request.data.get("join"):
            team.members.add(request.user)
        return Response()


@pytest.mark.parametrize(
    "view",
    [
        *(Counted, Another, Scored, OneOfSeveral, GotOfSeveral, Reversed, Uncaught, CaughtMore, Both, Twice),
        *(Unfound, First, Chosen),
    ],
)
def test_what_does_more_or_less_is_no_fact(view: Any) -> None:
    assert handler_of(view) is None
