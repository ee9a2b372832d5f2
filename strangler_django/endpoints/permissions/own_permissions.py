"""Permissions of a project's own that look at the method, the caller and the row's owner, and at nothing else.

def has_permission(self, request, view):
    return request.user.is_authenticated and request.user.role == "editor"

def has_permission(self, request, view):
    if request.method in SAFE_METHODS:
        return True
    return request.user and request.user.is_staff

def has_object_permission(self, request, view, obj):
    return request.method in SAFE_METHODS or obj.owner == request.user

What such code asks by `getattr` and `hasattr`, or tries before an AttributeError, is what the model of the rows has. An
attribute of the view, such as its `action`, is the endpoint's; a method of the row's that returns a row which it points
at is that one, so that `obj.get_owner().user` is the user of, say, its project.

Each becomes a rule in JSON: true, false, or a list whose first item is `and`, `or`, `not`, `methods` (those of
requests), `caller` (an attribute of the user), `value` (a column of the user and the values that it may have), `owner`
(the field in which the row has the caller, or a path of foreign keys to one), `key` (likewise, where both may be null:
nobody has no key either) or
`rows` (of another table, which the caller has with the row). `perms` are permissions that the caller has all of in
Django's tables, `groups` are those that it is in one of, `stored` are rows of another table, as stored_rules.py says.
Of django-oauth-toolkit there are `token` (the request has an access token) and `scope`, as scope_rules.py says.
Properties and methods of the user model are read likewise.

Django fails with 500 where nobody is asked for a column of the user model. Such a request is refused.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework import permissions
from rest_framework.permissions import NOT, OR
from rest_framework.settings import api_settings

from strangler_django.endpoints.code.own_code import UnreadError, is_own
from strangler_django.endpoints.permissions.permission_code import HOOKS, PermissionCode
from strangler_django.endpoints.permissions.permission_names import Asked
from strangler_django.endpoints.permissions.permission_rules import may_fail_of_a_profile, refused_where_failing
from strangler_django.endpoints.permissions.view_attributes import ViewAttributes
from strangler_django.python_source import class_name


def own_rules(
    found: Any,  # noqa: ANN401 - what `get_permissions` gives
    model: Callable[[], Any] = lambda: None,
    view: ViewAttributes | None = None,
) -> dict[str, dict[str, Any]]:
    """The rules of the project's own permissions that can be read, by class: `request`, `row` and the `message`.

    `model` finds that of the rows, `view` is the endpoint's, where a rule depends on it.
    """
    asked = Asked(model, view or ViewAttributes())
    made: dict[str, dict[str, Any] | None] = {}
    if api_settings.UNAUTHENTICATED_USER is not AnonymousUser:
        return {}
    followed = [id(each) for first in _followed(found) for each, _ in _single([first])]
    for each, is_denied in _single(found):
        if type(each).__module__.startswith("rest_framework."):
            continue
        name = class_name(type(each))
        rules = _rules(each, asked, is_denied=is_denied, is_followed=id(each) in followed)
        # A function that makes classes gives all of them one name.
        made[name] = rules if made.get(name, rules) == rules else None
    return {name: rules for name, rules in made.items() if rules is not None}


def _rules(
    permission: Any,  # noqa: ANN401 - what `get_permissions` gives
    asked: Asked,
    *,
    is_denied: bool,
    is_followed: bool,
) -> dict[str, Any] | None:
    """The rules of one permission, which a view may deny (`~`), or have followed by another that may let in (`|`).

    None of one that isn't read.

    That of the row may be None by itself: lists and new rows don't ask for it.
    """
    cls = type(permission)
    message = inspect.getattr_static(permission, "message", None)
    is_plain = message is None or isinstance(message, str)
    if not is_plain or (getattr(permission, "__dict__", {}) and not is_own(cls, "__init__")):
        return None
    found: dict[str, Any] = {}
    for name in HOOKS:
        try:
            plain = PermissionCode(cls, name, asked).rule()
            found[name] = refused_where_failing(plain)
        except UnreadError:
            found[name] = plain = None
        # What is refused since nobody knows better would be let in.
        if is_denied and (found[name] is None or found[name] != plain):
            return None
        # Where Django fails, the next would be asked.
        if is_followed and plain is not None and may_fail_of_a_profile(plain):
            return None
    request, row = found.values()
    if request is None:
        return None
    return {"request": request, "row": row, "message": message}


def permission_maps(found: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - as above
    """What permissions by Django's tables (DjangoModelPermissions, and what derives from it) want of each method.

    `map` is the very object that the class has, so that it shows what code of the project changes in it later: DRF's
    classes share one. Those of `rows` ask for each row, too, as DjangoObjectPermissions does.
    """
    made: dict[str, dict[str, Any] | None] = {}
    for each, _ in _single(found):
        cls = type(each)
        hooks = (*HOOKS, "get_required_permissions", "get_required_object_permissions", "_queryset")
        is_plain = isinstance(each, permissions.DjangoModelPermissions) and not any(is_own(cls, name) for name in hooks)
        if is_plain and not hasattr(each, "message"):
            name = class_name(cls)
            wanted = {
                "map": each.perms_map,
                "anonymous": not each.authenticated_users_only,
                "rows": isinstance(each, permissions.DjangoObjectPermissions),
            }
            made[name] = wanted if made.get(name, wanted) == wanted else None
    return {name: wanted for name, wanted in made.items() if wanted is not None}


def _single(found: Any, *, is_denied: bool = False) -> Iterator[tuple[Any, bool]]:  # noqa: ANN401 - as above
    """The permissions, and those that others combine, each with whether `~` denies it."""
    for each in found:
        parts = [getattr(each, name) for name in ("op1", "op2") if hasattr(each, name)]
        yield from _single(parts, is_denied=is_denied or isinstance(each, NOT)) if parts else ((each, is_denied),)


def _followed(found: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    """The permissions behind which another is asked where they refuse, whatever they combine."""
    for each in found:
        if isinstance(each, OR):
            yield each.op1
        yield from _followed([getattr(each, name) for name in ("op1", "op2") if hasattr(each, name)])
