"""Permissions, and what `&`, `|` and `~` make of them, let through whom DRF's let through."""

import asyncio
from dataclasses import dataclass
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import permissions as drf
from rest_framework.test import APIRequestFactory
from starlette.requests import Request

from strangler_fastapi.drf.views import model_permissions, permissions
from strangler_fastapi.drf.views.permissions import BasePermission, ByMethod, as_permission, is_granted
from strangler_fastapi.drf.views.view import View
from strangler_fastapi.errors import NotFound

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
PLAIN = ("AllowAny", "IsAuthenticated", "IsAdminUser", "IsAuthenticatedOrReadOnly")


@dataclass(frozen=True)
class User:
    is_staff: bool
    is_authenticated: bool = True


CALLERS = (None, User(is_staff=False), User(is_staff=True))


class DrfOwns(drf.BasePermission):
    def has_permission(self, request: Any, _view: Any) -> bool:
        return bool(request.method != "DELETE")

    def has_object_permission(self, _request: Any, _view: Any, obj: Any) -> bool:
        return bool(obj == "own")


class Owns(BasePermission):
    async def has_permission(self, request: Request, _caller: Any) -> bool:
        return request.method != "DELETE"

    def has_object_permission(self, _request: Request, _caller: Any, obj: Any) -> bool:
        return bool(obj == "own")


PAIRS: list[tuple[Any, Any]] = [(getattr(drf, name), getattr(permissions, name)) for name in PLAIN] + [(DrfOwns, Owns)]
RULES: st.SearchStrategy[tuple[Any, Any]] = st.recursive(
    st.sampled_from(PAIRS),
    lambda rules: (
        st.tuples(rules, rules).map(lambda two: (two[0][0] & two[1][0], two[0][1] & two[1][1]))
        | st.tuples(rules, rules).map(lambda two: (two[0][0] | two[1][0], two[0][1] | two[1][1]))
        | rules.map(lambda rule: (~rule[0], ~rule[1]))
    ),
    max_leaves=5,
)


def request_of(method: str) -> Request:
    return Request({"type": "http", "method": method, "headers": []})


def drf_request(method: str, caller: User | None) -> Any:
    request: Any = APIRequestFactory().generic(method, "/")
    request.user = caller or AnonymousUser()
    return request


@given(
    rule=RULES, method=st.sampled_from(METHODS), caller=st.sampled_from(CALLERS), obj=st.sampled_from(["own", "not"])
)
def test_a_rule_decides_as_drfs(rule: tuple[Any, Any], method: str, caller: User | None, obj: str) -> None:
    theirs, ours = rule[0](), as_permission(rule[1])
    request = drf_request(method, caller)

    async def decide() -> tuple[bool, bool]:
        may = await is_granted(ours.has_permission(request_of(method), caller))
        return may, await is_granted(ours.has_object_permission(request_of(method), caller, obj))

    view: Any = None
    expected = (bool(theirs.has_permission(request, view)), bool(theirs.has_object_permission(request, view, obj)))
    assert asyncio.run(decide()) == expected


async def test_a_function_is_a_rule_and_a_rule_may_depend_on_the_method() -> None:
    def on_sunday(request: Request, _caller: Any) -> bool:
        return request.headers.get("x-day") == "sunday"

    rule = ByMethod(permissions.IsAdminUser, GET=permissions.AllowAny, POST=on_sunday | permissions.IsAuthenticated)
    granted = [(method, await is_granted(rule.has_permission(request_of(method), None))) for method in METHODS]
    assert [method for method, is_let in granted if is_let] == ["GET", "HEAD"]
    assert await is_granted(rule.has_permission(request_of("POST"), User(is_staff=False)))


async def test_several_rules_of_a_method_are_asked_one_after_the_other() -> None:
    """Each refuses with its own words, as those of a view do."""

    class Owner(Owns):
        message = "Not yours."

    rule = ByMethod(permissions.AllowAny, PUT=(permissions.IsAuthenticated, Owner))
    assert [each.message for each in rule.asked(request_of("PUT"))] == [None, "Not yours."]
    assert [type(each) for each in rule.asked(request_of("GET"))] == [permissions.AllowAny]
    assert not await is_granted(rule.has_permission(request_of("PUT"), None))
    assert not await is_granted(rule.has_object_permission(request_of("PUT"), CALLERS[1], "another's"))


def test_djangos_model_permissions_need_what_drfs_need() -> None:
    contract = SimpleNamespace(tables={"posts": SimpleNamespace(model="blog.Post")})
    model: Any = SimpleNamespace(__mapping__=SimpleNamespace(contract=contract), __table_key__="posts")
    theirs = drf.DjangoModelPermissions()
    model_class: Any = SimpleNamespace(_meta=SimpleNamespace(app_label="blog", model_name="post"))
    ours = model_permissions.DjangoModelPermissions(SimpleNamespace(), model)  # type: ignore[arg-type] # no table is asked
    for method in METHODS:
        assert [*ours.required(method)] == theirs.get_required_permissions(method, model_class)
    for name in ("DjangoModelPermissions", "DjangoModelPermissionsOrAnonReadOnly"):
        anonymous = getattr(model_permissions, name)(SimpleNamespace(), model)
        for method in METHODS:
            request = drf_request(method, None)
            view: Any = SimpleNamespace(queryset=SimpleNamespace(model=model_class))
            assert anonymous.has_permission(request_of(method), None) is getattr(drf, name)().has_permission(
                request, view
            )


def test_a_view_without_a_permission_is_an_error_at_the_start() -> None:
    with pytest.raises(LookupError) as raised:
        View(APIRouter(), "/wares/", name="Wares", methods=("GET",))
    assert str(raised.value) == (
        "View /wares/ has no permission: give it one of strangler_fastapi.drf.views.permissions, such as"
        " permission=IsAuthenticated, or permission=AllowAny."
    )


class ReadsToo(drf.DjangoObjectPermissions):
    perms_map = drf.DjangoObjectPermissions.perms_map | {"GET": ["%(app_label)s.view_%(model_name)s"]}


class OursReadsToo(model_permissions.DjangoObjectPermissions):
    perms_map = ReadsToo.perms_map


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [(drf.DjangoObjectPermissions, model_permissions.DjangoObjectPermissions), (ReadsToo, OursReadsToo)],
)
@pytest.mark.parametrize(
    "held", [(), ("blog.view_post",), ("blog.change_post",), ("blog.view_post", "blog.change_post")]
)
@pytest.mark.parametrize("superuser", [False, True])
async def test_an_object_is_touched_hidden_or_refused_as_by_drf(
    theirs: Any, ours: Any, held: tuple[str, ...], *, superuser: bool
) -> None:
    contract = SimpleNamespace(tables={"posts": SimpleNamespace(model="blog.Post")})
    model: Any = SimpleNamespace(__mapping__=SimpleNamespace(contract=contract), __table_key__="posts")
    queryset: Any = SimpleNamespace(model=SimpleNamespace(_meta=SimpleNamespace(app_label="blog", model_name="post")))
    view: Any = SimpleNamespace(get_queryset=lambda: queryset)

    async def backend(_request: Request, _caller: Any, names: tuple[str, ...], obj: Any) -> bool:
        return obj == "mine" and {*names} <= {*held}

    caller: Any = SimpleNamespace(is_active=True, is_superuser=superuser)
    caller.has_perms = lambda names, obj: superuser or not names or (obj == "mine" and {*names} <= {*held})
    rule = ours(SimpleNamespace(), model, backend)
    for method, obj in product((each for each in METHODS if each not in ("OPTIONS", "HEAD")), ("mine", "another")):
        request = drf_request(method, caller)
        try:
            expected: Any = theirs().has_object_permission(request, view, obj)
        except Http404:
            expected = "hidden"
        try:
            found: Any = await rule.has_object_permission(request_of(method), caller, obj)
        except NotFound:
            found = "hidden"
        assert found == expected, (method, obj)
