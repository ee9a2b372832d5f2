"""`tags/…`: read by everybody."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from fastapi_app.auth.identity import identify
from fastapi_app.database import Session
from fastapi_app.drf.errors import NotFound
from fastapi_app.drf.pagination import Page, paginate
from fastapi_app.drf.rendering import JsonResponse
from fastapi_app.drf.view import View, signed_in
from fastapi_app.reads import fetch_one
from fastapi_app.tags import queries
from fastapi_app.tags.schemas import TagRead

router = APIRouter(tags=["tags"])


def _may(method: str, caller: object) -> bool:
    """Everybody reads, signed-in callers do more."""
    return method in ("GET", "HEAD") or signed_in(method, caller)


tags = View(
    router,
    "/tags/",
    name="Tag List",
    description="Tags: everybody reads, signed-in callers add, staff rename and delete.",
    methods=("GET", "POST"),
    permission=_may,
    identify=identify,
)
tag = View(
    router,
    "/tags/{pk}/",
    name="Tag Instance",
    description="Tags: everybody reads, signed-in callers add, staff rename and delete.",
    methods=("GET", "PUT", "PATCH", "DELETE"),
    permission=_may,
    identify=identify,
)


@tags.get(response=Page[TagRead])
async def tag_list(request: Request, session: Session) -> Response:
    """All tags, with their post counts."""
    return JsonResponse(await paginate(request, session, queries.tag_shape(), queries.tag_list(request.query_params)))


@tag.get(response=TagRead)
async def tag_get(request: Request, session: Session, pk: str) -> Response:
    """One tag, with its post count."""
    found = await fetch_one(session, queries.tag_shape(), queries.tag_get(request.query_params, pk=pk))
    if found is None:
        raise NotFound("No Tag matches the given query.")
    return JsonResponse(found)
