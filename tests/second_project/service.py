"""The shop's FastAPI side: its products, below no prefix of its own."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from pydantic_settings import BaseSettings
from sqlalchemy import CTE, Select, select
from sqlalchemy.orm import Mapped
from starlette.responses import Response

from shared_schema.consumer.consumer import load_consumer
from shared_schema.mapping import Mapping, Reflected
from strangler_fastapi.application import create_application
from strangler_fastapi.db.engine import Database
from strangler_fastapi.db.query import Shape
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.criteria import Criteria, equals
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.pagination.listing import Listing
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View
from strangler_fastapi.drf.views.view_routes import ViewRoute
from strangler_fastapi.health import health_router

FOLDER = Path(__file__).parent
SHOP = Mapping(contract=FOLDER / "contract.json")
CONSUMER_FILE = FOLDER / "consumer.json"
PREFIXES = ApiPrefixes(service="/", v1="/", v2="/next")


class Settings(BaseSettings):
    shop_reader: str = "postgresql://nobody@127.0.0.1:1/nowhere"


class Product(Reflected):
    __mapping__ = SHOP
    __tablename__ = "products"

    sku: Mapped[str]
    name: Mapped[str]
    price: Mapped[Any]
    stock: Mapped[int]


class ProductRead(BaseModel):
    sku: str
    name: str
    price: str
    stock: int


def _shape() -> Shape:
    return Shape({"sku": Product.sku, "name": Product.name, "price": Product.price, "stock": Product.stock})


def _items(page: CTE) -> Select[Any]:
    return select(*_shape().columns).join_from(Product, page, page.c.id == Product.sku)


PRODUCTS = Listing("products", "Product", lambda: Product.sku, {"sku": lambda: Product.sku}, _shape, _items)


def product_criteria(sku: str) -> Criteria:
    """The product of that number."""
    return (equals("number", lambda: Product.sku, sku),)


router = APIRouter(route_class=ViewRoute)
# POST is still Django's, and in Allow from the first day.
products = View(router, "/products/", name="Product List", methods=("GET", "POST"), permission=AllowAny)
product = View(router, "/products/{sku}/", name="Product", methods=("GET",), permission=AllowAny)


@products.get(response=list[ProductRead])
async def products_list(session: Session) -> Response:
    """What the shop sells."""
    return JsonResponse(await PRODUCTS.fetch(session, (), ("sku",)))


@product.get(response=ProductRead)
async def products_get(request: Request, session: Session) -> Response:
    """One product."""
    return JsonResponse(await PRODUCTS.get(session, product_criteria(request.path_params["sku"])))


def _database() -> Database:
    return Database(
        Settings().shop_reader,
        setting="SHOP_READER",
        mapping=SHOP,
        consumer=load_consumer(CONSUMER_FILE),
        service="shop",
        pool_max=4,
    )


app = create_application(
    (router, health_router(PREFIXES, "")), service="shop", prefixes=PREFIXES, database=_database, title="Shop"
)
