"""What permissions find where they look at the view and at methods of the row, and what may be another each time."""

# ruff: noqa: ANN001, ARG002 - a permission gets what DRF gives it

import linecache
from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps
from rest_framework import permissions, viewsets

from strangler_django.endpoints.permissions.own_permissions import own_rules
from strangler_django.endpoints.permissions.view_attributes import ViewAttributes
from tests.kitchen.models import Rating, Recipe


class Plain(viewsets.ViewSet):
    level = 3
    kinds = ("a", "b")


class Assigned(Plain):
    def initial(self, request, *args: Any, **kwargs: Any) -> None:
        self.level = 4


class AnyAttribute(Plain):
    def initial(self, request, *args: Any, **kwargs: Any) -> None:
        setattr(self, request.method, 4)


class Computed(Plain):
    @property
    def level(self) -> int:  # type: ignore[override] # as projects write it
        return 4


class MadeUp(Plain):
    def __getattr__(self, name: str) -> int:
        return 4


def _view(cls: type, action: str | None = "list") -> ViewAttributes:
    return ViewAttributes(cls(action=action))


def _rule(asked: str, view: ViewAttributes, model: Any = None) -> Any:
    hook = "has_object_permission" if model else "has_permission"
    given = "self, request, view, obj" if model else "self, request, view"
    made = _made(f"    def {hook}({given}):\n        return {asked}\n")
    rules = own_rules([made], lambda: model, view)
    return next(iter(rules.values()), {}).get("row" if model else "request")


def _made(method: str) -> Any:
    name = f"<asks {len(linecache.cache)}>"
    text = f"class Written(BasePermission):\n{method}"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names: dict[str, Any] = {
        "BasePermission": permissions.BasePermission,
        "__name__": __name__,
        "KINDS": ("list",),
        "KIND": "list",
    }
    exec(compile(text, name, "exec"), names)  # noqa: S102 - what stands above
    return names["Written"]()


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ("view.level == 3", True),
        ("view.level in (1, 2)", False),
        ("'b' in view.kinds", True),
        ("view.action in KINDS", True),
        ("view.action == 'create' or request.user.is_staff", ["caller", "is_staff"]),
        ("hasattr(view, 'closed') and view.closed", False),
        ("getattr(view, 'closed', True)", True),
        ("not getattr(view, 'action', None)", False),
        ("view.action is KIND", None),
        ("view.kinds > 3", None),
        ("view.kwargs", None),
        ("hasattr(view, 'request')", None),
        ("view.get_queryset()", None),
    ],
)
def test_an_attribute_of_the_view_is_the_endpoints(asked: str, rule: Any) -> None:
    assert _rule(asked, _view(Plain)) == rule


@pytest.mark.parametrize("cls", [Assigned, AnyAttribute, Computed, MadeUp])
def test_one_that_may_be_another_for_each_request_is_unread(cls: type) -> None:
    assert _rule("view.level == 3", _view(cls)) is None
    assert _rule("hasattr(view, 'level')", _view(cls)) is None
    assert _rule("view.level == 3", ViewAttributes()) is None


def test_whoever_looks_at_the_action_is_known() -> None:
    read, unread = _view(Plain), _view(Plain)
    _rule("view.action == 'list'", read)
    _rule("view.level == 3", unread)
    assert (read.reads_action, unread.reads_action) == (True, False)


with isolate_apps("tests.kitchen"):

    class Part(models.Model):
        rating = models.ForeignKey(Rating, models.CASCADE)
        perhaps = models.ForeignKey(Rating, models.CASCADE, null=True, related_name="+")

        class Meta:
            app_label = "kitchen"

        def owner_row(self) -> Recipe:
            return self.rating.get_owner_object()

        def first_row(self) -> Rating:
            return self.rating

        def perhaps_row(self) -> Any:
            return self.perhaps

        def none(self) -> None:
            return None

        def more(self) -> Any:
            self.rating_id = 3
            return self.rating


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ("obj.rating.recipe.author == request.user", ["owner", "rating__recipe__author"]),
        ("obj.rating.dish.author == request.user", ["owner", "rating__recipe__author"]),
        ("obj.rating.recipe.author_id == request.user.id", ["owner", "rating__recipe__author_id"]),
        ("obj.first_row().user == request.user", ["owner", "rating__user"]),
        ("obj.none() or request.user.is_staff", ["caller", "is_staff"]),
        # Where there is no such row Django fails.
        ("obj.perhaps.user == request.user", None),
        ("obj.perhaps_row().user == request.user", None),
        # A method that calls another, or does more.
        ("obj.owner_row().author == request.user", None),
        ("obj.more().user == request.user", None),
        ("obj.rating.user_id == request.user", None),
    ],
)
def test_a_row_that_the_row_points_at_has_the_caller(asked: str, rule: Any) -> None:
    assert _rule(asked, _view(Plain), Part) == rule
