"""`tags/…`: read by everybody, added by signed-in callers, renamed and deleted by staff."""

from fastapi import Request
from starlette.responses import Response

from fastapi_app.config import PREFIXES
from fastapi_app.tags.serializers import TAG_SERIALIZER, TAGS
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.filters.search import SEARCH
from strangler_fastapi.drf.pagination.pagination import Page
from strangler_fastapi.drf.views.permissions import AllowAny, ByMethod, IsAdminUser, IsAuthenticated
from strangler_fastapi.drf.views.view import View, feature_router

router = feature_router(PREFIXES, "tags")

_DESCRIPTION = "Tags: everybody reads, signed-in callers add, staff rename and delete."


tags = View(
    router,
    "/tags/",
    name="Tag List",
    description=_DESCRIPTION,
    methods=("GET", "POST"),
    permission=ByMethod(IsAuthenticated, GET=AllowAny),
    serializer=TAG_SERIALIZER,
)
tag = View(
    router,
    "/tags/{pk}/",
    name="Tag Instance",
    description=_DESCRIPTION,
    methods=("GET", "PUT", "PATCH", "DELETE"),
    permission=ByMethod(IsAuthenticated, GET=AllowAny, PUT=IsAdminUser, PATCH=IsAdminUser, DELETE=IsAdminUser),
    serializer=TAG_SERIALIZER,
    find=TAGS.find,
)


@tags.get(many=Page, query=TAGS.query)
async def tags_list(request: Request, session: Session) -> Response:
    """All tags, with their post counts."""
    return await TAGS.list(request, session)


@tags.post(status=201)
async def tags_create(request: Request, session: Session) -> Response:
    """Add a tag."""
    return await TAGS.create(request, session)


@tag.get(query=SEARCH)
async def tags_retrieve(request: Request, session: Session) -> Response:
    """One tag, with its post count."""
    return await TAGS.retrieve(request, session)


@tag.put()
@tag.patch()
async def tags_update(request: Request, session: Session) -> Response:
    """Rename a tag, on all of its posts."""
    return await TAGS.update(request, session)


@tag.delete()
async def tags_delete(request: Request, session: Session) -> Response:
    """Remove a tag from all posts and for good."""
    return await TAGS.destroy(request, session)
