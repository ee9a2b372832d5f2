"""django-oauth-toolkit's permissions as rules: what the scopes of an access token let a request do.

A rule is `scope`, the class's name, and what the view and the settings say: `scopes`, the names of `read` and `write`,
`alternatives` by method, and whether a refusal `reveals` the scopes.
"""

from typing import Any, Final

from strangler_django.endpoints.code.own_code import UnreadError
from strangler_django.endpoints.permissions.permission_rules import HTTP_METHODS, Rule
from strangler_django.endpoints.permissions.view_attributes import ViewAttributes
from strangler_django.endpoints.token_packages import OAUTH_TOOLKIT, scope_settings

_PERMISSIONS: Final = f"{OAUTH_TOOLKIT}.contrib.rest_framework.permissions"
_BY_METHOD: Final = ("TokenHasReadWriteScope", "TokenHasResourceScope")
_REQUIRED: Final = "required_scopes"
_ALTERNATIVES: Final = "required_alternate_scopes"


def is_scope_permission(cls: type) -> bool:
    """Whether a class is one of the package's own permissions."""
    return cls.__module__ == _PERMISSIONS


def scope_rule(cls: type, owner: type, view: ViewAttributes) -> Rule:
    """The rule of a permission's class that has `has_permission` of the package's class `owner`.

    :raises UnreadError: the scopes are not the same for each request, or the project's own.
    """
    if owner.__name__ == "TokenMatchesOASRequirements":
        _require_packages(cls, "get_required_alternate_scopes")
        return ["scope", owner.__name__, {"alternatives": _alternatives(view)}]
    if owner.__name__ == "IsAuthenticatedOrTokenHasScope":
        return ["scope", owner.__name__, {"scopes": _scopes(view)}]
    if owner.__name__ != "TokenHasScope":
        raise UnreadError
    # Those that derive from it say in `get_scopes` what they need.
    kind = _require_packages(cls, "get_scopes").__name__
    read, write, reveals = scope_settings()
    if reveals and not is_scope_permission(cls):
        raise UnreadError
    given: dict[str, Any] = {"scopes": _scopes(view, default=[] if kind in _BY_METHOD else None)}
    given |= {"read": read, "write": write} if kind in _BY_METHOD else {}
    return ["scope", kind, given | ({"reveals": True} if reveals else {})]


def _require_packages(cls: type, name: str) -> type:
    """The package's class that a method is of.

    :raises UnreadError: it is the project's own.
    """
    owner = next(each for each in cls.__mro__ if name in vars(each))
    if not is_scope_permission(owner):
        raise UnreadError
    return owner


def _scopes(view: ViewAttributes, default: list[str] | None = None) -> list[str]:
    if not view.has(_REQUIRED):
        if default is None:
            raise UnreadError
        return default
    return _texts(view.constant(_REQUIRED))


def _alternatives(view: ViewAttributes) -> dict[str, list[list[str]]]:
    found = view.mapping(_ALTERNATIVES)
    return {
        method: [_texts(tuple(each)) for each in lists] for method, lists in found.items() if method in HTTP_METHODS
    }


def _texts(found: Any) -> list[str]:  # noqa: ANN401 - whatever the view has
    if not isinstance(found, tuple) or not all(isinstance(each, str) for each in found):
        raise UnreadError
    return list(found)
