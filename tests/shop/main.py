"""The shop's application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from fastapi import FastAPI

from shared_schema.consumer.consumer import Consumer
from strangler_fastapi.db.engine import Database, watched
from strangler_fastapi.drf.documents import DocumentedApi
from strangler_fastapi.drf.handlers import add_handlers
from tests.shop.models import PREFIXES, SHOP
from tests.shop.wares.router import router as wares


def create_shop(url: str, consumer: Consumer) -> FastAPI:
    """The application over the database at `url`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.database = Database(url, service="shop", mapping=SHOP, consumer=consumer, pool_max=2)
        async with watched(app.state.database):
            yield

    app = DocumentedApi(title="Shop", lifespan=lifespan, redirect_slashes=False)
    app.state.prefixes = PREFIXES
    app.state.settings = SimpleNamespace(fastapi_read_only=False)
    app.router.routes.extend(wares.routes)
    add_handlers(app)
    return app
