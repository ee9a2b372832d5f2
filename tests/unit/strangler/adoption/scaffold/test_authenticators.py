"""Callers are found as Django finds them, by the authenticators that the project's views have."""

from typing import Any

import pytest

from shared_schema.contract.contract import Contract
from shared_schema.contract.token_settings import TokenSettings
from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.scaffold.access.authenticators import BASIC, COOKIE_JWT, JWT, SESSION, TOKEN, Authenticators
from strangler.adoption.scaffold.tables import Tables

TEXT = {"kind": "CharField", "type": "character varying(99)", "null": False}
TABLES = {
    "crew": {
        "name": "crew",
        "model": "harbour.Sailor",
        "columns": {
            "id": {"field": "id", "kind": "UUIDField", "type": "uuid", "null": False, "primary_key": True},
            "email": {"field": "email", "unique": True, **TEXT},
            "password": {"field": "password", **TEXT},
            "is_active": {"field": "is_active", "kind": "BooleanField", "type": "boolean", "null": False},
        },
    },
    "authtoken_token": {
        "name": "authtoken_token",
        "model": "authtoken.Token",
        "columns": {
            "key": {"field": "key", "primary_key": True, **TEXT},
            "user_id": {"field": "user", "kind": "OneToOneField", "type": "uuid", "null": False},
            "created": {
                "field": "created",
                "kind": "DateTimeField",
                "type": "timestamp with time zone",
                "null": False,
            },
        },
    },
    "django_session": {
        "name": "django_session",
        "model": "sessions.Session",
        "columns": {
            "session_key": {"field": "session_key", "primary_key": True, **TEXT},
            "session_data": {"field": "session_data", "kind": "TextField", "type": "text", "null": False},
            "expire_date": {
                "field": "expire_date",
                "kind": "DateTimeField",
                "type": "timestamp with time zone",
                "null": False,
            },
        },
    },
}
CONTRACT = Contract.model_validate({"format": 2, "tables": TABLES, "tokens": TokenSettings().model_dump()})


def found(*lists: tuple[str, ...], tables: Tables | None = None, **sessions: Any) -> Authenticators:
    return api_and_made(*lists, tables=tables, **sessions)[1]


def api_and_made(
    *lists: tuple[str, ...], tables: Tables | None = None, **sessions: Any
) -> tuple[DjangoApi, Authenticators]:
    endpoints = [
        {"path": f"/{number}/", "method": "GET", "kind": "view", "view": "harbour.V", "authenticators": names}
        for number, names in enumerate(lists)
    ]
    settings = {"user_model": "harbour.Sailor", "username_field": "email", "sessions": sessions}
    api = DjangoApi.model_validate({"format": 1, "endpoints": endpoints, "settings": settings})
    return api, Authenticators(api, CONTRACT, tables or Tables(CONTRACT))


def test_each_is_written_in_the_order_of_the_most_frequent_view() -> None:
    tables = Tables(CONTRACT)
    text = found((SESSION, BASIC), (SESSION, BASIC), (JWT, TOKEN), tables=tables).accounts_text("harbour_fastapi")
    assert 'USERS = UserTables(user=Sailor, account=Account, username_field="email")\n' in text
    assert "    id: UUID\n    is_active: bool\n    password: str = field(repr=False)\n" in text
    assert "BEARER = JWTAuthentication(USERS.find_account)\nTOKEN = TokenAuthentication(USERS, Token)\n" in text
    assert "AUTHENTICATORS = (SESSION, BASIC)\nSESSION_ROWS = SessionRows(mapped=Session)\n\n\ndef sessions(" in text
    # Of passwords, which hold the account's, of tokens and of sessions.
    assert text.count("yield from") == 3
    compile(text, "accounts.py", "exec")
    assert {facts.name for facts, _ in tables.used()} == {"crew", "authtoken_token", "django_session"}


def test_sessions_are_as_the_settings_say() -> None:
    engine = "django.contrib.sessions.backends.signed_cookies"
    given = {"cookie_name": "harbour", "trusted_origins": ["https://sea.example"], "csrf_header_name": "HTTP_X_TIDE"}
    text = found((SESSION,), engine=engine, cookie_samesite=None, **given).accounts_text("harbour_fastapi")
    assert "cookie_samesite=None" in text
    assert "SessionRows" not in text
    assert 'cookie_name="harbour"' in text
    assert "writes" not in text
    assert 'csrf=CsrfCheck(trusted_origins=("https://sea.example",), header_name="X-Tide")' in text


def test_sessions_that_every_request_renews_are_written() -> None:
    text = found((SESSION,), save_every_request=True).accounts_text("harbour_fastapi")
    assert "SESSION_ROWS = SessionRows(mapped=Session, writes=True)\n" in text
    assert "save_every_request=True" in text


@pytest.mark.parametrize(
    ("names", "sessions"),
    [
        (("harbour.ByFlag",), {}),
        ((SESSION,), {"engine": "django.contrib.sessions.backends.cache"}),
    ],
)
def test_one_that_is_lacking_identifies_nobody(names: tuple[str, ...], sessions: dict[str, Any]) -> None:
    assert not found(names, **sessions).identifies


def test_where_sessions_are_kept_elsewhere_is_said() -> None:
    engine = "django.contrib.sessions.backends.cache"
    api, made = api_and_made((SESSION,), engine=engine)
    assert made.gaps(api.endpoints[0]) == [f"authenticator {SESSION}: sessions are kept by {engine}"]


def test_tokens_of_which_the_contract_has_no_settings_are_said() -> None:
    api, _ = api_and_made((JWT,))
    (gap,) = Authenticators(api, CONTRACT.model_copy(update={"tokens": None}), Tables(CONTRACT)).gaps(api.endpoints[0])
    assert gap.startswith(f"authenticator {JWT}: the contract has no settings of its tokens, set SIMPLE_JWT")


def test_one_of_the_projects_own_stands_among_the_others_until_it_is_written() -> None:
    text = found((JWT, "harbour.ByFlag"), (JWT, "harbour.ByFlag"), (TOKEN,)).accounts_text("harbour_fastapi")
    assert 'BY_FLAG = UnportedAuthentication("harbour.ByFlag")\nAUTHENTICATORS = (TOKEN,)\n' in text
    text = found((JWT, "harbour.ByFlag")).accounts_text("harbour_fastapi")
    assert "AUTHENTICATORS = (BEARER, BY_FLAG)\n" in text


OBTAIN: dict[str, Any] = {
    "path": "/key/",
    "method": "POST",
    "kind": "view",
    "view": "rest_framework.authtoken.views.ObtainAuthToken",
    "authenticators": [TOKEN],
    "serializer": {"class": "rest_framework.authtoken.serializers.AuthTokenSerializer"},
}


def accounts(**settings: Any) -> Authenticators:
    given = {"user_model": "harbour.Sailor", "username_field": "email"} | settings
    api = DjangoApi.model_validate({"format": 1, "endpoints": [OBTAIN], "settings": given})
    return Authenticators(api, CONTRACT, Tables(CONTRACT))


def test_drfs_view_of_tokens_has_the_tables_of_users_and_tokens() -> None:
    text = accounts(password_hasher="pbkdf2_sha256").accounts_text("harbour_fastapi")
    assert (
        'AUTH_TOKENS = AuthTokenTables(user=Sailor, username_field="email", account=Account, token=Token,'
        " renews_passwords=False)\n"
    ) in text
    compile(text, "accounts.py", "exec")


def test_callers_sign_in_with_the_field_that_the_user_model_names() -> None:
    columns = TABLES["crew"]["columns"]
    named = {"username": {"field": "username", "unique": True, **TEXT}, "mail": {"field": "letters", **TEXT}}
    contract = Contract.model_validate(
        {"format": 2, "tables": TABLES | {"crew": TABLES["crew"] | {"columns": columns | named}}}
    )

    def made(field: str) -> Authenticators:
        given = {"user_model": "harbour.Sailor", "username_field": field}
        api = DjangoApi.model_validate({"format": 1, "endpoints": [OBTAIN], "settings": given})
        return Authenticators(api, contract, Tables(contract))

    assert "USERS = UserTables(user=Sailor, account=Account)\n" in made("username").accounts_text("harbour_fastapi")
    assert 'account=Account, username_field="email")\n' in made("email").accounts_text("harbour_fastapi")
    renamed = made("letters").account_tables.auth_token_gap()
    assert renamed == "finds users by letters, whose column has another name"


def test_what_permissions_look_at_is_read_of_callers() -> None:
    columns = TABLES["crew"]["columns"] | {"rank": {"field": "rank", **TEXT}}
    contract = CONTRACT.model_copy(
        update={
            "tables": Contract.model_validate(
                {"format": 2, "tables": {"crew": TABLES["crew"] | {"columns": columns}}}
            ).tables
        }
    )
    rule = {"request": ["or", ["value", "rank", "mate"], ["caller", "no_column"]], "row": ["not", ["caller", "email"]]}
    endpoint = {"path": "/", "method": "GET", "kind": "view", "view": "harbour.V", "authenticators": [JWT]}
    settings = {"user_model": "harbour.Sailor", "username_field": "email"}
    given = {"format": 1, "endpoints": [endpoint | {"permission_rules": {"harbour.Mates": rule}}], "settings": settings}
    made = Authenticators(DjangoApi.model_validate(given), contract, Tables(contract))
    assert [made.has_attribute(name) for name in ("rank", "email", "is_authenticated", "no_column")] == [True] * 3 + [
        False
    ]
    assert "    is_active: bool\n    email: str\n    rank: str\n    password" in made.accounts_text("harbour_fastapi")


def test_a_backend_of_the_projects_own_is_a_gap() -> None:
    assert accounts().account_tables.auth_token_gap() is None
    asked = accounts(sessions={"backends": ["harbour.Ldap"]}).account_tables.auth_token_gap()
    assert asked == "asks harbour.Ldap"
    named = accounts(signs_in_by="SailorManager.get_by_natural_key").account_tables
    assert named.auth_token_gap() == named.sign_in_gap() == "finds users by SailorManager.get_by_natural_key"


def test_callers_whom_a_manager_may_leave_out_are_a_gap_of_every_authenticator() -> None:
    made = accounts(users_by="SailorManager.get_queryset")
    assert not made.identifies
    facts = OBTAIN | {"authenticators": [TOKEN]}
    (endpoint,) = DjangoApi.model_validate({"format": 1, "endpoints": [facts]}).endpoints
    assert made.gaps(endpoint) == [f"authenticator {TOKEN}: callers are found by SailorManager.get_queryset"]


@pytest.mark.parametrize(("renews", "what"), [(False, []), (True, [f"authenticator {SESSION}"])])
def test_sessions_that_django_caches_are_read_and_renewing_them_is_a_gap(renews: bool, what: list[str]) -> None:
    engine = "django.contrib.sessions.backends.cached_db"
    api, made = api_and_made((SESSION, BASIC), engine=engine, save_every_request=renews)
    assert made.has_sessions is not renews
    assert made.unported(api.endpoints[0]) == what


@pytest.mark.parametrize(
    ("cookie", "made"),
    [
        (None, "COOKIE = JWTAuthentication(USERS.find_account)\n"),
        ({"name": ""}, "COOKIE = JWTAuthentication(USERS.find_account)\n"),
        (
            {"name": "jwt"},
            'COOKIE = JWTAuthentication(USERS.find_account, cookie=TokenCookie(name="jwt", csrf=None))\n',
        ),
        (
            {"name": "jwt", "csrf_always": True},
            'cookie=TokenCookie(name="jwt", csrf=CsrfCheck(cookie_name="own"), csrf_always=True)',
        ),
    ],
)
def test_a_token_in_a_cookie_is_found_as_dj_rest_auth_finds_it(cookie: dict[str, Any] | None, made: str) -> None:
    endpoints = [
        {"path": "/", "method": "GET", "kind": "view", "view": "harbour.V", "authenticators": (COOKIE_JWT, BASIC)}
    ]
    settings = {
        "user_model": "harbour.Sailor",
        "username_field": "email",
        "token_cookie": cookie,
        "sessions": {"csrf_cookie_name": "own"},
    }
    api = DjangoApi.model_validate({"format": 1, "endpoints": endpoints, "settings": settings})
    written = Authenticators(api, CONTRACT, Tables(CONTRACT))
    assert (written.has_tokens, written.gaps(api.endpoints[0])) == (True, [])
    text = written.accounts_text("harbour_fastapi")
    compile(text, "accounts", "exec")
    assert made in " ".join(text.split(" "))
    assert ("CsrfCheck" in text) == ("CsrfCheck" in made)
    assert "AUTHENTICATORS = (COOKIE, BASIC)\n" in text
    # A CSRF token that only a session has is another's to find.
    sessions = {"csrf_use_sessions": True}
    api = DjangoApi.model_validate({"format": 1, "endpoints": endpoints, "settings": settings | {"sessions": sessions}})
    gaps = Authenticators(api, CONTRACT, Tables(CONTRACT)).unported(api.endpoints[0])
    assert gaps == ([f"authenticator {COOKIE_JWT}"] if cookie and "csrf_always" in cookie else [])
