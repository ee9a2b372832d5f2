"""Who may look: on loopback everybody of this machine; from elsewhere whoever has the token."""

import hmac
import ipaddress
import secrets
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
            answer = web.Response(status=303, headers={"Location": request.path})
            answer.set_cookie(COOKIE, self._session, httponly=True, samesite="Strict", path="/")
            return answer
        header = request.headers.get("Authorization", "")
        bearer = header[len(_BEARER) :] if header.startswith(_BEARER) else ""
        if self._is_same(bearer, self.token) or self._is_same(request.cookies.get(COOKIE, ""), self._session):
            return await handler(request)
        raise web.HTTPUnauthorized(
            headers={"WWW-Authenticate": 'Bearer realm="board"'},
            text="Open the address that strangler board has printed, which has the token.\n",
        )

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
