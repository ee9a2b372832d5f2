"""What surrounds every request: its id, its log line, its language, the slash that it lacks, its view's headers."""

import json
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Collection
from functools import lru_cache, partial

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from strangler_fastapi.answer_head import drop_changes, make_changes, note_change, noted_changes, varied
from strangler_fastapi.drf.http.languages import Languages
from strangler_fastapi.drf.http.limits import LONGEST_ADDRESS, LONGEST_HEADER, MOST_HEADERS
from strangler_fastapi.drf.http.negotiation import JSON
from strangler_fastapi.drf.http.rendering import UNFORESEEN, JsonResponse
from strangler_fastapi.drf.http.urls import header, public_path, requested, with_query
from strangler_fastapi.errors import SuspiciousRequest
from strangler_fastapi.hosts import is_allowed_host
from strangler_fastapi.logs import request_id

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LONG_ADDRESS = {"detail": "Request address is too long: send less."}
_LARGE_HEADERS = {"detail": "Request headers are too large: send less."}
_NOT_FOUND = 404


class RequestMiddleware:
    """Pure ASGI, around all others: what is longer than gunicorn takes is refused before any of them is asked.

    Args:
        service: the service's name; its requests are logged as `<service>.request`.
    """

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self._app = app
        self._logger = logging.getLogger(f"{service}.request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own signature
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = header(scope, b"x-request-id") or ""
        token = request_id.set(given if _REQUEST_ID.fullmatch(given) else _new_id())
        asked = requested.set(scope)
        started = time.perf_counter()
        status = None

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                make_changes(scope, message)
            await send(message)

        try:
            await (_refusal(scope) or self._app)(scope, receive, send_noted)
        except Exception:
            # Starlette would answer outside of this middleware, and log it without the id.
            self._logger.exception("unforeseen error")
            if status is not None:
                raise
            drop_changes(scope)
            await JsonResponse(UNFORESEEN, status_code=500)(scope, receive, send_noted)
        finally:
            self._log(scope, status, time.perf_counter() - started)
            request_id.reset(token)
            requested.reset(asked)
            if "spool" in scope:
                scope["spool"].close()

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


def _refusal(scope: Scope) -> ASGIApp | None:
    if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_ADDRESS:
        return JsonResponse(_LONG_ADDRESS, status_code=414)
    headers = scope["headers"]
    if len(headers) > MOST_HEADERS:
        return JsonResponse(_LARGE_HEADERS, status_code=431)
    for name, value in headers:
        if len(name) + len(value) > LONGEST_HEADER:
            return JsonResponse(_LARGE_HEADERS, status_code=431)
    return None


def _new_id() -> str:
    """Of a request that no proxy has named; nothing is kept secret by it, and the system's own takes 5 µs."""
    return f"{random.getrandbits(128):032x}"


class CommonMiddleware:
    """Pure ASGI. A path that is served only once a slash is added is answered 301, whatever the method.

    Args:
        is_known_path: whether a path is served.
        hosts: the hosts that a request may name, as Django's ALLOWED_HOSTS; any where none are given.
        append_slash: APPEND_SLASH.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        is_known_path: Callable[[str], bool],
        hosts: Collection[str] = ("*",),
        append_slash: bool = True,
    ) -> None:
        self._app = app
        # Hardly any client names another host than the one before it.
        self._is_allowed_host = lru_cache(maxsize=64)(partial(is_allowed_host, allowed=tuple(hosts)))
        self._is_known_path = is_known_path
        self._append_slash = append_slash

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own signature
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif not self._is_allowed_host(header(scope, b"host") or ""):
            refused = Response(json.dumps(SuspiciousRequest().body), status_code=400, media_type=JSON)
            await refused(scope, receive, send)
        elif self._append_slash and self._lacks_slash(scope["path"]):
            await self._redirect(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _lacks_slash(self, path: str) -> bool:
        return not path.endswith("/") and not self._is_known_path(path) and self._is_known_path(f"{path}/")

    async def _redirect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers in place of the 404: what stands within this middleware may know the path, as one of a preflight."""
        location = with_query(scope, f"{public_path(scope)}/")
        redirect = Response(status_code=301, headers={"Location": location, "Content-Type": "text/html; charset=utf-8"})
        is_replaced = False
        within = noted_changes(scope)

        async def send_replaced(message: Message) -> None:
            nonlocal is_replaced
            if message["type"] == "http.response.start" and message["status"] == _NOT_FOUND:
                is_replaced = True
                drop_changes(scope, within)
                await redirect(scope, receive, send)
            elif not is_replaced:
                await send(message)

        await self._app(scope, receive, send_replaced)


class LocaleMiddleware:
    """Pure ASGI: finds the language of a request, which its errors are in; says so where the client has a choice."""

    def __init__(self, app: ASGIApp, *, languages: Languages) -> None:
        self._app = app
        self._languages = languages

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # noqa: D102 - ASGI's own signature
        if scope["type"] == "http":
            scope["language"] = self._languages.of_request(Headers(scope=scope))
            if self._languages.negotiated:
                note_change(scope, _add_language)
        return self._app(scope, receive, send)


def _add_language(scope: Scope, start: Message) -> None:
    headers = MutableHeaders(scope=start)
    headers.setdefault("Content-Language", scope["language"])
    headers.add_vary_header("Accept-Language")


class ViewMiddleware:
    """Pure ASGI, within all others: adds what the view says of itself; a failure is answered here, for them to go on.

    `Allow` is the view's in any case; `Vary` is added to.
    """

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self._app = app
        self._logger = logging.getLogger(f"{service}.request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own signature
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own = note_change(scope, _add_view)
        try:
            await self._app(scope, receive, send)
        except Exception:
            # The change has been made once the answer has begun.
            if noted_changes(scope) <= own:
                raise
            self._logger.exception("unforeseen error")
            drop_changes(scope, own)
            await JsonResponse(UNFORESEEN, status_code=500)(scope, receive, send)


def _add_view(scope: Scope, start: Message) -> None:
    headers = start["headers"]
    if vary := scope.get("vary"):
        headers = varied(headers, first=vary)
    if "allow" in scope:
        others = [header for header in headers if header[0].lower() != b"allow"]
        headers = [*others, (b"allow", scope["allow"].encode("latin-1"))]
    start["headers"] = headers
    if "cached" in scope:
        scope["cached"].add(scope, start)
