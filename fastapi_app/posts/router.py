"""`posts/…`: the caller's own posts; those of others are not found."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from fastapi_app.auth.identity import identify
from fastapi_app.database import Session
from fastapi_app.drf.errors import NotFound
from fastapi_app.drf.fields import IntegerParameter, integer_parameter
from fastapi_app.drf.pagination import Page, paginate
from fastapi_app.drf.rendering import JsonResponse
from fastapi_app.drf.view import Caller, View, signed_in
from fastapi_app.posts import queries
from fastapi_app.posts.schemas import PostMinimal, PostRead
from fastapi_app.reads import fetch_all, fetch_one

router = APIRouter(tags=["posts"])

_LIMIT = IntegerParameter(default=10, least=1, most=50)

posts = View(
    router,
    "/posts/",
    name="Post List",
    description="The caller's own posts; those of others are not found.",
    methods=("GET", "POST"),
    permission=signed_in,
    identify=identify,
)
recent = View(
    router,
    "/posts/recent/",
    name="Recent",
    description="The caller's newest posts, unpaged; filters, search and ordering don't apply.",
    methods=("GET",),
    permission=signed_in,
    identify=identify,
)
post = View(
    router,
    "/posts/{pk}/",
    name="Post Instance",
    description="The caller's own posts; those of others are not found.",
    methods=("GET", "PUT", "PATCH", "DELETE"),
    permission=signed_in,
    identify=identify,
)


@posts.get(response=Page[PostRead] | Page[PostMinimal])
async def post_list(request: Request, session: Session, caller: Caller) -> Response:
    """The caller's posts, drafts included."""
    rows = queries.post_list_own(request.query_params, user_id=caller.id)
    shape = queries.post_shape_for(request.query_params)
    return JsonResponse(await paginate(request, session, shape, rows))


@recent.get(response=list[PostRead] | list[PostMinimal])
async def post_list_recent(request: Request, session: Session, caller: Caller) -> Response:
    """The caller's newest posts, unpaged: `limit` of them, 10 where it is left out, 50 at the most."""
    limit = integer_parameter(request.query_params, "limit", _LIMIT)
    rows = queries.post_list_recent(request.query_params, user_id=caller.id, limit=limit)
    return JsonResponse(await fetch_all(session, queries.post_shape_for(request.query_params), rows))


@post.get(response=PostRead | PostMinimal)
async def post_get(request: Request, session: Session, caller: Caller, pk: str) -> Response:
    """One of the caller's posts."""
    rows = queries.post_get_own(request.query_params, user_id=caller.id, pk=pk)
    found = await fetch_one(session, queries.post_shape_for(request.query_params), rows)
    if found is None:
        raise NotFound("No Post matches the given query.")
    return JsonResponse(found)
