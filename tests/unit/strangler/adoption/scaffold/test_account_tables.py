"""Users, what they may do and their tokens are looked up in the tables in which Django has them."""

from typing import Any

import pytest

from tests.unit.strangler.adoption.scaffold.harbour import CREATE, LIST, PERMISSIONS, SIGNED, texts_of

SIMPLEJWT = "rest_framework_simplejwt"
OBTAIN: dict[str, Any] = {
    "path": "/api/boats/sign-in/",
    "method": "POST",
    "kind": "view",
    "view": f"{SIMPLEJWT}.views.TokenObtainPairView",
    "serializer": {"class": f"{SIMPLEJWT}.serializers.TokenObtainPairSerializer"},
}
PERMS_MAP = dict.fromkeys(("GET", "OPTIONS", "HEAD"), ()) | {
    method: (f"%(app_label)s.{verb}_%(model_name)s",)
    for method, verb in (("POST", "add"), ("PUT", "change"), ("PATCH", "change"), ("DELETE", "delete"))
}


@pytest.mark.parametrize(
    ("name", "map", "anonymous", "written"),
    [
        ("harbour.api.Crew", PERMS_MAP, False, "class Crew(DjangoModelPermissions):"),
        # Code of the project has changed it for all views.
        (
            f"{PERMISSIONS}.DjangoModelPermissionsOrAnonReadOnly",
            PERMS_MAP | {"GET": ("x.view",)},
            True,
            "class OwnDjangoModelPermissionsOrAnonReadOnly(DjangoModelPermissionsOrAnonReadOnly):",
        ),
    ],
)
def test_permissions_of_the_model_want_what_the_project_says(
    name: str, map: Any, anonymous: bool, written: str
) -> None:
    facts = {"permissions": [name], "permission_maps": {name: {"map": map, "anonymous": anonymous}}}
    gaps, files = texts_of(LIST | SIGNED | facts)
    assert gaps == [[]]
    permissions, constant = files["boats/permissions.py"], written.removeprefix("class ").partition("(")[0]
    assert written in permissions
    wanted = '"GET": ["x.view"],' if "x.view" in str(map) else '"GET": [],'
    assert wanted in permissions
    assert "BasePermission" not in permissions
    assert f"permission={constant}(MODEL_PERMISSIONS, Boat)," in " ".join(files["boats/router.py"].split())


def test_permissions_of_the_model_are_looked_up_where_django_does() -> None:
    name = f"{PERMISSIONS}.DjangoModelPermissionsOrAnonReadOnly"
    mapped = {"permission_maps": {name: {"map": PERMS_MAP, "anonymous": True}}}
    permitted = SIGNED | {"permissions": [name]} | mapped
    gaps, files = texts_of(LIST | permitted)
    assert gaps == [[]]
    router = files["boats/router.py"]
    assert "permission=DjangoModelPermissionsOrAnonReadOnly(MODEL_PERMISSIONS, Boat)," in router
    assert "yield from MODEL_PERMISSIONS.statements()" in files["boats/statements.py"]
    accounts = " ".join(files["accounts.py"].split())
    assert 'user_permission=SailorUserPermissions, user_column="sailor_id"' in accounts
    # A proxy has permissions of its own.
    proxy = {"model": {"label": "harbour.Ferry", "table": "boat"}}
    gaps, files = texts_of(LIST | permitted | proxy)
    assert gaps == [["its permissions are those of the proxy Ferry"]]
    assert "permission=not_ported(" in files["boats/router.py"]
    assert 'model_name="Ferry"' in " ".join(files["boats/serializers.py"].split())
    # Another backend may grant what no table says.
    sessions = {"backends": ["guardian.backends.ObjectPermissionBackend"]}
    gaps, files = texts_of(LIST | permitted, sessions=sessions)
    assert gaps == [["permission DjangoModelPermissionsOrAnonReadOnly asks guardian.backends.ObjectPermissionBackend"]]
    assert "permission=not_ported(" in files["boats/router.py"]
    # One that only signs in grants nothing.
    more = {"backends": ["harbour.ByEmail", "harbour.Ldap"], "other_permissions": []}
    gaps, files = texts_of(LIST | permitted, sessions=more)
    assert gaps == [[]]
    assert "permission=DjangoModelPermissionsOrAnonReadOnly(" in files["boats/router.py"]
    gaps, _files = texts_of(LIST | permitted, sessions=more | {"other_permissions": ["harbour.Ldap"]})
    assert gaps == [["permission DjangoModelPermissionsOrAnonReadOnly asks harbour.Ldap"]]
    # So may the user model.
    gaps, _files = texts_of(LIST | permitted, sessions={"other_permissions": ["Sailor.has_perm"]})
    assert gaps == [["permission DjangoModelPermissionsOrAnonReadOnly asks Sailor.has_perm"]]


@pytest.mark.parametrize("reads", [(), ("x.view",)])
def test_permissions_of_objects_are_those_of_the_model_where_no_row_is_asked_for(
    reads: tuple[str, ...],
) -> None:
    name = "harbour.api.OfRows"
    permitted = {"permissions": [name], "permission_maps": {name: {"map": PERMS_MAP | {"GET": reads}, "rows": True}}}
    permitted["permission_maps"][name]["anonymous"] = True
    one = {"path": "/api/boats/{pk}/", "action": "retrieve", "detail": True}
    gaps, _files = texts_of(LIST | SIGNED | permitted, LIST | SIGNED | permitted | one)
    asked = "permission OfRows asks a backend of Django's for each row"
    assert gaps == [[], [asked] if reads else []]


def test_a_sign_in_that_asks_other_backends_is_a_gap_and_no_other_view_of_tokens() -> None:
    refresh = {
        "view": f"{SIMPLEJWT}.views.TokenRefreshView",
        "serializer": {"class": f"{SIMPLEJWT}.serializers.TokenRefreshSerializer"},
        "path": "/api/boats/refresh/",
    }
    backends = ["django.contrib.auth.backends.ModelBackend", "guardian.backends.ObjectPermissionBackend"]
    gaps, _files = texts_of(OBTAIN, OBTAIN | refresh, sessions={"backends": backends})
    assert gaps == [[], []]
    gaps, _files = texts_of(OBTAIN, OBTAIN | refresh, sessions={"backends": [*backends, "harbour.Ldap"]})
    assert gaps == [["asks harbour.Ldap"], []]
    gaps, _files = texts_of(OBTAIN, OBTAIN | refresh, signs_in_by="SailorManager.get_by_natural_key")
    assert gaps == [["finds users by SailorManager.get_by_natural_key"], []]


def test_simplejwts_views_are_those_of_the_library() -> None:
    own = {"serializer": {"class": "harbour.api.WithTheRank"}, "path": "/api/boats/ranked/"}
    gaps, files = texts_of(OBTAIN, OBTAIN | own, password_hasher="pbkdf2_sha256")
    assert [each[:1] for each in gaps] == [[], ["handler TokenObtainPairView.post has no counterpart here"]]
    router = files["boats/router.py"]
    made = 'token_router(PREFIXES, TOKEN_TABLES, paths={"token": "/boats/sign-in/"}, name="boats")'
    assert f"router.routes += {made}.routes\n" in router
    assert "yield from TOKEN_TABLES.statements()" in files["boats/statements.py"]
    # Django may lack Argon2: it has to read what a sign-in leaves.
    assert "renews_passwords=False" in files["accounts.py"]
    assert "renews_passwords" not in texts_of(OBTAIN)[1]["accounts.py"]
    assert "router = token_router(" in texts_of(OBTAIN)[1]["boats/router.py"]
    gaps, files = texts_of(OBTAIN, without=("token_blacklist",))
    assert gaps == [[]]
    assert "TokenTables(user=Sailor, account=Account)" in files["accounts.py"]


REFRESH = OBTAIN | {
    "view": f"{SIMPLEJWT}.views.TokenRefreshView",
    "serializer": {"class": f"{SIMPLEJWT}.serializers.TokenRefreshSerializer"},
    "path": "/api/boats/refresh/",
}
RULE = "asks harbour.may_sign_in who may have tokens"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"user_authentication_rule": "harbour.may_sign_in"}, [[RULE], [RULE]]),
        ({"json_encoder": "harbour.Encoder"}, [["writes claims by harbour.Encoder"]] * 2),
        ({"check_user_is_active": False}, [[], ["gives tokens to users that aren't active"]]),
    ],
)
def test_settings_of_tokens_that_let_others_in_are_gaps(given: dict[str, Any], expected: list[list[str]]) -> None:
    gaps, _files = texts_of(OBTAIN, REFRESH, simplejwt=given)
    assert gaps == expected


def test_callers_are_found_where_tokens_say_and_by_no_other_key() -> None:
    _gaps, files = texts_of(
        LIST | SIGNED, simplejwt={"auth_header_name": "HTTP_X_TOKEN", "check_user_is_active": False}
    )
    made = 'BEARER = JWTAuthentication(USERS.find_account, header="X-Token", check_active=False)'
    assert made in files["accounts.py"]
    (gap,), _files = texts_of(LIST | SIGNED, tokens={"user_id_field": "number"})
    assert gap == [f"authenticator {SIGNED['authenticators'][0]}: tokens name users by number, and not by their key"]


def test_keys_of_tokens_are_fetched_where_django_fetches_them() -> None:
    gaps, files = texts_of(LIST | SIGNED, OBTAIN, tokens={"algorithm": "RS256"}, simplejwt={"jwk_url": True})
    assert gaps == [[], ["signs tokens, while those with keys of JWK_URL are accepted"]]
    assert 'Tokens("", MAPPING.contract.token_settings, published=PublishedKeys(settings.jwk_url))' in files["main.py"]
    assert "jwk_url: str = Field(min_length=1, repr=False)" in files["config.py"]
    assert "jwt_signing_key" not in files["main.py"] + files["config.py"]
    # A key of HMAC's is published by nobody.
    gaps, files = texts_of(LIST | SIGNED, simplejwt={"jwk_url": True})
    assert gaps == [[]]
    assert "jwt_signing_key" in files["main.py"]


def test_sliding_tokens_are_accepted_until_they_are_ended() -> None:
    view = {name: text.replace("ObtainPair", "ObtainSliding") for name, text in OBTAIN.items() if name == "view"}
    made = {"serializer": {"class": f"{SIMPLEJWT}.serializers.TokenObtainSlidingSerializer"}}
    tokens = {"auth_token_classes": [["SlidingToken", "sliding"]]}
    gaps, files = texts_of(OBTAIN | view | made, tokens=tokens)
    assert gaps == [[]]
    assert 'paths={"sliding": "/boats/sign-in/"}' in files["boats/router.py"]
    accounts = files["accounts.py"]
    assert "BEARER = JWTAuthentication(USERS.find_account, blacklist=TOKEN_TABLES)\n" in accounts
    assert accounts.index("TOKEN_TABLES = ") < accounts.index("BEARER = ")
    assert "yield from TOKEN_TABLES.blacklist_statements()" in accounts
    accounts = texts_of(OBTAIN | view | made, tokens=tokens, without=("token_blacklist",))[1]["accounts.py"]
    assert "blacklist" not in accounts


def test_rows_of_the_caller_are_the_resources_own_arguments() -> None:
    hooks = {"overridden": ["perform_create", "get_queryset"], "creator": "captain", "rows": {"owner": "captain"}}
    gaps, files = texts_of(LIST | SIGNED | hooks, CREATE | SIGNED | hooks)
    assert gaps == [[], []]
    assert 'creator="captain_id", owner="captain_id"' in " ".join(files["boats/serializers.py"].split())
    gaps, _ = texts_of(LIST | SIGNED | hooks | {"rows": {"owner": "berth"}, "creator": None})
    assert gaps == [["berth is no key of a user"]]
