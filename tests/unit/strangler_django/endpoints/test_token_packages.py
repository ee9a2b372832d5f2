"""Packages whose tokens stand in a table: what is told of their settings, and why their tokens stay Django's."""

# ruff: noqa: ARG002 - a permission gets what DRF gives it

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.test.utils import override_settings
from rest_framework.views import APIView

from strangler_django.endpoints.permissions.own_permissions import own_rules
from strangler_django.endpoints.permissions.view_attributes import ViewAttributes
from strangler_django.endpoints.token_packages import knox_settings, oauth_settings
from tests.installed_app import installed_app


@pytest.fixture(scope="module", autouse=True)
def installed() -> Iterator[None]:
    with installed_app("oauth2_provider"), installed_app("knox"), installed_app("tests.kitchen"):
        yield


def test_a_project_without_them_has_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strangler_django.endpoints.token_packages.apps.is_installed", lambda _name: False)
    assert (oauth_settings(), knox_settings()) == (None, None)


def test_usual_settings() -> None:
    found = oauth_settings()
    assert found == {"table": "oauth2_provider_accesstoken", "query_tokens": True, "id_tokens": False, "gap": None}
    assert knox_settings() == {
        "table": "knox_authtoken",
        "keyword": "Token",
        "key_length": 15,
        "digest": "sha512",
        "hexadecimal": False,
        "gap": None,
    }


def oauth(**given: Any) -> dict[str, Any]:
    with override_settings(OAUTH2_PROVIDER=given):
        found = oauth_settings()
    assert found is not None
    return found


def test_settings_of_oauth_that_change_who_is_let_in() -> None:
    found = oauth(COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT=True, OIDC_ENABLED=True)
    assert (found["query_tokens"], found["id_tokens"], found["gap"]) == (False, True, None)
    introspected = {"RESOURCE_SERVER_INTROSPECTION_URL": "https://x.example/introspect/"}
    assert oauth(**introspected)["gap"] is None
    gap = "tokens are looked up at RESOURCE_SERVER_INTROSPECTION_URL"
    assert oauth(**introspected, RESOURCE_SERVER_AUTH_TOKEN="x")["gap"] == gap
    assert oauth(OAUTH2_VALIDATOR_CLASS=f"{__name__}.OwnClaims")["gap"] is None
    own = f"{__name__}.OwnValidator"
    assert oauth(OAUTH2_VALIDATOR_CLASS=own)["gap"] == "OwnValidator.validate_bearer_token is your own"
    assert oauth(OAUTH2_BACKEND_CLASS=f"{__name__}.OwnBackend")["gap"] == f"requests are read by {__name__}.OwnBackend"
    assert oauth(OAUTH2_SERVER_CLASS=f"{__name__}.OwnBackend")["gap"] == f"requests are read by {__name__}.OwnBackend"


class OwnBackend: ...


def __getattr__(name: str) -> Any:
    methods = {"OwnClaims": "get_additional_claims", "OwnValidator": "validate_bearer_token"}
    if name not in methods:
        raise AttributeError(name)
    # Only once Django knows the package's models.
    from oauth2_provider.oauth2_validators import OAuth2Validator

    return type(name, (OAuth2Validator,), {"__module__": __name__, methods[name]: lambda *_args: True})


def own_digest(_value: bytes = b"") -> Any:
    class Digest:
        def update(self, _value: bytes) -> None: ...
        def hexdigest(self) -> str:
            return "0" * 128

    return Digest()


def test_settings_of_knox_that_change_who_is_let_in() -> None:
    def knox(**given: Any) -> dict[str, Any]:
        with override_settings(REST_KNOX=given):
            found = knox_settings()
        assert found is not None
        return found

    assert knox(AUTH_HEADER_PREFIX="Bearer")["keyword"] == "Bearer"
    assert knox(SECURE_HASH_ALGORITHM="hashlib.sha3_512")["digest"] == "sha3_512"
    assert knox(SECURE_HASH_ALGORITHM=f"{__name__}.own_digest")["gap"].startswith("tokens are digested by")
    assert knox(AUTO_REFRESH=True)["gap"] == "AUTO_REFRESH has each request write when its token expires"


def test_older_tokens_of_knox_are_digested_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knox.crypto.hash_token", lambda token: hashlib.sha512(bytes.fromhex(token)).hexdigest())
    found = knox_settings()
    assert found is not None
    assert (found["digest"], found["hexadecimal"]) == ("sha512", True)


class View(APIView): ...


class Computing(APIView):
    @property
    def required_scopes(self) -> list[str]:
        return [str(self.request.method)]


def rule_of(cls: Any, view: Any = None, **attributes: Any) -> Any:
    view = view or View(**attributes)
    found = own_rules([cls()], view=ViewAttributes(view))
    return next(iter(found.values()))["request"] if found else None


def test_the_permissions_are_read_with_the_scopes_of_the_view() -> None:
    from oauth2_provider.contrib.rest_framework import permissions as scopes

    scope, written = scopes.TokenHasScope, {"read": "read", "write": "write"}
    assert rule_of(scope, required_scopes=["a"]) == ["scope", "TokenHasScope", {"scopes": ["a"]}]
    assert rule_of(scope) is None
    assert rule_of(scope, required_scopes="a") is None
    assert rule_of(scope, Computing()) is None
    found = rule_of(scopes.TokenHasReadWriteScope)
    assert found == ["scope", "TokenHasReadWriteScope", {"scopes": [], **written}]
    found = rule_of(scopes.TokenHasResourceScope, required_scopes=["a"])
    assert found == ["scope", "TokenHasResourceScope", {"scopes": ["a"], **written}]
    found = rule_of(scopes.IsAuthenticatedOrTokenHasScope, required_scopes=["a"])
    assert found == ["scope", "IsAuthenticatedOrTokenHasScope", {"scopes": ["a"]}]
    offered = {"GET": [["a"], ["b", "c"]], "get": [["d"]]}
    found = rule_of(scopes.TokenMatchesOASRequirements, required_alternate_scopes=offered)
    assert found == ["scope", "TokenMatchesOASRequirements", {"alternatives": {"GET": [["a"], ["b", "c"]]}}]
    assert rule_of(scopes.TokenMatchesOASRequirements, required_alternate_scopes=[["a"]]) is None


def test_the_names_of_the_scopes_are_those_of_the_settings() -> None:
    from oauth2_provider.contrib.rest_framework import permissions as scopes

    class Own(scopes.TokenHasScope):
        def has_permission(self, request: Any, view: Any) -> bool:
            return bool(super().has_permission(request, view))

    named = {"READ_SCOPE": "r", "WRITE_SCOPE": "w", "ERROR_RESPONSE_WITH_SCOPES": True}
    with override_settings(OAUTH2_PROVIDER=named):
        found = rule_of(scopes.TokenHasReadWriteScope)
        assert found == ["scope", "TokenHasReadWriteScope", {"scopes": [], "read": "r", "write": "w", "reveals": True}]
        # Its refusal lists scopes, of which the rule says nothing.
        assert rule_of(Own, required_scopes=["a"]) is None
    assert rule_of(Own, required_scopes=["a"]) == ["scope", "TokenHasScope", {"scopes": ["a"]}]


def test_what_projects_make_of_them() -> None:
    from oauth2_provider.contrib.rest_framework import permissions as scopes

    from tests.kitchen.token_views import NoStaffTokens, ScopedTokens

    class OwnScopes(scopes.TokenHasScope):
        def get_scopes(self, request: Any, view: Any) -> list[str]:
            return [request.method]

    assert rule_of(OwnScopes, required_scopes=["a"]) is None
    scope, known = ["scope", "TokenHasScope", {"scopes": ["a"]}], ["caller", "is_authenticated"]
    # Django fails of an application's token, which has no user.
    guard = ["or", ["not", ["token"]], known]
    assert rule_of(ScopedTokens, required_scopes=["a"]) == [
        "or",
        ["and", ["token"], scope],
        ["and", ["not", ["token"]], known],
    ]
    written = ["scope", "TokenHasReadWriteScope", {"scopes": [], "read": "read", "write": "write"}]
    assert rule_of(NoStaffTokens) == ["and", guard, ["and", written, ["not", ["caller", "is_staff"]]]]


def scopes_by_method(rule: Any) -> dict[str, list[str]]:
    found = {}
    for _, (_, *methods), (sign, kind, given) in rule[1:]:
        assert (sign, kind) == ("scope", "TokenHasScope")
        found |= dict.fromkeys(methods, given["scopes"])
    return found


def test_scopes_that_a_project_lists_by_the_method() -> None:
    from oauth2_provider.contrib.rest_framework import permissions as scopes

    from tests.kitchen.token_views import ReadOrWrite, ResourceAndMore

    found = scopes_by_method(rule_of(ReadOrWrite)[1][2])
    assert found["GET"] == found["HEAD"] == found["OPTIONS"] == ["read"]
    assert found["POST"] == found["DELETE"] == found["TRACE"] == ["write"]
    found = scopes_by_method(rule_of(ResourceAndMore, required_scopes=["teams"]))
    assert (found["GET"], found["DELETE"]) == (["teams:read", "extra"], ["teams:write", "extra", "delete"])

    class Mutable(scopes.TokenHasScope):
        def get_scopes(self, request: Any, view: Any) -> Any:
            return _CHANGING

    class Between(scopes.TokenHasScope):
        def get_scopes(self, request: Any, view: Any) -> Any:
            return ["a"]

    class Above(scopes.TokenHasReadWriteScope, Between): ...

    class ByQuery(scopes.TokenHasScope):
        def get_scopes(self, request: Any, view: Any) -> Any:
            return ["a"] if request.GET == "GET" else ["b"]

    class Nothing(scopes.TokenHasScope):
        def get_scopes(self, request: Any, view: Any) -> Any:
            return ["a"] if request.method == "GET" else None

    assert rule_of(Between) == ["scope", "TokenHasScope", {"scopes": ["a"]}]
    assert [rule_of(each) for each in (Mutable, Above, ByQuery, Nothing)] == [None] * 4


_CHANGING = ["a"]
