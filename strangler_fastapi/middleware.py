"""What surrounds every request: its id, DRF's slash, Django's security headers, one log line."""

import json
import logging
import re
import time
from collections.abc import Callable, Collection
from functools import lru_cache, partial

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from strangler_fastapi.drf.languages import Languages
from strangler_fastapi.drf.limits import LONGEST_ADDRESS, LONGEST_HEADER, MOST_HEADERS
from strangler_fastapi.drf.negotiation import JSON
from strangler_fastapi.drf.rendering import UNFORESEEN, JsonResponse
from strangler_fastapi.drf.urls import public_path, requested, with_query
from strangler_fastapi.errors import SuspiciousRequest
from strangler_fastapi.hosts import is_allowed_host
from strangler_fastapi.logs import request_id

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LONG_ADDRESS = {"detail": "Request address is too long: send less."}
_LARGE_HEADERS = {"detail": "Request headers are too large: send less."}
# Django's SecurityMiddleware, as it is set by default.
_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
# XFrameOptionsMiddleware lies below the one that adds the slash and looks at the host.
_FRAMED_HEADERS = (*_SECURITY_HEADERS, (b"x-frame-options", b"DENY"))


class RequestMiddleware:
    """Pure ASGI: it never holds a body.

    A path that is served only once a slash is added is answered 301, whatever the method, before anything else is
    looked at (Django's CommonMiddleware).

    Args:
        is_known_path: whether a path is served.
        hosts: the hosts that a request may name, as Django's ALLOWED_HOSTS; any where none are given.
        service: the service's name; its requests are logged as `<service>.request`.
        languages: those that it answers in; None: English alone, and no answer says so.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        is_known_path: Callable[[str], bool],
        service: str,
        hosts: Collection[str] = ("*",),
        languages: Languages | None = None,
    ) -> None:
        self._app = app
        self._languages = languages
        # Hardly any client names another host than the one before it.
        self._is_allowed_host = lru_cache(maxsize=64)(partial(is_allowed_host, allowed=tuple(hosts)))
        self._is_known_path = is_known_path
        self._logger = logging.getLogger(f"{service}.request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own signature
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        token = request_id.set(given if _REQUEST_ID.fullmatch(given) else "-")
        asked = requested.set(scope)
        started = time.perf_counter()
        status = None
        if self._languages is not None:
            scope["language"] = self._languages.of_request(Headers(scope=scope))

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(scope, message)
                if self._languages is not None:
                    self._languages.add_headers(scope["language"], MutableHeaders(scope=message))
            await send(message)

        try:
            await self._next(scope)(scope, receive, send_with_headers)
        except Exception:
            # Starlette would answer outside of this middleware: without the headers, and logged without the id.
            self._logger.exception("unforeseen error")
            if status is not None:
                raise
            await JsonResponse(UNFORESEEN, status_code=500)(scope, receive, send_with_headers)
        finally:
            self._log(scope, status, time.perf_counter() - started)
            request_id.reset(token)
            requested.reset(asked)
            if "spool" in scope:
                scope["spool"].close()

    def _next(self, scope: Scope) -> ASGIApp:
        path = scope["path"]
        if not self._is_allowed_host(Headers(scope=scope).get("host", "")):
            scope["unframed"] = True
            return Response(json.dumps(SuspiciousRequest().body), status_code=400, media_type=JSON)
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_ADDRESS:
            return JsonResponse(_LONG_ADDRESS, status_code=414)
        headers = scope["headers"]
        if len(headers) > MOST_HEADERS or any(len(name) + len(value) > LONGEST_HEADER for name, value in headers):
            return JsonResponse(_LARGE_HEADERS, status_code=431)
        if not path.endswith("/") and not self._is_known_path(path) and self._is_known_path(f"{path}/"):
            location = with_query(scope, f"{public_path(scope)}/")
            scope["unframed"] = True
            return Response(status_code=301, headers={"Location": location, "Content-Type": "text/html; charset=utf-8"})
        return self._app

    def _log(self, scope: Scope, status: int | None, seconds: float) -> None:
        logger = self._logger
        if not logger.isEnabledFor(logging.INFO):
            return
        fields = {
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
        }
        # Not `info`, which walks up the stack for the caller of every line, which is this one.
        extra = {"fields": fields}
        logger.handle(
            logger.makeRecord(logger.name, logging.INFO, __file__, 0, "request answered", (), None, extra=extra)
        )


def _add_headers(scope: Scope, message: Message) -> None:
    """Adds to an answer what it doesn't say itself; `Allow` is the view's in any case."""
    headers = [*message.get("headers", ())]
    given = {name.lower() for name, _ in headers}
    headers += [header for header in _added(scope) if header[0] not in given]
    if vary := scope.get("vary"):
        headers = _varied(headers, vary)
    if "allow" in scope:
        if b"allow" in given:
            headers = [header for header in headers if header[0].lower() != b"allow"]
        headers.append((b"allow", scope["allow"].encode("latin-1")))
    message["headers"] = headers


def _varied(headers: list[tuple[bytes, bytes]], names: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    """The headers with one `Vary`: the names of the view, then those that were there."""
    there = [name.strip() for key, value in headers if key.lower() == b"vary" for name in value.decode().split(",")]
    every = ", ".join(dict.fromkeys([*names, *there])).encode("latin-1")
    return [*(header for header in headers if header[0].lower() != b"vary"), (b"vary", every)]


def _added(scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
    return _SECURITY_HEADERS if "unframed" in scope else _FRAMED_HEADERS
