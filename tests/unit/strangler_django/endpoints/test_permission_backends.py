"""Backends that only sign in give the permissions of Django's tables, or none; all others are named."""

from typing import Any

import pytest
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import AbstractUser

from strangler_django.endpoints.permissions.permission_backends import other_permissions

PLAIN = "django.contrib.auth.backends.ModelBackend"


class ByEmail(ModelBackend):
    def authenticate(self, *_: Any, **__: Any) -> Any:
        return None


class Locks(BaseBackend):
    pass


class Old:
    def authenticate(self, *_: Any, **__: Any) -> Any:
        return None


class Generous(ModelBackend):
    def has_perm(self, *_: Any, **__: Any) -> bool:
        return True


class Roles(ModelBackend):
    def _get_group_permissions(self, user_obj: Any) -> Any:
        return user_obj.roles.permissions()


class Lets(Old):
    def has_perm(self, *_: Any, **__: Any) -> bool:
        return True


def path(name: str) -> str:
    return f"{__name__}.{name}"


@pytest.mark.parametrize(
    ("backends", "found"),
    [
        ([PLAIN], []),
        ([path("ByEmail")], []),
        ([path("Locks"), path("Old"), PLAIN], []),
        ([path("Generous"), PLAIN], [path("Generous")]),
        ([path("Roles"), path("Lets"), PLAIN], [path("Roles"), path("Lets")]),
        ([PLAIN, "nobody.knows.It"], ["nobody.knows.It"]),
        ([path("Locks")], [path("Locks")]),
        ([], []),
    ],
)
def test_backends_with_permissions_of_their_own_are_named(backends: list[str], found: list[str]) -> None:
    assert other_permissions(backends, AbstractUser) == found


class Ruler(AbstractUser):
    class Meta:
        abstract = True

    def has_perm(self, *_: Any, **__: Any) -> bool:
        return bool(self.is_staff)


class Counted(AbstractUser):
    class Meta:
        abstract = True

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return super().has_perm(perm, obj)


def test_methods_of_the_user_model_that_give_permissions_are_named() -> None:
    assert other_permissions([PLAIN], Ruler) == ["Ruler.has_perm"]
    assert other_permissions([PLAIN], Counted) == []
