"""OpenTelemetry traces of the service: FastAPI's own spans, with the request's id."""

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shared_schema.service_metrics import PATH

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


class Traces:
    """Traces of one application; `options` are FastAPI's."""

    def __init__(self, service: str) -> None:
        # Here, since the SDK takes a quarter of a second, and a service without traces does without it.
        from shared_schema.service_traces import tracer_provider

        self._provider: TracerProvider = tracer_provider(service)

    @property
    def options(self) -> dict[str, Any]:
        """What FastAPI is given: one span for each request, continued from the caller's `traceparent`."""
        return {
            "tracer_provider": self._provider,
            "auto_configure": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "exclude": lambda scope: scope["path"] == PATH,
        }

    def begin(self) -> None:
        """Send spans from now on; in the process that serves, since it begins a thread."""
        from shared_schema.service_traces import spans_send

        spans_send(self._provider)

    async def close(self) -> None:
        """Send what is left."""
        await asyncio.to_thread(self._provider.shutdown)


class TraceMiddleware:
    """Pure ASGI: gives the span of a request its id."""

    def __init__(self, app: ASGIApp) -> None:
        from opentelemetry import trace

        from shared_schema.service_traces import REQUEST_ID

        self._app = app
        self._current_span = trace.get_current_span
        self._attribute = REQUEST_ID

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own signature
        if scope["type"] == "http":
            ids = Headers(scope=scope).getlist("x-request-id")
            self._current_span().set_attribute(self._attribute, ids)
        await self._app(scope, receive, send)
