"""The headers of Django's SecurityMiddleware and XFrameOptionsMiddleware, by the settings of their names."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from strangler_fastapi.answer_head import note_change
from strangler_fastapi.drf.http.urls import request_scheme

HeaderList = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, kw_only=True)
class SecurityHeaders:
    """Settings of Django without their `SECURE_`, of which the defaults are Django's own; `hsts_seconds` in seconds.

    An empty text, or None, leaves a header out. SECURE_SSL_REDIRECT is nginx's part.
    """

    content_type_nosniff: bool = True
    referrer_policy: str | None = "same-origin"
    cross_origin_opener_policy: str | None = "same-origin"
    hsts_seconds: int = 0
    hsts_include_subdomains: bool = False
    hsts_preload: bool = False
    x_frame_options: str = "DENY"

    def added(self) -> HeaderList:
        """What SecurityMiddleware adds to each answer."""
        policies = ",".join(each.strip() for each in (self.referrer_policy or "").split(","))
        named = {
            b"x-content-type-options": "nosniff" if self.content_type_nosniff else "",
            b"referrer-policy": policies,
            b"cross-origin-opener-policy": self.cross_origin_opener_policy or "",
        }
        return [(name, value.encode("latin-1")) for name, value in named.items() if value]

    def secured(self) -> HeaderList:
        """What it adds to those that came by TLS."""
        if not self.hsts_seconds:
            return []
        parts = [f"max-age={self.hsts_seconds}"]
        parts += ["includeSubDomains"] if self.hsts_include_subdomains else []
        parts += ["preload"] if self.hsts_preload else []
        return [(b"strict-transport-security", "; ".join(parts).encode("latin-1"))]

    def framed(self) -> HeaderList:
        """What XFrameOptionsMiddleware adds."""
        return [(b"x-frame-options", self.x_frame_options.upper().encode("latin-1"))]


class HeadersMiddleware:
    """Pure ASGI: adds headers to each answer that hasn't got them; `secured` to those only that came by TLS."""

    def __init__(self, app: ASGIApp, *, added: HeaderList, secured: HeaderList = ()) -> None:
        self._app = app
        self._added = [*added]
        self._secured = [*added, *secured] if secured else self._added

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # noqa: D102 - ASGI's own signature
        if scope["type"] == "http":
            note_change(scope, self._add)
        return self._app(scope, receive, send)

    def _add(self, scope: Scope, start: Message) -> None:
        headers = start["headers"]
        given = {name.lower() for name, _ in headers}
        start["headers"] = [*headers, *[header for header in self._of(scope) if header[0] not in given]]

    def _of(self, scope: Scope) -> HeaderList:
        if self._secured is self._added or request_scheme(scope) != "https":
            return self._added
        return self._secured
