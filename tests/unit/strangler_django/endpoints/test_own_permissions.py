"""Permissions of a project's own become rules of the method, the caller and the row's owner, or stay unread."""

# ruff: noqa: ARG002 - a permission gets what DRF gives it

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import models
from django.test.utils import isolate_apps
from rest_framework import permissions
from rest_framework.permissions import SAFE_METHODS

from django_app.blog.models import Post
from strangler_django.endpoints.permissions.own_permissions import own_rules, permission_maps
from tests.kitchen.models import Team

READS = ["methods", "GET", "HEAD", "OPTIONS"]
WRITES = ("PUT", "PATCH")


class StaffWrite(permissions.BasePermission):
    message = "Staff only."

    def has_permission(self, request: Any, _view: Any) -> Any:
        if request.method in SAFE_METHODS:
            return True
        return request.user and request.user.is_staff


class OfOwner(permissions.IsAuthenticated):
    def has_permission(self, request: Any, view: Any) -> Any:
        return super().has_permission(request, view) and request.method not in WRITES

    def has_object_permission(self, req: Any, _view: Any, note: Any) -> Any:
        """Others read."""
        user = req.user
        if req.method in permissions.SAFE_METHODS:
            return True
        return bool(note.author_id == user.id or user.is_superuser)


class Falls(permissions.BasePermission):
    def has_permission(self, request: Any, _view: Any) -> Any:
        if request.user.is_anonymous:
            return False
        if request.method == "DELETE":
            return request.user.is_superuser
        return None


class Asks(permissions.BasePermission):
    def has_permission(self, request: Any, _view: Any) -> Any:
        return request.user.groups.filter(pk=1).exists()


class Elsewhere(permissions.BasePermission):
    def has_object_permission(self, request: Any, _view: Any, obj: Any) -> Any:
        return obj.blog.author == request.user


class OfWhatThereIs(permissions.BasePermission):
    """As code that several models share asks for it."""

    def has_permission(self, request: Any, _view: Any) -> Any:
        user = getattr(request, "user", None)
        return bool(user and getattr(user, "is_staff", False))

    def has_object_permission(self, request: Any, _view: Any, obj: Any) -> Any:
        if hasattr(obj, "blog"):
            return False
        owner = getattr(obj, "user", None) or getattr(obj, "author", None) or getattr(obj, "pk", None)
        return owner == request.user


class OfWhicheverThereIs(permissions.BasePermission):
    def has_object_permission(self, request: Any, _view: Any, obj: Any) -> Any:
        try:
            owner = obj.user
        except AttributeError:
            owner = obj.author
        return owner == request.user


SAFE = ["GET"]
is_staff = True


class OfModule(permissions.BasePermission):
    """A name of the module, which the caller has an attribute of."""

    def has_permission(self, _request: Any, _view: Any) -> Any:
        return is_staff


class Shadowed(permissions.BasePermission):
    def has_permission(self, request: Any, _view: Any) -> Any:
        return request.method in SAFE


def rule_of(cls: type) -> Any:
    found = next(iter(own_rules([cls()]).values()), None)
    return None if found is None or found["row"] is None else found


def test_plain_conditions_are_read() -> None:
    staff = ["or", READS, ["caller", "is_staff"]]
    assert rule_of(StaffWrite) == {"request": staff, "row": True, "message": "Staff only."}
    found = rule_of(OfOwner)
    assert found["request"] == ["and", ["caller", "is_authenticated"], ["not", ["methods", *WRITES]]]
    mine = ["or", ["owner", "author_id"], ["caller", "is_superuser"]]
    assert found["row"] == ["or", READS, mine]
    ((_, of_posts),) = own_rules([OfOwner()], lambda: Post).items()
    assert of_posts["row"] == found["row"]
    # What falls off the end of a method refuses.
    signed_in = ["caller", "is_authenticated"]
    assert rule_of(Falls)["request"] == ["and", signed_in, ["and", ["methods", "DELETE"], ["caller", "is_superuser"]]]
    assert rule_of(Shadowed)["request"] == ["methods", "GET"]


class Skips(permissions.IsAdminUser):
    """`super()` of another class asks for nothing of that one."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return super(permissions.IsAdminUser, self).has_permission(request, view)


class PassesOthers(permissions.IsAdminUser):
    def has_permission(self, request: Any, view: Any) -> bool:
        return super().has_permission(view, request)


class IsPartOfText(permissions.BasePermission):
    def has_permission(self, request: Any, _view: Any) -> bool:
        return request.method in "GET, HEAD"


class Says(StaffWrite):
    @property
    def message(self) -> str:  # type: ignore[override] # as projects write it
        return "Not today."


@pytest.mark.parametrize("cls", [Asks, Elsewhere, OfModule, Skips, PassesOthers, IsPartOfText, Says])
def test_others_stay_unread(cls: type) -> None:
    assert rule_of(cls) is None


class NamesItself(permissions.IsAdminUser):
    def has_permission(self, request: Any, view: Any) -> bool:
        return super(NamesItself, self).has_permission(request, view)  # noqa: UP008 - as projects write it


def test_what_code_asks_for_by_name_is_what_the_model_has() -> None:
    name = f"{__name__}.OfWhatThereIs"
    staff = ["caller", "is_staff"]
    assert own_rules([OfWhatThereIs()], lambda: Post)[name] == {
        "request": staff,
        "row": ["owner", "author"],
        "message": None,
    }
    # A row that may have none, one that nothing is known of, and a relation that other rows make.
    assert own_rules([OfWhatThereIs()], lambda: LogEntry)[name]["row"] == ["owner", "user"]
    unread = {name: {"request": staff, "row": None, "message": None}}
    assert own_rules([OfWhatThereIs()]) == unread
    assert own_rules([OfWhatThereIs()], lambda: Loan) == unread
    assert own_rules([OfWhatThereIs()], lambda: 1 / 0) == unread


def test_what_code_tries_is_what_the_model_has() -> None:
    name = f"{__name__}.OfWhicheverThereIs"
    assert own_rules([OfWhicheverThereIs()], lambda: Post)[name]["row"] == ["owner", "author"]
    assert own_rules([OfWhicheverThereIs()], lambda: LogEntry)[name]["row"] == ["owner", "user"]
    assert own_rules([OfWhicheverThereIs()])[name]["row"] is None


with isolate_apps("django_app.blog"):

    class Loan(models.Model):
        author = models.ForeignKey(Post, models.CASCADE, null=True)

        class Meta:
            app_label = "blog"


def test_super_is_of_the_class_that_has_the_method() -> None:
    found = rule_of(NamesItself)
    assert found is not None
    assert found["request"] == ["caller", "is_staff"]


def test_those_that_are_combined_are_found() -> None:
    (combined,) = [each() for each in (permissions.IsAdminUser | (StaffWrite & ~Falls),)]
    assert [name.rpartition(".")[2] for name in own_rules([combined])] == ["StaffWrite", "Falls"]


class MustSee(permissions.DjangoModelPermissions):
    perms_map = permissions.DjangoModelPermissions.perms_map | {"GET": ["%(app_label)s.view_%(model_name)s"]}


class Overrules(permissions.DjangoModelPermissions):
    def has_permission(self, request: Any, view: Any) -> bool:
        return request.user.is_staff or super().has_permission(request, view)


class Changes(permissions.DjangoModelPermissions):
    def __init__(self) -> None:
        self.perms_map["GET"] = ["x.view"]


def test_what_permissions_by_tables_want_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    drfs = permissions.DjangoModelPermissions
    monkeypatch.setattr(drfs, "perms_map", {**drfs.perms_map})
    plain = f"{drfs.__module__}.DjangoModelPermissionsOrAnonReadOnly"
    found = permission_maps([permissions.DjangoModelPermissionsOrAnonReadOnly(), MustSee(), Overrules(), IsCrew()])
    assert list(found) == [plain, f"{MustSee.__module__}.MustSee", f"{IsCrew.__module__}.IsCrew"]
    maps = [(each["map"]["GET"], each["anonymous"], each["rows"]) for each in found.values()]
    assert maps == [([], True, False), (["%(app_label)s.view_%(model_name)s"], False, False), ([], False, True)]
    # One that changes DRF's own for all views says so of those that were read before, too.
    Changes()
    assert found[plain]["map"]["GET"] == ["x.view"]


class IsCrew(permissions.DjangoObjectPermissions):
    pass


def test_rows_that_the_caller_has_with_the_row_are_read() -> None:
    """What asks for rows of others, or of nobody in particular, isn't."""
    rules = own_rules([Members(), NoMembers(), AnyMembers(), ByName()], lambda: Team)
    members = {"table": "k_team_members", "where": [["team", "row", "id"], ["user", "caller", None]]}
    known: Any = ["rows", members | {"shown": None, "ordering": []}]
    assert {name.rpartition(".")[2]: each["row"] for name, each in rules.items()} == {
        "Members": ["and", ["caller", "is_authenticated"], known],
        "NoMembers": ["not", ["and", ["caller", "is_authenticated"], known]],
        "AnyMembers": None,
        "ByName": None,
    }


class Members(permissions.BasePermission):
    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return obj.members.filter(pk=request.user.pk).exists()  # type: ignore[no-any-return] # a bool


class NoMembers(permissions.BasePermission):
    """Nobody in particular is none of them."""

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return request.user not in obj.members.all()


class AnyMembers(permissions.BasePermission):
    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return obj.members.filter(is_staff=True).exists()  # type: ignore[no-any-return] # a bool


class ByName(permissions.BasePermission):
    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return obj.members.filter(username=request.user.username).exists()  # type: ignore[no-any-return] # a bool
