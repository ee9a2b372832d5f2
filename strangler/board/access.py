"""Who may look: on loopback everybody of this machine; from elsewhere whoever has the token."""

import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

COOKIE: Final = "strangler_board"
_BEARER: Final = "Bearer "


class Access:
    """The rule for one run; `token` is None on loopback, where none is asked for.

    The cookie that the token is exchanged for is another secret, so that neither is found in the other's place.
    """

    def __init__(self, *, token: str | None) -> None:
        self.token = token
        self._session = secrets.token_urlsafe(32)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse whoever may not look; exchange a token in the address for a cookie."""
        if self.token is None:
            if not is_loopback(_host_name(request.host)):
                # A page elsewhere whose name was made to lead here would read this one.
                raise web.HTTPForbidden(
                    text="This page is for this machine: open it as http://127.0.0.1 or localhost.\n"
                )
            return await handler(request)
        if self._is_same(request.query.get("token", ""), self.token):
            # Both are of the page's own folder, which is another one behind a proxy: a cookie without a path, which
            # aiohttp can't write.
            cookie = f"{COOKIE}={self._session}; HttpOnly; SameSite=Strict"
            location = f"./{request.path.lstrip('/')}"
            return web.Response(status=303, headers={"Location": location, "Set-Cookie": cookie})
        header = request.headers.get("Authorization", "")
        bearer = header[len(_BEARER) :] if header.startswith(_BEARER) else ""
        if self._is_same(bearer, self.token) or self._is_same(request.cookies.get(COOKIE, ""), self._session):
            return await handler(request)
        raise web.HTTPUnauthorized(
            headers={"WWW-Authenticate": 'Bearer realm="board"'},
            text="Open the address that strangler board has printed, which has the token.\n",
        )

    @property
    def form_token(self) -> str:
        """What a form must hold that changes something: only a page of this session can know it."""
        return hmac.digest(self._session.encode(), b"form", "sha256").hex()

    def require_form(self, request: web.Request, form: Mapping[str, str]) -> None:
        """Refuse a form that was not sent by somebody who signed in, from a page of this board.

        :raises web.HTTPForbidden: it wasn't.
        """
        origin = request.headers.get("Origin")
        own = origin is None or urlsplit(origin).netloc == request.host
        same_site = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
        signed_in = self._is_same(request.cookies.get(COOKIE, ""), self._session)
        known = self._is_same(form.get("form", ""), self.form_token)
        if not (self.token is not None and own and same_site and signed_in and known):
            raise web.HTTPForbidden(text="This form isn't one of this board's: go back to it, and choose again.\n")

    @staticmethod
    def _is_same(given: str, secret: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())


def token_make() -> str:
    """A token of 256 bits."""
    return secrets.token_urlsafe(32)


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own, which no other one reaches."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_name(header: str) -> str:
    """The name in a Host header, without the port."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""
