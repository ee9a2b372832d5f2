"""What permissions ask of the caller's columns is read, and nobody is let in where Django fails for nobody."""

import importlib
import itertools
from collections.abc import Callable
from enum import Enum, StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.test.utils import isolate_apps
from rest_framework.permissions import SAFE_METHODS

from strangler.adoption.scaffold.access.own_permissions import _code
from strangler_django.endpoints.permissions import permission_code, permission_names, permission_values
from strangler_django.endpoints.permissions.own_permissions import own_rules

EDITORS = ("editor", "chief")


class Rank(Enum):
    EDITOR = "editor"


class Grade(StrEnum):
    EDITOR = "editor"


with isolate_apps("django_app.blog"):

    class Writer(AbstractBaseUser):
        class Role(models.TextChoices):
            READER = "reader"
            EDITOR = "editor"

        CHIEF = "chief"

        role = models.CharField(max_length=9, choices=Role.choices)
        is_staff = models.BooleanField(default=False)
        is_superuser = models.BooleanField(default=False)
        is_banned = models.BooleanField(default=False)
        is_active = models.BooleanField(default=True)
        level = models.IntegerField(null=True)
        friend = models.ForeignKey("self", models.CASCADE, null=True)
        USERNAME_FIELD = "role"

        class Meta:
            app_label = "blog"

        @property
        def is_chief(self) -> bool:
            """Staff are, too."""
            return self.role == self.CHIEF or self.is_superuser

        @property
        def is_editor(self) -> bool:
            return self.role in (self.Role.EDITOR, self.CHIEF)

        def may_write(self) -> bool:
            if self.is_banned:
                return False
            return self.is_editor

        def is_of(self, role: str) -> bool:
            return self.role == role

        @property
        def is_manager(self) -> bool:
            return self.is_staff

        @property
        def is_guest(self) -> bool:
            return not self.is_staff

        @property
        def knows_one(self) -> bool:
            return self.friend is not None


RULES = (
    "request.user.is_authenticated and request.user.role == 'editor'",
    "request.user.role == 'editor'",
    "'editor' != request.user.role",
    "request.user.role in EDITORS",
    "request.user.role not in [Writer.Role.READER, 'chief']",
    "request.user.role in self.roles",
    "request.user.role == Writer.Role.EDITOR.value",
    "request.user.role != Grade.EDITOR",
    "request.user.role == Rank.EDITOR.value",
    "request.method in SAFE_METHODS or request.user.is_chief",
    "request.method in SAFE_METHODS or (request.user and request.user.is_authenticated and request.user.is_editor)",
    "not request.user.is_banned",
    "not (request.user.is_authenticated and request.user.is_banned)",
    "not (request.user.is_banned and request.method == 'POST')",
    "request.method == 'POST' and not request.user.is_banned or request.user.is_active",
    "request.user.level == 3 or request.user.is_staff",
    "request.user.may_write()",
    "request.user.is_staff or request.user.level",
    "request.user.is_manager",
    "request.user.is_guest",
    "request.method == 'POST' or not request.user.is_manager",
)
# What is asked before anything is returned.
STATEMENTS = (
    ("role = request.user.role", "request.method == 'GET' or role == 'editor'"),
    ("is_chief = request.user.is_chief", "request.method == 'GET'"),
    ("may = request.method == 'POST' and request.user.is_chief", "request.user.is_active or request.method == 'GET'"),
    ("wanted = 'chief'", "request.user.is_staff"),
    ("roles = EDITORS", "request.user.role in EDITORS"),
    ("key = request.user.pk", "request.method == 'GET'"),
)
OTHERS = (
    "request.user.is_of('chief')",
    "request.user.knows_one",
    "request.user.may_write",
    "request.user.friend",
    "request.user.role in 'editor, chief'",
    "request.user.role == request.user.friend",
    "request.user.role == None",
    "request.user.role == Rank.EDITOR",
    "request.user.role in (Rank.EDITOR, 'chief')",
    "request.user.role > 'a'",
    "request.user.role in []",
    "request.user.username == 'ann'",
    "request.user.is_authenticated()",
)
OTHERS += ("request.META['HTTP_TOKEN']", "self.asks(request)", "request.user.friend.role", "view.get_object()")
HEAD = f"""
from rest_framework.permissions import SAFE_METHODS, BasePermission
from {__name__} import EDITORS, Grade, Rank, Writer

class Asks(BasePermission):
    roles = ["chief"]

    def has_permission(self, request, view):
        """
WRITERS = [
    Writer(id=1, role=role, is_banned=is_banned, is_superuser=is_superuser, level=level)
    for role in ("reader", "editor", "chief")
    for is_banned, is_superuser, level in ((False, False, None), (True, False, 3), (False, True, 0))
]


@pytest.fixture
def asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Makes a permission of what its `has_permission` does."""
    for module in (permission_code, permission_names, permission_values):
        monkeypatch.setattr(module, "get_user_model", lambda: Writer)
    monkeypatch.syspath_prepend(tmp_path)
    numbers = itertools.count()

    def made(*lines: str) -> Any:
        name = f"asks_{tmp_path.name}_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(HEAD + "\n        ".join(lines) + "\n", encoding="utf-8")
        return importlib.import_module(name).Asks()

    return made


@pytest.mark.parametrize("lines", [*(("", code) for code in RULES), *STATEMENTS])
def test_fastapi_lets_in_whom_drf_lets_in(lines: tuple[str, str], asks: Callable[..., Any]) -> None:
    permission = asks(lines[0], f"return {lines[1]}")
    ((_, rules),) = own_rules([permission]).items()
    assert rules["row"] is True
    expression = _code(rules["request"], {})
    for method, user in itertools.product(("GET", "POST", "OPTIONS", "DELETE"), (AnonymousUser(), *WRITERS)):
        request = SimpleNamespace(method=method, user=user)
        try:
            expected = bool(permission.has_permission(request, None))
        except AttributeError:
            assert isinstance(user, AnonymousUser)
            expected = False
        caller = None if isinstance(user, AnonymousUser) else user
        names = {"caller": caller, "request": request, "SAFE_METHODS": SAFE_METHODS}
        assert eval(expression, names) is expected, (method, vars(user), expression)  # noqa: S307 - what a scaffold writes


@pytest.mark.parametrize("code", OTHERS)
def test_what_else_is_asked_of_callers_stays_unread(code: str, asks: Callable[..., Any]) -> None:
    assert own_rules([asks(f"return {code}")]) == {}
    assert own_rules([asks(f"_known = {code}", "return True")]) == {}


def test_a_caller_is_looked_for_once() -> None:
    rule = ["and", ["caller", "is_authenticated"], ["or", ["value", "role", "chief"], ["not", ["caller", "is_staff"]]]]
    assert _code(rule, {}) == 'caller is not None and (caller.role == "chief" or not (bool(caller.is_staff)))'
