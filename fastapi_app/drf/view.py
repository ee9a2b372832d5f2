"""A path that behaves as a DRF view: its checks in DRF's order, HEAD, OPTIONS, 405 and `Allow`."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from fastapi_app.database import Session
from fastapi_app.drf.bodies import PARSED
from fastapi_app.drf.documents import document_body, document_errors
from fastapi_app.drf.errors import MethodNotAllowed, NotAuthenticated, PermissionDenied
from fastapi_app.drf.fields import CharField
from fastapi_app.drf.negotiation import JSON, negotiate
from fastapi_app.drf.rendering import JsonResponse

# The order of `View.http_method_names`, which is the order of `Allow`.
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")

_bearer = HTTPBearer(bearerFormat="JWT", description="The access token of `auth/token/`.", auto_error=False)

Endpoint = Callable[..., Awaitable[Response]]
Identify = Callable[[Request, AsyncSession], Awaitable[Any]]
# Given the method and the caller (None: anonymous), may the request go on?
Permission = Callable[[str, Any], bool]


def anyone(_method: str, _caller: object) -> bool:
    """Everybody may (`AllowAny`)."""
    return True


def signed_in(_method: str, caller: object) -> bool:
    """Signed-in callers may (`IsAuthenticated`)."""
    return caller is not None


class View:
    """One path. Its methods are added with `get` and `post`; every other method gets DRF's answer.

    `methods` are those of the path in v1, whether they are served here or still there: `Allow` names them all.
    `identify` tells the caller from the request, None where the view reads no token (simplejwt's own views).
    `name`, `description` and `inputs`, the fields of a POST, are what OPTIONS says of the view.
    """

    def __init__(
        self,
        router: APIRouter,
        path: str,
        *,
        name: str,
        methods: tuple[str, ...],
        permission: Permission = anyone,
        identify: Identify | None = None,
        description: str = "",
        inputs: Mapping[str, CharField] | None = None,
    ) -> None:
        self._router = router
        self._path = path
        self._permission = permission
        self._identify = identify
        allowed = {*methods, "OPTIONS", *(("HEAD",) if "GET" in methods else ())}
        self.allow = ", ".join(method for method in _METHODS if method in allowed)
        self._metadata: dict[str, Any] = {
            "name": name,
            "description": description,
            "renders": (JSON,),
            "parses": PARSED,
        }
        if inputs is not None:
            self._metadata["actions"] = {"POST": {name: field.describe(name) for name, field in inputs.items()}}
        self._guards = [Depends(self._guard)]
        if permission is not anyone:
            self._guards.append(Depends(_bearer))
        self._others = self._add_fallback()

    def get(self, *, response: Any) -> Callable[[Endpoint], Endpoint]:  # noqa: ANN401 - a model or a generic of one
        """Adds GET and HEAD; `response` is the model of the answer."""

        def add(endpoint: Endpoint) -> Endpoint:
            self._add("GET", endpoint, response_model=response, responses=self._errors())
            self._add("HEAD", endpoint, include_in_schema=False)
            return endpoint

        return add

    def post(self, *, body: type[BaseModel], response: Any) -> Callable[[Endpoint], Endpoint]:  # noqa: ANN401 - as above
        """Adds POST; `body` and `response` are the models of what is sent and answered, for the documentation."""

        def add(endpoint: Endpoint) -> Endpoint:
            errors = self._errors(400, 401, 415)
            self._add(
                "POST", endpoint, response_model=response, responses=errors, openapi_extra=document_body(body, PARSED)
            )
            return endpoint

        return add

    def _add(self, method: str, endpoint: Endpoint, **documentation: Any) -> None:  # noqa: ANN401 - FastAPI's own
        self._others.discard(method)
        self._router.add_api_route(
            self._path, endpoint, methods=[method], dependencies=self._guards, name=endpoint.__name__, **documentation
        )

    def _add_fallback(self) -> set[str]:
        """Answers every method; returns them, for those that get an endpoint to be taken out."""
        self._router.add_api_route(
            self._path, self._answer_others, methods=list(_METHODS), dependencies=self._guards, include_in_schema=False
        )
        return cast("APIRoute", self._router.routes[-1]).methods or set()

    async def _guard(self, request: Request, session: Session) -> None:
        """DRF's `initial()`: 406, then 401, then 403; the method is looked at after."""
        request.scope["allow"] = self.allow
        negotiate(request)
        caller = None if self._identify is None else await self._identify(request, session)
        if not self._permission(request.method, caller):
            raise NotAuthenticated if caller is None else PermissionDenied
        request.state.caller = caller

    async def _answer_others(self, request: Request) -> Response:
        if request.method != "OPTIONS":
            raise MethodNotAllowed(request.method)
        return JsonResponse(self._metadata)

    def _errors(self, *statuses: int) -> dict[int | str, dict[str, Any]]:
        if self._permission is not anyone:
            statuses = (*statuses, 401)
        if "{" in self._path or "GET" in self.allow:
            statuses = (*statuses, 404)
        return document_errors(*statuses, 406, 429, 503)


async def current_caller(request: Request) -> Any:  # noqa: ANN401 - the view's own kind of caller
    """The caller that the view's guard told; None for an anonymous one."""
    return request.state.caller


Caller = Annotated[Any, Depends(current_caller)]
