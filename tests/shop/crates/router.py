"""`crates/…`: for everybody."""

from fastapi import Request
from starlette.responses import Response

from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.pagination.pagination import Page
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from tests.shop.crates.serializers import CRATE_SERIALIZER, CRATES
from tests.shop.models import PREFIXES

router = feature_router(PREFIXES, "crates")

crates = View(
    router, "/crates/", name="Crate List", methods=("GET", "POST"), permission=AllowAny, serializer=CRATE_SERIALIZER
)
crate = View(
    router,
    "/crates/{serial}/",
    name="Crate Instance",
    methods=("GET", "PUT", "PATCH", "DELETE"),
    permission=AllowAny,
    serializer=CRATE_SERIALIZER,
    find=CRATES.find,
)


@crates.get(many=Page, query=CRATES.query)
async def crates_list(request: Request, session: Session) -> Response:
    """All crates."""
    return await CRATES.list(request, session)


@crates.post(status=201)
async def crates_create(request: Request, session: Session) -> Response:
    """Add a crate."""
    return await CRATES.create(request, session)


@crate.get(query=CRATES.query)
async def crates_retrieve(request: Request, session: Session) -> Response:
    """One crate."""
    return await CRATES.retrieve(request, session)


@crate.put()
@crate.patch()
async def crates_update(request: Request, session: Session) -> Response:
    """Change a crate."""
    return await CRATES.update(request, session)


@crate.delete()
async def crates_delete(request: Request, session: Session) -> Response:
    """Remove a crate."""
    return await CRATES.destroy(request, session)
