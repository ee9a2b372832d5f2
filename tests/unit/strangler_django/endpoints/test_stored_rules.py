"""Rows of other tables that a permission asks for are read only where FastAPI finds the same ones."""

# ruff: noqa: ARG002 - a permission gets what DRF gives it

import importlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.permissions import BasePermission, IsAdminUser
from rest_framework.views import APIView

from strangler_django.endpoints.permissions.own_permissions import own_rules
from strangler_django.endpoints.permissions.view_attributes import ViewAttributes
from tests.installed_app import installed_app

HEAD = """
from django_app.accounts.models import User
from rest_framework.permissions import BasePermission
from tests.kitchen.models import Favorite, Order, Profile, Rating, Recipe

OWNED = type("Owned", (), {"objects": Rating.objects})

class Asks(BasePermission):
    def has_permission(self, request, view):
        """
KNOWN = ["caller", "is_authenticated"]
RATED = {"table": "k_ratings", "caller": "user", "where": [["recipe", "path", "pk"]]}


class View(APIView): ...


@pytest.fixture(scope="module", autouse=True)
def kitchen() -> Iterator[None]:
    with installed_app("tests.kitchen"):
        yield


@pytest.fixture
def rule_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The rule of a permission of these lines, of a view whose path has the variable `pk`."""
    monkeypatch.syspath_prepend(tmp_path)
    numbers = itertools.count()

    def made(*lines: str, hook: str = "request") -> Any:
        name = f"stored_{tmp_path.name}_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(HEAD + "\n        ".join(lines) + "\n", encoding="utf-8")
        view = View()
        view.kwargs = {"pk": "1", "number": 1}
        module = importlib.import_module(name)
        found = own_rules([module.Asks()], lambda: module.Recipe, ViewAttributes(view))
        return next(iter(found.values()))[hook] if found else None

    return made


@pytest.mark.parametrize(
    "code",
    [
        "Rating.objects.filter(recipe_id=view.kwargs['pk'], user=request.user).exists()",
        "Rating.objects.filter(user=request.user, recipe=view.kwargs['pk']).exists()",
        "Rating.objects.filter(user=request.user, recipe__id=view.kwargs['pk']).exists()",
        "bool(request.user.ratings.filter(recipe__pk=view.kwargs['pk']).exists())",
    ],
)
def test_rows_of_the_caller_and_the_path_are_read(code: str, rule_of: Callable[..., Any]) -> None:
    # Django fails of nobody, and FastAPI refuses.
    assert rule_of(f"return {code}") == ["and", KNOWN, ["stored", RATED]]
    assert rule_of("key = view.kwargs['pk']", f"return {code}".replace("view.kwargs['pk']", "key")) is not None


def test_constants_are_read(rule_of: Callable[..., Any]) -> None:
    rows = "Rating.objects.filter(user_id=request.user.pk, score__in=[1, 2], is_final=True).exists()"
    where = [["score", "values", [1, 2]], ["is_final", "values", [True]]]
    assert rule_of(f"return {rows}") == ["and", KNOWN, ["stored", {**RATED, "where": where}]]
    profile = {"table": "k_profiles", "caller": "user", "where": [["bio", "values", ["x"]]]}
    guarded = "return request.user.is_authenticated and request.user.profile.bio == 'x'"
    assert rule_of(guarded) == ["and", KNOWN, ["stored", profile]]
    assert rule_of("return 'x' == request.user.profile.bio") == ["and", KNOWN, ["stored", profile]]


@pytest.mark.parametrize(
    "code",
    [
        "Rating.objects.filter(recipe_id=view.kwargs['pk']).exists()",
        "Rating.objects.filter(recipe_id=view.kwargs['id'], user=request.user).exists()",
        "Rating.objects.filter(recipe_id=view.kwargs.get('pk'), user=request.user).exists()",
        "Rating.objects.filter(recipe_id=request.data['pk'], user=request.user).exists()",
        "Rating.objects.filter(recipe__name=view.kwargs['pk'], user=request.user).exists()",
        "Rating.objects.filter(score__gt=3, user=request.user).exists()",
        "Rating.objects.filter(score__in=[], user=request.user).exists()",
        "Rating.objects.filter(score=3, score__in=[4], user=request.user).exists()",
        "Rating.objects.exclude(user=request.user).exists()",
        "OWNED.objects.filter(user=request.user).exists()",
        "User.objects.filter(pk=request.user.pk).exists()",
        # Nobody has rows whose editor is null.
        "Recipe.objects.filter(editor_id=request.user.id).exists()",
        "request.user.teams.filter(id=view.kwargs['pk']).exists()",
        "view.kwargs['pk'] == '1'",
        "'pk' in view.kwargs",
        "view.kwargs",
        # Without a profile Django fails, and nobody is let in for that.
        "request.user.profile.bio != 'x'",
        "not request.user.profile.bio == 'x'",
        "request.user.profile.bio == 'x' or request.user.is_staff",
        "request.user.profile.user_id == 1",
        "request.user.ratings.score == 1",
        # To Python the text "0" is true; Django has the number of `007`, and a text column the text of it.
        "Order.objects.filter(user=request.user, is_paid=view.kwargs['pk']).exists()",
        "Order.objects.filter(user=request.user, state=view.kwargs['number']).exists()",
        # PostgreSQL compares no text with a number.
        "Order.objects.filter(user=request.user, state=1).exists()",
        "Order.objects.filter(user=request.user, is_paid=2).exists()",
        "Order.objects.filter(user=request.user, views__in=(1, True)).exists()",
        "request.user.is_authenticated and request.user.profile.bio == 1",
    ],
)
def test_others_stay_unread(code: str, rule_of: Callable[..., Any]) -> None:
    assert rule_of(f"return {code}") is None


def test_rows_of_another_manager_stay_unread(rule_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.kitchen.models import Rating

    code = "return Rating.objects.filter(user=request.user).exists()"
    assert rule_of(code) is not None
    monkeypatch.setattr(Rating, "objects", SimpleNamespace(filter=None))
    assert rule_of(code) is None


def test_those_of_the_row_are_read_too(rule_of: Callable[..., Any]) -> None:
    row = "return Favorite.objects.filter(user=request.user, recipe=obj).exists()"
    found = rule_of("return True\n    def has_object_permission(self, request, view, obj):", row, hook="row")
    assert found[2][0] == "rows"


class OfProfile(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return request.user.is_authenticated and request.user.profile.bio == "x"


class NoStaff(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return not request.user.is_staff


class Signed(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return request.user.is_authenticated


def test_where_django_fails_no_other_permission_lets_in() -> None:
    """A caller without a profile is a 500 of Django's."""
    name = f"{__name__}.OfProfile"
    assert name in own_rules([OfProfile()])
    assert name in own_rules([(IsAdminUser | OfProfile)()])  # type: ignore[operator] # of stubs
    assert name not in own_rules([(OfProfile | IsAdminUser)()])  # type: ignore[operator] # the same
    assert name not in own_rules([((IsAdminUser & OfProfile) | IsAdminUser)()])  # type: ignore[operator] # the same


def test_a_token_without_a_user_is_nobody_to_no_permission() -> None:
    """Beside one that asks for a scope, Django fails where another asks the user, which isn't even an anonymous one."""
    ((_, plain),) = own_rules([NoStaff()]).items()
    with installed_app("oauth2_provider"):
        ((_, guarded),) = own_rules([NoStaff()]).items()
        ((_, signed),) = own_rules([Signed()]).items()
    assert plain["request"] == ["not", ["caller", "is_staff"]]
    assert guarded["request"] == ["and", ["or", ["not", ["token"]], KNOWN], plain["request"]]
    assert signed["request"] == KNOWN
