"""Code of permissions whose refusals would be lost, or whose rule would let in others than DRF does, stays unread."""

# ruff: noqa: ANN001, ANN202, ARG001, ARG002, SIM103, SIM201 - permissions as projects write them
# mypy: disable-error-code="no-untyped-def"

import functools
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.test.utils import isolate_apps
from django.utils.decorators import method_decorator
from rest_framework import permissions
from rest_framework.exceptions import PermissionDenied

from strangler.adoption.scaffold.access.own_permissions import _code
from strangler_django.endpoints.permissions.own_permissions import own_rules, permission_maps

with isolate_apps("django_app.blog"):

    class Note(models.Model):
        user = models.ForeignKey(User, models.CASCADE, null=True)

        class Meta:
            app_label = "blog"


class CallsOne(permissions.BasePermission):
    """It may refuse, whatever it gives."""

    def has_permission(self, request, view) -> Any:
        _token = self.token(request)
        return request.user.is_authenticated

    def token(self, request) -> Any:
        raise PermissionDenied


class NeedsHeader(permissions.BasePermission):
    def has_permission(self, request, view) -> Any:
        _token = request.META["HTTP_TOKEN"]
        return True


class NeedsOwner(permissions.BasePermission):
    def has_object_permission(self, request, view, obj) -> Any:
        _owner = obj.user.id
        return True


def _refuses(function):
    @functools.wraps(function)
    def wrapper(self, request, view):
        return False

    return wrapper


@method_decorator(_refuses, name="has_permission")
class Decorated(permissions.BasePermission):
    def has_permission(self, request, view) -> Any:
        return True


class Replaced(permissions.BasePermission):
    def has_permission(self, request, view) -> Any:
        return True


Replaced.has_permission = _refuses(Replaced.has_permission)  # type: ignore[method-assign] # as libraries do


class NotMine(permissions.BasePermission):
    def has_object_permission(self, request, view, obj) -> Any:
        return not obj.user_id == request.user.id


class LeavesMine(permissions.BasePermission):
    def has_object_permission(self, request, view, obj) -> Any:
        if request.user.id == obj.user_id:
            return False
        return True


class KeyIsRow(permissions.BasePermission):
    """A key equals no user."""

    def has_object_permission(self, request, view, obj) -> Any:
        return obj.user_id == request.user


class RowIsKey(permissions.BasePermission):
    def has_object_permission(self, request, view, obj) -> Any:
        return obj.user == request.user.id


@pytest.mark.parametrize(
    "cls",
    [CallsOne, NeedsHeader, NeedsOwner, Decorated, Replaced, NotMine, LeavesMine, KeyIsRow, RowIsKey],
)
@pytest.mark.parametrize("model", [Note, LogEntry])
def test_what_may_refuse_otherwise_stays_unread(cls: Any, model: Any) -> None:
    # The user of an entry of Django's log is never null.
    is_read = cls in (NotMine, LeavesMine) or (model is LogEntry and cls is NeedsOwner)
    found = own_rules([cls()], lambda: model).values()
    assert any(each["row"] is not None for each in found) is is_read


def _made(asked: str) -> Any:
    class Asks(permissions.BasePermission):
        method = asked

        def has_permission(self, request, view) -> Any:
            return request.method == self.method

    return Asks()


def test_classes_of_one_name_stay_unread() -> None:
    """A function that makes permissions gives all of them one name."""
    assert [each["request"] for each in own_rules([_made("GET"), _made("GET")]).values()] == [["methods", "GET"]]
    assert own_rules([_made("GET"), _made("PUT"), _made("PUT")]) == {}


def _wanting(permission: str) -> Any:
    class Wants(permissions.DjangoModelPermissions):
        perms_map = {"GET": [permission]}  # noqa: RUF012 - as projects write it

    return Wants()


def test_maps_of_one_name_stay_unread() -> None:
    assert len(permission_maps([_wanting("x.view"), _wanting("x.view")])) == 1
    assert permission_maps([_wanting("x.view"), _wanting("x.add")]) == {}


class OfRole(permissions.BasePermission):
    methods = ("GET", "PUT")

    def has_permission(self, request, view) -> Any:
        return request.method in self.methods


def test_what_one_object_is_given_stays_unread() -> None:
    given = OfRole()
    given.methods = ("GET",)  # type: ignore[assignment] # fewer
    assert own_rules([given]) == {}
    assert own_rules([OfRole()]) != {}


class Mine(permissions.BasePermission):
    def has_object_permission(self, request, view, obj) -> Any:
        owner_id = obj.user_id
        return owner_id == request.user.id


def test_two_keys_that_are_null_are_equal_as_in_django() -> None:
    assert own_rules([(~OfRole)()], lambda: Note) != {}
    assert own_rules([(permissions.IsAuthenticated & ~Mine)()], lambda: Note) != {}
    for cls, rule in ((Mine, ["key", "user_id"]), (NotMine, ["not", ["key", "user_id"]])):
        ((_, rules),) = own_rules([cls()], lambda: Note).items()
        assert rules["row"] == rule
        expression = _code(rules["row"], {"user_id": "user_id"})
        for user, owner in ((AnonymousUser(), None), (AnonymousUser(), 1)):
            request = SimpleNamespace(user=user, method="GET")
            caller, row = None, SimpleNamespace(user_id=owner)
            expected = cls().has_object_permission(request, None, row)
            assert eval(expression, {"caller": caller, "obj": row, "request": request}) is expected  # noqa: S307 - what a scaffold writes


class MineOrStaffs(permissions.BasePermission):
    def has_object_permission(self, request, view, obj) -> Any:
        return obj.user_id == request.user.id or request.user.date_joined


def test_where_the_row_decides_whether_django_fails_nothing_is_read() -> None:
    found = own_rules([MineOrStaffs()], lambda: Note).values()
    assert [each["row"] for each in found] == [None]
