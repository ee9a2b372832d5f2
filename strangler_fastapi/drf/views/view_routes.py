"""Routes of views: how the one of a request is found, and how its endpoint is called.

This is on the way of every request, and does without what a plain endpoint has no need of (docs/benchmark.md).
"""

import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import cached_property, partial
from inspect import iscoroutinefunction, signature
from typing import Any, get_type_hints

import asyncpg
from fastapi import Request, params
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from starlette.datastructures import QueryParams, URLPath
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from strangler_fastapi.db.driver_errors import DRIVER_ERRORS, driver_error
from strangler_fastapi.db.session import RequestSession, begin_session, open_session

# The order of `View.http_method_names`, which is the order of `Allow`.
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
_READS = frozenset(("GET", "HEAD", "OPTIONS"))
# What a variable of a path is to Starlette.
_SEGMENT = "[^/]+"
_OUTDATED = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)

# The names of an endpoint's parameters, each with what it takes.
_Parameters = tuple[tuple[str, Any], ...]


class Guard(params.Depends):
    """The check of a view, called with the request and its session before the endpoint."""


async def current_caller(request: Request) -> Any:  # noqa: ANN401 - the view's own kind of caller
    """The caller that the view's guard identified; None for an anonymous one."""
    return request.state.caller


class _Query(QueryParams):
    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as a mapping's own
        return self._dict.get(key, default)


_NO_QUERY = _Query("")


class _Request(Request):
    """A request whose parameters are asked for without an exception for each that isn't there, as of most filters."""

    @cached_property
    def query_params(self) -> QueryParams:
        """See Request."""
        query = self.scope["query_string"]
        return _Query(query) if query else _NO_QUERY


class ViewRoute(APIRoute):
    """A route that rejects another path before it matches its pattern: FastAPI tries every route in turn.

    A request that meets a change of the tables is handled once more. `view` is whose documented method it is;
    `optional_slash` says that it answers its path without the slash at its end, too.

    An endpoint that takes nothing but the request, the session and the caller is called without FastAPI's dependency
    solver, which costs more than the endpoint. One with dependencies or parameters of its own, and a request that is
    traced (FastAPI's telemetry), are left to FastAPI.
    """

    view: Any = None
    optional_slash = False

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401 - APIRoute's own
        super().__init__(path, endpoint, **options)
        self._parameters = _plain_parameters(self)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See APIRoute. No match is ever partial: a view answers every method."""
        path: str = scope["path"]
        methods = self.methods or set()
        # The fallback of a view keeps TRACE, which never gets an endpoint; it answers methods of other protocols too.
        answers = scope["method"] in methods or ("TRACE" in methods and scope["method"] not in METHODS)
        if not answers or not path.startswith(_prefix(self)) or path.count("/") not in _segments(self):
            return Match.NONE, {}
        match, child_scope = super().matches(scope)
        return (Match.NONE if match is Match.NONE else Match.FULL), child_scope

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See APIRoute, which would look at the method once more."""
        if self._parameters is None or scope.get("fastapi.telemetry") is not None:
            await self.app(scope, receive, send)
            return
        response = await _handle_twice(partial(self._answer, self._parameters), _Request(scope, receive, send))
        await response(scope, receive, send)

    def narrow(self, patterns: Mapping[str, str], *, optional_slash: bool = False) -> None:
        """Have it match paths alone whose variables, by name, are all of such a regular expression."""
        self.optional_slash = optional_slash
        text: str = self.path_regex.pattern
        for name, pattern in patterns.items():
            text = text.replace(f"(?P<{name}>{_SEGMENT})", f"(?P<{name}>{pattern})")
        if optional_slash:
            text = f"{text.removesuffix('/$')}/?$"
        self.path_regex = re.compile(text)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See APIRoute."""
        return partial(_handle_twice, super().get_route_handler())

    async def _answer(self, parameters: _Parameters, request: Request) -> Response:
        """What FastAPI's solver does: the session, the guard, the endpoint."""
        session = begin_session(request)
        try:
            await self.dependencies[0].dependency(request, session)  # type: ignore[misc] # the guard
            given = {Request: request, open_session: session, current_caller: request.state.caller}
            response: Response = await self.endpoint(**{name: given[kind] for name, kind in parameters})
            await session.commit()
        finally:
            await session.close()
        return response


def _plain_parameters(route: APIRoute) -> _Parameters | None:
    """The names of an endpoint's parameters, each with what it takes; None where FastAPI has to solve one."""
    dependant, guards = route.dependant, route.dependencies
    if len(guards) != 1 or not isinstance(guards[0], Guard):
        return None
    if not iscoroutinefunction(route.endpoint) or not _returns_response(route.endpoint):
        return None
    solved: dict[str, Any] = {each.name or "": each.call for each in dependant.dependencies[1:]}
    if dependant.request_param_name is not None:
        solved[dependant.request_param_name] = Request
    known = set(solved.values()) <= {Request, open_session, current_caller}
    return tuple(solved.items()) if known and {*solved} == {*signature(route.endpoint).parameters} else None


def _returns_response(endpoint: Callable[..., Any]) -> bool:
    kind = get_type_hints(endpoint).get("return")
    return isinstance(kind, type) and issubclass(kind, Response)


class ViewTable(BaseRoute):
    """Finds the route of a request among the views' that have its method and as many segments as its path.

    FastAPI tries all routes in turn, which takes longer the more there are. A request that is traced is left to it.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes: dict[tuple[str, int], list[tuple[str, BaseRoute]]]
        self._routes = {key: [] for route in routes for key in _keys(route)}
        for route in routes:
            # One of another kind may come before a view's and match the same path.
            for key in _keys(route) or self._routes:
                self._routes[key].append((_prefix(route), route))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See BaseRoute."""
        if scope["type"] == "http" and scope.get("fastapi.telemetry") is None:
            path = scope["path"]
            for prefix, route in self._routes.get((scope["method"], path.count("/")), ()):
                if not path.startswith(prefix):
                    continue
                match, child_scope = route.matches(scope)
                if match is not Match.NONE:
                    return (match, child_scope) if isinstance(route, ViewRoute) else (Match.NONE, {})
        return Match.NONE, {}

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:  # noqa: ANN401 - BaseRoute's own
        """See BaseRoute; the routes themselves know their paths."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See BaseRoute."""
        await scope["route"].handle(scope, receive, send)


def _prefix(route: BaseRoute) -> str:
    """What each path of a view's route begins with."""
    if not isinstance(route, ViewRoute):
        return ""
    path = route.path.removesuffix("/") if route.optional_slash else route.path
    return path.partition("{")[0]


def _segments(route: ViewRoute) -> tuple[int, ...]:
    """How many slashes a path of a view's route may have."""
    count = route.path.count("/")
    return (count, count - 1) if route.optional_slash else (count,)


def _keys(route: BaseRoute) -> list[tuple[str, int]]:
    """The methods of a view's route, each with the numbers of slashes that its path may have."""
    if not isinstance(route, ViewRoute):
        return []
    return [(method, count) for method in route.methods or () for count in _segments(route)]


async def _handle_twice(handle: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    """Handles a request once more if it met a change of the tables, or a standby that could not answer it.

    In a transaction a statement that was prepared before a column's type changed fails, once on each connection
    (asyncpg tries those outside of one again by itself). What fails so has changed nothing. A standby refuses to write
    and to lock, ends a read that is in the way of what it replays, and may be gone: the primary answers then.
    """
    request.state.may_read_replica = request.method in _READS
    try:
        return await handle(request)
    except (*DRIVER_ERRORS, DBAPIError, OSError) as error:
        session: RequestSession | None = getattr(request.state, "session", None)
        is_outdated = isinstance(driver_error(error), _OUTDATED)
        if session is None or session.committed or not (is_outdated or session.reads_replica):
            raise
    finally:
        # Nor may what follows the answer, such as the save of a session.
        request.state.may_read_replica = False
    if is_outdated:
        request.app.state.database.renew()
    await session.close()
    return await handle(request)
