"""django-oauth-toolkit's permissions as rules: what the scopes of an access token let a request do.

A rule is `scope`, the class's name, and what the view and the settings say: `scopes`, the names of `read` and `write`,
`alternatives` by method, and whether a refusal `reveals` the scopes.
"""

from typing import Any, Final

from strangler_django.endpoints.code.own_code import UnreadError
from strangler_django.endpoints.permissions.permission_rules import HTTP_METHODS, Rule, both, either
from strangler_django.endpoints.permissions.required_scopes import REQUIRED, RequiredScopes, is_scope_permission, texts
from strangler_django.endpoints.permissions.view_attributes import ViewAttributes
from strangler_django.endpoints.token_packages import scope_settings

_BY_METHOD: Final = ("TokenHasReadWriteScope", "TokenHasResourceScope")
_ALTERNATIVES: Final = "required_alternate_scopes"


def scope_rule(cls: type, owner: type, view: ViewAttributes) -> Rule:
    """The rule of a permission's class that has `has_permission` of the package's class `owner`.

    :raises UnreadError: the scopes depend on more than the request's method.
    """
    if owner.__name__ == "TokenMatchesOASRequirements":
        _require_packages(cls, "get_required_alternate_scopes")
        return ["scope", owner.__name__, {"alternatives": _alternatives(view)}]
    if owner.__name__ == "IsAuthenticatedOrTokenHasScope":
        return ["scope", owner.__name__, {"scopes": _scopes(view)}]
    if owner.__name__ != "TokenHasScope":
        raise UnreadError
    # Those that derive from it say in `get_scopes` what they need.
    asked = [each for each in cls.__mro__ if "get_scopes" in vars(each)]
    read, write, reveals = scope_settings()
    if reveals and not is_scope_permission(cls):
        raise UnreadError
    if not all(map(is_scope_permission, asked)):
        return _own_scopes(cls, view)
    kind = asked[0].__name__
    given: dict[str, Any] = {"scopes": _scopes(view, default=[] if kind in _BY_METHOD else None)}
    given |= {"read": read, "write": write} if kind in _BY_METHOD else {}
    return ["scope", kind, given | ({"reveals": True} if reveals else {})]


def _own_scopes(cls: type, view: ViewAttributes) -> Rule:
    """The rule of scopes that the project's own code lists."""
    methods: dict[tuple[str, ...], list[str]] = {}
    for method in HTTP_METHODS:
        methods.setdefault(tuple(RequiredScopes(cls, view, method).scopes()), []).append(method)
    rules = [(named, ["scope", "TokenHasScope", {"scopes": [*scopes]}]) for scopes, named in methods.items()]
    return rules[0][1] if len(rules) == 1 else either(*(both(["methods", *named], rule) for named, rule in rules))


def _require_packages(cls: type, name: str) -> None:
    """Raise where a method is the project's own."""
    if not is_scope_permission(next(each for each in cls.__mro__ if name in vars(each))):
        raise UnreadError


def _scopes(view: ViewAttributes, default: list[str] | None = None) -> list[str]:
    if not view.has(REQUIRED):
        if default is None:
            raise UnreadError
        return default
    return texts(view.constant(REQUIRED))


def _alternatives(view: ViewAttributes) -> dict[str, list[list[str]]]:
    found = view.mapping(_ALTERNATIVES)
    return {method: [texts(tuple(each)) for each in lists] for method, lists in found.items() if method in HTTP_METHODS}
