"""Answers to scripts of other origins, with the headers of django-cors-headers under its settings' names.

Starlette's CORSMiddleware answers other preflights, and leaves `Vary` out where no origin is sent.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from strangler_fastapi.answer_head import make_changes, noted_changes

_DAY_SECONDS: Final = 86400
_ALLOW: Final = "access-control-allow-"


@dataclass(frozen=True, kw_only=True)
class Cors:
    """The settings of django-cors-headers, without their `CORS_`; `preflight_max_age` is in seconds."""

    allow_all_origins: bool = False
    allowed_origins: tuple[str, ...] = ()
    allowed_origin_regexes: tuple[str, ...] = ()
    allow_credentials: bool = False
    allow_private_network: bool = False
    allow_headers: tuple[str, ...] = (
        *("accept", "authorization", "content-type", "user-agent", "x-csrftoken", "x-requested-with"),
    )
    allow_methods: tuple[str, ...] = ("DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT")
    expose_headers: tuple[str, ...] = ()
    preflight_max_age: int = _DAY_SECONDS

    def allows(self, origin: str) -> bool:
        """Whether scripts of that origin may read answers.

        :raises ValueError: it is no address.
        """
        asked = urlsplit(origin)[:2]
        if self.allow_all_origins or (origin == "null" and origin in self.allowed_origins):
            return True
        known = any(urlsplit(each)[:2] == asked for each in self.allowed_origins)
        return known or any(re.match(pattern, origin) for pattern in self.allowed_origin_regexes)

    def add_headers(self, answer: MutableHeaders, request: Headers, method: str) -> None:
        """Add to an answer what the browser of such a script looks for."""
        varied = [name.strip() for name in answer.get("vary", "").split(",") if name.strip()]
        if not {"origin", "*"} & {name.lower() for name in varied}:
            answer["vary"] = ", ".join([*varied, "origin"])
        origin = request.get("origin", "")
        try:
            if not origin or not self.allows(origin):
                return
        except ValueError:
            return
        for name, value in self._headers(origin, request, method):
            answer[name] = value

    def _headers(self, origin: str, request: Headers, method: str) -> list[tuple[str, str]]:
        to_anybody = self.allow_all_origins and not self.allow_credentials
        headers = [(f"{_ALLOW}origin", "*" if to_anybody else origin)]
        if self.allow_credentials:
            headers.append((f"{_ALLOW}credentials", "true"))
        if self.expose_headers:
            headers.append(("access-control-expose-headers", ", ".join(self.expose_headers)))
        if method == "OPTIONS":
            headers.append((f"{_ALLOW}headers", ", ".join(self.allow_headers)))
            headers.append((f"{_ALLOW}methods", ", ".join(self.allow_methods)))
            if self.preflight_max_age:
                headers.append(("access-control-max-age", str(self.preflight_max_age)))
        if self.allow_private_network and request.get("access-control-request-private-network") == "true":
            headers.append((f"{_ALLOW}private-network", "true"))
        return headers


class CorsMiddleware:
    """Pure ASGI: answers preflight requests itself, and adds the headers to all other answers."""

    def __init__(self, app: ASGIApp, *, cors: Cors) -> None:
        self._app = app
        self._cors = cors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own signature
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Headers(scope=scope)
        within = noted_changes(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                make_changes(scope, message, within)
                self._cors.add_headers(MutableHeaders(scope=message), request, scope["method"])
            await send(message)

        is_preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in request
        app = Response(media_type="text/html") if is_preflight else self._app
        await app(scope, receive, send_with_headers)
