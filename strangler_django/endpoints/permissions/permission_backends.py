"""What gives users permissions in another way than by Django's own tables: backends, and the user model itself."""

from collections.abc import Iterable
from typing import Any, Final

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.utils.module_loading import import_string

from strangler_django.endpoints.code.own_code import is_own

# What Django asks of a backend, and what ModelBackend's own answers are made of.
_ASKED: Final = ("has_perm", "get_all_permissions", "get_user_permissions", "get_group_permissions")
# What DRF and a project's code ask of a user.
_OF_USERS: Final = ("has_perm", "has_perms", "get_all_permissions", "get_user_permissions", "get_group_permissions")
_OF_TABLES: Final = (*_ASKED, "_get_permissions", "_get_user_permissions", "_get_group_permissions")


def other_permissions(paths: Iterable[str], user_model: Any) -> list[str]:  # noqa: ANN401 - model classes
    """The backends that let somebody in, or keep him out, whom Django's tables don't; and methods of the user model.

    A backend that signs in alone, as most of those that derive from ModelBackend, is none. Where no backend looks into
    the tables nobody has what they say, so that all are others.
    """
    own = [f"{user_model.__name__}.{name}" for name in _OF_USERS if is_own(user_model, name)]
    read = {path: _class_of(path) for path in paths}
    if not any(map(_is_of_tables, read.values())):
        return [*own, *read]
    return [*own, *(path for path, cls in read.items() if not (_is_of_tables(cls) or _is_silent(cls)))]


def _class_of(path: str) -> Any:  # noqa: ANN401 - whatever stands under a name
    try:
        return import_string(path)
    except ImportError:
        return None


def _is_of_tables(cls: Any) -> bool:  # noqa: ANN401 - as above
    is_model = isinstance(cls, type) and issubclass(cls, ModelBackend)
    return is_model and all(getattr(cls, name) is getattr(ModelBackend, name) for name in _OF_TABLES)


def _is_silent(cls: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a backend has no permissions to give: Django leaves out one without `has_perm`, BaseBackend has none."""
    return isinstance(cls, type) and all(
        getattr(cls, name, None) in (None, getattr(BaseBackend, name)) for name in _ASKED
    )
