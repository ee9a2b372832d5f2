"""Metrics of the service for Prometheus, counted around all that it does (shared_schema.service_metrics)."""

import asyncio
import time
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared_schema.service_metrics import PATH, PROXY_HEADER, ROUTE_HEADER, ServiceMetrics

_ERROR = 500


class MetricsMiddleware:
    """Pure ASGI: counts each request, and answers a GET of /metrics that came through no proxy.

    A request's route is the name that nginx gives it, else that of FastAPI's route.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._metrics = ServiceMetrics()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own signature
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["path"] == PATH and scope["method"] == "GET" and PROXY_HEADER not in headers:
            content, kind = await asyncio.to_thread(self._metrics.text)
            await Response(content, headers={"Content-Type": kind})(scope, receive, send)
            return
        status = _ERROR

        async def send_counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = time.perf_counter()
        self._metrics.begin()
        try:
            await self._app(scope, receive, send_counted)
        finally:
            self._note_connections(scope["app"].state)
            self._metrics.end(
                route=headers.get(ROUTE_HEADER) or getattr(scope.get("route"), "name", None) or "",
                method=scope["method"],
                status=status,
                seconds=time.perf_counter() - started,
            )

    def _note_connections(self, state: Any) -> None:  # noqa: ANN401 - Starlette's own
        pool = state.database.engine.pool
        used = pool.checkedout()
        self._metrics.connections(used=used, opened=used + pool.checkedin())
