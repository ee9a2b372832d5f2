"""Authenticators whose tokens stand in a table, as code: DRF's, django-rest-knox's and django-oauth-toolkit's."""

from typing import Final

from shared_schema.contract.contract import Contract
from strangler.adoption.django_settings import DjangoSettings, KnoxSettings, OAuthSettings
from strangler.adoption.scaffold.code import Code, call, quoted
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.tables import Tables, UnreadableError

TOKEN: Final = "rest_framework.authentication.TokenAuthentication"  # noqa: S105 - a class
OAUTH: Final = "oauth2_provider.contrib.rest_framework.authentication.OAuth2Authentication"
KNOX: Final = "knox.auth.TokenAuthentication"
KINDS: Final = (TOKEN, OAUTH, KNOX)
_AUTHENTICATION: Final = "strangler_fastapi.auth.authentication"
# Where each is, and under what name.
_CLASSES: Final = {
    TOKEN: (_AUTHENTICATION, "TokenAuthentication"),
    OAUTH: ("strangler_fastapi.auth.oauth_tokens", "OAuth2Authentication"),
    KNOX: (_AUTHENTICATION, "KnoxTokenAuthentication"),
}
_STATEMENTS: Final = {TOKEN: "token_statements", OAUTH: "access_token_statements", KNOX: "knox_token_statements"}
_AUTH_TOKENS: Final = "authtoken_token"
_CHECKSUM: Final = "token_checksum"
_RESOURCE: Final = "resource"
_WITH_ZONE: Final = "timestamp with time zone"


class TableTokens:
    """The three, as far as the contract has their tables and the project's settings leave them as they are."""

    def __init__(self, settings: DjangoSettings, contract: Contract, tables: Tables) -> None:
        self._oauth = settings.oauth or OAuthSettings(gap="the project has no app oauth2_provider")
        self._knox = settings.knox or KnoxSettings(gap="the project has no app knox")
        self._contract = contract
        self._tables = tables

    def offers(self, kind: str) -> bool:
        """Whether the service has it."""
        return self.gap(kind) is None and self._table(kind) in self._contract.tables

    def gap(self, kind: str) -> str | None:
        """Why its tokens can't be read, where there is more to say than that the contract lacks the table."""
        if kind == TOKEN:
            return None
        gap = self._oauth.gap if kind == OAUTH else self._knox.gap
        if gap is not None or self._table(kind) not in self._contract.tables:
            return gap
        try:
            self._columns(kind)
        except UnreadableError as error:
            return str(error)
        return None

    def mapped(self, kind: str) -> str:
        """The class of its table."""
        return self._tables.use(self._table(kind), *self._columns(kind))

    def statements(self, kind: str) -> str:
        """The code of the statements that it sends."""
        return f"USERS.{_STATEMENTS[kind]}({self.mapped(kind)})"

    def authenticator(self, kind: str, module: Module, package: str) -> Code:
        """The code that makes it."""
        module.use(f"{package}.models", self.mapped(kind))
        where, name = _CLASSES[kind]
        module.use(where, name)
        return call(name, "USERS", self.mapped(kind), **self._unusual(kind))

    def _unusual(self, kind: str) -> dict[str, Code | None]:
        """The arguments for what the project has otherwise than usual."""
        if kind == TOKEN:
            return {}
        settings: OAuthSettings | KnoxSettings = self._oauth if kind == OAUTH else self._knox
        given = settings.model_dump(exclude={"table", "gap"}, exclude_defaults=True)
        return {name: quoted(value) for name, value in given.items()}

    def _table(self, kind: str) -> str:
        return {TOKEN: _AUTH_TOKENS, OAUTH: self._oauth.table, KNOX: self._knox.table}[kind]

    def _columns(self, kind: str) -> tuple[str, ...]:
        """The columns that it reads.

        Raises:
            UnreadableError: the table lacks one, or has times without a zone (USE_TZ).
        """
        if kind == TOKEN:
            return ("key", "user_id")
        has = self._contract.tables[self._table(kind)].columns
        expiry = "expires" if kind == OAUTH else "expiry"
        found = ("token_key", "digest", "user_id", expiry)
        if kind == OAUTH:
            found = (_CHECKSUM if _CHECKSUM in has else "token", "user_id", expiry, "scope")
        for name in found:
            if name not in has:
                raise UnreadableError(f"{self._table(kind)} has no column {name}")
        if has[expiry].type != _WITH_ZONE:
            raise UnreadableError(f"{self._table(kind)}.{expiry} has no time zone")
        return (*found, _RESOURCE) if kind == OAUTH and _RESOURCE in has else found
