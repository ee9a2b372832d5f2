"""Turns exceptions into answers, in one place."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import asyncpg
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from shared_schema.contract.callables import UnknownCallable
from shared_schema.contract.deletion import ProtectedError, RestrictedError
from shared_schema.refusals import AWAY, refusal_of
from strangler_fastapi.db.driver_errors import driver_error
from strangler_fastapi.drf.http.exception_handler import Response as Answered
from strangler_fastapi.drf.http.exception_handler import by_own_handler
from strangler_fastapi.drf.http.negotiation import JSON
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.errors import (
    NON_FIELD_ERRORS,
    ApiError,
    AuthenticationFailed,
    BrokenRule,
    DeleteProtected,
    DeleteRestricted,
    MethodNotAllowed,
    NotAuthenticated,
    NotPorted,
    PermissionDenied,
    SuspiciousRequest,
    Unavailable,
    ValidationFailed,
)

# Given the request, the body that DRF's own handler answers and the status, the body that a project answers instead.
ErrorBody = Callable[[Request, Any, int], Any]

logger = logging.getLogger(__name__)

# SQLSTATEs: syntax and names (class 42), and values of another kind than the column's: perhaps the tables are no longer
# what they were. A row that lacks a value may be one of a column that FastAPI doesn't know.
_CLASS_OF_NAMES = "42"
_NOT_GIVEN = "23502"
# A search or a filter by regular expression that is none; v1 fails on it.
_NO_PATTERN = "2201B"
# What is unique, a CHECK and an exclusion, of which no field or rule of a body knew: v1 fails on it.
_BROKEN_RULES = frozenset({"23505", "23514", "23P01"})
# PostgreSQL's name of a key: of one that no body gave the sequence is behind its rows.
_KEY_SUFFIX = "_pkey"
AWAY_ERRORS = (
    *(OperationalError, InterfaceError, PoolTimeoutError, TimeoutError, OSError),
    *(asyncpg.InterfaceError, asyncpg.InternalClientError),
)

# A database that is away fails every request: each says why in one line, and one a minute where it was met.
_TRACEBACK_SECONDS = 60.0

_HTTP_NOT_FOUND = 404
# Of a path that nobody serves, which is Django's to answer and not DRF's (`django.views.defaults.page_not_found`).
_NO_PAGE = """
<!doctype html>
<html lang="en">
<head>
  <title>Not Found</title>
</head>
<body>
  <h1>Not Found</h1><p>The requested resource was not found on this server.</p>
</body>
</html>
"""
_HTTP_METHOD_NOT_ALLOWED = 405
_HTTP_SERVER_ERROR = 500


def add_handlers(app: FastAPI) -> None:
    """Makes `app` answer every error in DRF's shape."""
    app.add_exception_handler(ApiError, _answer_api_error)
    for refused in (NotAuthenticated, AuthenticationFailed):
        app.add_exception_handler(refused, _answer_unknown_caller)
    app.add_exception_handler(SuspiciousRequest, _answer_suspicious_request)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(ProtectedError, _answer_protected)
    app.add_exception_handler(UnknownCallable, _answer_unknown_callable)
    database_errors = DatabaseErrors()
    for kind in (DBAPIError, asyncpg.PostgresError, *AWAY_ERRORS):
        app.add_exception_handler(kind, database_errors.answer)
    app.add_exception_handler(ClientDisconnect, _client_disconnected)


async def _answer_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - what the handler is registered for
    return _answer(request, error, status=error.status)


def _answer(request: Request, error: ApiError, *, status: int, wanted: str | None = None) -> Response:
    """The error in the request's language, and in the project's own form where it has one (`EXCEPTION_HANDLER`)."""
    body, languages = error.body, request.app.state.languages
    if isinstance(error, ValidationFailed):
        body = _keyed(body, request.app.state.non_field_errors_key)
    if languages is not None:
        body = languages.translated(body, request.scope["language"])
    if error.answer is not None:
        response: Response = error.answer.response(body)
        return response
    headers = error.headers | ({"WWW-Authenticate": wanted} if wanted else {})
    answered = Answered(body, status, headers)
    if status < _HTTP_SERVER_ERROR:
        try:
            answered = _in_own_form(request, error, answered)
        except NotPorted as lacking:
            answered = Answered(lacking.body, lacking.status)
    return JsonResponse(answered.data, status_code=answered.status_code, headers=answered.headers)


def _in_own_form(request: Request, error: ApiError, answered: Answered) -> Answered:
    """The answer as the project words it, where it has a form of errors of its own."""
    handler, own = request.app.state.exception_handler, request.app.state.error_body
    if handler is not None:
        return by_own_handler(handler, error, answered)
    if own is not None:
        return Answered(own(request, answered.data, answered.status_code), answered.status_code, answered.headers)
    return answered


def _keyed(body: Any, key: str) -> Any:  # noqa: ANN401 - JSON, in whatever form
    """The body of an error with the project's own key for what is of no field (NON_FIELD_ERRORS_KEY)."""
    if key == NON_FIELD_ERRORS or not isinstance(body, dict | list):
        return body
    if isinstance(body, list):
        return [_keyed(each, key) for each in body]
    return {key if name == NON_FIELD_ERRORS else name: _keyed(each, key) for name, each in body.items()}


async def _answer_unknown_caller(request: Request, error: Exception) -> Response:
    """401 with what the view asks for; 403 where it asks for nothing (`APIView.handle_exception`)."""
    assert isinstance(error, NotAuthenticated | AuthenticationFailed)  # noqa: S101 - what the handler is registered for
    wanted = request.scope["view"].access.authenticate_header(request) if "view" in request.scope else None
    return _answer(request, error, status=error.status if wanted else PermissionDenied.status, wanted=wanted)


async def _answer_suspicious_request(request: Request, error: Exception) -> Response:
    """As Django's JsonResponse writes it; no view has said yet what it allows."""
    assert isinstance(error, SuspiciousRequest)  # noqa: S101 - what the handler is registered for
    request.scope.pop("allow", None)
    return Response(json.dumps(error.body), status_code=error.status, media_type=JSON)


async def _answer_protected(request: Request, error: Exception) -> Response:
    """Django raises it through DRF, which makes a 500 of it; which rows they are is for the log alone."""
    logger.info("answered 409: %s", error)
    kind = DeleteRestricted if isinstance(error, RestrictedError) else DeleteProtected
    return await _answer_api_error(request, kind())


async def _answer_unknown_callable(request: Request, error: Exception) -> Response:
    """A value that only Django makes; what to do is for the log alone."""
    logger.error("answered 501: %s", error)
    return await _answer_api_error(request, NotPorted(str(error).partition(":")[0]))


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    if error.status_code == _HTTP_NOT_FOUND:
        return Response(_NO_PAGE, status_code=_HTTP_NOT_FOUND, media_type="text/html")
    if error.status_code == _HTTP_METHOD_NOT_ALLOWED:
        return await _answer_api_error(request, MethodNotAllowed(request.method))
    return JsonResponse({"detail": error.detail}, status_code=error.status_code, headers=error.headers)


class DatabaseErrors:
    """The database went away, is busy, or lets another request go first: the next try may fare better."""

    def __init__(self) -> None:
        self._traced_at: dict[type[Exception], float] = {}

    async def answer(self, request: Request, error: Exception) -> Response:
        """The answer to a request that the database refused."""
        return await _answer_api_error(request, await self.refusal(request, error))

    async def refusal(self, request: Request, error: Exception) -> ApiError:
        """What the request is refused for; the error itself is raised where it is no passing one."""
        cause = driver_error(error)
        state = getattr(cause, "sqlstate", None)
        if state == _NO_PATTERN:
            return ValidationFailed(["Enter a valid regular expression."])
        if state in _BROKEN_RULES and _is_of_values(cause):
            logger.warning("answered 400: %s", _reason(error))
            return BrokenRule()
        refusal = await _schema_answer(request, error) or _database_answer(error)
        if refusal is None:
            raise error
        logger.warning("answered 503: %s", _reason(error), exc_info=error if self._is_news(error) else None)
        return refusal

    def _is_news(self, error: Exception) -> bool:
        now = time.monotonic()
        if now - self._traced_at.get(type(error), -_TRACEBACK_SECONDS) < _TRACEBACK_SECONDS:
            return False
        self._traced_at[type(error)] = now
        return True


def _is_of_values(cause: BaseException) -> bool:
    """Whether a client can send others that are taken; of a row that no partition takes no rule is named."""
    rule = getattr(cause, "constraint_name", None)
    return rule is not None and not rule.endswith(_KEY_SUFFIX)


def _reason(error: Exception) -> str:
    """One line, without the row's values that PostgreSQL adds below it."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {cause}".splitlines()[0].removesuffix(": ")


async def _schema_answer(request: Request, error: Exception) -> Unavailable | None:
    """What a statement fails for that worked before: the tables or grants were changed under the service."""
    cause = driver_error(error)
    state = getattr(cause, "sqlstate", None) or ""
    if not (state.startswith(_CLASS_OF_NAMES) or state == _NOT_GIVEN or isinstance(cause, asyncpg.DataError)):
        return None
    problem = await request.app.state.database.check()
    return Unavailable(problem) if problem is not None else None


def _database_answer(error: Exception) -> Unavailable | None:
    state = getattr(driver_error(error), "sqlstate", None)
    refusal = refusal_of(state)
    if refusal is None and (
        isinstance(error, AWAY_ERRORS) or (isinstance(error, DBAPIError) and error.connection_invalidated)
    ):
        refusal = AWAY
    return Unavailable.of(refusal) if refusal else None


async def _client_disconnected(_request: Request, _error: Exception) -> Response:
    """The client disconnected before it had sent everything; no answer is read, and nothing was done."""
    return Response(status_code=400)
