"""How a service finds its callers, as code: DRF's authenticators of the project's users, under their own names."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from shared_schema.contract.contract import Contract, TableFacts
from strangler.adoption.access_facts import caller_attributes
from strangler.adoption.django_settings import SessionSettings, SimpleJwtSettings
from strangler.adoption.endpoints import DjangoApi, DjangoEndpoint
from strangler.adoption.scaffold.access.account_tables import AccountTables, own_rules
from strangler.adoption.scaffold.access.table_tokens import KINDS, KNOX, OAUTH, TOKEN, TableTokens
from strangler.adoption.scaffold.code import Code, Items, call, laid_out, quoted, statement, texts
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.tables import Tables, UnreadableError, annotation, snake

JWT: Final = "rest_framework_simplejwt.authentication.JWTAuthentication"
COOKIE_JWT: Final = "dj_rest_auth.jwt_auth.JWTCookieAuthentication"
SESSION: Final = "rest_framework.authentication.SessionAuthentication"
BASIC: Final = "rest_framework.authentication.BasicAuthentication"
_CONSTANTS: Final[Mapping[str, str]] = {
    JWT: "BEARER",
    COOKIE_JWT: "COOKIE",
    TOKEN: "TOKEN",
    SESSION: "SESSION",
    BASIC: "BASIC",
    OAUTH: "OAUTH",
    KNOX: "KNOX",
}
_STATEMENTS: Final[Mapping[str, str]] = {
    JWT: "USERS.identity_statements()",
    COOKIE_JWT: "USERS.identity_statements()",
    SESSION: "USERS.identity_statements()",
    BASIC: "USERS.password_statements()",
}
_BEARERS: Final = (JWT, COOKIE_JWT)
_AUTHENTICATION: Final = "strangler_fastapi.auth.authentication"
_BEARER_TOKENS: Final = "strangler_fastapi.auth.bearer_tokens"
# Where sessions are, by Django's SESSION_ENGINE: in a table, or in the cookie itself.
_CACHED: Final = "django.contrib.sessions.backends.cached_db"
_ROWS: Final = ("django.contrib.sessions.backends.db", _CACHED)
_COOKIE: Final = "django.contrib.sessions.backends.signed_cookies"
_SESSION_COOKIE: Final = (
    *("cookie_name", "cookie_age", "cookie_path", "cookie_domain", "cookie_secure", "cookie_httponly"),
    *("cookie_samesite", "save_every_request", "expire_at_browser_close"),
)
_CSRF: Final = (
    *("cookie_name", "cookie_age", "cookie_path", "cookie_domain", "cookie_secure", "cookie_httponly"),
    *("cookie_samesite", "use_sessions"),
)
_SESSIONS: Final = "django_session"
# What permissions look at, where the users' table has it.
_LOOKED_AT: Final = ("is_staff", "is_superuser")


class Authenticators:
    """The authenticators of a project that strangler_fastapi has, on the table of its users."""

    def __init__(self, api: DjangoApi, contract: Contract, tables: Tables) -> None:
        self._contract = contract
        self._tables = tables
        by_model = {facts.model: facts for facts in contract.tables.values()}
        self._sessions = api.settings.sessions
        self._users_by = api.settings.users_by
        self._username_field = api.settings.username_field
        self._looked_at = sorted(_looked_at(api) - {*_LOOKED_AT, "id", "is_active", "password"})
        self._simplejwt = api.settings.simplejwt
        self._token_cookie = api.settings.token_cookie
        self._table_tokens = TableTokens(api.settings, contract, tables)
        self._users = by_model.get(api.settings.user_model)
        lists = Counter(each.authenticators for each in api.endpoints if each.is_api and each.authenticators)
        # One that isn't offered stands among the others as a function to write, if there are others.
        offered = [names for names, _ in lists.most_common() if any(map(self._offers, names))]
        offered.sort(key=lambda names: not all(map(self._offers, names)))
        self._default = offered[0] if offered else ()
        self._known = [name for name in _CONSTANTS if any(name in names for names in offered) and self._offers(name)]
        unported = sorted({name for names in offered for name in names if not self._offers(name)})
        self._constants = {**_CONSTANTS} | {name: f"{snake(name.rpartition('.')[2])}".upper() for name in unported}
        self._unported = unported
        users = self._users if self._known else None
        self.account_tables = AccountTables(api, contract, tables, users=users, reads_tokens=self.has_tokens)

    @property
    def identifies(self) -> bool:
        """Whether the service can tell callers apart."""
        return bool(self._known)

    @property
    def has_tokens(self) -> bool:
        """Whether it reads JSON web tokens."""
        return any(name in self._known for name in _BEARERS)

    @property
    def fetches_keys(self) -> bool:
        """Whether tokens are signed by keys that another publishes (JWK_URL)."""
        return self.has_tokens and self.account_tables.fetches_keys

    @property
    def has_sessions(self) -> bool:
        """Whether it reads Django's sessions, which SECRET_KEY signs."""
        return SESSION in self._known

    @property
    def users_table(self) -> str | None:
        """The table of the users whom the service can tell apart by their key; None where it can't."""
        users = self._users if self._known else None
        return users.name if users is not None and users.primary_key == ("id",) else None

    def is_of_users(self, table: str) -> bool:
        """Whether a table is that of the users whom the service can tell apart."""
        return bool(self._known) and self._users is not None and self._users.name == table

    def has_attribute(self, name: str) -> bool:
        """Whether the service knows an attribute of its callers, such as `is_staff`."""
        if self._users is None or not self._known:
            return False
        return name == "is_authenticated" or name in self._account_columns(self._users)

    def unported(self, endpoint: DjangoEndpoint) -> list[str]:
        """The authenticators of an endpoint that are to be written by hand, beside those that the service has."""
        lacking = [self._gap(name) for name in endpoint.authenticators or () if not self._offers(name)]
        return [] if self.gaps(endpoint) else lacking

    def gaps(self, endpoint: DjangoEndpoint) -> list[str]:
        """Why callers of an endpoint can't be told apart."""
        if endpoint.authenticators is None:
            return ["its authenticators can't be read without a request"]
        if "get_authenticators" in endpoint.overridden and "get_authenticators" not in endpoint.constant:
            return [f"{endpoint.view.rpartition('.')[2]}.get_authenticators reads the request"]
        if any(map(self._offers, endpoint.authenticators)):
            return []
        return [self._gap(name) for name in endpoint.authenticators]

    def _gap(self, name: str) -> str:
        """An authenticator that the service lacks; of Django's sessions with the place that they are kept in."""
        engine = self._sessions.engine
        why = ""
        if name == SESSION and engine not in (*_ROWS, _COOKIE):
            why = f": sessions are kept by {engine}"
        if name in _BEARERS and (gap := self._bearer_gap()) is not None:
            why = f": {gap}"
        if name in KINDS and (gap := self._table_tokens.gap(name)) is not None:
            why = f": {gap}"
        if self._users_by is not None:
            why = f": callers are found by {self._users_by}"
        return f"authenticator {name}{why}"

    def _bearer_gap(self) -> str | None:
        """Why tokens don't tell callers apart."""
        if (settings := self._contract.tokens) is None:
            return "the contract has no settings of its tokens, set SIMPLE_JWT (an empty one will do)"
        if settings.user_id_field not in ("id", "pk"):
            return f"tokens name users by {settings.user_id_field}, and not by their key"
        return None

    def caller_column(self, table: str, field: str | None) -> str | None:
        """The attribute of a field that points at the users, None where there is no field.

        Raises:
            UnreadableError: it points elsewhere, or the service tells no callers apart.
        """
        if field is None:
            return None
        name, facts = self._tables.column_of(table, field)
        points = facts.references
        if self._users is None or not self._known or points is None:
            raise UnreadableError(f"{field} is the caller, whom the service doesn't know")
        if (points.table, points.column) != (self._users.name, "id"):
            raise UnreadableError(f"{field} is no key of a user")
        self._tables.use(table, name)
        return self._tables.attribute_of(table, name)

    def of_view(self, endpoint: DjangoEndpoint, module: Module, package: str) -> Code | None:
        """The argument of a view; None where it has the service's own."""
        names = endpoint.authenticators or ()
        if names == self._default or self.gaps(endpoint):
            return None
        constants = tuple(self._constants[name] for name in names)
        module.use(f"{package}.accounts", *constants)
        return Items("()", constants)

    def accounts_text(self, package: str) -> str:
        """The module of the callers."""
        users = self._users
        assert users is not None  # noqa: S101 - somebody is identified
        name = self._tables.use(users.name, *self._account_columns(users), self._login(users))
        module = Module("Who calls: Django's users, and how a request says which of them it is from.", package)
        module.use("collections.abc", "Iterator")
        module.use("dataclasses", "dataclass")
        module.use("shared_schema.consumer.samples", "Sent")
        module.use("strangler_fastapi.auth.user_tables", "UserTables")
        module.use(f"{package}.models", name)
        module.add("", _account(users, self._account_columns(users), module), "")
        username = self._tables.attribute_of(users.name, self._username_field)
        other_name = None if username == "username" else username
        made = call("UserTables", user=name, account="Account", username_field=_unless(username, "username"))
        module.add(statement("USERS", made))
        if self._ends_callers:
            self.account_tables.write(module, package, other_name)
        for kind in self._known:
            is_bearer = kind in _BEARERS
            name = "JWTAuthentication" if is_bearer else kind.rpartition(".")[2]
            if kind not in KINDS:
                module.use(_BEARER_TOKENS if is_bearer else _AUTHENTICATION, name)
            module.add(statement(_CONSTANTS[kind], self._authenticator(kind, module, package)))
        for kind in self._unported:
            module.use(_AUTHENTICATION, "UnportedAuthentication")
            module.add(statement(self._constants[kind], call("UnportedAuthentication", quoted(kind))))
        module.add(statement("AUTHENTICATORS", Items("()", tuple(self._constants[name] for name in self._default))))
        if not self._ends_callers:
            self.account_tables.write(module, package, other_name)
        if self.has_sessions:
            module.add("", "", self._sessions_text(module, package))
        sent = "".join(f"    yield from {each}\n" for each in self._statements())
        head = "def identity_statements() -> Iterator[Sent]:\n"
        module.add("", "", f'{head}    """The statements that find a caller."""\n{sent}')
        return module.text()

    def _authenticator(self, kind: str, module: Module, package: str) -> Code:
        name = kind.rpartition(".")[2]
        if kind in _BEARERS:
            blacklist = "TOKEN_TABLES" if self._ends_callers else None
            cookie = self._cookie(module) if kind == COOKIE_JWT else None
            given, plain = self._simplejwt, SimpleJwtSettings()
            header = _unless(_header(given.auth_header_name), _header(plain.auth_header_name))
            checks = _unless(given.check_user_is_active, plain.check_user_is_active)
            named = {"header": header, "cookie": cookie, "check_active": checks, "blacklist": blacklist}
            return call("JWTAuthentication", "USERS.find_account", **named)
        if kind in KINDS:
            return self._table_tokens.authenticator(kind, module, package)
        return call(name, "USERS")

    @property
    def _ends_callers(self) -> bool:
        tables = self.account_tables
        return self.has_tokens and tables.ends_callers and tables.token_gap() is None

    def _statements(self) -> list[str]:
        """What the statements are made of, each once; those of passwords hold the account's by its key."""
        found = dict.fromkeys(
            self._table_tokens.statements(kind) if kind in KINDS else _STATEMENTS[kind] for kind in self._known
        )
        if BASIC in self._known:
            found.pop(_STATEMENTS[JWT], None)
        if self._ends_callers:
            found["TOKEN_TABLES.blacklist_statements()"] = None
        stored = ["SESSION_ROWS.statements()"] if self.has_sessions and self._sessions.engine in _ROWS else []
        return [*found, *stored]

    def _cookie(self, module: Module) -> Code | None:
        """Where dj-rest-auth's tokens are besides; None where JWT_AUTH_COOKIE names no cookie."""
        given = self._token_cookie
        if given is None or not given.name:
            return None
        module.use(_BEARER_TOKENS, "TokenCookie")
        checks = given.csrf or given.csrf_always
        if checks:
            module.use("strangler_fastapi.auth.csrf", "CsrfCheck")
        return call(
            "TokenCookie",
            name=quoted(given.name),
            csrf=call("CsrfCheck", **self._csrf()) if checks else "None",
            csrf_always="True" if given.csrf_always else None,
        )

    def _csrf(self) -> dict[str, Code | None]:
        """The arguments of the CSRF check, as far as Django's settings are unusual."""
        given, plain = self._sessions, SessionSettings()
        csrf = {
            "trusted_origins": texts(given.trusted_origins) if given.trusted_origins else None,
            "header_name": _unless(_header(given.csrf_header_name), _header(plain.csrf_header_name)),
            **{name: _unless(getattr(given, f"csrf_{name}"), getattr(plain, f"csrf_{name}")) for name in _CSRF},
        }
        if given.csrf_use_sessions:
            # Then the session's domain is looked at (`CsrfViewMiddleware._check_referer`).
            csrf["cookie_domain"] = _unless(given.cookie_domain, plain.cookie_domain)
        return csrf

    def _sessions_text(self, module: Module, package: str) -> str:
        """The function that gives Django's sessions; their rows are a constant before it."""
        given, rows = self._sessions, self._sessions.engine in _ROWS
        module.use("strangler_fastapi.auth.sessions", "Sessions")
        if rows:
            name = self._tables.use(_SESSIONS, "session_key", "session_data", "expire_date")
            module.use("strangler_fastapi.auth.session_rows", "SessionRows")
            module.use(f"{package}.models", name)
            # Whoever renews sessions at every request has to be let write them.
            writes = "True" if given.save_every_request else None
            module.insert(statement("SESSION_ROWS", call("SessionRows", mapped=name, writes=writes)))
        plain = SessionSettings()
        unusual = {name: _unless(getattr(given, name), getattr(plain, name)) for name in _SESSION_COOKIE}
        csrf = self._csrf()
        if any(csrf.values()):
            module.use("strangler_fastapi.auth.csrf", "CsrfCheck")
        made = call(
            "Sessions",
            secret_key="secret_key",  # noqa: S106 - the name of an argument
            rows="SESSION_ROWS" if rows else None,
            backends=None if given.backends == plain.backends else texts(given.backends),
            csrf=call("CsrfCheck", **csrf) if any(csrf.values()) else None,
            **unusual,
        )
        head = 'def sessions(secret_key: str) -> Sessions:\n    """Django\'s sessions, as its settings say."""\n'
        return f"{head}    return {laid_out(made, indent=4)}"

    def _offers(self, name: str) -> bool:
        users = self._users
        if name not in _CONSTANTS or self._users_by is not None:
            return False
        if users is None or users.parents or "id" not in users.columns:
            return False
        if not {"is_active", "password"} <= set(users.columns):
            return False
        if name in _BEARERS:
            # The CSRF token of a session needs Django's sessions besides.
            cookie = self._token_cookie if name == COOKIE_JWT else None
            is_in_session = cookie is not None and (cookie.csrf or cookie.csrf_always)
            return self._bearer_gap() is None and not (is_in_session and self._sessions.csrf_use_sessions)
        if name == SESSION:
            engine = self._sessions.engine
            # Django would go on with what its cache holds of a session that is renewed or ended elsewhere.
            is_renewed_in_cache = engine == _CACHED and self._sessions.save_every_request
            is_stored = engine in _ROWS and _SESSIONS in self._contract.tables
            return engine == _COOKIE or (is_stored and not is_renewed_in_cache)
        return name == BASIC or self._table_tokens.offers(name)

    def _account_columns(self, users: TableFacts) -> list[str]:
        known = (name for name in (*_LOOKED_AT, *self._looked_at) if name in users.columns)
        return ["id", "is_active", *known, "password"]

    def _login(self, users: TableFacts) -> str:
        """The column of the user model's USERNAME_FIELD."""
        return self._tables.column_of(users.name, self._username_field)[0]


def _looked_at(api: DjangoApi) -> set[str]:
    """The attributes of callers that permissions of the project's own look at."""
    return caller_attributes(*own_rules(api))


def _account(users: TableFacts, columns: list[str], module: Module) -> str:
    lines = ["@dataclass(frozen=True)", "class Account:", '    """The caller of a request."""', ""]
    for name in columns:
        text = annotation(users.columns[name])
        if name == "password":
            module.use("dataclasses", "field")
            text += " = field(repr=False)"
        if "UUID" in text:
            module.use("uuid", "UUID")
        lines.append(f"    {name}: {text}")
    return "\n".join(lines) + "\n"


def _unless(value: object, usual: object) -> Code | None:
    """The value, where it is another than usual."""
    return None if value == usual else quoted(value)


def _header(name: str) -> str:
    """Django's CSRF_HEADER_NAME as a client sends it."""
    return name.removeprefix("HTTP_").replace("_", "-").title()
