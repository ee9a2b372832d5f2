"""`wares/…`: for everybody."""

from fastapi import Request
from starlette.responses import Response

from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.pagination.pagination import Page
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from tests.shop.models import PREFIXES
from tests.shop.wares.serializers import WARE_SERIALIZER, WARES

router = feature_router(PREFIXES, "wares")

wares = View(
    router, "/wares/", name="Ware List", methods=("GET", "POST"), permission=AllowAny, serializer=WARE_SERIALIZER
)
ware = View(
    router,
    "/wares/{pk}/",
    name="Ware Instance",
    methods=("GET", "PUT", "PATCH", "DELETE"),
    permission=AllowAny,
    serializer=WARE_SERIALIZER,
    find=WARES.find,
)


@wares.get(many=Page, query=WARES.query)
async def wares_list(request: Request, session: Session) -> Response:
    """All wares."""
    return await WARES.list(request, session)


@wares.post(status=201)
async def wares_create(request: Request, session: Session) -> Response:
    """Add a ware."""
    return await WARES.create(request, session)


@ware.get(query=WARES.query)
async def wares_retrieve(request: Request, session: Session) -> Response:
    """One ware."""
    return await WARES.retrieve(request, session)


@ware.put()
@ware.patch()
async def wares_update(request: Request, session: Session) -> Response:
    """Change a ware."""
    return await WARES.update(request, session)


@ware.delete()
async def wares_delete(request: Request, session: Session) -> Response:
    """Remove a ware."""
    return await WARES.destroy(request, session)
