"""A database that is away, full, or busy with the same rows is a 503 that says when to come back, as FastAPI's is."""

import logging
from collections.abc import Callable
from typing import Final

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse

from shared_schema.refusals import AWAY, Refusal, refusal_of

_LOG: Final = logging.getLogger(__name__)


class DatabaseRefusalMiddleware:
    """Answers what the database refuses for reasons that pass; REST framework would answer 500.

    JSON where the view is REST framework's, else plain text. Name it behind `SecurityMiddleware` in MIDDLEWARE.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The refusal, None for any other exception."""
        refusal = _refusal(exception)
        if refusal is None:
            return None
        # Without the row's values that PostgreSQL adds below its first line.
        reason = (str(exception).strip().splitlines() or [type(exception).__name__])[0]
        _LOG.warning("503 %s %s: %s", request.method, request.path, reason)
        headers = {"Retry-After": str(refusal.retry_after)}
        match = request.resolver_match
        if match is not None and hasattr(match.func, "cls"):
            return JsonResponse({"detail": refusal.detail}, status=503, headers=headers)
        return HttpResponse(refusal.detail, status=503, content_type="text/plain", headers=headers)


def _refusal(exception: Exception) -> Refusal | None:
    cause = exception.__cause__ if isinstance(exception, DatabaseError | InterfaceError) else exception
    state = getattr(cause, "sqlstate", None)
    if found := refusal_of(state):
        return found
    # A connection that broke or can't be made has no SQLSTATE, nor has a pool without a free one (PoolTimeout).
    is_away = isinstance(exception, OperationalError | InterfaceError) or type(cause).__module__.startswith(
        "psycopg_pool"
    )
    return AWAY if is_away and state is None else None
