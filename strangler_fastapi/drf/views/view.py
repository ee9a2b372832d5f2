"""A path that behaves as a DRF view: its checks in DRF's order, HEAD, OPTIONS, 405 and `Allow`."""

from collections.abc import Awaitable, Callable, Mapping
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.utils import is_body_allowed_for_status_code
from pydantic import BaseModel
from starlette.responses import Response

from shared_schema.refusals import READ_ONLY
from strangler_fastapi.auth.authentication import BaseAuthentication
from strangler_fastapi.db.session import RequestSession, Session
from strangler_fastapi.drf.fields.hyperlinks import answered_request
from strangler_fastapi.drf.http.bodies import PARSERS, Parser
from strangler_fastapi.drf.http.cached_answers import CachedAnswers
from strangler_fastapi.drf.http.languages import Languages
from strangler_fastapi.drf.http.negotiation import negotiate
from strangler_fastapi.drf.http.renderers import EVENT_STREAM, JSON_RENDERER, Renderer
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.http.versioning import BaseVersioning
from strangler_fastapi.drf.pagination.pagination import PAGE_NUMBERS, Page
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.documents import (
    document_body,
    document_errors,
    document_parameters,
    document_stream,
)
from strangler_fastapi.drf.views.permissions import Rule
from strangler_fastapi.drf.views.throttles import BaseThrottle, check_throttles
from strangler_fastapi.drf.views.view_access import ViewAccess, with_method
from strangler_fastapi.drf.views.view_routes import METHODS, Guard, ViewRoute, current_caller
from strangler_fastapi.errors import ApiError, MethodNotAllowed, NotPorted, Unavailable

Endpoint = Callable[..., Awaitable[Response]]
# Finds the object of the path for the caller, or raises NotFound (`get_object`).
Find = Callable[[Request, RequestSession, Any], Awaitable[Any]]
# The form of an answer, or several that a client can choose from.
Answer = Serializer | type[BaseModel] | tuple[Serializer, ...] | None


def feature_router(prefixes: ApiPrefixes, name: str) -> APIRouter:
    """A router for the views of one feature; `name` groups them in the documentation."""
    return APIRouter(prefix=prefixes.below(""), tags=[name], route_class=ViewRoute)


class View:
    """One path of a feature's router.

    Its methods are added with `get`, `post` and so on; every other method gets DRF's answer. It is `without` HEAD or
    OPTIONS where `http_method_names` of Django's leave them out. `patterns` are the regular expressions of the path's
    variables by name, such as `[0-9]+` of `<int:pk>`: a path with other values is one that nobody serves. One with an
    `optional_slash` answers without the slash at its end, too, as one of a router with `trailing_slash="/?"`.

    `permission` says who may send a request, by one rule or by several (`strangler_fastapi.drf.views.permissions`).
    `authenticators` find its caller, in their order: the service's own where they are left out, `()` where the view
    reads no credentials. `challenge` gives the `WWW-Authenticate` of a 401 where that is not the first authenticator's.

    `serializer` says what is sent and answered. OPTIONS answers it with `name` and `description`, or `described` where
    that is another, unless the view `describes` nothing, as DRF's APIView; where the path names an object, `find` looks
    for it, since OPTIONS describes a PUT only to those who could send it. `renderers` are the forms of answers that a
    client can choose from (`drf.http.renderers`), `vary` the headers of requests that all answers name as those they
    depend on, `cached` how long they may be kept. `parsers` are those of bodies (`drf.http.bodies`). `throttles` count
    requests, and `versioning` finds the version that one means (modules of those names).
    """

    def __init__(
        self,
        router: APIRouter,
        path: str,
        *,
        name: str,
        methods: tuple[str, ...],
        without: tuple[str, ...] = (),
        patterns: Mapping[str, str] = MappingProxyType({}),
        optional_slash: bool = False,
        permission: Rule | tuple[Rule, ...] | None = None,
        authenticators: tuple[BaseAuthentication, ...] | None = None,
        challenge: Callable[[Request], str | None] | None = None,
        description: str = "",
        serializer: Serializer | None = None,
        described: Serializer | None = None,
        describes: bool = True,
        find: Find | None = None,
        renderers: tuple[Renderer, ...] = (JSON_RENDERER,),
        parsers: tuple[Parser, ...] = PARSERS,
        vary: tuple[str, ...] = (),
        cached: CachedAnswers | None = None,
        throttles: tuple[BaseThrottle, ...] = (),
        versioning: BaseVersioning | None = None,
    ) -> None:
        if permission is None:
            raise LookupError(
                f"View {path} has no permission: give it one of strangler_fastapi.drf.views.permissions, such as"
                " permission=IsAuthenticated, or permission=AllowAny."
            )
        self._router = router
        self._path = path
        self.access = ViewAccess(path, permission, authenticators=authenticators, challenge=challenge)
        self._serializer = serializer
        self._described = (described or serializer) if describes else None
        self._gaps: dict[str, tuple[str, ...]] = {}
        self._undescribed: set[str] = set()
        self._find = find
        self._methods = methods
        self._without = without
        self._patterns = patterns
        self._optional_slash = optional_slash
        allowed = {*methods, "OPTIONS", *(("HEAD",) if "GET" in methods else ())} - {*without}
        self.allow = ", ".join(method for method in METHODS if method in allowed)
        self._renderers = renderers
        self._read_renderers = renderers
        self.parsers = parsers
        self._parsed = tuple(parser.media_type for parser in parsers)
        # As DRF says it of a choice.
        negotiated = ("Accept",) if len(renderers) > 1 else ()
        self._vary = tuple(dict.fromkeys((*negotiated, *vary)))
        self._cached = cached
        self._throttles = throttles
        self.versioning = versioning
        self._answers: dict[str, tuple[Serializer, ...]] = {}
        self._metadata: dict[str, Any] = {
            "name": name,
            "description": description,
            "renders": tuple(renderer.media_type for renderer in renderers),
            "parses": self._parsed,
        }
        self._safe = {"GET", "HEAD", "OPTIONS", "TRACE"}
        self._guards = [Guard(self._guard)]
        self._fallback = self._add_fallback()

    def get(
        self,
        *,
        response: Answer = None,
        many: Any = None,  # noqa: ANN401 - `list` or `Page`
        query: Mapping[str, str] | None = None,
        pages: Mapping[str, str] = MappingProxyType(PAGE_NUMBERS.parameters),
        gaps: tuple[str, ...] = (),
    ) -> Callable[[Endpoint], Endpoint]:
        """Adds GET and HEAD; `query` are the parameters that it reads, by name → description.

        `response` is what is answered, or each of the forms that it may have: the view's serializer where none is
        given; `many` says that it is a `list` of those, or a `Page`, whose parameters are `pages`.
        `gaps` are what of Django's isn't ported yet, such as of its parameters, for `strangler check`.
        """
        parameters = {**(pages if many is Page else {}), **(query or {})}

        def add(endpoint: Endpoint) -> Endpoint:
            errors = self._errors(400) if parameters else self._errors()
            model = self._response_model("GET", response, many)
            extra = self._document_operation("GET", parameters, gaps)
            self._add("GET", endpoint, response_model=model, responses=errors, openapi_extra=extra)
            if "HEAD" not in self._without:
                self._add("HEAD", endpoint, include_in_schema=False)
            return endpoint

        return add

    def stream(self, *, data: type[BaseModel], query: Mapping[str, str]) -> Callable[[Endpoint], Endpoint]:
        """Adds a GET and HEAD of Server-Sent Events; `data` is the model of their data, `query` as for `get`."""
        self._read_renderers = (EVENT_STREAM,)
        self._metadata["renders"] = (EVENT_STREAM.media_type,)

        def add(endpoint: Endpoint) -> Endpoint:
            extra, responses = self._document_operation("GET", query), document_stream(data) | self._errors(400)
            self._add("GET", endpoint, response_class=Response, responses=responses, openapi_extra=extra)
            if "HEAD" not in self._without:
                self._add("HEAD", endpoint, include_in_schema=False)
            return endpoint

        return add

    def post(
        self,
        *,
        response: Answer = None,
        status: int = 200,
        reads_body: bool = True,
        writes: bool = True,
        gaps: tuple[str, ...] = (),
    ) -> Callable[[Endpoint], Endpoint]:
        """Adds POST; `writes` is False where it changes no row, `reads_body` where it ignores what is sent."""
        if not writes:
            self._safe.add("POST")
        return self._writer("POST", self._response_model("POST", response), status, gaps, reads_body=reads_body)

    def put(
        self, *, response: Answer = None, status: int = 200, gaps: tuple[str, ...] = ()
    ) -> Callable[[Endpoint], Endpoint]:
        """Adds PUT."""
        return self._writer("PUT", self._response_model("PUT", response), status, gaps)

    def patch(
        self, *, response: Answer = None, status: int = 200, gaps: tuple[str, ...] = ()
    ) -> Callable[[Endpoint], Endpoint]:
        """Adds PATCH."""
        return self._writer("PATCH", self._response_model("PATCH", response), status, gaps)

    def delete(self, *, status: int = 204, gaps: tuple[str, ...] = ()) -> Callable[[Endpoint], Endpoint]:
        """Adds DELETE."""
        return self._writer("DELETE", None, status, gaps, reads_body=False)

    def gap(self, method: str, *what: str, describes: bool = False) -> None:
        """Adds a method that answers 501 and says `what` of Django's isn't ported yet.

        The OpenAPI document lists it under `x-not-ported`, where `strangler check` finds it. `describes` says that
        Django's OPTIONS tells what the method takes: whom it would tell, is answered 501 there too, and everybody is
        where all methods are gaps, since nothing then says what Django's view makes of any request.
        """
        self._gaps[method] = what
        if describes:
            self._undescribed.add(method)

        async def answer() -> Response:
            raise NotPorted(*what)

        answer.__name__ = "not_ported"
        extra = self._document_operation(method, gaps=what)
        self._add(method, answer, response_model=None, responses=self._errors(501), openapi_extra=extra)
        if method == "GET" and "HEAD" not in self._without:
            self._add("HEAD", answer, include_in_schema=False)

    def _writer(
        self,
        method: str,
        response: Any,  # noqa: ANN401 - a model or a generic of one
        status: int,
        gaps: tuple[str, ...],
        *,
        reads_body: bool = True,
    ) -> Callable[[Endpoint], Endpoint]:
        errors = self._errors(400, 401, 415) if reads_body else self._errors(401)
        extra = self._document_operation(method, gaps=gaps)
        if reads_body and self._serializer is not None:
            extra |= document_body(self._serializer, self._parsed, partial=method == "PATCH")

        def add(endpoint: Endpoint) -> Endpoint:
            self._add(
                method,
                endpoint,
                status_code=status,
                response_model=response if is_body_allowed_for_status_code(status) else None,
                responses=errors,
                openapi_extra=extra,
            )
            return endpoint

        return add

    def _add(self, method: str, endpoint: Endpoint, **documentation: Any) -> None:  # noqa: ANN401 - FastAPI's own
        (self._fallback.methods or set()).discard(method)
        name = f"{endpoint.__name__}_{method.lower()}"
        self._router.add_api_route(
            self._path, endpoint, methods=[method], dependencies=self._guards, name=name, **documentation
        )
        # Views are tried in their own order, whichever got its endpoints first: /boats/sink/ before /boats/{pk}/.
        routes = self._router.routes
        route = cast("ViewRoute", routes.pop())
        routes.insert(routes.index(self._fallback), route)
        route.narrow(self._patterns, optional_slash=self._optional_slash)
        if documentation.get("include_in_schema", True):
            route.view = self

    def _response_model(self, method: str, response: Answer = None, many: Any = None) -> Any:  # noqa: ANN401 - a union of models
        given = self._serializer if response is None else response
        forms = given if isinstance(given, tuple) else (given,)
        self._answers[method] = tuple(form for form in forms if isinstance(form, Serializer))
        models = [form.response_model if isinstance(form, Serializer) else form for form in forms]
        return reduce(or_, [many[model] for model in models] if many else models)

    def _document_operation(
        self, _method: str, query: Mapping[str, str] = MappingProxyType({}), gaps: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        return document_parameters(self._path, query) | ({"x-not-ported": [*gaps]} if gaps else {})

    def unported(self, app: FastAPI, method: str) -> tuple[str, ...]:
        """What of Django's a method still lacks: its authenticators, its permissions, and fields of its answer."""
        forms = (what for form in self._answers.get(method, ()) for what in form.unported)
        return tuple(dict.fromkeys((*self.access.unported(app, method), *forms)))

    def _add_fallback(self) -> ViewRoute:
        """Answers every method; those that get an endpoint are taken out of it."""
        self._router.add_api_route(
            self._path, self._answer_others, methods=list(METHODS), dependencies=self._guards, include_in_schema=False
        )
        route = cast("ViewRoute", self._router.routes[-1])
        route.narrow(self._patterns, optional_slash=self._optional_slash)
        return route

    async def _guard(self, request: Request, session: Session) -> None:
        """DRF's `initial()`: 406, the version, then 401, 403 and 429; the method is looked at after."""
        request.scope["allow"] = self.allow
        request.scope["vary"] = self._vary
        negotiate(request, self._read_renderers if request.method in ("GET", "HEAD") else self._renderers)
        if getattr(request.app.state, "read_only", False) and request.method not in self._safe:
            raise Unavailable.of(READ_ONLY)
        request.scope["view"] = self
        if self._cached is not None and request.method in ("GET", "HEAD"):
            request.scope["cached"] = self._cached
        answered_request.set(request)
        if self.versioning is not None:
            request.state.version = self.versioning.determine_version(request)
        await self.access.admit(request, session)
        if self._throttles:
            await check_throttles(self._throttles, request, session)

    async def _answer_others(self, request: Request, session: Session) -> Response:
        if request.method != "OPTIONS" or "OPTIONS" in self._without:
            raise MethodNotAllowed(request.method)
        if self._gaps.keys() >= {*self._methods}:
            raise NotPorted(*dict.fromkeys(what for each in self._gaps.values() for what in each))
        actions = await self._actions(request, session)
        return JsonResponse({**self._metadata, "actions": actions} if actions else self._metadata)

    async def _actions(self, request: Request, session: RequestSession) -> dict[str, Any]:
        """The body of POST or PUT, if the caller could send it (`SimpleMetadata.determine_actions`)."""
        offered = [method for method in ("PUT", "POST") if method in self._methods]
        offered = [method for method in offered if self._described is not None or method in self._undescribed]
        methods = [method for method in offered if await self.access.may(request, method)]
        if lacking := next((method for method in methods if method in self._undescribed), None):
            raise NotPorted(*self._gaps[lacking])
        if self._described is None:
            return {}
        if "PUT" in methods and self._find is not None:
            try:
                await self._find(with_method(request, "PUT"), session, request.state.caller)
            except (NotPorted, Unavailable):
                raise
            except ApiError:
                methods.remove("PUT")
        facts: dict[str, Any] = {method: self._described.describe() for method in methods}
        languages: Languages | None = request.app.state.languages
        return facts if languages is None else languages.described(facts, request.scope["language"])

    def _errors(self, *statuses: int) -> dict[int | str, dict[str, Any]]:
        statuses = (*statuses, *self.access.refusals)
        if "{" in self._path or "GET" in self.allow:
            statuses = (*statuses, 404)
        return document_errors(*statuses, 406, 429, 503)


Caller = Annotated[Any, Depends(current_caller)]
