"""Metrics of the service for Prometheus, counted around all that it does (shared_schema.service_metrics)."""

import time
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse

from shared_schema.service_metrics import PATH, PROXY_HEADER, ROUTE_HEADER, ServiceMetrics

GetResponse = Callable[[HttpRequest], HttpResponse]


class MetricsMiddleware:
    """The first of MIDDLEWARE: counts each request, and answers a GET of /metrics that came through no proxy.

    A request's route is the name that nginx gives it, else that of the pattern in the URLconf.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._metrics = ServiceMetrics()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, counted."""
        if request.path_info == PATH and request.method == "GET" and PROXY_HEADER not in request.headers:
            content, kind = self._metrics.text()
            return HttpResponse(content, content_type=kind)
        status = 500
        started = time.perf_counter()
        self._metrics.begin()
        try:
            response = self.get_response(request)
            status = response.status_code
            return response
        finally:
            self._note_connections()
            self._metrics.end(
                route=request.headers.get(ROUTE_HEADER) or getattr(request.resolver_match, "view_name", "") or "",
                method=request.method or "",
                status=status,
                seconds=time.perf_counter() - started,
            )

    def _note_connections(self) -> None:
        # Only Django's pool of psycopg tells; without one each thread has a connection at most.
        pool = getattr(connection, "pool", None)
        if pool is not None:
            found = pool.get_stats()
            opened = found.get("pool_size", 0)
            self._metrics.connections(used=opened - found.get("pool_available", 0), opened=opened)
