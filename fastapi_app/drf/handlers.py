"""Turns exceptions into answers, in one place."""

import logging

from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fastapi_app.drf.errors import ApiError, MethodNotAllowed, NotFound, Unavailable
from fastapi_app.drf.rendering import JsonResponse

logger = logging.getLogger(__name__)

_HTTP_NOT_FOUND = 404
_HTTP_METHOD_NOT_ALLOWED = 405


def add_handlers(app: FastAPI) -> None:
    """Makes `app` answer every error in DRF's shape."""
    app.add_exception_handler(ApiError, _answer_api_error)
    app.add_exception_handler(HTTPException, _answer_http_error)
    for kind in (OperationalError, InterfaceError, PoolTimeoutError, ConnectionError, DBAPIError):
        app.add_exception_handler(kind, _answer_database_error)
    app.add_exception_handler(Exception, _answer_unforeseen)


async def _answer_api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - what the handler is registered for
    return JsonResponse(error.body, status_code=error.status, headers=error.headers)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    if error.status_code == _HTTP_NOT_FOUND:
        return await _answer_api_error(request, NotFound())
    if error.status_code == _HTTP_METHOD_NOT_ALLOWED:
        return await _answer_api_error(request, MethodNotAllowed(request.method))
    return JsonResponse({"detail": error.detail}, status_code=error.status_code, headers=error.headers)


async def _answer_database_error(request: Request, error: Exception) -> Response:
    """The database went away, or is too busy; the next request may fare better."""
    if isinstance(error, DBAPIError) and not (error.connection_invalidated or isinstance(error, _AWAY)):
        return await _answer_unforeseen(request, error)
    logger.error("the database did not answer: %s", type(error).__name__, exc_info=error)
    return await _answer_api_error(request, Unavailable("The database does not answer: try again in a few seconds."))


async def _answer_unforeseen(_request: Request, error: Exception) -> Response:
    logger.error("unforeseen error", exc_info=error)
    return JsonResponse({"detail": "A server error occurred."}, status_code=500)


_AWAY = (OperationalError, InterfaceError)
