"""Backends that only sign in give the permissions of Django's tables, or none; all others are named."""

from typing import Any

import pytest
from django.contrib.auth.backends import BaseBackend, ModelBackend

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
    assert other_permissions(backends) == found
