"""OAuth 2.0 access tokens of a table, as django-oauth-toolkit's authenticator reads them (RFC 6750)."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic
from urllib.parse import parse_qsl

from fastapi import Request

from strangler_fastapi.auth.authentication import BaseAuthentication
from strangler_fastapi.auth.user_tables import Found, UserTables
from strangler_fastapi.db.query import fetch
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.http.bodies import Form, parse_body
from strangler_fastapi.drf.validators import is_storable
from strangler_fastapi.errors import NotPorted, SuspiciousRequest

_REALM: Final = "api"
_NAME: Final = "access_token"
_PARTS: Final = 2
# What oauthlib refuses in the query of any request (`oauthlib.common.urldecode`).
_BROKEN_HEX: Final = re.compile(r"%[^0-9A-Fa-f]|%[0-9A-Fa-f][^0-9A-Fa-f]")
# What oauthlib takes for an ID token begins so, and has as many dots.
_JSON: Final = "ey"
_DOTS: Final = (2, 4)
_INVALID: Final = "The access token is invalid."
_EXPIRED: Final = "The access token has expired."


@dataclass(frozen=True)
class AccessToken:
    """What a request with an access token has as its `auth_of`: the scopes, and when the token expires."""

    scopes: frozenset[str]
    expires: datetime

    @property
    def is_expired(self) -> bool:
        """Whether it may no longer be used."""
        return datetime.now(UTC) >= self.expires

    def allows(self, scopes: tuple[str, ...]) -> bool:
        """Whether it has all of these scopes."""
        return self.scopes.issuperset(scopes)


class OAuth2Authentication(BaseAuthentication, Generic[Found]):
    """`Authorization: Bearer …`, or `access_token` in the query or a form, of a table of access tokens.

    A token that is not accepted is an anonymous request, and a 401 says why. A token without a user names no caller,
    and passes the permissions that look at tokens. Users that are not active are let in, as the package does. A body
    is read, and refused, before anything else is decided.

    Args:
        tables: where users are.
        token: the class of `oauth2_provider_accesstoken`, with `user_id`, `expires`, `scope`, and `token_checksum`, or
            `token` before version 3 of the package; with `resource` where the table has it.
        query_tokens: whether the query may hold a token; not where the project sets
            COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT.
        id_tokens: whether the project takes OpenID Connect's ID tokens for access tokens (OIDC_ENABLED): they are
            answered with 501.
    """

    security_scheme = ("oauth2", {"type": "http", "scheme": "bearer"})

    def __init__(
        self,
        tables: UserTables[Found],
        token: Any,  # noqa: ANN401 - a mapped class
        *,
        query_tokens: bool = True,
        id_tokens: bool = False,
    ) -> None:
        self._tables = tables
        self._token = token
        self._query_tokens = query_tokens
        self._id_tokens = id_tokens

    async def authenticate(self, request: Request, session: RequestSession) -> Found | None:
        """See BaseAuthentication.

        Raises:
            ParseError: the body is not what its content type says.
            UnsupportedMediaType: the view reads no such body.
            SuspiciousRequest: the body is too large, or the query is no encoded text.
            NotPorted: an ID token, or a token for some resources alone (RFC 8707).
        """
        request.state.oauth2_error = {}
        body = await parse_body(request)
        text = request.scope["query_string"].decode("latin-1")
        query = dict(parse_qsl(text, keep_blank_values=True))
        if _NAME in query and not self._query_tokens:
            return None
        if _BROKEN_HEX.search(text):
            raise SuspiciousRequest
        sent = _sent_token(request.headers.get("authorization"), query, body)
        if not sent:
            return None
        if self._id_tokens and sent.startswith(_JSON) and sent.count(".") in _DOTS:
            raise NotPorted("ID tokens of OpenID Connect as access tokens")
        return await self._accepted(request, session, sent)

    def authenticate_header(self, request: Request) -> str:
        """See BaseAuthentication."""
        error: dict[str, str] = getattr(request.state, "oauth2_error", {})
        return "Bearer " + ",".join(f'{name}="{value}"' for name, value in {"realm": _REALM, **error}.items())

    async def _accepted(self, request: Request, session: RequestSession, sent: str) -> Found | None:
        rows = await fetch(session, self._tables.account_by_access_token(self._token, _key(self._token, sent)))
        if not rows:
            request.state.oauth2_error = _error(_INVALID)
            return None
        user_id, expires, scope, resource, *account = rows[0]
        found = AccessToken(frozenset(scope.split()), expires)
        if found.is_expired:
            request.state.oauth2_error = _error(_EXPIRED)
            return None
        if resource not in (None, [], "[]", ""):
            raise NotPorted("access tokens for some resources alone (RFC 8707)")
        request.state.auth = found
        return None if user_id is None else self._tables.account(*account)


def _sent_token(header: str | None, query: dict[str, str], body: Any) -> str | None:  # noqa: ANN401 - any JSON
    """The token of a request: a header of any kind hides the others, and a form's goes before the query's."""
    if header is not None:
        parts = header.split()
        return parts[1] if len(parts) == _PARTS and parts[0].lower() == "bearer" else None
    texts = [text for text in body.all(_NAME) if isinstance(text, str)] if isinstance(body, Form) else []
    return texts[-1] if texts else query.get(_NAME)


def _key(token: Any, sent: str) -> str:  # noqa: ANN401 - a mapped class
    """What the table has of a token; of one that no text of PostgreSQL can be, the empty text, which no row has."""
    if hasattr(token, "token_checksum"):
        return hashlib.sha256(sent.encode()).hexdigest()
    return sent if is_storable(sent) else ""


def _error(sentence: str) -> dict[str, str]:
    return {"error": "invalid_token", "error_description": sentence}
