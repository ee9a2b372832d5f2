"""The shop's application."""

from fastapi import FastAPI

from shared_schema.consumer.consumer import Consumer
from strangler_fastapi.application import create_application
from strangler_fastapi.db.engine import Database
from strangler_fastapi.health import health_router
from tests.shop.crates.router import router as crates
from tests.shop.models import PREFIXES, SHOP
from tests.shop.wares.router import router as wares


def create_shop(url: str, consumer: Consumer, *, read_only: bool = False) -> FastAPI:
    """The application over the database at `url`."""

    def database() -> Database:
        return Database(url, setting="SHOP_DATABASE", service="shop", mapping=SHOP, consumer=consumer, pool_max=2)

    return create_application(
        (wares, crates, health_router(PREFIXES)),
        service="shop",
        prefixes=PREFIXES,
        database=database,
        read_only=read_only,
        title="Shop",
    )
