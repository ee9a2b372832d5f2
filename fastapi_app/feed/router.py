"""`feed/…`: everybody's published posts, for everybody."""

from fastapi import Request
from starlette.responses import Response

from fastapi_app.config import PREFIXES
from fastapi_app.posts import queries
from fastapi_app.posts.serializers import POST_FORMS
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.pagination.pagination import Page, paginate
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router

router = feature_router(PREFIXES, "feed")

feed = View(
    router,
    "/feed/",
    name="Feed List",
    description="Everybody's published posts, for everybody.",
    methods=("GET",),
    permission=AllowAny,
)
highlights = View(
    router,
    "/feed/highlights/",
    name="Highlights",
    description="The 10 newest posts that are published or by `admin`, unpaged.",
    methods=("GET",),
    permission=AllowAny,
)


@feed.get(response=POST_FORMS, many=Page, query=queries.FEED_QUERY)
async def feed_list(request: Request, session: Session) -> Response:
    """Everybody's published posts."""
    params = request.query_params
    listing, criteria = queries.post_listing(params), queries.post_feed_criteria(params)
    return JsonResponse(await paginate(request, session, listing, criteria, queries.post_terms(params)))


@highlights.get(response=POST_FORMS, many=list, query=queries.VIEW)
async def feed_highlights(request: Request, session: Session) -> Response:
    """The 10 newest posts that are published or by `admin`, unpaged."""
    listing = queries.post_listing(request.query_params)
    criteria = queries.post_highlight_criteria()
    return JsonResponse(await listing.fetch(session, criteria, queries.NEWEST, limit=queries.HIGHLIGHTS))
