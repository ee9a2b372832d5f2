"""Counts the SQL statements of each request, where REPORT_SQL asks for it."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.db import connections
from django.http import HttpRequest, HttpResponse

from django_app.config.middleware import GetResponse
from shared_schema.server_timing import HEADER, RequestStatements


class StatementsMiddleware:
    """Reports how many statements a request took, on all databases: `Server-Timing: sql;desc="3"`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, its statements counted."""
        statements = RequestStatements()
        with ExitStack() as stack:
            for connection in connections.all():
                stack.enter_context(connection.execute_wrapper(_counter(statements)))
            response = self.get_response(request)
        response.headers[HEADER] = statements.header
        return response


def _counter(statements: RequestStatements) -> Callable[..., Any]:
    def count_and_execute(execute: Callable[..., Any], sql: object, params: Any, many: bool, context: Any) -> Any:  # noqa: ANN401 - Django's own signature
        statements.add(sql, times=len(params) if many else 1)
        return execute(sql, params, many, context)

    return count_and_execute
