"""`feed/…`: everybody's published posts, for everybody."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from fastapi_app.auth.identity import identify
from fastapi_app.database import Session
from fastapi_app.drf.pagination import Page, paginate
from fastapi_app.drf.rendering import JsonResponse
from fastapi_app.drf.view import View
from fastapi_app.posts import queries
from fastapi_app.posts.schemas import PostMinimal, PostRead
from fastapi_app.reads import fetch_all

router = APIRouter(tags=["feed"])

feed = View(
    router,
    "/feed/",
    name="Feed List",
    description="Everybody's published posts, for everybody.",
    methods=("GET",),
    identify=identify,
)
highlights = View(
    router,
    "/feed/highlights/",
    name="Highlights",
    description="The 10 newest posts that are published or by `admin`, unpaged.",
    methods=("GET",),
    identify=identify,
)


@feed.get(response=Page[PostRead] | Page[PostMinimal])
async def feed_list(request: Request, session: Session) -> Response:
    """Everybody's published posts."""
    rows = queries.post_list_published(request.query_params)
    shape = queries.post_shape_for(request.query_params)
    return JsonResponse(await paginate(request, session, shape, rows))


@highlights.get(response=list[PostRead] | list[PostMinimal])
async def feed_highlights(request: Request, session: Session) -> Response:
    """The 10 newest posts that are published or by `admin`, unpaged."""
    rows = queries.post_list_highlights(request.query_params)
    return JsonResponse(await fetch_all(session, queries.post_shape_for(request.query_params), rows))
