"""What of Django's own tables the service reads besides its users: permissions, and refresh tokens, as code."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from shared_schema.contract.contract import Contract, TableFacts
from shared_schema.tokens import ACCESS
from strangler.adoption.access_facts import rule_signs
from strangler.adoption.django_settings import SessionSettings
from strangler.adoption.endpoints import DjangoApi, DjangoEndpoint
from strangler.adoption.scaffold.code import call, quoted, statement
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.tables import Tables, UnreadableError

MODEL_PERMISSIONS: Final = ("DjangoModelPermissions", "DjangoModelPermissionsOrAnonReadOnly")
_SIMPLEJWT: Final = "rest_framework_simplejwt"
# simplejwt's views, by what `token_router` calls them; one whose serializer is another is the project's own.
_TOKEN_VIEWS: Final = {
    f"{_SIMPLEJWT}.views.Token{name}View": (action, f"{_SIMPLEJWT}.serializers.Token{name}Serializer")
    for name, action in (
        ("ObtainPair", "token"),
        ("Refresh", "refresh"),
        ("ObtainSliding", "sliding"),
        ("RefreshSliding", "sliding_refresh"),
        ("Verify", "verify"),
        ("Blacklist", "blacklist"),
    )
}
_ALLOW_ANY: Final = "rest_framework.permissions.AllowAny"
_AUTH_TOKENS: Final = "authtoken_token"
_AUTH_TOKEN_VIEW: Final = "rest_framework.authtoken.views.ObtainAuthToken"  # noqa: S105 - a class
_AUTH_TOKEN_SERIALIZER: Final = "rest_framework.authtoken.serializers.AuthTokenSerializer"  # noqa: S105 - a class
# Those that look up a name and compare its password, or that only permit what others have signed in.
_BACKENDS: Final = (
    *(*SessionSettings().backends, "strangler_django.sign_in.backends.EvenModelBackend"),
    *("guardian.backends.ObjectPermissionBackend", "rules.permissions.ObjectPermissionBackend"),
)
# Of simplejwt's views those that sign in.
_SIGN_INS: Final = ("token", "sliding")
_OUTSTANDING: Final = "token_blacklist_outstandingtoken"
_GROUPS: Final = "auth_group"
_OF_DJANGO: Final = "looks into tables of Django's"
_ISSUED: Final = ("user_id", "jti", "token", "created_at", "expires_at")


def own_rules(api: DjangoApi) -> Iterator[bool | list[Any] | None]:
    """The rules of all permissions of the project's own."""
    given = [each.permission_rules for each in api.endpoints]
    given += [each.permission_rules for endpoint in api.endpoints for each in endpoint.unoffered.values()]
    for rule in (rule for each in given for rule in (each or {}).values()):
        yield rule.request
        yield rule.row


class AccountTables:
    """The constants of the accounts' module that stand for these tables, each where some view of the project needs it.

    Args:
        users: the table of the users; None where the service tells no callers apart.
        reads_tokens: whether it reads JSON web tokens.
    """

    def __init__(
        self, api: DjangoApi, contract: Contract, tables: Tables, *, users: TableFacts | None, reads_tokens: bool
    ) -> None:
        self._contract = contract
        self._tables = tables
        self._users = users
        self._reads_tokens = reads_tokens
        self._renews = api.settings.password_hasher == "argon2"  # noqa: S105 - an algorithm
        self._backends = api.settings.sessions.backends
        # Documents of before don't say what gives others.
        plain, known = SessionSettings().backends, api.settings.sessions.other_permissions
        of_before = () if self._backends == plain else self._backends
        self._other_permissions = of_before if known is None else known
        self._signs_in_by = api.settings.signs_in_by
        self._simplejwt = api.settings.simplejwt
        self._username_field = api.settings.username_field
        signs = rule_signs(*own_rules(api))
        self._asks_groups = "groups" in signs and self.group_gap() is None
        asks = "perms" in signs or any(each.permission_maps for each in api.endpoints)
        self._permits = self._asks_groups or (asks and self.permission_gap() is None)
        self._gives_tokens = any(map(self.is_auth_token_view, api.endpoints)) and self.auth_token_gap() is None
        gives = any(map(self.token_action, api.endpoints)) or self.ends_callers
        self.issues_tokens = gives and self.token_gap() is None

    @property
    def ends_callers(self) -> bool:
        """Whether tokens that sign requests may be blacklisted: others than those of access."""
        settings = self._contract.tokens
        kinds = settings.auth_token_classes if settings else ()
        return _OUTSTANDING in self._contract.tables and any(kind != ACCESS for _, kind in kinds)

    def token_action(self, endpoint: DjangoEndpoint) -> str | None:
        """What `token_router` calls a view of simplejwt; None for any other."""
        facts = endpoint.token_view
        action, serializer = _TOKEN_VIEWS.get(facts.view if facts else endpoint.view, (None, None))
        found = endpoint.serializer.path if endpoint.serializer else None
        is_plain = endpoint.permissions in ((), (_ALLOW_ANY,)) and not endpoint.authenticators
        is_known = bool(facts.gap) or facts.serializer == serializer if facts else found == serializer
        return action if endpoint.method == "POST" and is_plain and is_known else None

    @property
    def fetches_keys(self) -> bool:
        """Whether tokens are verified by the keys at JWK_URL, which HMAC has none of."""
        settings = self._contract.tokens
        return self._simplejwt.jwk_url and settings is not None and not settings.algorithm.startswith("HS")

    def token_gap(self) -> str | None:
        """Why the service can't issue tokens."""
        if self.fetches_keys:
            return "signs tokens, while those with keys of JWK_URL are accepted"
        if not self._reads_tokens or self._users is None or "last_login" not in self._users.columns:
            return "no view of the API reads simplejwt's tokens"
        encoder = self._simplejwt.json_encoder
        return f"writes claims by {encoder}" if encoder else None

    def caller_gap(self, action: str) -> str | None:
        """Why a view of simplejwt can't tell whether a user may have tokens."""
        rule = self._simplejwt.user_authentication_rule
        if rule and action in (*_SIGN_INS, "refresh"):
            return f"asks {rule} who may have tokens"
        if action == "refresh" and not self._simplejwt.check_user_is_active:
            return "gives tokens to users that aren't active"
        return self.sign_in_gap() if action in _SIGN_INS else None

    def sign_in_gap(self) -> str | None:
        """Why the service can't tell whether a name and a password are those of a user."""
        if others := [name for name in self._backends if name not in _BACKENDS]:
            return f"asks {', '.join(others)}"
        if self._signs_in_by is not None:
            return f"finds users by {self._signs_in_by}"
        is_named_otherwise = self._users is not None and self._username_field not in self._users.columns
        return f"finds users by {self._username_field}, whose column has another name" if is_named_otherwise else None

    def is_auth_token_view(self, endpoint: DjangoEndpoint) -> bool:
        """Whether it is DRF's view that gives a user its token; one with another serializer is the project's own."""
        found = endpoint.serializer.path if endpoint.serializer else None
        is_plain = endpoint.method == "POST" and not endpoint.permissions
        return is_plain and endpoint.view == _AUTH_TOKEN_VIEW and found == _AUTH_TOKEN_SERIALIZER

    def auth_token_gap(self) -> str | None:
        """Why the service can't give users their tokens."""
        if self._users is None:
            return "no view of the API reads DRF's tokens"
        if (gap := self.sign_in_gap()) is not None:
            return gap
        return self._lacking(self._auth_token_class, "tokens without the authtoken app")

    def permission_gap(self) -> str | None:
        """Why it can't look up the permissions that a user holds."""
        if self._users is None or "is_superuser" not in self._users.columns:
            return _OF_DJANGO
        if others := self._other_permissions:
            return f"asks {', '.join(others)}"
        return self._lacking(self._permission_classes, _OF_DJANGO)

    def group_gap(self) -> str | None:
        """Why it can't look up the groups that a user is in, whatever the backends."""
        if self._users is None or _GROUPS not in self._contract.tables:
            return _OF_DJANGO
        return self._lacking(self._permission_classes, _OF_DJANGO)

    def write(self, module: Module, package: str, username_field: str | None) -> None:
        """Adds the constants to the accounts' module."""
        assert self._users is not None  # noqa: S101 - nothing is written without users
        if self.issues_tokens:
            user = self._tables.use(self._users.name, "last_login")
            recorded = self._token_classes()
            module.use(f"{package}.models", *recorded.values())
            module.use("strangler_fastapi.auth.token_tables", "TokenTables")
            other = quoted(username_field) if username_field else None
            renews = None if self._renews else "False"
            made = call(
                "TokenTables", user=user, username_field=other, **recorded, account="Account", renews_passwords=renews
            )
            module.add(statement("TOKEN_TABLES", made))
        if self._gives_tokens:
            module.use(f"{package}.models", self._tables.use(self._users.name), self._auth_token_class())
            module.use("strangler_fastapi.auth.auth_tokens", "AuthTokenTables")
            made = call(
                "AuthTokenTables",
                user=self._tables.use(self._users.name),
                username_field=quoted(username_field) if username_field else None,
                account="Account",
                token=self._auth_token_class(),
                renews_passwords=None if self._renews else "False",
            )
            module.add(statement("AUTH_TOKENS", made))
        if self._permits:
            named = self._permission_classes()
            if self._asks_groups:
                named["group"] = self._tables.use(_GROUPS, "id", "name")
            module.use(f"{package}.models", *named.values())
            module.use("strangler_fastapi.drf.views.model_permissions", "PermissionTables")
            column = self._user_column()
            user_column = quoted(column) if column != "user_id" else None
            made = call("PermissionTables", **named, user_column=user_column)
            module.add(statement("MODEL_PERMISSIONS", made))

    def _auth_token_class(self) -> str:
        return self._tables.use(_AUTH_TOKENS, "key", "user_id", "created")

    def _token_classes(self) -> dict[str, str]:
        """The classes of recorded tokens; none where the project lacks the token_blacklist app."""
        if _OUTSTANDING not in self._contract.tables:
            return {}
        return {
            "outstanding": self._tables.use(_OUTSTANDING, "id", *_ISSUED),
            "blacklisted": self._tables.use("token_blacklist_blacklistedtoken", "id", "token_id", "blacklisted_at"),
        }

    def _permission_classes(self) -> dict[str, str]:
        column = self._user_column()
        groups, own = self._relations()
        return {
            "permission": self._tables.use("auth_permission", "id", "codename", "content_type_id"),
            "content_type": self._tables.use("django_content_type", "id", "app_label", "model"),
            "group_permission": self._tables.use("auth_group_permissions", "group_id", "permission_id"),
            "user_group": self._tables.use(groups, "group_id", column),
            "user_permission": self._tables.use(own, "permission_id", column),
        }

    def _user_column(self) -> str:
        assert self._users is not None  # noqa: S101 - the caller has looked
        self._relations()
        return self._users.many_to_many["groups"].source_column

    def _relations(self) -> tuple[str, str]:
        """The tables that link users to groups and to permissions."""
        links = self._users.many_to_many if self._users else {}
        if not {"groups", "user_permissions"} <= set(links):
            raise UnreadableError("users have no groups")
        return links["groups"].table, links["user_permissions"].table

    @staticmethod
    def _lacking(read: Callable[[], object], gap: str) -> str | None:
        """The gap, where the contract lacks a table that the classes are of."""
        try:
            read()
        except UnreadableError:
            return gap
        return None
