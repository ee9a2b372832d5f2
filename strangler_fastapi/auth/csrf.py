"""The check of requests that a browser signs with a cookie by itself (`django.middleware.csrf`, as DRF calls it)."""

import hmac
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request

from strangler_fastapi.drf.http.bodies import Form, parse_body
from strangler_fastapi.drf.http.urls import request_scheme
from strangler_fastapi.errors import ApiError, PermissionDenied
from strangler_fastapi.hosts import is_same_domain

SESSION_KEY: Final = "_csrftoken"
_SAFE: Final = ("GET", "HEAD", "OPTIONS", "TRACE")
_SECRET_LENGTH: Final = 32
_CHARACTERS: Final = string.ascii_letters + string.digits
_FIELD: Final = "csrfmiddlewaretoken"
_YEAR: Final = 31_449_600
_UNTRUSTED: Final = "does not match any trusted origins."


class _Rejected(Exception):
    """Why a request is not let through; the text is Django's."""


@dataclass(frozen=True)
class CsrfCheck:
    """What Django's settings of these names say, of which the defaults are Django's own.

    Args:
        trusted_origins: CSRF_TRUSTED_ORIGINS, such as `https://shop.example` and `https://*.shop.example`.
        cookie_name: CSRF_COOKIE_NAME.
        cookie_domain: CSRF_COOKIE_DOMAIN, or SESSION_COOKIE_DOMAIN with `use_sessions`.
        header_name: the header of CSRF_HEADER_NAME, as a client sends it.
        use_sessions: CSRF_USE_SESSIONS: the secret is in the session and not in a cookie.
        cookie_age: CSRF_COOKIE_AGE, in seconds; None for as long as the browser is open.
        cookie_path: CSRF_COOKIE_PATH.
        cookie_secure: CSRF_COOKIE_SECURE.
        cookie_httponly: CSRF_COOKIE_HTTPONLY.
        cookie_samesite: CSRF_COOKIE_SAMESITE.
    """

    trusted_origins: tuple[str, ...] = ()
    cookie_name: str = "csrftoken"
    cookie_domain: str | None = None
    header_name: str = "X-CSRFToken"
    use_sessions: bool = False
    cookie_age: float | None = _YEAR
    cookie_path: str = "/"
    cookie_secure: bool = False
    cookie_httponly: bool = False
    cookie_samesite: str | None = "Lax"

    def token(self, request: Request, session_data: Mapping[str, Any]) -> str:
        """What a page has to send with a request that changes something (`django.middleware.csrf.get_token`).

        The answer sets the cookie of the secret, which a client without one gets a new one in.
        """
        secret = request.scope.get("csrf_secret")
        if secret is None:
            try:
                secret = self._secret(request, session_data)
            except _Rejected:
                secret = None
        secret = secret or _random_text()
        request.scope["csrf_secret"] = secret
        return _masked(secret)

    def rotate(self, request: Request) -> None:
        """Gives the client another secret with this answer (`rotate_token`)."""
        request.scope["csrf_secret"] = _random_text()

    async def enforce(self, request: Request, session_data: Mapping[str, Any]) -> None:
        """Lets a request pass that changes nothing, or whose token is that of its cookie or session.

        Raises:
            PermissionDenied: the origin is not trusted, or the token is missing or another.
        """
        if request.method in _SAFE:
            return
        self.check_origin(request)
        try:
            await self._check_token(request, session_data)
        except _Rejected as error:
            raise PermissionDenied(f"CSRF Failed: {error}") from None

    def check_origin(self, request: Request) -> None:
        """Lets a request pass that comes from a page of this origin, or of a trusted one.

        Raises:
            PermissionDenied: it comes from elsewhere, or by TLS from nowhere.
        """
        try:
            self._check_origin(request)
        except _Rejected as error:
            raise PermissionDenied(f"CSRF Failed: {error}") from None

    def _check_origin(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if origin is not None:
            if not self._is_trusted(origin, request):
                raise _Rejected(f"Origin checking failed - {origin} {_UNTRUSTED}")
        elif request_scheme(request.scope) == "https":
            self._check_referer(request)

    def _is_trusted(self, origin: str, request: Request) -> bool:
        if origin == f"{request_scheme(request.scope)}://{request.headers.get('host', '')}":
            return True
        if origin in self.trusted_origins and "*" not in origin:
            return True
        try:
            parsed = urlsplit(origin)
        except ValueError:
            return False
        patterns = [urlsplit(pattern) for pattern in self.trusted_origins if "*" in pattern]
        return any(
            pattern.scheme == parsed.scheme and is_same_domain(parsed.netloc, pattern.netloc.lstrip("*"))
            for pattern in patterns
        )

    def _check_referer(self, request: Request) -> None:
        header = request.headers.get("referer")
        if header is None:
            raise _Rejected("Referer checking failed - no Referer.")
        try:
            referer = urlsplit(header)
        except ValueError:
            raise _Rejected("Referer checking failed - Referer is malformed.") from None
        if "" in (referer.scheme, referer.netloc):
            raise _Rejected("Referer checking failed - Referer is malformed.")
        if referer.scheme != "https":
            raise _Rejected("Referer checking failed - Referer is insecure while host is secure.")
        trusted = [urlsplit(origin).netloc.lstrip("*") for origin in self.trusted_origins]
        if not any(is_same_domain(referer.netloc, domain) for domain in (*trusted, self._own_domain(request))):
            raise _Rejected(f"Referer checking failed - {referer.geturl()} {_UNTRUSTED}")

    def _own_domain(self, request: Request) -> str:
        host = request.headers.get("host", "")
        if self.cookie_domain is None:
            return host
        port = urlsplit(f"//{host}").port
        return self.cookie_domain if port in (None, 443, 80) else f"{self.cookie_domain}:{port}"

    async def _check_token(self, request: Request, session_data: Mapping[str, Any]) -> None:
        secret = self._secret(request, session_data)
        if secret is None:
            raise _Rejected("CSRF cookie not set.")
        token, source = await _form_token(request), "POST"
        if not token:
            given = request.headers.get(self.header_name)
            if given is None:
                raise _Rejected("CSRF token missing.")
            token, source = given, f"the {self.header_name.title()!r} HTTP header"
        if fault := _format_fault(token):
            raise _Rejected(f"CSRF token from {source} {fault}.")
        if not hmac.compare_digest(_unmasked(token).encode(), secret.encode("utf-8", "surrogatepass")):
            raise _Rejected(f"CSRF token from {source} incorrect.")

    def _secret(self, request: Request, session_data: Mapping[str, Any]) -> str | None:
        if self.use_sessions:
            kept = session_data.get(SESSION_KEY)
            return _unmasked(kept) if isinstance(kept, str) else None
        cookie = request.cookies.get(self.cookie_name)
        if cookie is None:
            return None
        if fault := _format_fault(cookie):
            raise _Rejected(f"CSRF cookie {fault}.")
        return _unmasked(cookie)


async def _form_token(request: Request) -> str:
    """The token in a form's field; a body that can't be read has none, and the endpoint says what is wrong with it."""
    if request.method != "POST":
        return ""
    try:
        body = await parse_body(request)
    except ApiError:
        return ""
    token = body.get(_FIELD, "") if isinstance(body, Form) else ""
    return token if isinstance(token, str) else ""


def _format_fault(token: str) -> str | None:
    if len(token) not in (_SECRET_LENGTH, 2 * _SECRET_LENGTH):
        return "has incorrect length"
    return None if set(token) <= set(_CHARACTERS) else "has invalid characters"


def _unmasked(token: str) -> str:
    """The secret of a token: half of one that is twice as long is a mask, by which the other half is shifted."""
    if len(token) != 2 * _SECRET_LENGTH:
        return token
    pairs = zip(token[_SECRET_LENGTH:], token[:_SECRET_LENGTH], strict=True)
    return "".join(_CHARACTERS[_CHARACTERS.index(sign) - _CHARACTERS.index(mask)] for sign, mask in pairs)


def _masked(secret: str) -> str:
    """A secret behind a mask of its own, which keeps it from being guessed by the length of compressed answers."""
    mask = _random_text()
    pairs = zip(secret, mask, strict=True)
    count = len(_CHARACTERS)
    shifted = (_CHARACTERS[(_CHARACTERS.index(sign) + _CHARACTERS.index(by)) % count] for sign, by in pairs)
    return mask + "".join(shifted)


def _random_text() -> str:
    return "".join(secrets.choice(_CHARACTERS) for _ in range(_SECRET_LENGTH))
